package event

// Options that events of several services have.
var (
	accountID  = Option{"account-id", "123456789012", "AWS account"}
	partition  = Option{"partition", "aws", "AWS partition, the second part of ARNs"}
	region     = Option{"region", "us-east-1", "AWS region"}
	bucket     = Option{"bucket", "example-bucket", "name of the bucket"}
	key        = Option{"key", "test/key", "key of the object, as it is; the event shows it percent-encoded"}
	body       = Option{"body", `{"test":"body"}`, "body of the request, as it is; the event shows it in base64"}
	method     = Option{"method", "POST", "HTTP method"}
	path       = Option{"path", "path/to/resource", "path of the request"}
	stage      = Option{"stage", "prod", "stage of the API"}
	resource   = Option{"resource", "/{proxy+}", "resource path, as the API defines it"}
	restAPI    = Option{"restApiId", "example", "id of the REST API"}
	parameters = Option{"querystringparameters", `{"foo": "bar"}`, "query parameters, as a JSON object"}
	dnsSuffix  = Option{"dns-suffix", "us-east-1.amazonaws.com", "end of host names"}
	uri        = Option{"uri", "/test", "path of the request"}
	edge       = Option{"method", "GET", "HTTP method"}
	labeling   = Option{"labeling-job-name", "example-job", "name of the labeling job"}
	sequence   = Option{"sequence", "49545115243490985018280067714973144582180062593244200961", "sequence number of the record"}
	shardKey   = Option{"partition-key", "partitionKey-03", "partition key of the record"}
	stream     = Option{"stream", "example-stream", "name of the data stream"}
	appName    = Option{"application", "example-application", "name of the analytics application"}
	greeting   = Option{"data", "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0IDEyMy4=", "data of the record, in base64"}
)

// or is the option with another default.
func (o Option) or(value string) Option {
	o.Default = value
	return o
}

// as is the option described in other words.
func (o Option) as(about string) Option {
	o.About = about
	return o
}

