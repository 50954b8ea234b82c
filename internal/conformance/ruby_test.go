package conformance

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes/ruby"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestRuby has no client beside the bootstrap: AWS publishes it as a gem, and
// none of the registries that these tests use has it, nor does a system's
// package. The table alone says what is right.
func TestRuby(t *testing.T) {
	testenv.Ruby(t)
	code, err := filepath.Abs(filepath.Join("testdata", "ruby"))
	if err != nil {
		t.Fatal(err)
	}
	l := &language{
		runtime:   "ruby3.3",
		bootstrap: ruby.Runtime{},
		files:     ruby.Files(),
		code:      code,
		handler: func(row string) string {
			switch {
			case strings.HasSuffix(row, "_at_init"):
				return row + ".handler"
			case strings.Contains(row, "."):
				handler, _, _ := strings.Cut(row, " ")
				return handler
			case strings.HasPrefix(row, "without a dot"):
				return "bad"
			}
			return "app." + row
		},
		lacks: map[string]string{
			"streams":           oneResult,
			"streams_nothing":   oneResult,
			"streams_much":      oneResult,
			"streams_bytes":     oneResult,
			"streams_http":      oneResult,
			"streams_and_fails": oneResult,
			"meets":             "the client of Ruby serves one invocation at a time",
		},
		own:  rubyRows(),
		tidy: func(text string) string { return rubyTidy.Replace(text) },
	}
	l.run(t)
}

const oneResult = "the client of Ruby sends one answer"

var rubyTidy = patterns{{regexp.MustCompile(`\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\]`), "[TIME #PID]"}}

// critical is a failure after which Ruby's runtime ends; a plain one leaves it.
func critical(handler, message string, says ...string) row {
	return row{
		name: handler, fresh: true, want: want{fails: true, message: message},
		says: append(says, "Critical exception from handler\n{\n  \"errorMessage\": "),
	}
}

func plain(handler, message string) row {
	return row{name: handler, want: want{fails: true, message: message}, says: []string{"Error raised from handler method\n{\n  \"errorMessage\": "}}
}

func notLoaded(handler, kind, message string, says ...string) row {
	return row{
		name: handler, events: []string{"{}"}, want: want{fails: true, message: message},
		says: append(says, "Init error when loading handler ", `"errorType": "Init<`+kind+`>"`),
	}
}

func rubyRows() []row {
	rows := rubyFailures()
	rows = append(rows, rubyResults()...)
	return append(rows, rubyProcess()...)
}

func rubyFailures() []row {
	return []row{
		critical("own.exit_3", "exit", `"errorType": "Function<SystemExit>"`),
		critical("own.exit_true", "exit", `"errorType": "Function<SystemExit>"`),
		critical("own.aborts", "aborted", `"errorType": "Function<SystemExit>"`),
		critical("own.at_exit_runs", "exit", "at exit\n"),
		critical("own.raises_exception", "an exception", `"errorType": "Function<Exception>"`),
		critical("own.raises_name_error", "unknown_thing", `"errorType": "Function<NameError>"`),
		critical("own.raises_no_method", "unknown_method", `"errorType": "Function<NoMethodError>"`),
		critical("own.raises_not_implemented", "later", `"errorType": "Function<NotImplementedError>"`),
		critical("own.raises_interrupt", "stop", `"errorType": "Function<Interrupt>"`),
		critical("own.raises_no_memory", "full", `"errorType": "Function<NoMemoryError>"`),
		critical("own.raises_load_error", "cannot load such file -- no_such_feature", `"errorType": "Function<LoadError>"`),
		critical("own.raises_syntax_error", "syntax error", `"errorType": "Function<SyntaxError>"`),
		critical("own.recursion", "stack level too deep", `"errorType": "Function<SystemStackError>"`),
		critical("own.missing", "missing", `"errorType": "Function<NoMethodError>"`),
		critical("own.Missing.call", "Missing", `"errorType": "Function<NameError>"`),
		critical("own.Thing.missing", "missing", `"errorType": "Function<NoMethodError>"`),
		critical("own.Thing.instance", "instance", `"errorType": "Function<NoMethodError>"`),
		plain("own.raises_class", "ArgumentError"),
		plain("own.raises_empty", ""),
		plain("own.raises_nested", "nested"),
		plain("own.raises_anonymous", "anonymous"),
		plain("own.raises_odd_message", "from a method"),
		plain("own.raises_binary", "bytes \ufffd"),
		plain("own.raises_from_ensure", "in ensure"),
		plain("own.raises_frozen", "can't modify frozen String"),
		plain("own.raises_key_error", "key not found: \"missing\""),
		plain("own.raises_zero_division", "divided by 0"),
		plain("own.raises_stop_iteration", "iteration reached an end"),
		plain("own.throws", "uncaught throw :nowhere"),
		plain("own.raises_in_thread", "in a thread"),
		plain("own.raises_in_block", "in a block 1"),
		plain("own.without_context", "unknown keyword: :context"),
		plain("own.without_event", "unknown keyword: :event"),
		plain("own.without_arguments", "wrong number of arguments (given 1, expected 0)"),
		plain("own.positional", "wrong number of arguments (given 1, expected 2)"),
		plain("own.with_extra", "missing keyword: :more"),
		notLoaded("without a dot", "ArgumentError", `Invalid handler ["bad"], must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME`),
		notLoaded("own.Things.Inner.call", "ArgumentError", `Invalid handler ["own", "Things", "Inner", "call"]`),
		notLoaded("missing.handler", "LoadError", "cannot load such file -- missing"),
		notLoaded("no/such/file.handler", "LoadError", "cannot load such file -- no/such/file"),
		notLoaded("loading/raises.handler", "RuntimeError", "while loading"),
		notLoaded("loading/no_dependency.handler", "LoadError", "cannot load such file -- no_such_dependency"),
		notLoaded("loading/syntax.handler", "SyntaxError", "/var/task/loading/syntax.rb"),
		notLoaded("loading/exits.handler", "SystemExit", "exit"),
		notLoaded("loading/name_error.handler", "NameError", "unknown_thing"),
		notLoaded("loading/output.handler", "ArgumentError", "grüß", "printed\nto stderr\n"),
		notLoaded("loading/own_class.handler", "LoadingError", "own"),
		notLoaded("loading/aborts.handler", "SystemExit", "no way"),
		notLoaded("loading/throws.handler", "UncaughtThrowError", "uncaught throw :nowhere"),
		{name: "loading/killed.handler", events: []string{"{}"}, want: want{message: "signal: killed", platform: lambda.Exited}},
	}
}

