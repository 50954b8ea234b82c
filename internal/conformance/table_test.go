package conformance

import (
	"slices"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// row is one handler, as every language has it. Its name says which; what it
// does is the row's comment.
type row struct {
	name   string
	events []string // invocations, one after the other; none are two of {}
	change func(*lambda.Function)
	caller func(*lambda.Invocation)
	pause  time.Duration // after each event
	// together gives the function all events at once, with a new folder in the
	// variable MEET. The lines of the log are compared in alphabetical order.
	together bool

	want  want     // the answer to each event
	then  []want   // those that differ, by the event's number
	fresh bool     // each event has a process of its own
	says  []string // parts of the log
	hides []string // what the log does not have
}

// want is what the table says of an answer.
type want struct {
	payload  string // JSON with this value; "" for any
	raw      bool   // payload is the very bytes
	fails    bool   // the function fails, with any message
	message  string // the function fails, and this is part of its errorMessage
	kind     string // and this its errorType; "" for any
	platform string // the platform's error type, where it has made the error
}

func (r *row) invocations() []string {
	if len(r.events) == 0 {
		return []string{"{}", "{}"}
	}
	return r.events
}

// shared are the rows of all languages. "Returns" means what the language's
// users do to answer: a value that becomes JSON.
func shared() []row {
	rows := values()
	rows = append(rows, failures()...)
	rows = append(rows, initialisation()...)
	rows = append(rows, logs()...)
	rows = append(rows, exits()...)
	rows = append(rows, contexts()...)
	rows = append(rows, streams()...)
	return append(rows, row{
		// Make a file in the folder MEET, named for the request id, wait until there
		// are two, and return true.
		name: "meets", together: true, change: twoAtOnce, want: want{payload: `true`},
	})
}

// twoAtOnce puts the function on a capacity provider.
func twoAtOnce(fn *lambda.Function) { fn.MaxConcurrency, fn.LogFormat = 2, lambda.JSONLogs }

// besides ends the names of rows that run in an environment for two invocations
// at once; their handlers are those of the rows without it.
const besides = " besides others"

// shareable are rows once more, in an environment for two invocations at once.
func shareable(rows []row, names ...string) []row {
	var out []row
	for _, name := range names {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		r := rows[i]
		change := r.change
		r.name += besides
		r.change = func(fn *lambda.Function) {
			if change != nil {
				change(fn)
			}
			twoAtOnce(fn)
		}
		if name == "returns_too_much" { // that it is refused is told behind the answer, before or after the platform's lines
			r.together, r.pause = true, 200*time.Millisecond
		}
		out = append(out, r)
	}
	return out
}

func values() []row {
	long := strings.Repeat("lambda ", 150_000)
	return []row{
		// Return the event.
		{name: "echo", events: []string{`{"a":[1,2.5,{"b":null}],"c":"d"}`}, want: want{payload: `{"a":[1,2.5,{"b":null}],"c":"d"}`}},
		{name: "echo_null", events: []string{`null`}, want: want{payload: `null`}},
		{name: "echo_text", events: []string{`"text"`}, want: want{payload: `"text"`}},
		{name: "echo_number", events: []string{`12.5`}, want: want{payload: `12.5`}},
		{name: "echo_list", events: []string{`[1,"2",[]]`}, want: want{payload: `[1,"2",[]]`}},
		{name: "echo_unicode", events: []string{`{"text":"grüß 日本 \ud83d\ude00 \u0000\u001f\"\\/"}`}, want: want{payload: `{"text":"grüß 日本 😀 \u0000\u001f\"\\/"}`}},
		{name: "echo_long", events: []string{`{"text":"` + long + `"}`}, want: want{payload: `{"text":"` + long + `"}`}},
		// Return null, or nothing where the language has that.
		{name: "returns_null", want: want{payload: `null`}},
		{name: "returns_true", want: want{payload: `true`}},
		{name: "returns_integer", want: want{payload: `42`}},
		{name: "returns_negative", want: want{payload: `-7`}},
		{name: "returns_fraction", want: want{payload: `0.1`}},
		{name: "returns_text", want: want{payload: `"text"`}},
		{name: "returns_empty_text", want: want{payload: `""`}},
		// "ü 日 😀" and a line feed.
		{name: "returns_unicode", want: want{payload: `"ü 日 😀\n"`}},
		{name: "returns_empty_list", want: want{payload: `[]`}},
		{name: "returns_list", want: want{payload: `[1,"two",null,true]`}},
		{name: "returns_empty_object", want: want{payload: `{}`}},
		{name: "returns_nested", want: want{payload: `{"a":{"b":{"c":[{"d":1}]}}}`}},
		// A text of 1,000,000 "x".
		{name: "returns_long", events: []string{"{}"}, want: want{payload: `"` + strings.Repeat("x", 1_000_000) + `"`}},
		// A text whose JSON has exactly MaxResponseBytes bytes, quotes included.
		{name: "returns_largest", events: []string{"{}"}, want: want{payload: `"` + strings.Repeat("x", lambda.MaxResponseBytes-2) + `"`}},
		// One byte more. The environment goes on where the client does.
		{name: "returns_too_much", events: []string{"{}"}, want: want{message: "Response payload size exceeded maximum allowed payload size (6291556 bytes).", platform: "Function.ResponseSizeTooLarge"}},
		// Count the invocations in a global variable and return the number.
		{name: "counts", events: []string{"{}", "{}", "{}"}, want: want{payload: `1`}, then: []want{{payload: `1`}, {payload: `2`}, {payload: `3`}}},
		// Return event.n, an integer of 53 bits.
		{name: "returns_big_integer", events: []string{`{"n":9007199254740991}`}, want: want{payload: `9007199254740991`}},
		// Sleep 50 ms, then return "slept".
		{name: "sleeps", want: want{payload: `"slept"`}},
	}
}

func failures() []row {
	return []row{
		// Fail in the language's usual way, with the message "boom".
		{name: "fails", want: want{message: "boom"}},
		// Fail with an error of the function's own type, OwnError.
		{name: "fails_with_own_type", want: want{message: "own"}},
		// Fail with the message "über 日本 😀".
		{name: "fails_with_unicode", want: want{message: "über 日本 😀"}},
		// Fail with the message "first\nsecond".
		{name: "fails_with_lines", want: want{message: "first\nsecond"}},
		// Fail with "outer", caused by another error, "inner".
		{name: "fails_with_cause", want: want{message: "outer"}},
		// Fail with a message of 100,000 "m".
		{name: "fails_with_long_message", events: []string{"{}"}, want: want{message: strings.Repeat("m", 100_000)}},
		// Fail three calls deep: deep calls deeper calls deepest.
		{name: "fails_deep", want: want{message: "deep down"}},
		// Fail when event.fail is true, else return "fine".
		{name: "fails_once", events: []string{`{"fail":true}`, `{}`}, want: want{message: "once"}, then: []want{{message: "once"}, {payload: `"fine"`}}},
		// Print "before" and fail with "after".
		{name: "fails_after_output", want: want{message: "after"}, says: []string{"before"}},
	}
}

func initialisation() []row {
	return []row{
		// Print "loading" when the code is loaded; return "loaded".
		{name: "prints_at_init", want: want{payload: `"loaded"`}, says: []string{"loading"}},
		// Exit with status 4 when the code is loaded.
		{name: "exits_at_init", want: want{message: "exit status 4", platform: lambda.Exited}, fresh: true},
	}
}

func logs() []row {
	lines := make([]string, 100)
	for i := range lines {
		lines[i] = strings.Repeat("l", 1000) + string(rune('a'+i%26))
	}
	return []row{
		// Print "a line" to standard output; return null, as all others here.
		{name: "prints", want: want{payload: `null`}, says: []string{"a line\n"}},
		{name: "prints_to_stderr", want: want{payload: `null`}, says: []string{"an error line\n"}},
		// Print "one", "two", "three" as three lines.
		{name: "prints_lines", want: want{payload: `null`}, says: []string{"one\ntwo\nthree\n"}},
		{name: "prints_unicode", want: want{payload: `null`}, says: []string{"grüß 日本 😀\n"}},
		// Print "open end" without a line feed.
		{name: "prints_without_end", want: want{payload: `null`}, says: []string{"open end"}},
		// Print one line of 100,000 "w".
		{name: "prints_wide", events: []string{"{}"}, want: want{payload: `null`}, says: []string{strings.Repeat("w", 100_000) + "\n"}},
		// Print 100 lines: 1,000 "l", then a letter from a to z and again from a.
		{name: "prints_much", events: []string{"{}"}, want: want{payload: `null`}, says: []string{strings.Join(lines, "\n") + "\n"}},
		// Print "out 1" to standard output, "err 1" to standard error, "out 2", "err 2".
		{name: "prints_in_turn", want: want{payload: `null`}, says: []string{"out 1\nerr 1\nout 2\nerr 2\n"}},
		// Print "never" after the sleep of a second that the time does not allow; "early" before.
		{name: "prints_before_timeout", events: []string{"{}"}, change: short, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}, says: []string{"early\n"}, hides: []string{"never"}},
	}
}

