// Package testenv is what lambkin's own tests share: skips that give their
// reason, and a check that a test leaves nothing running. Only _test.go files
// import it.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Skip ends the test because the machine lacks tool; why says what the test
// needs it for. With CI=true the test fails instead: there a missing tool
// would hide tests from everybody.
func Skip(t testing.TB, tool, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not on this machine (%s), and with CI=true nothing is skipped: .ci/install gets it", tool, why)
	} else {
		t.Skipf("%s is not on this machine: %s", tool, why)
	}
}

// Node returns the absolute path of the machine's Node.js, or skips.
func Node(t testing.TB) string {
	t.Helper()
	return need(t, "the test runs Node.js functions", "node")
}

// Python returns the absolute path of the machine's Python 3, or skips.
func Python(t testing.TB) string {
	t.Helper()
	return need(t, "the test runs Python functions", "python3", "python")
}

// Ruby returns the absolute path of the machine's Ruby, or skips.
func Ruby(t testing.TB) string {
	t.Helper()
	return need(t, "the test runs Ruby functions", "ruby")
}

// Java returns the absolute path of the machine's Java compiler, or skips.
func Java(t testing.TB) string {
	t.Helper()
	return need(t, "the test compiles and runs Java functions", "javac")
}

// Go returns the absolute path of the Go command, or skips.
func Go(t testing.TB) string {
	t.Helper()
	return need(t, "the test builds a program", "go")
}

func need(t testing.TB, why string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path := find(name, filepath.SplitList(os.Getenv("PATH"))); path != "" {
			return path
		}
	}
	Skip(t, names[0], why)
	return ""
}

// find looks for an executable in dirs as exec.LookPath does, but passes over
// the shims of version managers: they are shell scripts that pick a program by
// the working folder, and may pick none.
func find(name string, dirs []string) string {
	dirs = slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		return !filepath.IsAbs(dir) || filepath.Base(dir) == "shims"
	})
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// Environ is this process's environment as the program hands it around.
func Environ() map[string]string {
	env := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

// WriteFiles writes files below dir; their names are relative, with slashes.
func WriteFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
