package conformance

import (
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func nodeValues() []row {
	return []row{
		{name: "returns_nothing", want: want{payload: `null`}},
		{name: "returns_promise", want: want{payload: `{"a":1}`}},
		{name: "returns_thenable", want: want{payload: `"then"`}},
		{name: "returns_rejecting_thenable", want: want{message: "no then"}},
		{name: "returns_date", want: want{payload: `"TIME"`}},
		{name: "returns_map", want: want{payload: `{}`}},
		{name: "returns_nan", want: want{payload: `[null,null,0]`}},
		{name: "returns_undefined_members", want: want{payload: `{"b":[null]}`}},
		{name: "returns_buffer", want: want{payload: `{"type":"Buffer","data":[97,98]}`}},
		{name: "returns_lone_surrogate", want: want{raw: true, payload: `"a\ud800b"`}},
		{name: "returns_separators", want: want{raw: true, payload: "\"\u2028\u2029\x7f\""}},
		{name: "returns_to_json", want: want{payload: `"own"`}},
		{name: "returns_error", want: want{payload: `{}`}},
		{name: "returns_bigint", want: want{message: "Unable to stringify response body"}},
		{name: "returns_circular", want: want{message: "Unable to stringify response body"}},
		{name: "returns_failing_to_json", want: want{message: "Unable to stringify response body"}},
		{name: "returns_function", want: want{message: "Wrong arguments"}},
		{name: "returns_symbol", want: want{message: "Wrong arguments"}},
		{name: "returns_after_microtasks", want: want{payload: `"done"`}},
		{name: "changes_event", want: want{payload: `{"changed":true}`}},
	}
}

func nodeFailures() []row {
	const unreadable = "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack"
	return []row{
		{name: "fails_at_once", want: want{message: "not async"}},
		{name: "fails_later", want: want{message: "after a while"}},
		{name: "fails_in_a_call_later", want: want{message: "from below"}},
		{name: "fails_in_a_promise", want: want{message: "rejected"}},
		{name: "fails_by_a_bug", want: want{message: "Cannot read properties of undefined (reading 'member')"}},
		{name: "fails_in_json", want: want{message: "JSON"}},
		{name: "fails_in_a_file", want: want{message: "ENOENT: no such file or directory"}, says: []string{`"errno":-2`}},
		{name: "fails_unnamed", want: want{message: "unnamed"}},
		{name: "fails_with_class_name", want: want{message: "special"}},
		{name: "fails_with_code", want: want{message: "coded"}, says: []string{`"code":"E_CODE"`, `"when":"TIME"`}},
		{name: "fails_with_many", want: want{message: "many"}},
		{name: "fails_with_circular_cause", want: want{message: "round"}},
		{name: "fails_with_bigint", want: want{message: "big"}},
		{name: "fails_with_own_stack", want: want{message: "own stack"}},
		{name: "fails_with_number_as_name", want: want{message: unreadable}},
		{name: "fails_with_empty_message", want: want{fails: true}},
		{name: "fails_with_del", want: want{message: "a%7Fb"}},
		{name: "fails_with_getter", want: want{message: unreadable}},
		{name: "fails_with_frozen", want: want{message: "frozen"}},
		{name: "fails_with_dom_exception", want: want{message: "of the DOM"}},
		{name: "throws_text", want: want{message: "plain"}},
		{name: "throws_number", want: want{message: "17"}},
		{name: "throws_false", want: want{message: "false"}},
		{name: "throws_object", want: want{message: "[object Object]"}},
		{name: "throws_list", want: want{message: "1,2"}},
		{name: "throws_function", want: want{message: "function own() {}"}},
		{name: "throws_text_at_once", want: want{message: "plainly"}},
		{name: "rejects_handled_late", want: want{payload: `"fine"`}},
		{name: "catches_uncaught", want: want{payload: `"by itself"`}},
		{name: "fails_in_a_worker", want: want{message: "in the worker"}},
		{name: "exits_at_its_end", want: want{message: "exit status 7", platform: lambda.Exited}, fresh: true, says: []string{"ends with 7"}},
		{name: "exits_with_set_code", want: want{message: "exit status 9", platform: lambda.Exited}, fresh: true},
		{name: "aborts", events: []string{"{}"}, want: want{message: "signal: aborted", platform: lambda.Exited}, fresh: true},
		{name: "exits_in_a_timer", want: want{message: "exit status 8", platform: lambda.Exited}, fresh: true},
		{name: "exits_after_much_output", events: []string{"{}"}, want: want{message: "exit status 2", platform: lambda.Exited}, fresh: true, says: []string{strings.Repeat("o", 1000)}},
	}
}

func classicFailures() []row {
	return []row{
		{name: "fails_without_stack", want: want{message: "callback called with Error argument"}},
		{name: "fails_like_an_error", want: want{message: "like one"}},
		{name: "fails_with_heir", want: want{message: "an heir"}},
		{name: "fails_in_another_realm", want: want{message: "from afar"}},
		{name: "throws_null", want: want{message: "handled"}},
		{name: "throws_undefined", want: want{message: "handled"}},
		{name: "throws_symbol", want: want{message: "Cannot convert a Symbol value to a string"}},
		{name: "throws_bare_object", want: want{message: "Cannot convert object to primitive value"}},
		{name: "throws_undefined_at_once", want: want{payload: `null`}},
		{name: "throws_symbol_at_once", fresh: true, want: want{message: "Cannot convert a Symbol value to a string"}},
		{name: "rejects_unhandled_undefined", fresh: true, want: want{fails: true}},
		{name: "throws_uncaught_undefined", fresh: true, want: want{fails: true}},
		{name: "throws_uncaught_as_json", events: []string{"{}"}, change: both(handler("failures.throws_uncaught"), jsonFrom("")), fresh: true, want: want{message: "out of reach"}},
		{name: "bad_client_context", caller: brokenContext, want: want{message: "Cannot parse ClientContext as json: SyntaxError"}},
		{name: "throws_null_at_once", want: want{payload: `null`}},
		{name: "rejects_unhandled", fresh: true, want: want{message: "RangeError: nobody cares"}},
		{name: "rejects_unhandled_text", fresh: true, want: want{message: "nobody reads"}},
		{name: "rejects_unhandled_object", fresh: true, want: want{message: "[object Object]"}},
		{name: "rejects_unhandled_twice", fresh: true, want: want{message: "the first"}, hides: []string{"the second"}},
		{name: "throws_uncaught", fresh: true, want: want{message: "out of reach"}},
		{name: "throws_uncaught_text", fresh: true, want: want{message: "text out of reach"}},
		{name: "emits_error", fresh: true, want: want{message: "not listened to"}},
		{name: "never_settles", want: want{payload: `null`}},
	}
}

func modernFailures() []row {
	gone := want{message: "exit status 1", platform: lambda.Exited}
	return []row{
		{name: "fails_without_stack", want: want{message: "stackless"}},
		{name: "fails_like_an_error", want: want{message: "[object Object]"}},
		{name: "fails_with_heir", want: want{message: "an heir"}},
		{name: "fails_in_another_realm", want: want{message: "TypeError: from afar"}},
		{name: "throws_null", want: want{message: "null"}},
		{name: "throws_null_at_once", want: want{message: "null"}},
		{name: "throws_undefined", want: want{message: "undefined"}},
		{name: "throws_undefined_at_once", want: want{message: "undefined"}},
		{name: "throws_symbol_at_once", want: want{message: "Symbol(token)"}},
		{name: "bad_client_context", fresh: true, caller: brokenContext, want: gone, says: []string{"Failed to parse lambda-runtime-client-context as JSON"}},
		{name: "throws_symbol", want: want{message: "Symbol(token)"}},
		{name: "rejects_unhandled", fresh: true, want: gone, says: []string{"RangeError: nobody cares"}},
		{name: "rejects_unhandled_text", fresh: true, want: gone, says: []string{"nobody reads"}},
		{name: "rejects_unhandled_undefined", fresh: true, want: gone},
		{name: "rejects_unhandled_object", fresh: true, want: gone},
		{name: "rejects_unhandled_twice", fresh: true, want: gone},
		{name: "throws_uncaught", fresh: true, want: gone, says: []string{"RangeError: out of reach"}},
		{name: "throws_uncaught_text", fresh: true, want: gone},
		{name: "throws_uncaught_undefined", fresh: true, want: gone},
		{name: "throws_uncaught_as_json", events: []string{"{}"}, change: both(handler("failures.throws_uncaught"), jsonFrom("")), fresh: true, want: gone},
		{name: "emits_error", fresh: true, want: gone, says: []string{"not listened to"}},
		{name: "never_settles", fresh: true, want: want{message: "Runtime exited without providing a reason", platform: lambda.Exited}},
	}
}

// callbacks are handlers for Node.js up to 22.
func callbacks() []row {
	return []row{
		{name: "calls_back", want: want{payload: `{"a":1}`}},
		{name: "calls_back_without_warning", change: both(handler("callbacks.calls_back"), setting("AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING", "true")), want: want{payload: `{"a":1}`}},
		{name: "calls_back_later", want: want{payload: `"later"`}},
		{name: "calls_back_nothing", want: want{payload: `null`}},
		{name: "calls_back_twice", want: want{payload: `"first"`}},
		{name: "calls_back_an_error", want: want{message: "handed over"}},
		{name: "calls_back_an_error_later", want: want{message: "handed over later"}},
		{name: "calls_back_text", want: want{message: "oops"}},
		{name: "calls_back_false", want: want{message: "false"}},
		{name: "calls_back_zero", want: want{message: "0"}},
		{name: "calls_back_an_object", want: want{message: "[object Object]"}},
		{name: "calls_back_an_error_and_value", want: want{message: "and a value"}},
		{name: "calls_back_undefined_error", want: want{payload: `"value"`}},
		{name: "calls_back_an_error_twice", want: want{message: "the first"}},
		{name: "calls_back_and_throws", want: want{payload: `"value"`}, hides: []string{"not heard"}},
		{name: "calls_back_and_throws_later", fresh: true, want: want{message: "heard"}},
		{name: "calls_back_and_works_on", want: want{payload: `"value"`}, says: []string{"still at work"}},
		{name: "calls_back_and_leaves_work", want: want{payload: `"at once"`}},
		{name: "calls_back_without_waiting_later", want: want{payload: `"later"`}},
		{name: "waits_for_ever", events: []string{"{}"}, change: short, want: want{message: "timed out", platform: lambda.TimedOut}},
		{name: "calls_back_circular", fresh: true, want: want{message: "Unable to stringify response body"}},
		{name: "calls_back_circular_at_once", want: want{message: "Unable to stringify response body"}},
		{name: "calls_back_a_function", fresh: true, want: want{message: "Wrong arguments"}},
		{name: "succeeds", want: want{payload: `{"s":1}`}},
		{name: "succeeds_later", want: want{payload: `"later"`}},
		{name: "succeeds_with_nothing", want: want{payload: `null`}},
		{name: "succeeds_and_works_on", events: []string{`{"stop":true}`, `{"stop":true}`}, want: want{payload: `"at once"`}},
		{name: "succeeds_circular", want: want{message: "Unable to stringify response body"}},
		{name: "succeeds_circular_later", fresh: true, want: want{message: "Unable to stringify response body"}},
		{name: "is_done", want: want{payload: `"done"`}},
		{name: "is_done_with_an_error", want: want{message: "done in"}},
		{name: "fails_by_context", want: want{message: "by context"}},
		{name: "fails_without_reason", want: want{message: "handled"}},
		{name: "fails_with_a_text", want: want{message: "a text"}},
		{name: "fails_then_succeeds", want: want{message: "first"}},
		{name: "succeeds_then_calls_back", want: want{payload: `"first"`}},
		{name: "calls_back_then_succeeds", want: want{payload: `"first"`}},
		{name: "returns_and_calls_back", want: want{payload: `"called"`}},
		{name: "promises_and_calls_back", want: want{payload: `"called"`}},
		{name: "promises_and_calls_back_an_error", want: want{message: "called with"}},
		{name: "promises_and_succeeds", want: want{payload: `"succeeded"`}},
		{name: "promises_for_ever_and_calls_back", want: want{payload: `"called"`}},
		{name: "returns_a_value", want: want{payload: `null`}},
		{name: "returns_a_value_and_works_on", want: want{payload: `null`}, says: []string{"before the answer"}},
		{name: "never_calls_back", want: want{payload: `null`}},
		{name: "never_settles_after_work", want: want{payload: `null`}, says: []string{"worked"}},
		{name: "promises_and_leaves_work", want: want{payload: `"value"`}},
		{name: "calls_back_in_the_next", want: want{payload: `"of now"`}, then: []want{{payload: `"first"`}}},
		{name: "calls_back_after_null", want: want{payload: `"of now"`}, then: []want{{payload: `null`}}},
		{name: "calls_back_before_exit", events: []string{"{}"}, want: want{payload: `"value"`}},
		{name: "has_three_parameters", want: want{payload: `"function"`}, hides: []string{"WARN"}},
		{name: "context_waits", want: want{payload: `[true,false]`}},
		{name: "storage_is_left", want: want{payload: `"left"`}, then: []want{{payload: `null`}}},
		{name: "keeps_own_symbols", events: []string{"{}"}, want: want{payload: `["` + id(0) + `","function"]`}},
	}
}

// modern are handlers for Node.js from 24 on.
func modern() []row {
	refused := want{message: "has removed support for callback-based function handlers starting with Node.js 24"}
	return []row{
		{name: "returns_a_value", want: want{payload: `"value"`}},
		{name: "returns_a_value_of_two", events: []string{`{"a":1}`}, want: want{payload: `{"event":{"a":1},"id":"` + id(0) + `"}`}},
		{name: "succeeds", want: want{message: "context.succeed is not a function"}},
		{name: "calls_back", fresh: true, want: refused},
		{name: "has_three_parameters", fresh: true, want: refused},
		{name: "has_a_default", want: want{payload: `null`}},
		{name: "has_a_rest", want: want{payload: `1`}},
		{name: "leaves_work", want: want{payload: `"now"`}},
		{name: "leaves_words", want: want{payload: `"value"`}, says: []string{"next turn"}},
		{name: "by_default", change: handler("modern.by_default"), want: want{payload: `"default"`}},
		{name: "by_default_and_deeper", change: handler("modern.deep.er"), want: want{payload: `"deeper"`}},
		{name: "store", events: []string{"{}"}, want: want{}},
		{name: "store_of_a_tenant", caller: tenant, want: want{payload: `["undefined","blue"]`}},
		{name: "store_of_a_tenant_as_json", change: both(handler("modern.store_of_a_tenant"), jsonFrom("")), caller: tenant, want: want{payload: `["undefined","blue"]`}},
		{name: "store_left", want: want{payload: `null`}},
		{name: "trace_in_context", want: want{payload: `true`}},
		{name: "storage_is_empty", want: want{payload: `null`}},
	}
}

func brokenContext(inv *lambda.Invocation) { inv.ClientContext = []byte("{") }

func tenant(inv *lambda.Invocation) { inv.TenantID = "blue" }

func both(one, other func(*lambda.Function)) func(*lambda.Function) {
	return func(fn *lambda.Function) {
		one(fn)
		other(fn)
	}
}

// jsonFrom makes the log JSON, from a level on.
func jsonFrom(level string) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", level }
}

