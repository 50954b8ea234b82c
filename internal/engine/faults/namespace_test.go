package faults

import (
	"os"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// inside is what becomes of a row in namespaces, where the function's folder
// is read-only, and memory limited.
func inside(f fault) fault {
	f.isolated = true
	change := f.change
	f.change = func(fn *lambda.Function) {
		if f.way != tooMuchMemory {
			fn.MemoryMB = 512
		}
		if change != nil {
			change(fn)
		}
	}
	switch {
	case f.way == tooMuchMemory:
		f = dies(f, "signal: killed")
		f.answer = strings.ReplaceAll(f.answer, lambda.Exited, lambda.OutOfMemory)
		f.report = strings.ReplaceAll(f.report, lambda.Exited, lambda.OutOfMemory)
	case strings.HasPrefix(f.way, "deletes its own folder"):
		f.program = `
import shutil
shutil.rmtree("/var/task", onerror=lambda f, path, e: tell(e[0].__name__ if path == "/var/task/fault.py" else ""))
answer(ask())
serve()`
		f = works(f)
		f.answer, f.says, f.then, f.fresh = `"ok"`, "<OSError>", "", false
	}
	return f
}

// TestFaultsInNamespaces runs the table in namespaces, each row once unless
// LAMBKIN_FAULTS says how often.
func TestFaultsInNamespaces(t *testing.T) {
	if err := (namespace.Sandbox{}).Check(t.Context()); err != nil {
		t.Skip(err)
	}
	n := 1
	if os.Getenv("LAMBKIN_FAULTS") != "" {
		n = times(t)
	}
	for _, f := range table() {
		t.Run(f.way, func(t *testing.T) {
			if strings.Contains(f.way, "takes too long") && n == 1 {
				t.Skip("takes the ten seconds that an initialisation may take")
			}
			testenv.Python(t)
			if strings.HasPrefix(f.runtime, "nodejs") {
				testenv.Node(t)
			}
			f := inside(f)
			repeat(t, &f, n)
		})
	}
}
