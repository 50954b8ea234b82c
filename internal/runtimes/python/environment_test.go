package python

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

func TestLoggingWritesAWSLines(t *testing.T) {
	const source = `import logging
logging.getLogger().warning('loading')
def handler(e, c):
    log = logging.getLogger('mine')
    log.info('hidden')
    log.warning('two\nlines', extra={'k': 1})
    print('printed')
    c.log('logged')
    try: 1/0
    except ZeroDivisionError: log.exception('caught')
`
	const trace = "Traceback (most recent call last):\n  File \"/var/task/app.py\", line 9, in handler\n    try: 1/0\nZeroDivisionError: division by zero"
	tests := []struct {
		name string
		s    setup
		want []string // the lines, the last ones may be missing
	}{
		{"text", setup{}, []string{"[WARNING]\tTIME\t\tloading", "[WARNING]\tTIME\tID\ttwo\nlines", "printed", "logged[ERROR]\tTIME\tID\tcaught\n" + trace}},
		{"more of it", setup{env: map[string]string{"AWS_LAMBDA_LOG_LEVEL": "INFO"}}, []string{"[WARNING]\tTIME\t\tloading", "[INFO]\tTIME\tID\thidden"}},
		{"JSON", setup{env: map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON"}}, []string{
			`{"timestamp": "TIME", "level": "WARNING", "message": "loading", "logger": "root", "requestId": ""}`,
			`{"timestamp": "TIME", "level": "WARNING", "message": "two\nlines", "logger": "mine", "requestId": "ID", "k": 1}`,
			`printed`,
			`logged{"timestamp": "TIME", "level": "ERROR", "message": "caught", "logger": "mine", "stackTrace": ["  File \"/var/task/app.py\", line 9, in handler\n    try: 1/0\n"], "errorType": "ZeroDivisionError", "errorMessage": "division by zero", "requestId": "ID", "location": "/var/task/app.py:handler:10"}`,
		}},
		{"left alone", setup{serverless: true}, []string{"printed", "logged"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.s.files, tt.s.runtime = app(source), "python3.11"
			out := run(t, tt.s, rapitest.Event{Body: `{}`})
			// Python 3.11 and later mark the place in the line.
			out.Stdout = strings.NewReplacer("         ~^~\n", "", `         ~^~\n`, "").Replace(out.Stdout)
			if want := strings.Join(tt.want, "\n"); !strings.HasPrefix(out.Stdout, want) {
				t.Errorf("standard output (-want +got):\n%s\n%s", cmp.Diff(want, out.Stdout), out.Stderr)
			}
			if tt.s.serverless && !strings.HasPrefix(out.Stderr, "WARNING:root:loading\n") {
				t.Errorf("standard error is %q", out.Stderr)
			}
		})
	}
}