// short leaves one second, which a function that sleeps for five does not have.
func short(fn *lambda.Function) { fn.Timeout = time.Second }

// fromSnapshot is a function with SnapStart.
func fromSnapshot(fn *lambda.Function) { fn.SnapStart = true }

func exits() []row {
	return []row{
		{name: "exits", want: want{message: "Runtime exited without providing a reason", platform: lambda.Exited}, fresh: true},
		{name: "exits_with_3", want: want{message: "Runtime exited with error: exit status 3", platform: lambda.Exited}, fresh: true},
		{name: "exits_with_255", want: want{message: "Runtime exited with error: exit status 255", platform: lambda.Exited}, fresh: true},
		// Send itself the signal.
		{name: "killed", want: want{message: "Runtime exited with error: signal: killed", platform: lambda.Exited}, fresh: true},
		{name: "terminated", want: want{message: "Runtime exited with error: signal: terminated", platform: lambda.Exited}, fresh: true},
		// Print "last words" and exit with status 5.
		{name: "exits_after_output", want: want{message: "exit status 5", platform: lambda.Exited}, fresh: true, says: []string{"last words\n"}},
		// Exit with status 6 when event.exit is true, else return "fine".
		{name: "exits_once", events: []string{`{"exit":true}`, `{}`}, fresh: true, want: want{message: "exit status 6", platform: lambda.Exited}, then: []want{{message: "exit status 6", platform: lambda.Exited}, {payload: `"fine"`}}},
		// Sleep for five seconds.
		{name: "times_out", events: []string{"{}"}, change: short, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
		// Work without a pause for five seconds.
		{name: "times_out_busy", events: []string{"{}"}, change: short, fresh: true, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
	}
}

func contexts() []row {
	const client = `{"client":{"installation_id":"i","app_title":"t"},"custom":{"key":"value"},"env":{"locale":"de"}}`
	return []row{
		// Return what the context, or the environment, says.
		{name: "request_id", events: []string{"{}"}, want: want{payload: `"` + id(0) + `"`}},
		{name: "function_name", want: want{payload: `"fn"`}},
		{name: "function_version", want: want{payload: `"$LATEST"`}},
		// As a number, whatever the context has.
		{name: "memory_limit", want: want{payload: `512`}},
		{name: "log_group", want: want{payload: `"/aws/lambda/fn"`}},
		{name: "arn", want: want{payload: `"arn:aws:lambda:eu-west-1:123456789012:function:fn"`}},
		{name: "arn_with_qualifier", caller: func(inv *lambda.Invocation) { inv.Qualifier = "live" }, want: want{payload: `"arn:aws:lambda:eu-west-1:123456789012:function:fn:live"`}},
		// Whether between 10 and 20 seconds are left.
		{name: "remaining_time", want: want{payload: `true`}},
		// client_context.custom.key.
		{name: "client_context", caller: func(inv *lambda.Invocation) { inv.ClientContext = []byte(client) }, want: want{payload: `"value"`}},
		// client_context.client.app_title, and env.locale: ["t","de"].
		{name: "client_context_parts", caller: func(inv *lambda.Invocation) { inv.ClientContext = []byte(client) }, want: want{payload: `["t","de"]`}},
		{name: "without_client_context", want: want{payload: `null`}},
		// The identity's two parts: ["id","pool"].
		{name: "cognito_identity", caller: func(inv *lambda.Invocation) {
			inv.CognitoIdentity = []byte(`{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}`)
		}, want: want{payload: `["id","pool"]`}},
		// The trace header, from where the language's users get it.
		{name: "trace_id", want: want{payload: `"` + trace + `"`}},
		{name: "tenant_id", caller: func(inv *lambda.Invocation) { inv.TenantID = "blue" }, want: want{payload: `"blue"`}},
		{name: "without_tenant_id", want: want{payload: `null`}},
		// The environment variable OWN.
		{name: "variable", change: func(fn *lambda.Function) { fn.Environment = []lambda.Variable{{Name: "OWN", Value: "a=b c"}} }, want: want{payload: `"a=b c"`}},
		// The working folder.
		{name: "working_folder", want: want{payload: `"/var/task"`}},
		// The region of the environment.
		{name: "region", want: want{payload: `"eu-west-1"`}},
	}
}

func streams() []row {
	const prelude = `{"statusCode":201,"headers":{"x-a":"b"},"cookies":["c=d"]}`
	return []row{
		// Write "one,", "two,", "three" to the response stream, 20 ms apart.
		{name: "streams", want: want{raw: true, payload: "one,two,three"}},
		// Write nothing and end.
		{name: "streams_nothing", want: want{raw: true, payload: ""}},
		// Write 1,000 times 1,000 "s".
		{name: "streams_much", events: []string{"{}"}, want: want{raw: true, payload: strings.Repeat("s", 1_000_000)}},
		// Write bytes that are no text: 0x00 0xff 0xfe.
		{name: "streams_bytes", want: want{raw: true, payload: "\x00\xff\xfe"}},
		// Write "body" behind the prelude with status 201, header x-a: b, cookie c=d.
		{name: "streams_http", want: want{raw: true, payload: prelude + "\x00\x00\x00\x00\x00\x00\x00\x00body"}},
		// Write "half", then fail with "broken".
		{name: "streams_and_fails", want: want{message: "broken"}},
	}
}
