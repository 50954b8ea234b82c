package ruby

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

func TestServerlessHandlersAreFoundAsByTheFramework(t *testing.T) {
	const source = "module My; class Own; def self.h(event:, context:) 'own' end end end\ndef h(event:, context:) require 'src/other'; OTHER end"
	files := map[string]string{"src/a.rb": source, "src/other.rb": "OTHER = 'other'"}
	tests := []struct {
		name, handler string
		want          answer
	}{
		{"method", "src/a.h", answer{response, `"other"`, 0}},
		{"of a class", "src/a.My::Own.h", answer{response, `"own"`, 0}},
		{"no such file", "src/b.h", answer{initError, "Init<LoadError>: cannot load such file -- ./src/b", 252}},
		{"no such method", "src/a.nope", answer{failure, "Function<NoMethodError>: undefined method ", 255}},
		{"no dot", "src/a", answer{initError, `Init<ArgumentError>: the handler "src/a" has no method: write FILE.METHOD or FILE.CLASS.METHOD`, 252}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{handler: tt.handler, files: files, serverless: true}, rapitest.Event{Body: `{}`})
			got := summary(t, out)
			if tt.want.Path != response && strings.HasPrefix(got.Body, tt.want.Body) {
				got.Body = tt.want.Body
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
		})
	}
}

func TestServerlessEventsAreObjects(t *testing.T) {
	const source = "def handler(event:, context:) [event] end"
	for event, want := range map[string]string{
		`null`: `[{}]`, `false`: `[{}]`, `0`: `[{}]`, `""`: `[{}]`, `-0.0`: `[{}]`,
		`true`: `[true]`, `5`: `[5]`, `"a"`: `["a"]`, `[]`: `[[]]`, `{"a":"é"}`: `[{"a":"é"}]`,
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{files: app(source), serverless: true}, rapitest.Event{Body: event})
			if diff := cmp.Diff(answer{response, want, 0}, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s", diff, out.Stderr)
			}
		})
	}
}

func TestServerlessContextIsTheFrameworks(t *testing.T) {
	const source = `def handler(event:, context:)
  c = context
  c.log('logged')
  [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb, c.invoked_function_arn, c.log_group_name,
   c.log_stream_name.sub(/\A\d{4}\/\d\d\/\d\d/, 'DAY'), (5001..10_000).cover?(c.get_remaining_time_in_millis),
   (5000..10_000).cover?(c.deadline_ms - Time.now.to_f * 1000), event['more'] && c.instance_variable_get('@more'), event['more'] && c.more]
end`
	const stream = `"DAY/[$LATEST]58419525dade4d17a495dceeeed44708",`
	const arn = `"arn:aws:lambda:aws-region:acct-id:function:`
	const plain = `["ID","fn","LATEST",128,` + arn + `fn","/aws/lambda/fn",` + stream + `true,true,`
	tests := []struct{ name, event, context, want, err string }{
		{"plain", `{}`, ``, plain + `null,null]`, ""},
		{"members", `{"more":true}`, `{"more":[1],"aws_request_id":"x","log":1}`, plain + `[1],[1]]`, ""},
		{
			"members of its own", `{}`, `{"function_name":"other","version":"7","memory_limit_in_mb":512,"timeout":1}`,
			`["ID","other","7",512,` + arn + `other","/aws/lambda/other",` + strings.Replace(stream, "LATEST", "7", 1) + `false,false,null,null]`, "",
		},
		{"a name that is none", `{}`, `{"a-b":1}`, plain + `null,null]`, "\"a-b\" of the custom context is left out: it cannot be a variable's name\n"},
		{"text", `{}`, `"text"`, plain + `null,null]`, "the custom context is left out: a Ruby function's is an object, this one is \"text\"\n"},
		{"list", `{}`, `[1]`, plain + `null,null]`, "the custom context is left out: a Ruby function's is an object, this one is [1]\n"},
		{"number", `{}`, `5`, plain + `null,null]`, ""},
		{"null", `{}`, `null`, plain + `null,null]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{files: app(source), serverless: true}, rapitest.Event{Body: tt.event, Headers: map[string]string{"Lambkin-Context": tt.context}})
			if diff := cmp.Diff(answer{response, tt.want, 0}, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([2]string{"logged\n", tt.err}, [2]string{out.Stdout, out.Stderr}); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerlessFailuresShowRubysTrace(t *testing.T) {
	const source = "def inner() raise 'boom' end\ndef handler(**) inner rescue raise(KeyError, 'outer') end"
	out := run(t, setup{files: app(source), serverless: true}, rapitest.Event{Body: `{}`})
	if diff := cmp.Diff(answer{failure, "Function<KeyError>: outer\n/var/task/app.rb:2:in `rescue in handler'\n/var/task/app.rb:2:in `handler'", 0}, summary(t, out)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	const want = "/var/task/app.rb:2:in `rescue in handler': outer (KeyError)\n\tfrom /var/task/app.rb:2:in `handler'\n" +
		"/var/task/app.rb:1:in `inner': boom (RuntimeError)\n\tfrom /var/task/app.rb:2:in `handler'\n"
	if diff := cmp.Diff([2]string{"", want}, [2]string{out.Stdout, out.Stderr}); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}