// table is all services and events. Names, options and defaults of those that
// `sam local generate-event` has are its own; scripts use them.
func table() []Service {
	return append(data(), loadBalancer(), alexa(), smartHome(), apiGateway(), cognito(), edgeEvents(), kinesis(),
		Service{"batch", "AWS Batch", []Event{
			{Name: "get-job", About: "a job of AWS Batch is to be looked at"},
			{Name: "submit-job", About: "a job is to be handed to AWS Batch"},
		}},
		Service{"cloudformation", "AWS CloudFormation", []Event{
			{Name: "create-request", About: "a stack creates a custom resource", Options: []Option{accountID, partition, region, {"stack", "MyStack", "name of the stack"}}},
		}},
		Service{"cloudwatch", "Amazon CloudWatch: logs and schedules", []Event{
			{Name: "logs", About: "a log group has new lines, which a subscription filter passes on", Options: []Option{
				accountID, {"log-group", "/aws/lambda/example", "log group"}, {"log-stream", "example-stream", "log stream"}, {"message", "Hello from CloudWatch Logs!", "the line"},
			}},
			{Name: "scheduled-event", About: "a rule's time has come", Options: []Option{accountID, partition, region, {"rule", "ExampleRule", "name of the rule"}}},
		}},
		Service{"codecommit", "AWS CodeCommit", []Event{
			{Name: "repository", About: "something was pushed to a repository", Options: []Option{
				accountID, partition, region,
				{"repository", "my-repo", "name of the repository"},
				{"trigger", "my-trigger", "name of the trigger"},
				{"custom-data", "this is custom data", "custom data of the trigger"},
			}},
		}},
		Service{"codedeploy", "AWS CodeDeploy", []Event{
			{Name: "hook", About: "a deployment has come to a hook of its lifecycle", Options: []Option{
				{"deployment-id", "d-EXAMPLE01", "id of the deployment"}, {"execution-id", "eyJleGFtcGxlIjoiaG9vayJ9", "id with which the hook reports its result"},
			}},
		}},
		Service{"codepipeline", "AWS CodePipeline", []Event{
			{Name: "job", About: "a pipeline's Lambda action runs", Options: []Option{
				accountID,
				{"input-bucket", "example-bucket", "bucket of the input artifact"},
				{"input-key", "test/key", "key of the input artifact"},
				{"output-bucket", "example-bucket2", "bucket of the output artifact"},
				{"output-key", "test/key2", "key of the output artifact"},
			}},
		}},
		Service{"config", "AWS Config", []Event{
			{Name: "item-change-notification", About: "a resource that AWS Config watches has changed", Options: []Option{region, partition, accountID}},
			{Name: "oversized-item-change-notification", About: "a resource has changed, too much to be told in the event", Options: []Option{region, partition, accountID}},
			{Name: "periodic-rule", About: "a rule of AWS Config is to be evaluated again", Options: []Option{region, partition, accountID}},
		}},
		Service{"connect", "Amazon Connect", []Event{
			{Name: "contact-flow-event", About: "a contact flow of Amazon Connect calls a function", Options: []Option{
				region, partition, accountID, {"contact-id", "5ca32fbd-8f92-46af-92a5-6b0f970f0efe", "id of the contact"}, {"phone-number", "+11234567890", "number of the caller"},
			}},
		}},
		Service{"lex", "Amazon Lex V1", []Event{
			{Name: "book-car", About: "a Lex bot (V1) has been told which car to book"},
			{Name: "book-hotel", About: "a Lex bot (V1) has been told which hotel to book"},
			{Name: "make-appointment", About: "a Lex bot (V1) has been told which appointment to make"},
			{Name: "order-flowers", About: "a Lex bot (V1) has been told which flowers to order"},
		}},
		Service{"lex-v2", "Amazon Lex V2", []Event{
			{Name: "banking-bot", About: "a Lex V2 bot has been asked for a balance"},
			{Name: "book-car", About: "a Lex V2 bot has been asked for a car"},
			{Name: "book-hotel", About: "a Lex V2 bot has been asked for a hotel"},
		}},
		Service{"sagemaker", "Amazon SageMaker", []Event{
			{Name: "ground-truth-annotation-consolidation", About: "the annotations of a labeling job are to be consolidated", Options: []Option{
				region, partition, accountID, labeling,
				{"label-attribute-name", "example-attribute", "name of the label's attribute"},
				{"s3-output-path", "s3://sagemakerexample/output", "where the job puts its results"},
				{"execution-role", "sagemaker-role", "name of the role"},
				{"iteration-object-timestamp", "iteration-1/0/2019-09-06_18:35:03", "iteration, number and time of the annotations"},
			}},
			{Name: "ground-truth-pre-human", About: "an object is to be prepared for those who label it", Options: []Option{
				region, partition, accountID, {"source-ref", "s3://sagemakerexample/object_to_annotate.jpg", "the object"}, labeling,
			}},
		}},
		Service{"stepfunctions", "AWS Step Functions", []Event{
			{Name: "error", About: "a state machine hands an error on", Options: []Option{
				{"error", "ErrorName", "name of the error"}, {"cause", "This is the cause of the error.", "what has caused it"},
			}},
		}},
	)
}

func loadBalancer() Service {
	return Service{"alb", "Application Load Balancer", []Event{
		{Name: "request", About: "an Application Load Balancer has a request", Options: []Option{
			body, method, path, accountID, dnsSuffix.or("us-east-2.elb.amazonaws.com"), parameters,
		}},
	}}
}

func alexa() Service {
	options := []Option{
		{"session-id", "123456789012", "id of the session"},
		{"user-id", "testUser", "id of the user"},
		{"application-id", "987654321", "id of the skill"},
		{"request-id", "1234", "id of the request"},
	}
	return Service{"alexa-skills-kit", "Alexa Skills Kit", []Event{
		{Name: "start-session", About: "somebody opens a skill", Options: options},
		{Name: "end-session", About: "somebody leaves a skill", Options: options},
		{Name: "intent-answer", About: "somebody answers a quiz", Options: options},
		{Name: "intent-getnewfact", About: "somebody asks for a fact", Options: options},
		{Name: "intent-mycoloris", About: "somebody names a colour", Options: options},
		{Name: "intent-recipe", About: "somebody asks for a recipe", Options: options},
	}}
}

