package ruby

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// setup is a function's code on disk and how it is started.
type setup struct {
	runtime    string // ruby3.3 when empty
	handler    string // app.handler when empty
	files      map[string]string
	env        map[string]string // the function's variables
	shell      map[string]string // added to the user's environment
	serverless bool
	opt        string // folder of layers, none when empty
	ruby       string // the folder of the only Ruby, in place of the machine's
	debug      *runtimes.Debug
}

// run runs a function on the machine's Ruby.
func run(t testing.TB, s setup, events ...rapitest.Event) rapitest.Outcome {
	t.Helper()
	if s.runtime == "" {
		s.runtime = "ruby3.3"
	}
	if s.handler == "" {
		s.handler = "app.handler"
	}
	task, cache := t.TempDir(), t.TempDir()
	testenv.WriteFiles(t, task, s.files)
	dir, err := fsx.Materialize(Files(), cache)
	if err != nil {
		t.Fatal(err)
	}
	host := &runtimes.Host{Env: testenv.Environ(), Cache: cache, Serverless: s.serverless, Debug: s.debug}
	maps.Copy(host.Env, s.shell)
	if s.ruby != "" {
		host.Env["PATH"] = s.ruby
	}
	fn := &lambda.Function{Name: "fn", Runtime: s.runtime, Handler: s.handler}
	launch, err := Runtime{}.Launch(fn, runtimes.Paths{Task: task, Opt: s.opt, Runtime: dir, Tmp: os.TempDir()}, host)
	if err != nil {
		testenv.Ruby(t)
		t.Fatal(err)
	}
	env := append([]string{
		"LANG=en_US.UTF-8", "_HANDLER=" + s.handler, "LAMBDA_TASK_ROOT=" + task, "LAMBDA_RUNTIME_DIR=" + dir,
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
	}, launch.Env...)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	out := rapitest.Run(t, launch.Path, launch.Args, task, env, events...)
	for i := range out.Posts {
		out.Posts[i].Body = tidy(out.Posts[i].Body, task, dir)
	}
	out.Stdout, out.Stderr = tidy(out.Stdout, task, dir), tidy(out.Stderr, task, dir)
	return out
}

var (
	moment  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z?`)
	process = regexp.MustCompile(`#\d+\]`)
	// Ruby 3.4 quotes methods otherwise, and says of which class they are.
	method = regexp.MustCompile("in [`'](?:[\\w:]+[#.])?([^']+)'")
)

// tidy puts fixed texts in place of folders, times, process and request ids,
// and methods as Ruby up to 3.3 writes them.
func tidy(text, task, dir string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, task, "/var/task"), dir, "/var/runtime")
	text = process.ReplaceAllString(moment.ReplaceAllString(text, "TIME"), "#PID]")
	text = method.ReplaceAllString(text, "in `$1'")
	return strings.ReplaceAll(text, rapitest.ID(0), "ID")
}

// app is a function of one file.
func app(source string) map[string]string { return map[string]string{"app.rb": source} }

// rubies are the folders of the machine's interpreters, by version.
func rubies(t *testing.T) map[string]string {
	t.Helper()
	testenv.Ruby(t)
	dirs := map[string]string{}
	for _, f := range (Runtime{}).Survey(&runtimes.Host{Env: testenv.Environ(), Cache: t.TempDir()}) {
		if f.Path != "" {
			dirs[strings.TrimPrefix(f.Name, "Ruby ")] = filepath.Dir(f.Path)
		}
	}
	return dirs
}

// Paths of posts.
const (
	response  = "invocation/{id}/response"
	failure   = "invocation/{id}/error"
	initError = "init/error"
)

// answer is what a function's first post and its end come to. Errors are
// written as "Type: message" and the lines of their trace.
type answer struct {
	Path string
	Body string
	Exit int // 0 for a process that waits for more
}

