package conformance

import (
	"regexp"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// pythonHandler is the function's Handler: the rows of Python are named for
// it, with more behind a space where several share one.
func pythonHandler(row string) string {
	switch {
	case strings.HasSuffix(row, "_at_init"):
		return row + ".handler"
	case strings.ContainsAny(row, "./ "):
		handler, _, _ := strings.Cut(row, " ")
		return handler
	}
	return "app." + row
}

// The shapes of Python's rows: an answer, a failure, the end of the process, a
// module that does not load, and output.
func gives(handler, payload string) row {
	return row{name: handler, events: []string{"{}"}, want: want{payload: payload}}
}

func raises(handler, message string) row {
	return row{name: handler, events: []string{"{}"}, want: want{fails: true, message: message}}
}

func ends(handler, how string, says ...string) row {
	return row{name: handler, events: []string{"{}"}, want: want{message: how, platform: lambda.Exited}, says: says}
}

func unloadable(handler, message string) row { return raises(handler, message) }

func writes(handler string, says ...string) row {
	return row{name: handler, events: []string{"{}"}, want: want{payload: "null"}, says: says}
}

// exactly is an answer whose bytes count, since it is no JSON or not the only one.
func exactly(handler, payload string) row {
	return row{name: handler, events: []string{"{}"}, want: want{payload: payload, raw: true}}
}

func with(r row, name string, change func(*lambda.Function)) row {
	r.name, r.change = r.name+" "+name, change
	return r
}

func called(r row, name string, caller func(*lambda.Invocation)) row {
	r.name, r.caller = r.name+" "+name, caller
	return r
}

func logged(r row, says ...string) row {
	r.says = says
	return r
}

func inJSON(fn *lambda.Function) { fn.LogFormat = "JSON" }

// together makes one row of many handlers, which one process serves in turn.
func together(name string, cases []row) row {
	all := row{name: "each.handler " + name}
	for n, r := range cases {
		all.events = append(all.events, `{"run":"`+r.name+`"}`)
		r.want.payload = strings.ReplaceAll(r.want.payload, id(0), id(n))
		all.then = append(all.then, r.want)
		for _, part := range r.says {
			all.says = append(all.says, strings.ReplaceAll(part, id(0), id(n)))
		}
	}
	return all
}

// pythonRows are Python's own rows. older is whether the runtime is one of
// those up to 3.11, which escape what is not ASCII and do not look for signals
// while they wait.
func pythonRows(older bool) []row {
	rows := []row{
		pythonErrors(), pythonValues(), pythonOutput(), pythonMachine(), pythonContexts(),
		pythonLogs(), with(pythonLogsInJSON(), "JSON", inJSON),
	}
	rows = append(rows, pythonLogging()...)
	rows = append(rows, pythonLevels()...)
	rows = append(rows, pythonEvents()...)
	rows = append(rows, pythonCallers()...)
	rows = append(rows, pythonVersions(older)...)
	if older {
		return rows // the rest is the same in all, and takes a process for each row
	}
	rows = append(rows, pythonSnapshots()...)
	rows = append(rows, pythonNames()...)
	rows = append(rows, pythonLoading()...)
	rows = append(rows, pythonExits()...)
	return append(rows, pythonProcess()...)
}

// pythonSnapshots are hooks around a snapshot, which there are from Python 3.12 on.
func pythonSnapshots() []row {
	failing := func(when string) func(*lambda.Function) {
		return func(fn *lambda.Function) {
			fromSnapshot(fn)
			fn.Environment = []lambda.Variable{{Name: "FAILS", Value: when}}
		}
	}
	const all = `["second before","first before","first after","second after","snap-start",false]`
	return []row{
		with(row{name: "restored.handler", want: want{payload: all}, says: []string{"snapshot\nRESTORE_START\nrestored\n"}}, "from a snapshot", fromSnapshot),
		with(row{name: "restored.handler", events: []string{"{}"}, want: want{fails: true, message: "division by zero"}}, "fails before", failing("before")),
		with(row{name: "restored.handler", events: []string{"{}"}, want: want{fails: true, message: "no restore"}}, "fails after", failing("after")),
	}
}

// pythonLevels are the levels that the function's settings let through, and
// what a failure leaves in the log.
func pythonLevels() []row {
	atLevel := func(level string, says, hides []string) row {
		r := with(writes("logs.levels", says...), level, func(fn *lambda.Function) { fn.LogFormat, fn.LogLevel = "JSON", level })
		r.hides = hides
		return r
	}
	const debug, info, warning, failure, fatal = "a debug", "a info", "a warning", "a error", "a critical"
	return []row{
		atLevel("TRACE", []string{debug, info}, []string{"low"}),
		atLevel("DEBUG", []string{debug, info}, []string{"low"}),
		atLevel("INFO", []string{info, warning}, []string{debug}),
		atLevel("WARN", []string{warning, failure}, []string{info}),
		atLevel("ERROR", []string{failure, fatal}, []string{warning}),
		atLevel("FATAL", []string{fatal, "high"}, []string{failure}),
		called(with(writes("logs.root_levels", `"requestId": "`+id(0)+`", "tenantId": "blue"}`), "tenant", inJSON), "JSON", blue),
		logged(raises("logs.fails", "grüß\nGott"), "[ERROR] ValueError: grüß\nGott\rTraceback (most recent call last):\r"+
			"\u00a0\u00a0File \"/var/task/logs.py\", line ", ", in fails\r\u00a0\u00a0\u00a0\u00a0raise ValueError(\"grüß\\nGott\")\n"),
	}
}

func blue(inv *lambda.Invocation) { inv.TenantID = "blue" }

// pythonEvents are what becomes of events.
func pythonEvents() []row {
	return []row{
		{name: "values.event_types", events: []string{`[1,1.0,1e3,"a",null,true,{},[]]`}, want: want{payload: `["int","float","float","str","NoneType","bool","dict","list"]`}},
		{
			name: "values.event_numbers", events: []string{`[9007199254740993,12345678901234567890,0.1,-0,-0.0,1E2,1e400,"\ud83d\u0041"]`},
			want: want{payload: `["9007199254740993","12345678901234567890","0.1","0","-0.0","100.0","inf","'\\ud83dA'"]`},
		},
		{name: "values.event_order", events: []string{`{"b":1,"a":2,"b":3}`}, want: want{payload: `[["b",3],["a",2]]`}},
		{name: "app.echo", events: []string{`nope`, ``, `{"a":}`}, want: want{message: "Unable to unmarshal input: Expecting value: line 1 column "}},
		{name: "values.changed_event", events: []string{`{}`, `{}`}, want: want{payload: `{"seen":1}`}},
	}
}

// pythonCallers are invocations with a context of the caller's.
func pythonCallers() []row {
	with := func(text string) func(*lambda.Invocation) {
		return func(inv *lambda.Invocation) { inv.ClientContext = []byte(text) }
	}
	const trace = `{"custom":{"a":1},"w3c":{"traceparent":"00-1","baggage":2,"other":"x"}}`
	return []row{
		called(gives("contexts.client_fields", `[{"a":1},{"b":2},"i","t","n","c","p"]`), "all", with(
			`{"custom":{"a":1},"env":{"b":2},"client":{"installation_id":"i","app_title":"t","app_version_name":"n","app_version_code":"c","app_package_name":"p"}}`)),
		called(gives("contexts.client_fields", `[null,null,"i",null,null,null,null]`), "some", with(`{"client":{"installation_id":"i"},"more":1}`)),
		called(gives("contexts.client_unset", `[null,null,null]`), "none", with(`{}`)),
		called(gives("contexts.as_string", `"CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None])ClientContext([custom={'a': 1},env=None,client=None])"`), "text", with(trace)),
		called(gives("contexts.w3c", `[{"traceparent":"00-1"},{"a":1}]`), "trace", with(trace)),
		called(gives("contexts.w3c", `[{},null]`), "odd", with(`{"w3c":"x"}`)),
	}
}

// pythonVersions are rows in which the runtimes differ.
func pythonVersions(older bool) []row {
	if older {
		return []row{
			exactly("app.returns_unicode", `"\u00fc \u65e5 \ud83d\ude00\n"`),
			exactly("values.escapes", `"\"\\/\b\f\n\r\t\u0000\u001f\u007f\u0080\u2028\u2029\ufeff\uffff</script>\u00e9\ud83d\ude00"`),
			exactly("values.half_a_pair", `"half \ud83d"`),
			logged(with(raises("logs.fails", "grüß\nGott"), "JSON", inJSON), `{"timestamp": "TIME", "level": "ERROR", "errorMessage": "gr\u00fc\u00df\nGott", "errorType": "ValueError", "requestId": "`+id(0)+`", "stackTrace": ["  File \"/var/task/logs.py\", line `),
			exactly("values.half_a_pair_in_key", `{"\udc00": 1}`),
			unloadable("loading.not_utf8.handler", "Syntax error in module 'loading.not_utf8': (unicode error) 'utf-8' codec can't decode byte 0xff"),
			// The signal waits for the next event, as the client does in its own code.
			{name: "machine.signal_between", events: []string{"{}", "{}"}, pause: 200 * time.Millisecond, then: []want{{payload: "1"}, {payload: "2"}}, says: []string{"event 1\nEND", "Version: $LATEST\nsignal in event 1\nevent 2\n"}},
		}
	}
	return []row{
		exactly("app.returns_unicode", `"ü 日 😀\n"`),
		logged(with(raises("logs.fails", "grüß\nGott"), "JSON", inJSON), `{"timestamp": "TIME", "level": "ERROR", "errorMessage": "grüß\nGott", "errorType": "ValueError", "requestId": "`+id(0)+`", "stackTrace": ["  File \"/var/task/logs.py\", line `),
		exactly("values.escapes", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u0080\u2028\u2029\ufeff\uffff</script>é😀\""),
		// What is no UTF-8 cannot be sent, and ends the process.
		ends("values.half_a_pair", "Runtime exited with error: exit status 1", "surrogates not allowed"),
		ends("values.half_a_pair_in_key", "Runtime exited with error: exit status 1", "surrogates not allowed"),
		{name: "machine.signal_between", events: []string{"{}", "{}"}, pause: 200 * time.Millisecond, then: []want{{payload: "1"}, {payload: "2"}}, says: []string{"signal in event 1\nSTART"}},
	}
}

func tidyPython(text, clients string) string {
	for _, p := range pythonTidy {
		text = p.of.ReplaceAllString(strings.ReplaceAll(text, clients, "/CLIENT"), p.with)
	}
	return text
}

// pythonTidy takes away the frames of the runtime itself, of which there are
// other ones in AWS's client, and where they lie.
var pythonTidy = patterns{
	{regexp.MustCompile(`  File "(?:/CLIENT/|<frozen runpy>|[^"]*/runpy\.py|/var/runtime/python/)[^"]*", line \d+, in \S+\n(?:    .*\n)*`), ""},
	{regexp.MustCompile(`(?:/CLIENT/3\.\d+/awslambdaric|/var/runtime/python/_lambkin)/bootstrap\.py(\\?"), line \d+`), "/var/runtime/bootstrap.py$1, line N"},
	{regexp.MustCompile(`/\S+/bootstrap\.py:\d+: (RuntimeWarning: .*)\n.*\n`), "/var/runtime/bootstrap.py:N: $1\n"},
	{regexp.MustCompile(`:/CLIENT/3\.\d+|, "/CLIENT/3\.\d+"`), ""},
	// Python tells how much of its depth was left, of which AWS's start takes two more.
	{regexp.MustCompile(`repeated \d+ more times`), "repeated N more times"},
	{regexp.MustCompile(`\[\d{13}\] LAMBDA_RUNTIME`), "[TIME] LAMBDA_RUNTIME"},
	// The advice about updates of AWS's runtimes, which are none of lambkin's.
	{regexp.MustCompile(`.*LAMBDA_WARNING: Unhandled exception\..*\n`), ""},
}