func TestContextTellsWhatAWSTells(t *testing.T) {
	const source = `import os
def handler(e, c):
    return [sorted(k for k in vars(c) if k[0] != '_'), c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb,
        c.log_group_name, c.log_stream_name, c.tenant_id, c.client_context and [c.client_context.custom, c.client_context.client.app_title],
        c.identity.cognito_identity_id, 5000 < c.get_remaining_time_in_millis() <= 10000, os.environ['_X_AMZN_TRACE_ID']]`
	const known = `[["aws_request_id", "client_context", "function_name", "function_version", "identity", "invoked_function_arn", "log_group_name", "log_stream_name", "memory_limit_in_mb", "tenant_id"], ` +
		`"ID", "fn", "$LATEST", "128", "/aws/lambda/fn", "stream", `
	tests := []struct {
		name    string
		headers map[string]string
		want    answer
	}{
		{"plain", nil, answer{response, known + `null, null, null, true, "` + rapitest.Trace + `"]`, 0}},
		{"all", map[string]string{
			"Lambda-Runtime-Client-Context":   `{"custom":{"k":"v"},"client":{"app_title":"t"}}`,
			"Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i"}`,
			"Lambda-Runtime-Aws-Tenant-Id":    "blue",
		}, answer{response, known + `"blue", [{"k": "v"}, "t"], "i", true, "` + rapitest.Trace + `"]`, 0}},
		{
			"broken",
			map[string]string{"Lambda-Runtime-Client-Context": `{`},
			answer{failure, "Runtime.LambdaContextUnmarshalError: Unable to parse Client Context JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", 0},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, setup{runtime: "python3.11", files: app(source)}, rapitest.Event{Body: `{}`, Headers: tt.headers})
			if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEventsThatAreNotJSONAreErrors(t *testing.T) {
	out := run(t, setup{files: app("def handler(e, c): pass")}, rapitest.Event{Body: `nope`})
	want := answer{failure, "Runtime.UnmarshalError: Unable to unmarshal input: Expecting value: line 1 column 1 (char 0)", 0}
	if diff := cmp.Diff(want, summary(t, out)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestBytesAreSentAsTheyAre(t *testing.T) {
	out := run(t, setup{files: app(`def handler(e, c): return b'\x00\xff'`)}, rapitest.Event{Body: `{}`})
	if p := out.Posts[0]; p.Body != "\x00\xff" || p.Header.Get("Content-Type") != "application/unknown" {
		t.Errorf("post is %q as %q", p.Body, p.Header.Get("Content-Type"))
	}
}

func TestOneProcessServesManyEvents(t *testing.T) {
	const source = "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    if e.get('fail'): raise KeyError('f')\n    return [n, len(e.get('text', ''))]"
	out := run(t, setup{files: app(source)}, rapitest.Event{Body: `{}`}, rapitest.Event{Body: `{"fail":true}`},
		rapitest.Event{Body: `{"text":"` + strings.Repeat("é", 1<<20) + `"}`})
	var got []string
	for _, p := range out.Posts {
		got = append(got, p.Path)
	}
	if diff := cmp.Diff([]string{response, failure, response}, got); diff != "" {
		t.Fatalf("posts (-want +got):\n%s", diff)
	}
	if out.Posts[2].Body != "[3, 1048576]" {
		t.Errorf("last answer is %s", out.Posts[2].Body)
	}
}

func TestSearchPathIsAWSs(t *testing.T) {
	opt := t.TempDir()
	const source = "import sys, os\nimport mod\ndef handler(e, c):\n    return [sys.path[:4], mod.where, sys.argv, sorted(k for k in os.environ if 'LAMBKIN' in k), 'LC_CTYPE' in os.environ, sys.stdout.encoding.lower()]"
	layer := filepath.Join(opt, "python")
	if err := os.MkdirAll(layer, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(layer, "mod.py"), []byte("where = 'layer'"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := run(t, setup{runtime: "python3.11", files: app(source), opt: opt}, rapitest.Event{Body: `{}`})
	if len(out.Posts) == 0 {
		t.Fatal(out.Stderr)
	}
	want := `[["/var/task", "/var/runtime", "/opt/python/lib/python3.11/site-packages", "/opt/python"], "layer", ["/var/runtime/bootstrap.py"], [], false, "utf-8"]`
	if diff := cmp.Diff(want, strings.ReplaceAll(out.Posts[0].Body, opt, "/opt")); diff != "" {
		t.Errorf("answer (-want +got):\n%s\n%s", diff, out.Stdout)
	}
}

func TestPathFilesOfPackagesAreReadWhenNeeded(t *testing.T) {
	dirs := pythons(t)
	dir, ok := dirs["3.11"]
	if !ok {
		t.Skip("this machine has no Python 3.11")
	}
	// A virtual environment made by hand, with an editable package.
	venv, elsewhere := t.TempDir(), t.TempDir()
	site := filepath.Join(venv, "lib", "python3.11", "site-packages")
	for _, d := range []string{site, filepath.Join(venv, "bin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		filepath.Join(venv, "pyvenv.cfg"):           "home = " + dir + "\ninclude-system-site-packages = false\nversion = 3.11.0\n",
		filepath.Join(site, "editable.pth"):         elsewhere + "\nimport marker\n",
		filepath.Join(site, "marker.py"):            "",
		filepath.Join(elsewhere, "editable_pkg.py"): "x = 'editable'",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "python3.11"), filepath.Join(venv, "bin", "python3")); err != nil {
		t.Skip(err)
	}
	const source = "import sys\nbefore = 'marker' in sys.modules\ndef handler(e, c):\n    import editable_pkg\n    return [before, editable_pkg.x, sys.prefix]"
	out := run(t, setup{runtime: "python3.11", files: app(source), python: filepath.Join(venv, "bin")}, rapitest.Event{Body: `{}`})
	if want := (answer{response, `[false, "editable", "` + venv + `"]`, 0}); cmp.Diff(want, summary(t, out)) != "" {
		t.Errorf("answer (-want +got):\n%s", cmp.Diff(want, summary(t, out)))
	}
}

func TestCompiledCodeStaysOutOfTheProject(t *testing.T) {
	task, cache := t.TempDir(), t.TempDir()
	files := map[string]string{"app.py": "import helper\ndef handler(e, c): return helper.x", "helper.py": "x = 1"}
	old := time.Now().Add(-time.Hour)
	age := func() {
		for name := range files {
			if err := os.Chtimes(filepath.Join(task, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := setup{runtime: "python3.11", task: task, cache: cache, files: files}
	s.fill(t)
	age()
	s.files = nil
	if got := summary(t, run(t, s, rapitest.Event{Body: `{}`})); got.Body != "1" {
		t.Fatalf("answer is %v", got)
	}
	if got := under(t, cache, "helper.py"); len(got) != 1 {
		t.Errorf("compiled files are %v, want one of helper.py", got)
	}
	// The same size and the same time: Python's own cache would not notice.
	files["helper.py"] = "x = 2"
	s.files = files
	s.fill(t)
	age()
	s.files = nil
	if got := summary(t, run(t, s, rapitest.Event{Body: `{}`})); got.Body != "2" {
		t.Errorf("after a change the answer is %v", got)
	}
	if got := under(t, task, "__pycache__"); len(got) != 0 {
		t.Errorf("the project has %v", got)
	}
}

// under lists what is below dir and has text in its name, besides lambkin's own files.
func under(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), text) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestBytesWaitForTheNextText(t *testing.T) {
	const source = "import sys\ndef handler(e, c):\n    sys.stdout.buffer.write(b'bytes\\n')\n    print('error', file=sys.stderr)\n    import os\n    os.write(1, b'at once\\n')\n    print('text')"
	out := run(t, setup{files: app(source)}, rapitest.Event{Body: `{}`})
	if want := "at once\nbytes\ntext\n"; out.Stdout != want {
		t.Errorf("standard output is %q, want %q", out.Stdout, want)
	}
}

func TestTextThatIsNoUTF8EndsTheProcessFrom312(t *testing.T) {
	for runtime, want := range map[string]answer{"python3.11": {response, `"\ud83d"`, 0}, "python3.12": {Exit: 1}} {
		out := run(t, setup{runtime: runtime, files: app(`def handler(e, c): return '\ud83d'`)}, rapitest.Event{Body: `{}`})
		if diff := cmp.Diff(want, summary(t, out)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", runtime, diff)
		}
	}
}

func TestHandlersRunWithNoSignalBlocked(t *testing.T) {
	const source = "import signal\ndef handler(e, c):\n    signal.signal(signal.SIGUSR1, print)\n    print('blocked', signal.SIGUSR1 in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("the system has no such signals, or none to look at")
	}
	out := run(t, setup{runtime: "python3.11", files: app(source)}, rapitest.Event{Body: `{}`}, rapitest.Event{Body: `{}`})
	if want := "blocked False\nblocked False\n"; out.Stdout != want {
		t.Errorf("standard output is %q, want %q", out.Stdout, want)
	}
}

func TestModulesThatDoNotCompileShowNoFrameOfTheCache(t *testing.T) {
	out := run(t, setup{files: map[string]string{"app.py": "def handler(e, c):\n    import broken", "broken.py": "x = ("}}, rapitest.Event{Body: `{}`})
	if len(out.Posts) != 1 || !strings.HasSuffix(out.Posts[0].Body, `"stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    import broken\n"]}`) {
		t.Errorf("posts are %+v", out.Posts)
	}
}