func summary(t *testing.T, out rapitest.Outcome) answer {
	t.Helper()
	path, body, exit := out.First()
	if path == failure || path == initError {
		var e struct {
			ErrorMessage, ErrorType string
			StackTrace              []string
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		body = strings.Join(append([]string{e.ErrorType + ": " + e.ErrorMessage}, e.StackTrace...), "\n")
	}
	return answer{path, body, exit}
}

const at1 = "\n/var/task/app.rb:1:in `handler'"

// behaviour is what each Ruby must do with a handler.
var behaviour = []struct {
	name, source string
	want         answer
}{
	{"hash", "def handler(event:, context:)\n  { a: 1, 'b' => [event['n'], nil, true] }\nend", answer{response, `{"a":1,"b":[1,null,true]}`, 0}},
	{"nil", "def handler(event:, context:); end", answer{response, `null`, 0}},
	{"text", "def handler(**) \"é \\u{1f600}\" end", answer{response, `"é 😀"`, 0}},
	{"an object of its own", "class Money; def to_json(*) '{\"eur\":1.10}' end end\ndef handler(**) Money.new end", answer{response, `{"eur":1.10}`, 0}},
	{"input and output", "def handler(**) StringIO.new(\"\\x00plain\") end", answer{response, "\x00plain", 0}},
	{"raises", "def handler(**) raise 'boom' end", answer{failure, "Function<RuntimeError>: boom" + at1, 0}},
	{"raises its own", "class Own < StandardError; end\ndef inner() raise Own, 'é' end\ndef handler(**)\n  inner\nend", answer{failure, "Function<Own>: é\n/var/task/app.rb:2:in `inner'\n/var/task/app.rb:4:in `handler'", 0}},
	{"raises what is not UTF-8", "def handler(**) raise \"\\xff\".b end", answer{failure, "Function<RuntimeError>: \ufffd" + at1, 0}},
	{"lacks context", "def handler(event:) end", answer{failure, "Function<ArgumentError>: unknown keyword: :context" + at1, 0}},
	{"not a number", "def handler(**)\n  begin\n    [0.0 / 0].to_json\n  rescue JSON::GeneratorError\n    'no JSON'\n  end\nend", answer{response, `"no JSON"`, 0}},
	{"unknown name", "def handler(**) Nope end", answer{failure, "Function<NameError>: uninitialized constant Nope" + at1, 255}},
	{"exits", "def handler(**) exit 3 end", answer{failure, "Function<SystemExit>: exit\n/var/task/app.rb:1:in `exit'" + at1, 255}},
	{"exits at once", "def handler(**) exit! 4 end", answer{Exit: 4}},
	{"is killed", "def handler(**) Process.kill(:TERM, $$); sleep 5 end", answer{failure, "Function<SignalException>: SIGTERM\n/var/task/app.rb:1:in `kill'" + at1, 255}},
	{"exits while loading", "exit 5", answer{initError, "Init<SystemExit>: exit\n/var/task/app.rb:1:in `exit'\n/var/task/app.rb:1:in `<top (required)>'", 252}},
	{"raises while loading", "raise 'top'", answer{initError, "Init<RuntimeError>: top\n/var/task/app.rb:1:in `<top (required)>'", 252}},
}

func TestHandlersAnswerAsOnAWS(t *testing.T) {
	dirs := rubies(t)
	for _, version := range slices.Sorted(maps.Keys(dirs)) {
		for _, tt := range behaviour {
			t.Run(version+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				out := run(t, setup{ruby: dirs[version], runtime: "ruby" + version, files: app(tt.source)}, rapitest.Event{Body: `{"n":1}`})
				if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
					t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
				}
			})
		}
	}
}

