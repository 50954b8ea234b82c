package python

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// debuggerSource says how it was started and runs the program behind its
// options, as debuggers for Python do.
const debuggerSource = `import os, runpy, sys
print("debugger", *sys.argv[1:-1])
target = sys.argv[-1]
sys.path.insert(0, os.path.dirname(target))
sys.argv[:] = [target]
runpy.run_path(target, run_name="__main__")
`

// debuggerIn makes a folder with a module that stands in for a debugger.
func debuggerIn(t *testing.T, module string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, module), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"__init__.py": "", "__main__.py": debuggerSource} {
		if err := os.WriteFile(filepath.Join(dir, module, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheFunctionRunsUnderTheDebugger(t *testing.T) {
	testenv.Python(t)
	tests := []struct {
		name, module string
		args         []string
		want         string
	}{
		{"as usual", "debugpy", nil, "debugger --listen 127.0.0.1:5890 --wait-for-client\n"},
		{"with arguments", "mydebugger", []string{"-m", "mydebugger", "--at", "/tmp/lambci_debug_files"}, "debugger --at DIR\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := debuggerIn(t, tt.module)
			out := run(t, setup{
				files: app("import os, sys\ndef handler(event, context):\n    return [event, sys.argv, __name__, sys.path[0] == os.getcwd()]\n"),
				debug: &runtimes.Debug{Ports: []int{5890}, Args: tt.args, Path: dir},
			}, rapitest.Event{Body: `"hello"`})
			if diff := cmp.Diff(tt.want, strings.ReplaceAll(out.Stdout, dir, "DIR")); diff != "" {
				t.Errorf("standard output (-want +got):\n%s", diff)
			}
			if len(out.Posts) != 1 || out.Posts[0].Body != `["hello", ["/var/runtime/bootstrap.py"], "app", true]` {
				t.Errorf("posts %v; standard error: %s", out.Posts, out.Stderr)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, tt.module, "__pycache__")); len(left) > 0 {
				t.Errorf("%v is left in the debugger's folder", left)
			}
		})
	}
}

func TestAMissingDebuggerIsSaid(t *testing.T) {
	testenv.Python(t)
	host := &runtimes.Host{Env: testenv.Environ(), Cache: t.TempDir(), Debug: &runtimes.Debug{Ports: []int{5890}, Args: []string{"-m", "no_such_debugger.server"}}}
	_, err := Runtime{}.Launch(&lambda.Function{Runtime: "python3.12"}, runtimes.Paths{Task: t.TempDir()}, host)
	var missing *runtimes.Missing
	if !errors.As(err, &missing) || !strings.HasPrefix(missing.What, "the debugger no_such_debugger for Python 3.") ||
		!strings.Contains(missing.Hint, "-m pip install no_such_debugger;") {
		t.Errorf("got %+v", err)
	}
}