func rubyResults() []row {
	return []row{
		gives("sub/mod.handler", `"in a folder"`),
		gives("own.Thing.call", `"Thing in own.rb"`),
		gives("own.Things::Inner.call", `"Things::Inner"`),
		gives("own.Thing.hidden", `"private"`),
		gives("own.any_keywords", `["event","context"]`),
		gives("own.any_arguments", `1`),
		gives("own.with_default", `1`),
		gives("own.symbols", `{"a":"b"}`),
		gives("own.odd_keys", `{"1":2,"":3,"1.5":4,"true":5,"[1]":6}`),
		gives("own.times", `["1970-01-01 00:00:00 UTC","1..3","1/1",1000000000000000000000000000000]`),
		gives("own.a_struct", `[1]`),
		gives("own.own_json", `[{"own":true}]`),
		gives("own.own_text", `"as text"`),
		plain("own.nan", "NaN not allowed in JSON"),
		plain("own.infinity", "Infinity not allowed in JSON"),
		plain("own.invalid_text", ""),
		gives("own.other_encoding", `"grüß"`),
		plain("own.circular", "is too deep"),
		exactly("own.layout", `{"a":[1,{"b":null}],"c":1.0}`),
		exactly("own.escapes", `"\"\\/\b\f\n\r\t\u0000\u001fé😀</script>"`),
		exactly("own.a_stream", "raw \x01 bytes"),
		exactly("own.a_file", "data\n\x01"),
	}
}

func rubyProcess() []row {
	const head = "[TIME #PID]"
	line := func(letter, level, name, message string) string {
		return letter + ", " + head + " " + level + " " + id(0) + " -- " + name + ": " + message + "\n"
	}
	return []row{
		writes("own.prints_in_many_ways", "1\n\"two\"\n[:a]\nwritten\nshifted\n001.2\nc\nto stderr\n"),
		writes("own.child_processes", "1 parent\n2 child\n3 child\n4 captured\n5 parent\n"),
		writes("own.warns", "careful\ntwice\ndirectly\n"),
		writes("own.logs", line("D", "DEBUG", "", "a debug")+line("I", " INFO", "", "an info")+line("W", " WARN", "", "a warning")+
			line("E", "ERROR", "", "an error")+line("F", "FATAL", "", "a fatal")+line("A", "  ANY", "", "an unknown")),
		writes("own.logs_with_name", line("I", " INFO", "prog", "named")+line("I", " INFO", "other", "block")),
		writes("own.logs_error", strings.TrimSuffix(line("E", "ERROR", "", "grüß (ArgumentError)\n/var/task/own.rb:"), "\n")),
		with(writes("own.logs", `{"timestamp":"TIME","level":"INFO","message":"an info","requestId":"`+id(0)+`"}`), "JSON", inJSON),
		with(writes("own.logs_with_name", `{"timestamp":"TIME","level":"INFO","message":"named","requestId":"`+id(0)+`","logger":"prog"}`), "JSON", inJSON),
		with(writes("own.logs_error", `"message":"grüß","requestId":"`+id(0)+`","errorType":"ArgumentError","errorMessage":"grüß","stackTrace":["/var/task/own.rb:`), "JSON", inJSON),
		writes("own.logs_own_format", "INFO/formatted\n"),
		gives("own.thread_fails_alone", `"goes on"`),
		gives("own.reads_input", `["",null]`),
		gives("own.forks", `9`),
		gives("own.handles_signal", `"DEFAULT"`),
		{name: "own.changes_environment", then: []want{{payload: `["x","fn"]`}, {payload: `["xx","changed"]`}}},
		gives("own.private_variables", `[]`),
		{name: "own.encodings", events: []string{`{"text":"é"}`}, want: want{payload: `["UTF-8","","UTF-8","UTF-8",""]`}},
		gives("own.load_path", `true`),
		gives("own.relative_require", `false`),
		gives("own.members", `["aws_request_id","client_context","deadline_ms","function_name","function_version","get_remaining_time_in_millis","identity","invoked_function_arn","log_group_name","log_stream_name","memory_limit_in_mb","tenant_id"]`),
		gives("own.types", `["Integer","String","NilClass","LambdaContext"]`),
		gives("own.without_identity", `null`),
		{name: "own.sets_thread_variable", then: []want{{payload: `1`}, {payload: `2`}}},
		{name: "own.same_object", then: []want{{payload: `1`}, {payload: `2`}}},
	}
}