func TestHandlersAreFoundAsOnAWS(t *testing.T) {
	const source = "module Deep; class Own; def self.h(event:, context:) 'deep' end end end\ndef h(event:, context:) __FILE__ end"
	tests := []struct {
		name, handler string
		files         map[string]string
		want          answer
	}{
		{"method", "a.h", map[string]string{"a.rb": source}, answer{response, `"/var/task/a.rb"`, 0}},
		{"in a folder", "sub/a.h", map[string]string{"sub/a.rb": source}, answer{response, `"/var/task/sub/a.rb"`, 0}},
		{"of a class", "a.Deep::Own.h", map[string]string{"a.rb": source}, answer{response, `"deep"`, 0}},
		{"no such class", "a.Deep::Nope.h", map[string]string{"a.rb": source}, answer{failure, "Function<NameError>: uninitialized constant Deep::Nope", 255}},
		{"no dot", "a", nil, answer{initError, "Init<ArgumentError>: Invalid handler [\"a\"], must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD", 252}},
		{"too many dots", "a.b.c.d", nil, answer{initError, "Init<ArgumentError>: Invalid handler [\"a\", \"b\", \"c\", \"d\"], must be", 252}},
		{"no file", "nope.h", nil, answer{initError, "Init<LoadError>: cannot load such file -- nope", 252}},
		{"missing dependency", "a.h", map[string]string{"a.rb": "require 'no/such/thing'"}, answer{initError, "Init<LoadError>: cannot load such file -- no/such/thing", 252}},
		{"syntax error", "a.h", map[string]string{"a.rb": "def h(\n"}, answer{initError, "Init<SyntaxError>: ", 252}},
		{"code beside it", "a.h", map[string]string{"a.rb": "require 'b'\nrequire_relative 'b'\ndef h(**) B end", "b.rb": "B = 2"}, answer{response, "2", 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{handler: tt.handler, files: tt.files}, rapitest.Event{Body: `{}`})
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

func TestMissingMethodsNameTheHandler(t *testing.T) {
	got := summary(t, run(t, setup{handler: "app.nope", files: app("")}, rapitest.Event{Body: `{}`}))
	if !strings.HasPrefix(got.Body, "Function<NoMethodError>: undefined method ") || !strings.Contains(got.Body, "LambdaHandler") || got.Exit != 255 {
		t.Errorf("answer is %v", got)
	}
}

func TestResultsThatAreNotJSONAreErrors(t *testing.T) {
	for name, source := range map[string]string{
		"not a number": "def handler(**) 0.0 / 0 end",
		"not UTF-8":    "def handler(**) \"\\xff\" end",
		"too deep":     "def handler(**) 200.times.inject([]) { |a, _| [a] } end",
	} {
		t.Run(name, func(t *testing.T) {
			got := summary(t, run(t, setup{files: app(source)}, rapitest.Event{Body: `{}`}))
			if got.Path != failure || !strings.HasPrefix(got.Body, "Function<JSON::") || got.Exit != 0 {
				t.Errorf("answer is %v", got)
			}
		})
	}
}

func TestErrorsAreLoggedAsObjects(t *testing.T) {
	const object = "{\n  \"errorMessage\": \"MESSAGE\",\n  \"errorType\": \"TYPE\",\n  \"stackTrace\": [\n    \"/var/task/app.rb:1:in `WHERE'\"\n  ]\n}\n"
	tests := []struct{ name, source, line, kind, where, header string }{
		{"failure", "def handler(**) raise 'boom' end", "Error raised from handler method\n", "Function<RuntimeError>", "handler", "Function<UserException>"},
		{"end", "def handler(**) raise NameError, 'boom' end", "Critical exception from handler\n", "Function<NameError>", "handler", "Function<NameError>"},
		{"start", "raise ArgumentError, 'boom'", "Init error when loading handler \n", "Init<ArgumentError>", "<top (required)>", "Init<ArgumentError>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, setup{files: app(tt.source)}, rapitest.Event{Body: `{}`})
			want := tt.line + strings.NewReplacer("MESSAGE", "boom", "TYPE", tt.kind, "WHERE", tt.where).Replace(object)
			if diff := cmp.Diff(want, out.Stdout); diff != "" {
				t.Errorf("standard output (-want +got):\n%s%s", diff, out.Stderr)
			}
			if got := out.Posts[0].Header.Get("Lambda-Runtime-Function-Error-Type"); got != tt.header {
				t.Errorf("the platform is told %q, want %q", got, tt.header)
			}
			wantBody := `{"errorMessage":"boom","errorType":"` + tt.kind + `","stackTrace":["/var/task/app.rb:1:in ` + "`" + tt.where + `'"]}`
			if diff := cmp.Diff(wantBody, out.Posts[0].Body); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneProcessServesManyEvents(t *testing.T) {
	const source = "$n = 0\ndef handler(event:, context:)\n  $n += 1\n  raise 'f' if event['fail']\n  [$n, event['text'].to_s.size, context.aws_request_id]\nend"
	out := run(t, setup{files: app(source)}, rapitest.Event{Body: `{}`}, rapitest.Event{Body: `{"fail":true}`},
		rapitest.Event{Body: `{"text":"` + strings.Repeat("é", 1<<20) + `"}`})
	var got []string
	for _, p := range out.Posts {
		got = append(got, p.Path)
	}
	if diff := cmp.Diff([]string{response, failure, response}, got); diff != "" {
		t.Fatalf("posts (-want +got):\n%s", diff)
	}
	if want := `[3,1048576,"` + rapitest.ID(2) + `"]`; out.Posts[2].Body != want {
		t.Errorf("last answer is %s, want %s", out.Posts[2].Body, want)
	}
}

func TestFunctionsMayMarshalThemselves(t *testing.T) {
	const source = `class AwsLambda::Marshaller
  class << self
    def marshall_request(raw) [raw['content-type'], raw['Lambda-Runtime-Invoked-Function-Arn'], raw.body] end
    def marshall_response(value) "own #{value.inspect}" end
  end
end
def handler(event:, context:) event end`
	out := run(t, setup{files: app(source)}, rapitest.Event{Body: `[1]`})
	want := `own ["application/json", "` + rapitest.ARN + `", "[1]"]`
	if diff := cmp.Diff(answer{response, want, 0}, summary(t, out)); diff != "" {
		t.Errorf("answer (-want +got):\n%s%s", diff, out.Stderr)
	}
}
