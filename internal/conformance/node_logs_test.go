package conformance

import (
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func nodeLogs() []row {
	null := want{payload: `null`}
	rows := []row{
		{name: "logs", want: null, says: []string{"\t" + id(0) + "\tINFO\tplain\n"}},
		{name: "logs_each_level", want: null, says: []string{"\tTRACE\tt", "\tDEBUG\td", "\tINFO\ti", "\tINFO\tl", "\tWARN\tw", "\tERROR\te", "\tFATAL\tf"}},
		{name: "logs_each_level_as_json", change: jsonFrom("TRACE"), want: null, says: []string{`"level":"TRACE","requestId":"` + id(0) + `","message":"t"`}},
		{name: "logs_from_warn_on", change: jsonFrom("WARN"), want: null, says: []string{`"WARN"`}, hides: []string{`"INFO"`}},
		{name: "logs_from_fatal_on", change: jsonFrom("FATAL"), want: null, says: []string{`"FATAL"`}, hides: []string{`"ERROR"`}},
		{name: "logs_from_an_odd_level_on", change: jsonFrom("LOUD"), want: null, says: []string{`"TRACE"`}},
		{name: "logs_from_debug_on_as_text", change: setting("AWS_LAMBDA_LOG_LEVEL", "debug"), want: null, hides: []string{"TRACE"}},
		{name: "logs_lines", want: null},
		{name: "logs_odd_errors", want: null},
		{name: "logs_unicode", want: null, says: []string{"grüß 日本 😀"}},
		{name: "logs_wide", events: []string{"{}"}, want: null, says: []string{strings.Repeat("v", 300_000)}},
		{name: "logs_tenant", caller: tenant, want: null},
		{name: "logs_tenant_as_json", change: jsonFrom(""), caller: tenant, want: null},
		{name: "logs_circular_as_json", change: jsonFrom(""), want: want{}},
		{name: "logs_stack", want: null, says: []string{"logs.mjs:"}},
		{name: "logs_stack_at_once", want: null, says: []string{"logs.mjs:"}},
		{name: "logs_methods", want: want{}},
		{name: "logs_by_a_console_of_its_own", want: null, says: []string{"\nits own\n"}},
		{name: "logs_through_a_patched_stdout", want: want{payload: `["INFO,seen\n"]`}},
		{name: "logs_through_a_patched_console", want: want{payload: `[["a",1]]`}},
		{name: "logs_in_turn", want: null},
		{name: "logs_much", events: []string{"{}"}, want: null, says: []string{"1999 mmm"}},
		{name: "logs_a_level_of_its_own", want: null},
		{name: "logs_deprecation", want: null},
		{name: "logs_from_a_worker", want: want{payload: `"undefined"`}, says: []string{"from the worker\n"}},
		{name: "logs_from_a_process", want: want{payload: `3`}, says: []string{"from a process\n"}},
		{name: "logs_after_callback_of_write", want: want{payload: `"called back"`}},
		{name: "fails_as_json", change: both(handler("failures.fails_with_code"), jsonFrom("")), want: want{message: "coded"}},
		{name: "throws_text_as_json", change: both(handler("failures.throws_text"), jsonFrom("")), want: want{message: "plain"}},
		{name: "closes_stdout", events: []string{`{"close":true}`, `{}`}, want: want{payload: `"fine"`}},
	}
	for _, name := range []string{"logs_nothing", "logs_values", "logs_lines", "logs_unicode", "logs_error", "logs_odd_errors", "logs_by_other_methods"} {
		rows = append(rows, row{name: name + "_as_json", change: jsonFrom("TRACE"), want: null})
	}
	for _, name := range []string{"logs_nothing", "logs_values", "logs_error", "logs_by_other_methods"} {
		rows = append(rows, row{name: name, want: null})
	}
	return rows
}

func nodeContexts() []row {
	any := want{}
	return []row{
		{name: "context_members", want: any},
		{name: "context_as_json", want: any},
		{name: "context_is_new", want: want{payload: `null`}},
		{name: "identity_absent", want: want{payload: `["undefined",true]`}},
		{name: "arguments_given", want: any},
		{name: "variables", want: any},
		{name: "globals", want: any},
		{name: "awslambda", want: any},
		{name: "without_awslambda", change: setting("AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA", "1"), want: want{payload: `"undefined"`}},
		{name: "main_module", want: want{payload: `["undefined","undefined"]`}},
		{name: "parent_module", want: any},
		{name: "file_names", want: want{payload: `["/var/task/context.js","/var/task"]`}},
		{name: "listeners", want: any},
		{name: "exit_code", want: any},
		{name: "this_is", want: any},
		{name: "timers_kept", events: []string{`{"begin":true}`, `{}`}, want: want{payload: `"kept"`}, then: []want{{payload: `"set"`}}},
		{name: "alternative_client", change: both(handler("values.echo"), setting("AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1", "true")), want: want{payload: `{}`}},
		{name: "variables_with_wrapper", change: both(handler("context.variable"), setting("NODE_OPTIONS", "--no-warnings")), want: want{payload: `null`}},
	}
}

func nodeStreams() []row {
	http := "{\"statusCode\":201,\"headers\":{\"x-a\":\"b\"},\"cookies\":[\"c=d\"]}\x00\x00\x00\x00\x00\x00\x00\x00"
	raw := func(name, payload string) row {
		return row{name: name, want: want{raw: true, payload: payload}}
	}
	fails := func(name, message string) row {
		return row{name: name, want: want{message: message}}
	}
	late := func(name string) row {
		return row{name: name, change: short, events: []string{"{}"}, want: want{message: "timed out", platform: lambda.TimedOut}}
	}
	return []row{
		fails("streams_null", "Cannot read properties of null (reading 'length')"),
		raw("streams_encoded", "ABCü"),
		raw("streams_an_end", "a,b"),
		raw("streams_only_an_end", "all of it"),
		raw("streams_an_end_with_callback", "a"),
		fails("streams_an_object_at_the_end", "Received an instance of Object"),
		raw("streams_a_type", "<p>"),
		fails("streams_a_type_too_late", "Cannot set content-type, too late."),
		raw("streams_http_without_write", "body"),
		raw("streams_http_without_body", http),
		raw("streams_http_is_the_same", "{\"statusCode\":204}\x00\x00\x00\x00\x00\x00\x00\x00true"),
		fails("streams_http_too_late", "Cannot set content-type, too late."),
		raw("streams_a_pipeline", "pqr"),
		raw("streams_a_pipe", "pipe"),
		raw("streams_a_pipeline_with_callback", "old"),
		{name: "streams_compressed", want: want{}},
		raw("streams_much_with_care", strings.Repeat("c", 2_000_000)),
		raw("streams_with_a_mark", "a"),
		raw("streams_and_tells", "a"),
		raw("streams_in_a_cork", "cd"),
		raw("streams_two_ends", "a"),
		raw("streams_and_returns", "a"),
		fails("streams_and_fails_first", "at the start"),
		fails("streams_and_fails_at_once", "not async"),
		fails("streams_and_throws_text", "plain"),
		fails("streams_not_async_and_silent", "Streaming does not support non-async handlers."),
		raw("streams_and_fails_after_the_end", "whole"),
		late("streams_without_end"),
		late("streams_not_at_all"),
		late("streams_and_times_out"),
		{name: "streams_and_exits", fresh: true, want: want{message: "exit status 3", platform: lambda.Exited}},
		{name: "streams_the_event", events: []string{`{"a":1}`}, want: want{payload: `[{"a":1},"` + id(0) + `"]`}},
		{name: "streams_once_more", events: []string{`{"fail":true}`, `{}`, `{}`}, want: want{raw: true, payload: "fine"}, then: []want{{message: "this time"}}},
		raw("streams_and_logs", "a"),
	}
}

func classicStreams() []row {
	return []row{
		{name: "streams_not_async", want: want{raw: true, payload: "x"}, says: []string{"Streaming does not support non-async handlers."}},
		{name: "streams_and_throws_uncaught", events: []string{"{}"}, fresh: true, want: want{message: "exit status 129", platform: lambda.Exited}},
		{name: "streams_and_rejects_unhandled", events: []string{"{}"}, fresh: true, want: want{message: "exit status 128", platform: lambda.Exited}},
		{name: "streams_values", want: want{raw: true, payload: `{"a":[1]}7trueA{"0":66}`}},
		{name: "streams_and_leaves_work", want: want{raw: true, payload: "a"}},
		{name: "streams_and_works_on", want: want{raw: true, payload: "a"}, says: []string{"streamed and worked on"}},
	}
}

func modernStreams() []row {
	gone := want{message: "exit status 1", platform: lambda.Exited}
	return []row{
		{name: "streams_values", want: want{raw: true, payload: `{"a":[1]}7trueA{"0":66}`}},
		{name: "streams_not_async", want: want{raw: true, payload: "x"}, says: []string{"Streaming does not support non-async handlers."}},
		{name: "streams_and_throws_uncaught", events: []string{"{}"}, fresh: true, want: gone},
		{name: "streams_and_rejects_unhandled", events: []string{"{}"}, fresh: true, want: gone},
		{name: "streams_and_destroys", events: []string{"{}"}, fresh: true, want: gone},
		{name: "streams_a_failing_pipeline", events: []string{"{}"}, fresh: true, want: gone, says: []string{"source ran dry"}},
		// The older client stumbles over an error of its own here.
		{name: "streams_the_wrong_way", fresh: true, want: want{message: "Only response streaming is supported."}},
	}
}
