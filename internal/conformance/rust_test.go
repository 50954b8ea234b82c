package conformance

import (
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes/provided"
)

// The names that the client gives errors and panics that say none themselves.
const (
	boxedError = "&alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>"
	boxedPanic = "&alloc::boxed::Box<dyn core::any::Any + core::marker::Send>"
)

func TestRust(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("AWS's client for Rust is tested as Lambda runs it, on Linux")
	}
	const prelude = "each stream of this client is behind an HTTP prelude of its own making: see the rows web_*"
	l := &language{
		runtime: own, client: provided.Runtime{}, handler: named,
		code: cached(t, "rust-functions", "the test runs functions that cargo has compiled"),
		lacks: map[string]string{
			"streams": prelude, "streams_nothing": prelude, "streams_much": prelude, "streams_bytes": prelude, "streams_http": prelude,
			"streams_and_fails":    "the client writes the error of a stream into the stream: see web_aborts",
			"client_context":       "the client takes a client context with all fields only: see client_context_whole and client_context_incomplete",
			"client_context_parts": "the client reads the field environment, and nothing of env",
		},
	}
	thread := regexp.MustCompile(`thread '(.*)' \(\d+\)`)
	l.tidy = func(text string) string { return thread.ReplaceAllString(text, "thread '$1' (ID)") }
	for _, rows := range [][]row{rustFailures(), rustPanics(), rustExits(), rustValues(), rustStreams(), rustContexts(), rustEnds(), rustLogs()} {
		l.own = append(l.own, rows...)
	}
	l.run(t)
}

func rustFailures() []row {
	return []row{
		// An error of the standard library in a box.
		{name: "fails_by_parsing", want: want{message: "invalid digit found in string", kind: boxedError}},
		// A type that becomes a Diagnostic, with a name of its own.
		{name: "typed_diagnostic", want: want{message: "refused with 7", kind: "Orders.Refused"}},
		{name: "typed_text", want: want{message: "a text", kind: "&alloc::string::String"}},
		{name: "typed_slice", want: want{message: "a slice", kind: "&&str"}},
		{name: "typed_io", want: want{message: "No such file or directory (os error 2)", kind: "&std::io::error::Error"}},
	}
}

// rustPanics are panics, which the client catches: the environment goes on.
func rustPanics() []row {
	panicked := func(name, message, said string, events ...string) row {
		return row{name: name, events: events, want: want{message: message, kind: boxedPanic}, says: []string{"thread 'main' (ID) panicked at src/", said}}
	}
	return []row{
		panicked("panics", "Lambda panicked: boom", "\nboom\n"),
		panicked("panics_with_text", "Lambda panicked: boom 1", "\nboom 1\n"),
		// A value that is no text.
		panicked("panics_with_value", "Lambda panicked", "Box<dyn Any>"),
		panicked("panics_at_unwrap", "called `Result::unwrap()` on an `Err` value: ParseIntError", "ParseIntError"),
		// A list of three at the event's index.
		panicked("panics_at_index", "index out of bounds: the len is 3 but the index is 5", "out of bounds", "5"),
		panicked("panics_at_borrow", "already mutably borrowed", "already mutably borrowed"),
		{
			name: "panics_once", events: []string{`{"fail":true}`, `{}`},
			want: want{message: "once", kind: boxedPanic}, then: []want{{message: "once"}, {payload: `"fine"`}},
		},
		// A task's panic is an error for who waits for it; a thread's is its own.
		{name: "panics_in_task", want: want{message: "panicked with message \"in a task\"", kind: boxedError}},
		{name: "panics_in_thread", want: want{payload: `true`}, says: []string{"panicked at src/", "\nin a thread\n"}},
	}
}

