package event

// data is the services that hold data and messages.
func data() []Service {
	rawKey := key.as("key of the object")
	return []Service{
		{"appsync", "AWS AppSync", []Event{{Name: "resolver", About: "a GraphQL field is to be resolved"}}},
		{"documentdb", "Amazon DocumentDB", []Event{
			{Name: "change-event", About: "a document was changed", Options: []Option{
				region, partition, accountID,
				{"cluster", "example-cluster", "name of the cluster"},
				{"database", "test_database", "name of the database"},
				{"collection", "test_collection", "name of the collection"},
				{"operation", "insert", "insert, update, replace or delete"},
				{"document", `{"anyField": "sampleValue"}`, "fields of the document, as a JSON object"},
			}},
		}},
		{"dynamodb", "Amazon DynamoDB", []Event{
			{Name: "update", About: "items of a table were added, changed and removed", Options: []Option{accountID, partition, region, {"table", "ExampleTableWithStream", "name of the table"}}},
		}},
		{"eventbridge", "Amazon EventBridge", []Event{
			{Name: "event", About: "an event bus has an event", Options: []Option{
				accountID, region,
				{"source", "com.example.orders", "who has sent it"},
				{"detail-type", "Order Placed", "what has happened"},
				{"detail", `{"orderId": "1234"}`, "what there is to know, as a JSON object"},
				{"resources", "[]", "ARNs that it concerns, as a JSON list"},
			}},
			{Name: "s3-object-created", About: "an object was put into a bucket", Options: []Option{accountID, partition, region, bucket, rawKey}},
			{Name: "s3-object-deleted", About: "an object was deleted", Options: []Option{accountID, partition, region, bucket, rawKey}},
		}},
		iot(), kafka(), invoked(),
		{"rekognition", "Amazon Rekognition", []Event{
			{Name: "s3-request", About: "an image was put into a bucket", Options: []Option{region, partition, bucket, key}},
		}},
		{"s3", "Amazon S3", []Event{
			{Name: "put", About: "an object was put into a bucket", Options: []Option{region, partition, bucket, key}},
			{Name: "delete", About: "an object was deleted", Options: []Option{region, partition, bucket, key}},
			{Name: "batch-invocation", About: "a batch operation comes to an object", Options: []Option{{"bucket-arn", "arn:aws:s3:::examplebucket", "ARN of the bucket"}, key}},
		}},
		{"ses", "Amazon SES", []Event{
			{Name: "email-receiving", About: "an email has come", Options: []Option{region, partition, accountID, dnsSuffix}},
		}},
		{"sns", "Amazon SNS", []Event{
			{Name: "notification", About: "a topic has a message", Options: []Option{
				accountID, partition, region, {"topic", "ExampleTopic", "name of the topic"}, {"subject", "example subject", "subject of the message"}, {"message", "example message", "the message"},
			}},
		}},
		{"sqs", "Amazon SQS", []Event{
			{Name: "receive-message", About: "a queue has a message", Options: []Option{
				partition, region, accountID, {"queue-name", "MyQueue", "name of the queue"}, {"body", "Hello from SQS!", "the message, of which the event has the MD5 sum too"},
			}},
		}},
		{"workmail", "Amazon WorkMail", []Event{
			{Name: "email", About: "an organisation's mail passes", Options: []Option{
				{"flow-direction", "INBOUND", "INBOUND or OUTBOUND"}, {"mail-from", "from@example.com", "address on the envelope"}, {"sender", "sender@example.com", "address of the sender"},
			}},
		}},
	}
}

func iot() Service {
	return Service{"iot", "AWS IoT", []Event{
		{Name: "rule", About: "a rule passes on a device's message with its topic, client and time", Options: []Option{
			{"payload", `{"temperature": 21.5, "humidity": 40}`, "the message, a JSON object"}, {"topic", "sensors/room-1", "topic of the message"}, {"client-id", "device-1", "id of the device"},
		}},
		{Name: "button", About: "an IoT button was pressed", Options: []Option{
			{"serial-number", "G030EXAMPLE00001", "serial number of the button"}, {"click-type", "SINGLE", "SINGLE, DOUBLE or LONG"},
		}},
		{Name: "pre-provisioning-hook", About: "a device asks to be provisioned", Options: []Option{
			accountID, partition, region,
			{"template", "example-template", "name of the provisioning template"},
			{"client-id", "device-1", "id of the device"},
			{"parameters", `{"SerialNumber": "ABCDE"}`, "what the device has sent, as a JSON object"},
		}},
	}}
}

func kafka() Service {
	record := []Option{
		{"topic", "mytopic", "name of the topic"},
		{"key", "example-key", "key of the record, as it is; the event shows it in base64"},
		{"value", "Hello, this is a test.", "value of the record, as it is; the event shows it in base64"},
	}
	return Service{"kafka", "Amazon MSK and other Kafka clusters", []Event{
		{Name: "msk", About: "a topic of Amazon MSK has records", Options: append([]Option{region, partition, accountID, {"cluster", "example-cluster", "name of the cluster"}}, record...)},
		{Name: "self-managed", About: "a topic of a Kafka cluster has records", Options: append([]Option{{"bootstrap-servers", "broker-1.example.com:9092,broker-2.example.com:9092", "addresses of the brokers"}}, record...)},
	}}
}

func invoked() Service {
	function := []Option{region, partition, accountID, {"function", "my-function", "name of the function that was invoked"}, {"request-payload", `{"orderId": "1234"}`, "event that it was invoked with, as JSON"}}
	return Service{"lambda", "AWS Lambda: function URLs and destinations", []Event{
		{Name: "function-url", About: "a function URL has a request", Options: []Option{
			region, accountID, {"url-id", "exampleurlid0123456789abcdefghij", "first part of the URL's host name"}, method.or("GET"), path, parameters, body.as("body of the request"),
		}},
		{Name: "destination-success", About: "a function was invoked asynchronously and has answered", Options: append(function[:5:5], Option{"response-payload", `{"statusCode": 200}`, "its answer, as JSON"})},
		{Name: "destination-failure", About: "a function was invoked asynchronously and has failed for good", Options: append(function[:5:5],
			Option{"error-message", "something went wrong", "message of the error"}, Option{"error-type", "Error", "type of the error"})},
	}}
}
