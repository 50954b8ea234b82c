package conformance

import (
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// javaRow is a row of Java's own and its handler.
type javaRow struct {
	handler string
	row
}

// javaRows are Java's own rows, of one event each where a second would tell nothing.
func javaRows() []javaRow {
	rows := javaForms()
	rows = append(rows, javaTypes()...)
	rows = append(rows, javaFailures()...)
	rows = append(rows, javaLogs()...)
	rows = append(rows, javaMachine()...)
	rows = append(rows, javaEvents()...)
	for i := range rows {
		if len(rows[i].events) == 0 {
			rows[i].events = []string{"{}"}
		}
	}
	return rows
}

func returns(payload string) want { return want{payload: payload} }

func failing(message string) want { return want{message: message} }

// twice are two events, for what the second may see of the first.
func twice() []string { return []string{"{}", "{}"} }

func javaForms() []javaRow {
	const order = `{"item":"pear","count":2,"unknown":1}`
	return []javaRow{
		{"rows.Forms$OfOrders", row{name: "handler_of_objects", events: []string{order, "null"}, want: returns(`{"total":6,"lines":["6 in all"],"paid":false}`), then: []want{{payload: `{"total":6,"lines":["6 in all"],"paid":false}`}, {payload: `null`}}}},
		{"rows.Forms$OfOrders::handleRequest", row{name: "handler_of_objects_named", events: []string{order}, want: returns(`{"total":6,"lines":["6 in all"],"paid":false}`)}},
		{"rows.Forms$Derived", row{name: "handler_of_a_generic_class", events: []string{order}, want: returns(`"pear"`)}},
		{"rows.Forms$Raw", row{name: "handler_without_types", want: failing("does not implement RequestHandler with concrete type parameters")}},
		{"rows.Forms$OfBytes", row{name: "handler_of_bytes", events: []string{`{"é": 1.10}`}, want: want{raw: true, payload: `<{"é": 1.10}>`}}},
		{"rows.Forms$Inheriting::answer", row{name: "method_of_an_interface", events: []string{`"e"`}, want: returns(`"default e"`)}},
		{"rows.Forms::staticMethod", row{name: "static_method", events: []string{`"e"`}, want: returns(`"static e"`)}},
		{"rows.Forms::withoutArguments", row{name: "without_arguments", want: returns(`"nothing asked"`)}},
		{"rows.Forms::contextOnly", row{name: "context_only", want: returns(`"fn"`)}},
		{"rows.Forms::overloaded", row{name: "overload_with_context_wins", events: []string{`"e"`}, want: returns(`"with"`)}},
		{"rows.Forms::longest", row{name: "overload_with_more_wins", want: returns(`"three"`)}},
		{"rows.Forms::bytesIn", row{name: "bytes_in", events: []string{`[1, 2]`}, want: returns(`null`), says: []string{"got [1, 2]\n"}}},
		{"rows.Forms::bytesOut", row{name: "bytes_out", want: returns(`"out"`)}},
		{"rows.Forms::bytesAndResult", row{name: "bytes_and_a_result", want: returns(`"written"`), says: []string{"Will ignore return type class java.lang.String"}}},
		{"rows.Forms::twoEvents", row{name: "two_events", want: failing("No public method named twoEvents"), says: []string{"Ignoring two-argument overload"}}},
		{"rows.Forms::hidden", row{name: "private_method", want: failing("No public method named hidden")}},
		{"rows.Forms::nowhere", row{name: "no_such_method", events: twice(), want: failing("No public method named nowhere")}},
		{"rows.Nowhere::handle", row{name: "no_such_class", events: twice(), want: failing("Class not found: rows.Nowhere")}},
		{"rows.Forms", row{name: "no_interface", want: failing("Class does not implement an appropriate handler interface: rows.Forms")}},
		{"rows.Forms::a::b", row{name: "malformed_handler", want: failing("Class not found: rows.Forms::a")}},
		{"rows.Forms::", row{name: "handler_without_a_method", want: failing("Invalid handler: `rows.Forms::'")}},
		{"rows/Forms::staticMethod", row{name: "handler_with_slashes", want: failing("rows/Forms")}},
		{"Unnamed::handle", row{name: "class_in_no_package", want: returns(`"unnamed"`)}},
		{"rows.Forms$Inner::handle", row{name: "inner_class", want: failing("Class rows.Forms$Inner cannot be instantiated because it is a non-static inner class")}},
		{"rows.Forms$Needy::handle", row{name: "constructor_with_arguments", want: failing("Class rows.Forms$Needy has no public zero-argument constructor")}},
		{"rows.Forms$Abstract::handle", row{name: "abstract_class", want: failing("java.lang.InstantiationException")}},
		{"rows.Forms::generic", row{name: "generic_types", events: []string{`[{"order":{"count":7}}]`}, want: returns(`{"receipts":[{"total":7,"note":"typed","lines":["7 in all"],"paid":false}]}`)}},
		{"rows.Forms::varargs", row{name: "variable_arguments", events: []string{`[1,2,3]`}, want: returns(`[3]`)}},
	}
}

// each is a row of several events, each with its answer behind it: a payload,
// or, after an exclamation mark, a part of an error's message. An empty one is
// not compared with the table, only with AWS's client.
func each(name, handler string, pairs ...string) javaRow {
	r := javaRow{handler, row{name: name}}
	for i := 0; i < len(pairs); i += 2 {
		answer := returns(pairs[i+1])
		if message, fails := strings.CutPrefix(pairs[i+1], "!"); fails {
			answer = failing(message)
		}
		r.events, r.then = append(r.events, pairs[i]), append(r.then, answer)
	}
	return r
}

func javaTypes() []javaRow {
	const noParse, noResult = "!An error occurred during JSON parsing", "!An error occurred during JSON serialization of response"
	return []javaRow{
		each("echo_without_null", "rows.Shared::echo", `{"a":[1,2.5,{"b":null}],"c":"d"}`, `{"a":[1,2.5,{}],"c":"d"}`),
		each("takes_text", "rows.Types::takesText", `"x"`, `"<x>"`, `12`, `"<12>"`, `null`, `"<null>"`, `{"a":1}`, noParse),
		each("takes_int", "rows.Types::takesInt", `41`, `42`, `"41"`, `42`, `41.9`, `42`, `2147483648`, noParse, `null`, `1`, `""`, ``),
		each("takes_long", "rows.Types::takesLong", `null`, `null`, `9223372036854775807`, `9223372036854775807`, `true`, noParse),
		each("takes_boolean", "rows.Types::takesBoolean", `true`, `false`, `"false"`, `true`, `0`, ``),
		each("takes_bytes", "rows.Types::takesBytes", `"AQID"`, `"3 bytes"`, `[1,2]`, ``),
		each("takes_enum", "rows.Types::takesEnum", `"RED"`, `"red"`, `"BLUE"`, `!is null`, `1`, ``),
		each("takes_array", "rows.Types::takesArray", `[1,2]`, `3`, `3`, `!Index 1 out of bounds for length 1`),
		each("takes_fields", "rows.Types::takesFields", `{"text":"T","none":null,"colour":"RED","more":[]}`, `"TnullRED"`, `[1]`, noParse, `{"Text":"T"}`, ``),
		each("takes_record", "rows.Types::takesRecord", `{"x":1,"y":2}`, noParse),
		each("takes_anything", "rows.Types::takesClasses", `{}`, `"java.util.LinkedHashMap"`, `[]`, `"java.util.ArrayList"`, `1`, `"java.lang.Integer"`, `null`, `"null"`),
		each("takes_numbers", "rows.Types::takesNumbers", `{"a":1,"b":2147483648,"c":1e400,"d":123456789012345678901,"e":1.0}`, `"a Integer b Long c Double d BigInteger e Double "`),
		each("takes_instant", "rows.Types::takesInstant", `"2024-02-29T12:00:00Z"`, ``, `0`, ``),
		each("returns_anything", "rows.Types::returns",
			`"fields"`, `{"text":"t","colour":"GREEN"}`,
			`"numbers"`, `[1.10,123456789012345678901234567890,1.5,1e300,9223372036854775807,"c",2]`,
			`"nan"`, `"NaN"`, `"bytes"`, `"AQID"`, `"date"`, ``, `"instant"`, ``, `"day"`, ``, `"duration"`, ``, `"optional"`, ``,
			`"enums"`, `{"RED":["RED","GREEN"]}`, `"uuid"`, `"00000000-0000-0001-0000-000000000002"`,
			`"number as key"`, `{"7":"x"}`, `"null as key"`, noResult, `"record"`, ``, `"stream"`, ``, `"builder"`, ``, `"class"`, ``,
			`"error"`, ``, `"empty bean"`, ``, `"failing bean"`, noResult, `"cycle"`, noResult),
		// So much that it is refused while it is still being sent.
		{"rows.Types::returnsFarTooMuch", row{name: "returns_far_too_much", events: twice(), fresh: true, want: want{message: "Response payload size exceeded maximum allowed payload size (6291556 bytes).", platform: "Function.ResponseSizeTooLarge"}}},
		each("returns_future", "rows.Types::returnsFuture", `{}`, ``),
		each("returns_iterable", "rows.Types::returnsIterable", `{}`, `["a","b"]`),
		each("returns_optional", "rows.Types::returnsOptional", `{}`, ``),
		each("returns_void", "rows.Types::returnsVoid", `{}`, `null`),
	}
}

func javaFailures() []javaRow {
	exits := func(name, method, status string, says ...string) javaRow {
		return javaRow{"rows.Ends::" + method, row{name: name, fresh: true, want: want{message: status, platform: lambda.Exited}, says: says}}
	}
	ways := each("fails_in_many_ways", "rows.Fails::fails",
		`"without message"`, `!java.lang.IllegalStateException`, `"checked"`, `!checked`, `"error"`, `!an error`, `"suppressed"`, `!main`, `"causes"`, `!level 4`,
		`"localized"`, `!örtlich`, `"future"`, `!java.lang.NumberFormatException: For input string: "zero"`, `"nothing"`, `!Cannot invoke "Object.hashCode()"`,
		`"library"`, `!no nowhere in java.library.path`, `"lambda"`, `!in a lambda`, `"interrupted"`, `!stopped`, `"missing"`, `!rows.Nowhere`)
	ways.says = []string{"Suppressed: java.lang.IllegalArgumentException: second", "Caused by: java.lang.Exception: level 0", "as text"}
	return []javaRow{
		ways,
		{"rows.Fails::mute", row{name: "fails_mute", fresh: true, want: want{message: "exit status 1", platform: lambda.Exited}}},
		{"rows.Fails::memory", row{name: "out_of_memory", events: twice(), fresh: true, want: failing("Java heap space")}},
		{"rows.Fails::overflow", row{name: "stack_overflow", events: twice(), fresh: true, want: failing("java.lang.StackOverflowError")}},
		{"rows.Fails::disk", row{name: "io_error", events: twice(), fresh: true, want: failing("the disk")}},
		{"rows.Fails$InConstructor::handle", row{name: "constructor_fails", events: twice(), fresh: true, want: failing("no database")}},
		{"rows.Fails$InStatic::handle", row{name: "static_fails", events: twice(), fresh: true, want: failing("Error loading class rows.Fails$InStatic")}},
		{"rows.Fails::inThread", row{name: "thread_fails", want: returns(`"fine"`), says: []string{"Exception in thread \"worker\" java.lang.IllegalStateException: elsewhere"}}},
		{"rows.Fails::interrupted", row{name: "interrupted", events: twice(), want: returns(`"was false"`)}},
		exits("halts", "halts", "exit status 8"),
		exits("exits_with_hook", "exitsWithHook", "exit status 9", "hook\n"),
		exits("exits_in_thread", "exitsInThread", "exit status 10"),
		exits("exits_negative", "exitsNegative", "exit status 255"),
		exits("exits_in_finally", "exitsInFinally", "exit status 11"),
		{"rows.Shared::terminatedWith143", row{name: "terminated_with_143", fresh: true, want: want{message: "Runtime exited with error: exit status 143", platform: lambda.Exited}}},
		{"rows.Ends::daemonGoesOn", row{name: "daemon_goes_on", events: twice(), want: returns(`1`), then: []want{returns(`1`), returns(`2`)}}},
		{"rows.Ends::threadGoesOn", row{name: "thread_goes_on", events: twice(), want: returns(`1`), then: []want{returns(`1`), returns(`2`)}}},
	}
}

func javaLogs() []javaRow {
	inJSON := func(level string) func(*lambda.Function) {
		return func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", level }
	}
	logs := func(name, method string, says ...string) javaRow {
		return javaRow{"rows.Logs::" + method, row{name: name, want: returns(`null`), says: says}}
	}
	prints := each("prints_in_many_ways", "rows.Logs::prints",
		`"format"`, `null`, `"trace"`, `null`, `"controls"`, `null`, `"bytes"`, `null`, `"java.util.logging"`, `null`, `"replaced"`, `null`)
	prints.says = []string{
		"00042|x|\nch\n1.5\nünull\nappended\nw", "Caused by: java.io.IOException: its cause", "one\r\ntwo\rthree\n\n\tfour\u0000\u001b[31mred\n",
		"\xff\xfex\n", "WARNING warned\n", "replaced line\n",
	}
	return []javaRow{
		logs("logger", "logger", "logged grüß\nopenbytes\n"),
		logs("logger_null", "loggerNull", "nullnull"),
		logs("logger_levels", "levels", "at UNDEFINED\n", "[TRACE] at TRACE\n", "[FATAL] at FATAL\n", "printed\n"),
		{"rows.Logs::levels", row{name: "logger_levels_in_json", change: inJSON(""), want: returns(`null`), says: []string{`"message":"at INFO\n","level":"INFO","AWSRequestId":"` + id(0) + `"}`, "printed\n"}, hides: []string{"at DEBUG"}}},
		{"rows.Logs::levels", row{name: "logger_levels_from_error", change: inJSON("ERROR"), caller: func(inv *lambda.Invocation) { inv.TenantID = "blue" }, want: returns(`null`), says: []string{`"level":"FATAL"`, `"tenantId":"blue"`}, hides: []string{"at WARN"}}},
		{"rows.Logs::failsInJson", row{name: "fails_in_json", change: inJSON(""), want: failing("of two lines"), says: []string{`"level":"ERROR"`}}},
		{"rows.Fails$InConstructor::handle", row{name: "constructor_fails_in_json", change: inJSON(""), fresh: true, want: failing("no database"), says: []string{`"level":"ERROR"`}}},
		prints,
		{"rows.Logs::reads", row{name: "reads_input", want: returns(`-1`)}},
	}
}

func javaMachine() []javaRow {
	options := func(fn *lambda.Function) {
		fn.Environment = []lambda.Variable{{Name: "JAVA_TOOL_OPTIONS", Value: "-Down=set"}}
	}
	tells := each("machine", "rows.Machine::tells",
		`"resource"`, `"a file of the codetrue"`, `"loaders"`, `"CustomerClassLoadertruetruetrue"`, `"library"`, `"hello jar"`,
		`"encoding"`, `["UTF-8","UTF-8",2]`, `"file"`, `true`, `"variable"`, `"grüß"`, `"zone"`, `"UTC"`, `"folders"`, `["/var/task","/var/task"]`,
		`"names"`, `["rows.Machine::tells","AWS_Lambda_java17","main"]`, `"trace"`, `"nullnull"`, `"security"`, `"1"`)
	tells.change = func(fn *lambda.Function) { fn.Environment = []lambda.Variable{{Name: "OWN", Value: "grüß"}} }
	return []javaRow{
		tells,
		{"rows.Machine::property", row{name: "tool_options", change: options, want: returns(`"set"`), says: []string{"Picked up JAVA_TOOL_OPTIONS: -Down=set\n"}}},
		{"rows.Machine$Told::handle", row{name: "snapshot_resource", want: returns(`"registered"`), hides: []string{"before", "after"}}},
		{"rows.Machine$Told::handle", row{name: "snapshot_restored", change: fromSnapshot, want: returns(`"registered"`), says: []string{"before", "RESTORE_START\nafter"}}},
	}
}

func javaEvents() []javaRow {
	const (
		s3   = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"1970-01-01T00:00:01.500Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"p"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},"responseElements":{"x-amz-request-id":"r","x-amz-id-2":"i"},"s3":{"s3SchemaVersion":"1.0","configurationId":"c","bucket":{"name":"b","ownerIdentity":{"principalId":"o"},"arn":"arn:aws:s3:::b"},"object":{"key":"a+b%C3%BC","size":1024,"eTag":"e","sequencer":"s"}}}]}`
		sns  = `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn","Sns":{"Type":"Notification","MessageId":"m","TopicArn":"t","Subject":"s","Message":"hello","Timestamp":"1970-01-01T00:00:02.000Z","SignatureVersion":"1","Signature":"s","SigningCertUrl":"u","UnsubscribeUrl":"u","MessageAttributes":{"a":{"Type":"String","Value":"v"}}}}]}`
		sqs  = `{"Records":[{"messageId":"m","receiptHandle":"h","body":"b","attributes":{"ApproximateReceiveCount":"1"},"messageAttributes":{},"md5OfBody":"5","eventSource":"aws:sqs","eventSourceARN":"arn","awsRegion":"eu-west-1"}]}`
		time = `{"version":"0","id":"i","detail-type":"Scheduled Event","source":"aws.events","account":"1","time":"1970-01-01T00:00:03Z","region":"eu-west-1","resources":[],"detail":{}}`
		http = `{"version":"2.0","routeKey":"$default","rawPath":"/","headers":{},"requestContext":{"http":{"method":"POST","path":"/"}},"isBase64Encoded":false}`
	)
	takes := func(name, method, event, payload string) javaRow {
		return javaRow{"rows.Events::" + method, row{name: name, events: []string{event}, want: returns(payload)}}
	}
	return []javaRow{
		takes("event_of_s3", "s3", s3, `"b a bü 1500"`),
		takes("event_of_s3_back", "s3Back", s3, ``),
		takes("event_of_sns", "sns", sns, `"hello 2000 v"`),
		takes("event_of_sqs", "sqs", sqs, `{"batchItemFailures":[{"itemIdentifier":"m"}]}`),
		takes("event_of_schedule", "scheduled", time, `"Scheduled Event 3000"`),
		takes("event_of_http", "http", http, ``),
	}
}