func rustExits() []row {
	return []row{
		{name: "exits_from_thread", fresh: true, want: exited("exit status 7")},
		{name: "hung_up", fresh: true, want: exited("signal: hangup")},
		{name: "aborts", fresh: true, want: exited("signal: aborted")},
		{name: "overflows_stack", fresh: true, want: exited("signal: aborted"), says: []string{"has overflowed its stack"}},
		{name: "panics_at_init", fresh: true, want: exited("exit status 101"), says: []string{"\nat init\n"}},
		// main returns an error.
		{name: "fails_at_init", fresh: true, want: exited("exit status 1"), says: []string{"Error: \"no database\"\n"}},
		{name: "never_starts", fresh: true, want: exited("Runtime exited without providing a reason")},
		{name: "starts_slowly", want: want{payload: `"ready"`}},
		// The thread sleeps that runs everything.
		{name: "times_out_blocking", events: once("{}"), change: short, fresh: true, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
		{name: "runs_a_program", want: want{payload: `"said\nfn\n"`}},
		{name: "reads_input", want: want{payload: `""`}},
	}
}

func rustValues() []row {
	const unread = "failed to deserialize the incoming data into the function's payload type: "
	const kind = "&lambda_runtime::deserializer::DeserializeError"
	return []row{
		{name: "decodes_struct", events: []string{`{"n":1}`, `{"n":"1"}`, `{}`, `{"n":300}`}, want: want{payload: `1`}, then: []want{
			{payload: `1`},
			{message: unread + `[n] n: invalid type: string "1", expected i8 at line 1 column 8`, kind: kind},
			{message: unread + "missing field `n` at line 1 column 2", kind: kind},
			{message: unread + "[n] n: invalid value: integer `300`, expected i8", kind: kind},
		}},
		{name: "decodes_nothing", events: []string{`null`, `{}`}, want: want{payload: `null`}, then: []want{{payload: `null`}, {message: unread + "invalid type: map, expected unit", kind: kind}}},
		{name: "decodes_option", events: []string{`null`, `{"n":2}`}, want: want{payload: `null`}, then: []want{{payload: `null`}, {payload: `2`}}},
		{name: "encodes_in_order", want: want{raw: true, payload: `{"z":1,"a":null,"M":null}`}},
		{name: "encodes_nothing", want: want{raw: true, payload: `null`}},
		{name: "encodes_bytes", want: want{raw: true, payload: `[1,2]`}},
		// The client has no answer to what cannot be encoded: it ends.
		{name: "encodes_broken", fresh: true, want: exited("exit status 1"), says: []string{"not today"}},
		{name: "encodes_keys", fresh: true, want: exited("exit status 1"), says: []string{"key must be a string"}},
		// Runtime in the place of run.
		{name: "with_runtime", events: once(`[1]`), want: want{payload: `[1]`}},
	}
}

func rustStreams() []row {
	const prelude = `{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}` + nuls
	raw := func(payload string) want { return want{raw: true, payload: payload} }
	return []row{
		{name: "web_parts", want: raw(prelude + "one,two,three")},
		{name: "web_nothing", want: raw(prelude)},
		{name: "web_much", events: once("{}"), want: raw(prelude + strings.Repeat("s", 1_000_000))},
		{name: "web_bytes", want: raw(prelude + "\x00\xff\xfe")},
		{name: "web_with_prelude", want: raw(`{"statusCode":201,"headers":{"x-a":"b","content-type":"text/plain"},"cookies":["c=d"]}` + nuls + "body")},
		// A failure before the stream is one like any other.
		{name: "web_fails_before", want: want{message: "before", kind: boxedError}},
		{name: "web_fails_once", events: []string{`{"fail":true}`, `{}`}, want: want{message: "before"}, then: []want{{message: "before"}, raw(prelude)}},
		// The client writes what should be trailers into the body.
		{name: "web_aborts", want: raw(prelude + "half" + "Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: dXNlciBib2R5IHdyaXRlIGFib3J0ZWQ=\r\n")},
		// Who writes panics, and the stream is at its end.
		{name: "web_panics", want: raw(prelude + "half"), says: []string{"\nin the stream\n"}},
		{name: "web_exits", fresh: true, want: exited("exit status 7")},
		{name: "web_times_out", events: once("{}"), change: short, fresh: true, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
	}
}

func rustContexts() []row {
	const app = `{"installation_id":"i","app_title":"t","app_version_name":"n","app_version_code":"c","app_package_name":"p"}`
	client := func(text string) func(*lambda.Invocation) {
		return func(inv *lambda.Invocation) { inv.ClientContext = []byte(text) }
	}
	return []row{
		{name: "log_stream", want: want{payload: `"STREAM"`}},
		{name: "trace_variable", want: want{payload: `"` + trace + `"`}},
		{name: "arguments", want: want{payload: `1`}},
		{name: "program", want: want{payload: `"/var/task/bootstrap"`}},
		{name: "variables", want: want{payload: ownVariables}},
		{name: "client_context_whole", caller: client(`{"client":` + app + `,"custom":{"key":"value"}}`), want: want{payload: `["t","value"]`}},
		{name: "client_context_custom", caller: client(`{"custom":{"key":"value"}}`), want: want{payload: `"value"`}},
		// The client ends when it cannot read a context, whatever the function does.
		{name: "client_context_incomplete", caller: client(`{"client":{"app_title":"t"}}`), fresh: true, want: exited("exit status 1"), says: []string{"missing field `installationId`"}},
		{
			name: "whole_context", events: once("{}"), caller: func(inv *lambda.Invocation) { inv.TenantID = "blue" },
			want: want{payload: `{"request_id":"` + id(0) + `","deadline":null,"invoked_function_arn":"arn:aws:lambda:eu-west-1:123456789012:function:fn",
				"xray_trace_id":"` + trace + `","client_context":null,"identity":null,"tenant_id":"blue",
				"env_config":{"function_name":"fn","memory":512,"version":"$LATEST","log_stream":"STREAM","log_group":"/aws/lambda/fn"}}`},
		},
	}
}

// rustEnds are the ends of environments as functions see them that have
// registered an internal extension for it, and as others do not.
func rustEnds() []row {
	alive := want{payload: `"alive"`}
	told := []string{"[runtime] SIGTERM received\n[runtime] Graceful shutdown in progress ...\n", "told\n", "[runtime] Graceful shutdown completed\n"}
	return []row{
		{name: "told_of_end", want: alive, says: told},
		{name: "told_and_stays", want: alive, says: []string{"told: staying\n"}, hides: []string{"too late", "completed"}},
		{name: "told_of_timeout", events: once("{}"), change: short, fresh: true, want: want{message: "Task timed out", platform: lambda.TimedOut}, says: told},
		{name: "told_after_exit", fresh: true, want: exited("exit status 3"), hides: []string{"SIGTERM", "told"}},
		{name: "not_told_of_end", want: alive, hides: []string{"told"}},
		{name: "not_told_of_timeout", events: once("{}"), change: short, fresh: true, want: want{message: "Task timed out", platform: lambda.TimedOut}},
	}
}

func rustLogs() []row {
	return []row{
		{name: "prints_bytes", want: want{payload: `null`}, says: []string{"raw \xff\xfe\n"}},
		{name: "prints_debug", want: want{payload: `null`}, says: []string{"[src/values.rs:", "] 1 + 1 = 2\n"}},
		{name: "prints_from_threads", want: want{payload: `null`}, says: []string{"from 0\n", "from 1\n", "from 2\n"}},
		// The line is not at its end, and nobody flushes it.
		{name: "prints_unflushed", want: want{payload: `null`}, hides: []string{"held back"}},
		{
			name: "traces", events: once("{}"), want: want{payload: `null`}, hides: []string{"unseen"},
			says: []string{" INFO Lambda runtime invoke{requestId=\"" + id(0) + "\" xrayTraceId=\"" + trace + "\"}: it is n=1\n", "ERROR Lambda runtime invoke{", "}: it was\n"},
		},
		{
			name: "traces_in_json", events: once("{}"), want: want{payload: `null`},
			change: func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", "DEBUG" },
			caller: func(inv *lambda.Invocation) { inv.TenantID = "blue" },
			says:   []string{`{"level":"INFO","fields":{"message":"it is","n":1},"span":{"requestId":"` + id(0) + `","tenantId":"blue","xrayTraceId":"` + trace + `","name":"Lambda runtime invoke"}`, `"message":"unseen unless wanted"`},
		},
		{
			name: "traces_at_error", events: once("{}"), want: want{payload: `null`},
			change: func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", "ERROR" },
			says:   []string{`"message":"it was"`}, hides: []string{`"message":"it is"`},
		},
	}
}