func smartHome() Service {
	return Service{"alexa-smart-home", "Alexa Smart Home", []Event{
		{Name: "smart-home-control-turn-off-request", About: "a device is to be turned off"},
		{Name: "smart-home-control-turn-on-request", About: "a device is to be turned on"},
		{Name: "smart-home-discovery-request", About: "Alexa asks which devices there are"},
	}}
}

func apiGateway() Service {
	apiID := Option{"api-id", "1234567890", "id of the API"}
	connection := Option{"connection-id", "UKexampleIAMCJQA=", "id of the connection"}
	return Service{"apigateway", "Amazon API Gateway: REST, HTTP and WebSocket APIs", []Event{
		{Name: "authorizer", About: "a REST API asks whether a token is good", Options: []Option{accountID, partition, region, stage, method, resource.or("{proxy+}"), restAPI}},
		{Name: "request-authorizer", About: "a REST API asks whether a request may pass", Options: []Option{
			accountID, partition, region, stage.or("test"), method.or("GET"), resource.or("request"), restAPI.or("abcdef123"),
		}},
		{Name: "aws-proxy", About: "a REST API has a request", Options: []Option{body, stage, method, resource, path, parameters, accountID, dnsSuffix}},
		{Name: "http-api-proxy", About: "an HTTP API has a request", Options: []Option{body, stage.or("$default"), method, path, accountID, dnsSuffix, parameters}},
		{Name: "websocket-connect", About: "a client opens a WebSocket", Options: []Option{region, stage, apiID, connection, parameters}},
		{Name: "websocket-message", About: "a client sends a message over a WebSocket", Options: []Option{
			region, stage, apiID, connection, {"route-key", "$default", "route that the message takes"}, {"body", `{"action":"sendmessage","data":"Hello!"}`, "the message"},
		}},
		{Name: "websocket-disconnect", About: "a WebSocket was closed", Options: []Option{region, stage, apiID, connection}},
	}}
}

func cognito() Service {
	user := func(name, source, about string, more ...Option) Event {
		return Event{Name: name, About: about, Options: append([]Option{
			region,
			{"user-pool-id", "us-east-1_EXAMPLE", "id of the user pool"},
			{"user-name", "ada", "name of the user"},
			{"client-id", "exampleclientid", "id of the app client"},
			{"trigger-source", source, "what has set off the trigger"},
		}, more...)}
	}
	email := Option{"email", "ada@example.com", "address of the user"}
	return Service{"cognito", "Amazon Cognito: user pools and Sync", []Event{
		{Name: "sync-trigger", About: "a data set of Cognito Sync has changed", Options: []Option{region}},
		user("pre-sign-up", "PreSignUp_SignUp", "a user pool asks whether somebody may sign up", email),
		user("post-confirmation", "PostConfirmation_ConfirmSignUp", "a user has confirmed the account", email),
		user("pre-authentication", "PreAuthentication_Authentication", "a user pool asks whether a user may sign in", email),
		user("post-authentication", "PostAuthentication_Authentication", "a user has signed in", email),
		user("pre-token-generation", "TokenGeneration_Authentication", "a user pool makes an ID token", email),
		user("pre-token-generation-v2", "TokenGeneration_Authentication", "a user pool makes an ID token and an access token", email),
		user("custom-message", "CustomMessage_SignUp", "a user pool sends a message to a user", email),
		user("define-auth-challenge", "DefineAuthChallenge_Authentication", "a user pool asks which challenge comes next", email),
		user("create-auth-challenge", "CreateAuthChallenge_Authentication", "a user pool asks for a challenge", email),
		user("verify-auth-challenge", "VerifyAuthChallengeResponse_Authentication", "a user pool asks whether an answer is right", email,
			Option{"answer", "42", "the right answer"}, Option{"challenge-answer", "42", "what the user has answered"}),
		user("user-migration", "UserMigration_Authentication", "a user pool asks for a user that it does not know",
			Option{"password", "example-password", "what the user has typed"}),
	}}
}

