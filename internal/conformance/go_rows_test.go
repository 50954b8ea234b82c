package conformance

import (
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// goErrors are errors of Go's kinds: the type's name without its package and
// without the pointer.
func goErrors() []row {
	const logged = `TIME {"errorMessage":"%","errorType":"%"}` + "\n"
	log := func(message, kind string) []string {
		return []string{strings.Replace(strings.Replace(logged, "%", message, 1), "%", kind, 1)}
	}
	return []row{
		// An error type that is no pointer.
		{name: "fails_with_value_type", want: want{message: "refused with 7", kind: "Refused"}, says: log("refused with 7", "Refused")},
		// Two errors joined.
		{name: "fails_with_several", want: want{message: "one\ntwo", kind: "joinError"}, says: log(`one\ntwo`, "joinError")},
		// An error without a text.
		{name: "fails_with_nothing", want: want{kind: "errorString"}, says: log("", "errorString")},
		{name: "fails_with_html", want: want{message: `<a href="x">&`, kind: "errorString"}, says: log(`\u003ca href=\"x\"\u003e\u0026`, "errorString")},
		// Bytes that are no UTF-8.
		{name: "fails_with_no_text", want: want{message: "bytes \ufffd\ufffd", kind: "errorString"}},
		// A cause for X-Ray in a header of nearly 1 MiB, and one that would be longer.
		{name: "fails_with_long_header", events: once("{}"), want: want{message: strings.Repeat("h", 1<<20-400), kind: "errorString"}},
		{name: "fails_without_header", events: once("{}"), want: want{message: strings.Repeat("h", 1<<20+200), kind: "errorString"}},
		// A value and an error: the error counts.
		{name: "fails_with_value_and_text", want: want{message: "both", kind: "errorString"}},
		// messages.InvokeResponse_Error with a type of its own, and with a trace.
		{name: "fails_in_lambdas_words", want: want{message: "sold out", kind: "Orders.Refused"}, says: log("sold out", "Orders.Refused")},
		{name: "fails_with_trace", want: want{message: "traced", kind: "Traced"}, says: []string{`"stackTrace":[{"path":"a.go","line":3,"label":"f"}]`}},
		// The same with ShouldExit: the process ends after its answer.
		{name: "fails_and_exits", fresh: true, want: want{message: "the last one", kind: "Last"}, says: []string{"the process should exit\n", "exit status 1"}},
	}
}

// goPanics are panics of the handler: the client answers with the value and a
// trace, and ends the process.
func goPanics() []row {
	panicked := func(name, message, kind string, events ...string) row {
		return row{
			name: name, events: events, fresh: true, want: want{message: message, kind: kind},
			says: []string{`"stackTrace":[{"path":"`, "calling the handler function resulted in a panic, the process should exit\n", "Error: Runtime exited with error: exit status 1"},
		}
	}
	return []row{
		panicked("panics", "boom", "string"),
		panicked("panics_with_error", "an error", "errorString"),
		panicked("panics_with_wrapped", "outer: inner", "wrapError"),
		panicked("panics_with_own_type", "own", "OwnError"),
		panicked("panics_with_number", "7", "int"),
		panicked("panics_with_nil", "panic called with nil argument", "PanicNilError"),
		// A list of three at the event's index.
		panicked("panics_at_index", "runtime error: index out of range [5] with length 3", "boundsError", "5"),
		panicked("panics_at_nil_map", "assignment to entry in nil map", "plainError"),
		panicked("panics_at_nil", "runtime error: invalid memory address or nil pointer dereference", "errorString"),
		panicked("panics_at_division", "runtime error: integer divide by zero", "errorString", "0"),
		panicked("panics_at_conversion", "interface conversion: interface {} is string, not int", "TypeAssertionError", `"text"`),
		// Forty calls deep; the trace has 32 of them.
		panicked("panics_deep", "deep down", "string"),
		// A nil pointer to an error type is an error, whose text the client cannot get.
		panicked("returns_own_error_type", "runtime error: invalid memory address or nil pointer dereference", "errorString"),
		// A struct without a name: no type.
		{name: "panics_with_struct", fresh: true, want: want{message: "{1 2}"}, says: []string{`"errorType":"","stackTrace":`}},
		// messages.InvokeResponse_Error as the value: an error like any other.
		{name: "panics_in_lambdas_words", want: want{message: "in order", kind: "Orders.Panic"}, hides: []string{"stackTrace", "exited"}},
		{name: "panics_after_recovery", want: want{payload: `"recovered from inside"`}},
		{
			name: "panics_once", events: []string{`{"fail":true}`, `{}`}, fresh: true,
			want: want{message: "once", kind: "string"}, then: []want{{message: "once"}, {payload: `"fine"`}},
		},
	}
}

// goExits are ends that the client has no part in.
func goExits() []row {
	return []row{
		{name: "exits_by_log", fresh: true, want: exited("exit status 1"), says: []string{"TIME fatal words\n"}},
		// A goroutine panics while the handler waits.
		{name: "panics_in_background", fresh: true, want: exited("exit status 2"), says: []string{"panic: in the background\n", "goroutine "}},
		{name: "overflows_stack", fresh: true, want: exited("exit status 2"), says: []string{"fatal error: stack overflow"}},
		{name: "hung_up", fresh: true, want: exited("signal: hangup")},
		// Go prints its goroutines at these signals, and exits.
		{name: "quits", fresh: true, want: exited("exit status 2"), says: []string{"SIGQUIT: quit\n"}},
		{name: "aborts", fresh: true, want: exited("exit status 2"), says: []string{"SIGABRT: abort\n"}},
		{name: "panics_at_init", fresh: true, want: exited("exit status 2"), says: []string{"panic: at init\n"}},
		{name: "logs_at_init", fresh: true, want: exited("exit status 1"), says: []string{"TIME no database\n"}},
		{name: "killed_at_init", fresh: true, want: exited("signal: killed")},
		// main returns without having called Start.
		{name: "never_starts", fresh: true, want: exited("Runtime exited without providing a reason")},
		{name: "runs_a_program", want: want{payload: `"said\nfn\n"`}},
		// A child that outlives the invocation, and not the environment.
		{name: "leaves_a_program", want: want{payload: `null`}},
		{name: "reads_input", want: want{payload: `""`}},
		{name: "starts_slowly", want: want{payload: `"ready"`}},
	}
}

// goValues are handlers of every signature, and what encoding/json makes of
// events and results.
func goValues() []row {
	return []row{
		{name: "takes_nothing", want: want{payload: `null`}},
		{name: "takes_context", want: want{payload: `null`}},
		{name: "takes_event", events: once(`{"n":2}`), want: want{message: "c", kind: "errorString"}},
		{name: "takes_both", events: once(`{"n":2}`), want: want{payload: `3`}},
		{name: "takes_bytes", events: once(`{ "as" : "it is" }`), want: want{raw: true, payload: `got { "as" : "it is" }`}},
		{name: "takes_raw", events: once(`{ "as" : "it is" }`), want: want{raw: true, payload: `{"as":"it is"}`}},
		{name: "takes_time", events: once(`"2026-11-22T07:00:00Z"`), want: want{payload: `2026`}},
		{name: "is_no_function", want: want{message: "handler kind string is not func", kind: "errorString"}},
		{name: "is_nil", want: want{message: "handler is nil", kind: "errorString"}},
		{name: "takes_three", want: want{message: "handlers may not take more than two arguments, but handler takes 3"}},
		{name: "takes_two_events", want: want{message: "handler takes two arguments, but the first is not Context. got int"}},
		{name: "takes_another_context", want: want{message: `handler takes an interface, but it is not context.Context: "Reader"`}},
		{name: "returns_three", want: want{message: "handler may not return more than two values"}},
		{name: "returns_no_error", want: want{message: "handler returns two values, but the second does not implement error"}},
		{name: "returns_only_value", want: want{message: "handler returns a single value, but it does not implement error"}},

		{name: "encodes_html", want: want{raw: true, payload: `"<a>&</a>"`}},
		{name: "encodes_nil_list", want: want{raw: true, payload: `null`}},
		{name: "encodes_bytes", want: want{raw: true, payload: `"Ynl0ZXM="`}},
		{name: "encodes_no_text", want: want{raw: true, payload: `"a\ufffdb"`}},
		{name: "encodes_pointer", want: want{raw: true, payload: `{"Text":"field"}`}},
		{name: "encodes_in_order", want: want{raw: true, payload: `{"Z":1,"A":2,"M":3}`}},
		{name: "encodes_by_itself", want: want{raw: true, payload: `12345678901234567890`}},
		// A json.Marshaler fails, or gives what is no JSON.
		{name: "fails_to_encode", want: want{message: "json: error calling MarshalJSON for type main.broken: not today", kind: "MarshalerError"}},
		{name: "encodes_invalid", want: want{message: "json: error calling MarshalJSON for type main.invalid: unexpected end of JSON input", kind: "MarshalerError"}},
		{name: "encodes_channel", want: want{message: "json: unsupported type: chan int", kind: "UnsupportedTypeError"}},
		{name: "encodes_not_a_number", want: want{message: "json: unsupported value: NaN", kind: "UnsupportedValueError"}},
		{name: "encodes_ring", want: want{message: "json: unsupported value: encountered a cycle via *main.ring", kind: "UnsupportedValueError"}},
		{name: "decodes_number_as_text", events: once(`{"n":"2"}`), want: want{message: "json: cannot unmarshal string into Go struct field .N of type int", kind: "UnmarshalTypeError"}},
		{name: "decodes_too_large", events: []string{`{"n":127}`, `{"n":128}`}, want: want{payload: `127`}, then: []want{{payload: `127`}, {message: "cannot unmarshal number 128", kind: "UnmarshalTypeError"}}},
		{name: "decodes_any_case", events: once(`{"USERNAME":"ada"}`), want: want{payload: `"ada"`}},
		{name: "decodes_unknown_fields", events: once(`{"a":1,"b":2}`), want: want{payload: `1`}},
	}
}

// nuls end the prelude of an HTTP answer.
const nuls = "\x00\x00\x00\x00\x00\x00\x00\x00"

// goReaders are results that are an io.Reader.
func goReaders() []row {
	return []row{
		{name: "reads_buffer", want: want{raw: true, payload: "in a buffer"}},
		{name: "reads_file", want: want{raw: true, payload: "bootstrap\n"}},
		{name: "reads_and_closes", want: want{raw: true, payload: "for once"}, says: []string{"closed\n"}},
		// A reader that has something to encode is not read.
		{name: "reads_encoded", want: want{raw: true, payload: `{"Count":3}`}},
		{name: "reads_typed", want: want{raw: true, payload: "plain"}},
		{name: "reads_and_fails_at_once", want: want{message: "at once", kind: "OwnError"}},
		{name: "reads_and_fails_on_its_way", want: want{message: "timeout", kind: "errorString"}},
		{name: "reads_slowly", want: want{raw: true, payload: strings.Repeat("b", 5000)}},
		{name: "reads_too_much", events: once("{}"), want: want{platform: "Function.ResponseSizeTooLarge"}, says: []string{"got unexpected status code: 413\n"}},
		// The process ends, or its time does, in the middle of the answer.
		{name: "reads_and_exits", fresh: true, want: exited("exit status 7")},
		{name: "reads_until_timeout", change: short, fresh: true, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
		{name: "web_defaults", want: want{raw: true, payload: `{"statusCode":200}` + nuls}},
		{name: "web_with_closing", want: want{raw: true, payload: `{"statusCode":200}` + nuls + "b"}, says: []string{"closed\n"}},
		{name: "web_and_fails", want: want{message: "broken", kind: "errorString"}},
		{
			name: "web_buffered", events: once(`{"version":"2.0","rawPath":"/a","rawQueryString":"b=c","cookies":["d=e"]}`),
			want: want{payload: `{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":"/a?b=c","cookies":["d=e"]}`},
		},
		{name: "web_event", events: once(`{"version":"2.0","rawPath":"/a","requestContext":{"http":{"method":"PUT"}}}`), want: want{payload: `"PUT /a"`}},
		// An http.Handler by lambdaurl.
		{
			name: "serves_http", events: once(`{"rawPath":"/a","rawQueryString":"q=b","body":"Yw==","isBase64Encoded":true,"requestContext":{"domainName":"d","http":{"method":"POST"}}}`),
			want: want{raw: true, payload: `{"statusCode":418,"headers":{"X-Method":"POST"},"cookies":["c=d"]}` + nuls + "/a b c"},
		},
		{name: "serves_nothing", events: once(`{"requestContext":{"domainName":"d"}}`), want: want{raw: true, payload: `{"statusCode":200,"headers":{"Content-Type":"application/octet-stream"}}` + nuls}},
		{name: "serves_request", events: once(`{"requestContext":{"domainName":"d","requestId":"r"}}`), want: want{raw: true, payload: `{"statusCode":200}` + nuls + `["r","` + id(0) + `"]` + "\n"}},
	}
}

// goContexts are what a function learns of its invocation and environment.
func goContexts() []row {
	client := func(text string) func(*lambda.Invocation) {
		return func(inv *lambda.Invocation) { inv.ClientContext = []byte(text) }
	}
	return []row{
		{name: "log_stream", want: want{payload: `"STREAM"`}},
		{name: "max_concurrency", want: want{payload: `1`}},
		{name: "trace_variable", want: want{payload: `"` + trace + `"`}},
		{name: "handler_variable", want: want{payload: `"handler_variable"`}},
		{name: "arguments", want: want{payload: `1`}},
		{name: "program", want: want{payload: `"/var/task/bootstrap"`}},
		{name: "variables", want: want{payload: ownVariables}},
		{name: "context_ends", change: short, want: want{message: "context deadline exceeded", kind: "deadlineExceededError"}},
		{name: "client_context_of_numbers", caller: client(`{"custom":{"a":1,"b":{"c":null}}}`), want: want{payload: `{"a":"1","b":"{\"c\":null}"}`}},
		{name: "client_context_broken", caller: client(`{"custom":[]}`), want: want{message: "failed to unmarshal client context json: json: cannot unmarshal array"}},
		{
			name: "whole_context", events: once("{}"), caller: func(inv *lambda.Invocation) { inv.TenantID = "blue" },
			want: want{payload: `{"AwsRequestID":"` + id(0) + `","InvokedFunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:fn",
				"Identity":{"CognitoIdentityID":"","CognitoIdentityPoolID":""},"ClientContext":{"Client":{"installation_id":"","app_title":"","app_version_code":"","app_package_name":""},
				"env":null,"custom":null},"TenantID":"blue"}`},
		},
	}
}

// goStarts are the ways in which a function starts its client.
func goStarts() []row {
	return []row{
		{name: "with_context", want: want{payload: `"own"`}},
		{name: "with_context_value", want: want{payload: `"given"`}},
		{name: "with_indent", want: want{raw: true, payload: "{\n>  \"a\": 1\n>}\n"}},
		{name: "with_escaped_html", want: want{raw: true, payload: `"\u003ca\u003e\u0026\u003c/a\u003e"`}},
		{name: "with_numbers", events: once(`{"n":12345678901234567890}`), want: want{raw: true, payload: `{"n":12345678901234567890}`}},
		{name: "with_known_fields", events: once(`{"a":1,"b":2}`), want: want{message: `json: unknown field "b"`, kind: "errorString"}},
		{name: "with_canceled_context", want: want{message: "context canceled", kind: "errorString"}},
		{name: "with_handler", events: once(`1`), want: want{raw: true, payload: "got 1"}},
		{name: "with_typed_handler", events: once(`1`), want: want{payload: `2`}},
		{name: "with_handler_of_the_client", events: once(`1`), want: want{payload: `1`}},
		{name: "with_trace", events: once(`1`), want: want{payload: `1`}, says: []string{"saw the event 1\nsaw the answer 1\n"}},
	}
}

// goEnds are the ends of environments as functions see them that have
// registered an internal extension for it, and as others do not.
func goEnds() []row {
	alive := want{payload: `"alive"`}
	unheard := "internal extension"
	return []row{
		{name: "told_of_end", want: alive, says: []string{"told: terminated\n"}, hides: []string{unheard}},
		{name: "told_several", want: alive, says: []string{"told: first\ntold: second\n"}},
		{name: "told_and_exits", want: alive, says: []string{"told: exiting\n"}},
		{name: "told_and_stays", want: alive, says: []string{"told: staying\n"}, hides: []string{"too late"}},
		{name: "told_without_call", want: alive, hides: []string{unheard}},
		{name: "told_of_timeout", events: once("{}"), change: short, fresh: true, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}, says: []string{"told: time is up\n"}},
		// One that has ended by itself is told of nothing.
		{name: "told_after_failure", fresh: true, want: exited("exit status 3"), hides: []string{"told:"}},
		{name: "told_after_panic", fresh: true, want: want{message: "boom", kind: "string"}, hides: []string{"told:"}},
		{name: "not_told_of_end", want: alive, hides: []string{"told:"}},
		{name: "not_told_of_timeout", events: once("{}"), change: short, fresh: true, want: want{message: "Task timed out", platform: lambda.TimedOut}},
	}
}

// goLogs are lines of Go's and the client's own loggers.
func goLogs() []row {
	return []row{
		{name: "prints_with_log", want: want{payload: `null`}, says: []string{"TIME a log line\n"}},
		{name: "prints_with_builtin", want: want{payload: `null`}, says: []string{"built in 1\n"}},
		{name: "prints_bytes", want: want{payload: `null`}, says: []string{"raw \xff\xfe\n"}},
		{name: "prints_nothing", want: want{payload: `null`}},
		{name: "prints_from_others", want: want{payload: `null`}, says: []string{"from 0\n", "from 1\n", "from 2\n"}},
		{
			name: "logs_by_client", events: once("{}"), want: want{payload: `null`}, hides: []string{"unseen"},
			says: []string{`level=INFO message="it is" n=1 requestId=` + id(0) + "\n", `level=ERROR message="it was" err=bad requestId=` + id(0), `message="without the context"` + "\n"},
		},
		{
			name: "logs_by_client_in_json", events: once("{}"), want: want{payload: `null`},
			change: func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", "DEBUG" },
			caller: func(inv *lambda.Invocation) { inv.TenantID = "blue" },
			says: []string{
				`{"timestamp":"TIME","level":"INFO","message":"it is","n":1,"requestId":"` + id(0) + `","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:fn","tenantId":"blue"}` + "\n",
				`"message":"unseen unless wanted"`,
			},
		},
		{
			name: "logs_by_client_at_error", events: once("{}"), want: want{payload: `null`},
			change: func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", "ERROR" },
			says:   []string{`"message":"it was"`}, hides: []string{`"message":"it is"`},
		},
	}
}