// nodeLoading are ways to name a handler, and to fail before it runs.
func nodeLoading() []row {
	found := func(name, file, payload string) row {
		return row{name: "load_" + name, change: handler("load/" + file), want: want{payload: payload}}
	}
	fails := func(name, file, message string) row {
		return row{name: "load_" + name, events: []string{"{}"}, change: handler("load/" + file), fresh: true, want: want{message: message}}
	}
	return []row{
		found("deep", "folder/deep.a.b.handler", `"deep"`),
		found("module", "module/index.handler", `["undefined","function","index.js"]`),
		found("module_below", "module/below/index.handler", `"awaited"`),
		found("commonjs", "commonjs/index.handler", `["function","object"]`),
		found("cjs", "common.handler", `"cjs"`),
		found("mjs_before_cjs", "plain.handler", `"mjs"`),
		found("both", "both.handler", `"js"`),
		found("computed", "computed.handler", `"computed"`),
		found("inherited", "inherited.handler", `"undefined"`),
		found("caught", "missing_caught.handler", `false`),
		found("awaits", "awaits.handler", `"awaited"`),
		found("logs", "logs.handler", `null`),
		found("timer", "sets_timer.handler", `true`),
		found("space", "with space.handler", `"spaced"`),
		{name: "load_absolute", change: func(fn *lambda.Function) { fn.Handler = filepath.Join(fn.Code.Dir, "load", "both.handler") }, want: want{payload: `"js"`}},
		{name: "load_package", change: func(fn *lambda.Function) {
			fn.Handler = "package.handler"
			setting("NODE_PATH", filepath.Join(fn.Code.Dir, "load", "packages"))(fn)
		}, want: want{payload: `"package"`}},
		fails("absent", "absent.handler", "Cannot find module 'absent'"),
		fails("two_dots", "a.b.handler", "Cannot find module 'a'"),
		fails("no_dot", "plain", "Bad handler"),
		{name: "load_parent", change: handler("load/../values.echo"), fresh: true, want: want{message: "'load/../values.echo' is not a valid handler name."}},
		fails("number", "values.number", "load/values.number is not a function"),
		fails("undefined", "values.empty", "load/values.empty is undefined or not exported"),
		fails("null", "values.nothing", "load/values.nothing is undefined or not exported"),
		fails("nothing", "values.not_there", "load/values.not_there is undefined or not exported"),
		fails("nothing_below", "values.handler.below", "load/values.handler.below is undefined or not exported"),
		fails("throws", "throws.handler", "at the top"),
		fails("throws_coded", "throws_coded.handler", "coded"),
		fails("throws_own_name", "throws_own_name.handler", "not configured"),
		fails("awaits_failing", "awaits_failing.handler", "awaited at the top"),
		fails("missing", "missing.handler", "Cannot find module 'not-there'"),
		fails("missing_below", "missing_below.handler", "Cannot find module './folder/not-there.js'"),
		fails("requires_missing", "requires_missing.handler", "Cannot find module 'not-there'"),
		fails("syntax", "syntax.handler", "SyntaxError: Unexpected token ';'"),
		fails("syntax_below", "syntax_below.handler", "SyntaxError: Unexpected token ';'"),
		fails("wrong_import", "wrong_import.handler", "Named export 'notThere' not found"),
		fails("requires_in_module", "requires_in_module.handler", "require is not defined in ES module scope"),
		{name: "load_exits", change: handler("load/exits.handler"), fresh: true, want: want{message: "Runtime exited without providing a reason", platform: lambda.Exited}, says: []string{"leaving"}},
		{name: "load_logs_as_json", change: both(handler("load/logs.handler"), jsonFrom("TRACE")), want: want{payload: `null`}},
		{name: "load_throws_as_json", change: both(handler("load/throws.handler"), jsonFrom("")), fresh: true, want: want{message: "at the top"}},
	}
}