func edgeEvents() Service {
	options := []Option{uri, edge}
	return Service{"cloudfront", "Amazon CloudFront, Lambda@Edge", []Event{
		{Name: "ab-test", About: "Lambda@Edge chooses between two versions of a page", Options: options},
		{Name: "access-request-in-response", About: "Lambda@Edge looks at the request while it answers", Options: options},
		{Name: "http-redirect", About: "Lambda@Edge redirects a request", Options: options},
		{Name: "modify-querystring", About: "Lambda@Edge changes a query string", Options: options},
		{Name: "modify-response-header", About: "Lambda@Edge changes headers of an answer"},
		{Name: "multiple-remote-calls-aggregate-response", About: "Lambda@Edge makes one answer of several calls", Options: []Option{
			uri.or("/forecast/Seattle:NewYork:Chicago:SanFrancisco"), edge,
		}},
		{Name: "normalize-querystring-to-improve-cache-hit", About: "Lambda@Edge puts a query string in order", Options: options},
		{Name: "redirect-on-viewer-country", About: "Lambda@Edge redirects by the viewer's country", Options: options},
		{Name: "redirect-unauthenticated-users", About: "Lambda@Edge sends users to sign in", Options: options},
		{Name: "response-generation", About: "Lambda@Edge answers by itself", Options: options},
		{Name: "serve-object-on-viewer-device", About: "Lambda@Edge chooses an object by the viewer's device", Options: options},
		{Name: "simple-remote-call", About: "Lambda@Edge makes a call to elsewhere", Options: options},
	}}
}

func kinesis() Service {
	data := greeting.as("data of the record, as it is; the event shows it in base64")
	analytics := []Option{partition, region, accountID, appName, stream}
	return Service{"kinesis", "Amazon Kinesis: data streams, Firehose, analytics", []Event{
		{Name: "get-records", About: "a data stream has records", Options: []Option{region, partition, sequence, data.or("Hello, this is a test 123."), shardKey}},
		{Name: "kinesis-firehose", About: "Firehose has records to transform", Options: []Option{partition, region, greeting}},
		{Name: "streams-as-source", About: "Firehose has records of a data stream to transform", Options: []Option{partition, region, shardKey, greeting, sequence}},
		{Name: "apachelog", About: "Firehose has a line of Apache's log to transform", Options: []Option{
			region, greeting.or("MjAzLjAuMTEzLjEwIC0gLSBbMDYvTWFyLzIwMjQ6MTc6MjA6MzIgKzAwMDBdICJHRVQgL2luZGV4Lmh0bWwgSFRUUC8xLjEiIDIwMCA2Mjkx"),
		}},
		{Name: "syslog", About: "Firehose has a line of the system's log to transform", Options: []Option{region, greeting}},
		{Name: "cloudwatch-logs-processor", About: "Firehose has lines of CloudWatch Logs to transform", Options: []Option{region, partition, accountID}},
		{Name: "analytics", About: "an analytics application has records to prepare", Options: append(analytics[:5:5], data.or("This is a test from Kinesis Analytics"))},
		{Name: "analytics-compressed", About: "an analytics application has compressed records", Options: append(analytics[:5:5],
			greeting.or("H4sIAAAAAAAC/6tWykvMTVWyUnJMSVTSUSpJrSgBcjxSc3LydRRKMjKLFYAoUaEktbhEwdDIWE+pFgB9+YuwMgAAAA=="))},
		{Name: "analytics-dynamodb", About: "an analytics application has items of a table", template: "analytics", Options: append(analytics[:5:5],
			data.or(`{"ROWTIME_TIMESTAMP":"2017-12-15 01:09:50.000","VEHICLEID":"5","VEHICLECOUNT":18}`))},
		{Name: "analytics-kpl", About: "an analytics application has records aggregated by the producer library", Options: analytics},
	}}
}
