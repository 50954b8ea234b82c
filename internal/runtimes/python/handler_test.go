package python

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
	runtime    string // python3.13 when empty
	handler    string // app.handler when empty
	files      map[string]string
	env        map[string]string
	serverless bool
	task, opt  string // folders to use, in place of a new one and of none
	cache      string
	python     string // the folder of the only Python, in place of the machine's
	debug      *runtimes.Debug
}

func (s *setup) fill(t testing.TB) {
	t.Helper()
	if s.runtime == "" {
		s.runtime = "python3.13"
	}
	if s.handler == "" {
		s.handler = "app.handler"
	}
	if s.task == "" {
		s.task = t.TempDir()
	}
	if s.cache == "" {
		s.cache = t.TempDir()
	}
	testenv.WriteFiles(t, s.task, s.files)
}

// run runs a function on the machine's Python.
func run(t testing.TB, s setup, events ...rapitest.Event) rapitest.Outcome {
	t.Helper()
	s.fill(t)
	dir, err := fsx.Materialize(Files(), s.cache)
	if err != nil {
		t.Fatal(err)
	}
	host := &runtimes.Host{Env: testenv.Environ(), Cache: s.cache, Serverless: s.serverless, Debug: s.debug}
	if s.python != "" {
		host.Env = map[string]string{"PATH": s.python}
	}
	fn := &lambda.Function{Runtime: s.runtime, Handler: s.handler}
	launch, err := Runtime{}.Launch(fn, runtimes.Paths{Task: s.task, Opt: s.opt, Runtime: dir, Tmp: os.TempDir()}, host)
	if err != nil {
		t.Skip(err)
	}
	env := append([]string{
		"LANG=en_US.UTF-8", "_HANDLER=" + s.handler, "LAMBDA_TASK_ROOT=" + s.task, "LAMBDA_RUNTIME_DIR=" + dir,
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
	}, launch.Env...)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	out := rapitest.Run(t, launch.Path, launch.Args, s.task, env, events...)
	for i := range out.Posts {
		out.Posts[i].Body = tidy(out.Posts[i].Body, s.task, dir)
	}
	out.Stdout = tidy(out.Stdout, s.task, dir)
	return out
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z`)

// tidy puts fixed texts in place of folders, times and request ids.
func tidy(text, task, dir string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, task, "/var/task"), dir, "/var/runtime")
	text = moment.ReplaceAllString(text, "TIME")
	return strings.ReplaceAll(text, rapitest.ID(0), "ID")
}

// app is a function of one file.
func app(source string) map[string]string { return map[string]string{"app.py": source} }

// pythons are the folders of the machine's interpreters, by version.
func pythons(t *testing.T) map[string]string {
	t.Helper()
	dirs := map[string]string{}
	for _, f := range (Runtime{}).Survey(&runtimes.Host{Env: testenv.Environ(), Cache: t.TempDir()}) {
		if f.Path != "" {
			dirs[strings.TrimPrefix(f.Name, "Python ")] = filepath.Dir(f.Path)
		}
	}
	if len(dirs) == 0 {
		t.Skip("this machine has no Python")
	}
	return dirs
}

// answer is what the tests compare of an outcome.
type answer struct {
	Path, Body string
	Exit       int // 0 for a process that waits for more
}

// summary takes the first post; of an error it shows type, message and trace.
func summary(t *testing.T, out rapitest.Outcome) answer {
	t.Helper()
	path, body, exit := out.First()
	if !strings.HasSuffix(path, "error") {
		return answer{path, body, exit}
	}
	var failure struct {
		ErrorType, ErrorMessage string
		StackTrace              []string
	}
	if err := json.Unmarshal([]byte(body), &failure); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	told := failure.ErrorType + ": " + failure.ErrorMessage
	for _, entry := range failure.StackTrace {
		if !strings.Contains(entry, "importlib") {
			told += "\n" + entry
		}
	}
	return answer{path, told, exit}
}

const response, failure, initError = "invocation/{id}/response", "invocation/{id}/error", "init/error"

// behaviour is how AWS's runtime answers, whatever the version.
var behaviour = []struct {
	name   string
	source string
	want   answer
}{
	{"value", "def handler(e, c): return {'got': e}", answer{response, `{"got": {"n": 1}}`, 0}},
	{"nothing", "def handler(e, c): pass", answer{response, `null`, 0}},
	{"numbers", "def handler(e, c): return [1.10, float('nan'), 10**20]", answer{response, `[1.1, NaN, 100000000000000000000]`, 0}},
	{
		"decimals", "from decimal import Decimal as D\ndef handler(e, c): return {'d': D('1.10'), 'n': D('NaN'), 's': '\"1\"', 'x': [D('1E+2')]}",
		answer{response, `{"d": 1.10, "n": NaN, "s": "\"1\"", "x": [1E+2]}`, 0},
	},
	{"tuple", "def handler(e, c): return (1, 'a')", answer{response, `[1, "a"]`, 0}},
	{"named tuple", "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef handler(e, c): return [P(1, (2,))]", answer{response, `[{"x": 1, "y": [2]}]`, 0}},
	{"object with fields", "class R:\n  def _asdict(self): return {'as': 'dict'}\ndef handler(e, c): return [R()]", answer{response, `[{"as": "dict"}]`, 0}},
	{"AWS's names", "def handler(e, c):\n  from awslambdaric.lambda_context import LambdaContext\n  return [isinstance(c, LambdaContext), type(c).__module__, c.w3c()]", answer{response, `[true, "awslambdaric.lambda_context", {}]`, 0}},
	{"writes", "import sys\ndef handler(e, c): return [sys.stdout.write('text'), sys.stderr.write('text'), type(sys.stdout).__name__]", answer{response, `[null, null, "Unbuffered"]`, 0}},
	{"circular", "def handler(e, c):\n  a = []\n  a.append(a)\n  return a", answer{failure, "Runtime.MarshalError: Unable to marshal response: Circular reference detected", 0}},
	{"multiprocessing", "import multiprocessing as m\ndef f(q): q.put(7)\ndef handler(e, c):\n  x = m.get_context('spawn')\n  q = x.SimpleQueue()\n  p = x.Process(target=f, args=(q,))\n  p.start()\n  p.join()\n  return q.get()", answer{response, `7`, 0}},
	{"bytes inside", "def handler(e, c): return {b'k': [b'v']}", answer{response, `{"k": ["v"]}`, 0}},
	{"bytes", "def handler(e, c): return b'raw'", answer{response, `raw`, 0}},
	{"any callable", "class K:\n  def __call__(self, e, c): return 'called'\nhandler = K()", answer{response, `"called"`, 0}},
	{"set", "def handler(e, c): return {1}", answer{failure, "Runtime.MarshalError: Unable to marshal response: Object of type set is not JSON serializable", 0}},
	{"coroutine", "async def handler(e, c): return 1", answer{failure, "Runtime.MarshalError: Unable to marshal response: Object of type coroutine is not JSON serializable", 0}},
	{"raises", "def handler(e, c):\n    raise ValueError('boom')", answer{failure, "ValueError: boom\n  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('boom')\n", 0}},
	{
		"raises its own", "class MyErr(Exception): pass\ndef inner(): raise MyErr('é')\ndef handler(e, c):\n    inner()",
		answer{failure, "MyErr: é\n  File \"/var/task/app.py\", line 4, in handler\n    inner()\n\n  File \"/var/task/app.py\", line 2, in inner\n    def inner(): raise MyErr('é')\n", 0},
	},
	{"exits", "import sys\ndef handler(e, c): sys.exit(3)", answer{Exit: 3}},
	{"exits at once", "import os\ndef handler(e, c): os._exit(4)", answer{Exit: 4}},
	{"exits while loading", "import sys\nsys.exit(5)", answer{Exit: 5}},
	{"missing handler", "x = 1", answer{initError, "Runtime.HandlerNotFound: Handler 'handler' missing on module 'app'", 1}},
	{"missing module", "import nowhere_to_be_found", answer{initError, "Runtime.ImportModuleError: Unable to import module 'app': No module named 'nowhere_to_be_found'", 1}},
	{"raises while loading", "raise RuntimeError('top')", answer{initError, "RuntimeError: top\n  File \"/var/task/app.py\", line 1, in <module>\n    raise RuntimeError('top')\n", 1}},
}

func TestHandlersAnswerAsOnAWS(t *testing.T) {
	dirs := pythons(t)
	for _, version := range slices.Sorted(maps.Keys(dirs)) {
		for _, tt := range behaviour {
			t.Run(version+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				if testing.Short() && version != "3.11" {
					t.Skip("one version is enough for a short test")
				}
				out := run(t, setup{runtime: "python" + version, files: app(tt.source)}, rapitest.Event{Body: `{"n":1}`})
				got := summary(t, out)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
				}
			})
		}
	}
}

func TestHandlersAreFoundAsOnAWS(t *testing.T) {
	tests := []struct {
		name    string
		handler string
		files   map[string]string
		want    answer
	}{
		{"folder with slash", "sub/pk/q.h", map[string]string{"sub/pk/q.py": "def h(e, c): return __name__"}, answer{response, `"sub.pk.q"`, 0}},
		{"folder with dots", "sub.pk.q.h", map[string]string{"sub/pk/q.py": "def h(e, c): return __name__"}, answer{response, `"sub.pk.q"`, 0}},
		{"standard library", "json.dumps", nil, answer{failure, "TypeError: dumps() takes 1 positional argument but 2 were given", 0}},
		{"no dot", "bad", nil, answer{initError, "Runtime.MalformedHandlerName: Bad handler 'bad': not enough values to unpack (expected 2, got 1)", 1}},
		{"built in", "sys.exit", nil, answer{initError, "Runtime.BuiltInModuleConflict: Cannot use built-in module sys as a handler module", 1}},
		{"member of a class", "p.K.m", map[string]string{"p.py": "class K: pass"}, answer{initError, "Runtime.ImportModuleError: Unable to import module 'p.K': No module named 'p.K'; 'p' is not a package", 1}},
		{"syntax error", "m.h", map[string]string{"m.py": "x = (\n"}, answer{initError, "Runtime.UserCodeSyntaxError: Syntax error in module 'm': '(' was never closed (m.py, line 1)\n  File \"/var/task/m.py\" Line 1\n    x = (\n", 1}},
		{"module called bootstrap", "bootstrap.h", map[string]string{"bootstrap.py": "import startup\ndef h(e, c): return startup.x", "startup.py": "x = 9"}, answer{response, `9`, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{handler: tt.handler, files: tt.files}, rapitest.Event{Body: `{}`})
			got := summary(t, out)
			got.Body, _, _ = strings.Cut(got.Body, "\n  File \"/var/runtime")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
			if h := out.Posts[0].Header.Get("Lambda-Runtime-Function-Error-Type"); tt.want.Path == initError && !strings.HasPrefix(tt.want.Body, h+": ") {
				t.Errorf("error type header is %q", h)
			}
		})
	}
}

func TestErrorObjectFollowsTheRuntime(t *testing.T) {
	const source = "def handler(e, c): raise ValueError('é')"
	const trace = `"stackTrace": ["  File \"/var/task/app.py\", line 1, in handler\n    def handler(e, c): raise ValueError('`
	tests := []struct{ runtime, want string }{
		{"python3.8", `{"errorMessage": "\u00e9", "errorType": "ValueError", ` + trace + `\u00e9')\n"]}`},
		{"python3.11", `{"errorMessage": "\u00e9", "errorType": "ValueError", "requestId": "ID", ` + trace + `\u00e9')\n"]}`},
		{"python3.12", `{"errorMessage": "é", "errorType": "ValueError", "requestId": "ID", ` + trace + `é')\n"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.runtime, func(t *testing.T) {
			// On one Python: it is the runtime's name that counts.
			dirs := pythons(t)
			out := run(t, setup{runtime: tt.runtime, files: app(source), python: dirs[slices.Max(slices.Collect(maps.Keys(dirs)))]}, rapitest.Event{Body: `{}`})
			if diff := cmp.Diff(tt.want, out.Posts[0].Body); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			const line = "[ERROR] ValueError: é\rTraceback (most recent call last):\r\u00a0\u00a0File \"/var/task/app.py\", line 1, in handler\r\u00a0\u00a0\u00a0\u00a0def handler(e, c): raise ValueError('é')\n"
			if diff := cmp.Diff(line, out.Stdout); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextIsEscapedUntil311(t *testing.T) {
	for runtime, want := range map[string]string{"python3.11": `"\u00e9"`, "python3.12": `"é"`, "python3.14": `"é"`} {
		out := run(t, setup{runtime: runtime, files: app("def handler(e, c): return e")}, rapitest.Event{Body: `"é"`})
		if got := out.Posts[0].Body; got != want {
			t.Errorf("%s answers %s, want %s", runtime, got, want)
		}
	}
}