func classicLoading() []row {
	fails := func(name, file, message string) row {
		return row{name: "load_" + name, events: []string{"{}"}, change: handler("load/" + file), fresh: true, want: want{message: message}}
	}
	return []row{
		{name: "load_broken", change: handler("load/broken/index.handler"), fresh: true, want: want{message: "package.json"}, says: []string{"cannot be read, it will be ignored for ES module detection purposes."}},
		{name: "load_extensionless", change: handler("load/extensionless.handler"), want: want{payload: `"no extension"`}},
		{name: "load_folder", change: handler("load/exact.handler"), want: want{payload: `"a folder"`}},
		fails("throws_text", "throws_text.handler", "text at the top"),
		fails("throws_null", "throws_null.handler", "Cannot read properties of null"),
		fails("rejects", "rejects.handler", "nobody at the top"),
		fails("rejects_twice", "rejects_twice.handler", "the first"),
		fails("throws_in_timer", "throws_in_timer.handler", "in a timer at the top"),
		{name: "load_awaits_for_ever", change: handler("load/awaits_for_ever.handler"), fresh: true, want: want{message: "exit status 13", platform: lambda.Exited}},
	}
}

func modernLoading() []row {
	gone := want{message: "exit status 1", platform: lambda.Exited}
	left := func(name, file string, want want) row {
		return row{name: "load_" + name, events: []string{"{}"}, change: handler("load/" + file), fresh: true, want: want}
	}
	return []row{
		left("broken", "broken/index.handler", want{message: "Invalid package config"}),
		{name: "load_extensionless", change: handler("load/extensionless.handler"), want: want{payload: `"no extension"`}},
		left("folder", "exact.handler", want{message: "Directory import"}),
		left("throws_text", "throws_text.handler", want{message: "text at the top"}),
		left("throws_null", "throws_null.handler", want{message: "null"}),
		left("rejects", "rejects.handler", gone),
		left("rejects_twice", "rejects_twice.handler", gone),
		left("throws_in_timer", "throws_in_timer.handler", gone),
		{name: "load_wrong_kind", change: handler("load/wrong_kind.handler"), want: want{payload: `"a module"`}},
		left("awaits_for_ever", "awaits_for_ever.handler", want{message: "Runtime exited without providing a reason", platform: lambda.Exited}),
	}
}
