package sls

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// files are a service's files by name. The test's folder is theirs.
type files map[string]string

// write puts the files into a fresh folder and returns it.
func (f files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load loads serverless.yml of the files.
func (f files) load(t testing.TB, opts project.Options) (*lambda.Project, diag.List) {
	t.Helper()
	dir := f.write(t)
	l := Loader{Now: func() time.Time { return time.UnixMilli(1234) }}
	return l.Load(t.Context(), filepath.Join(dir, "serverless.yml"), opts)
}

// withEnvironment is a small service whose function f has the environment.
func withEnvironment(lines ...string) string {
	return "service: svc\nprovider: {name: aws, runtime: nodejs20.x}\nfunctions:\n  f:\n    handler: h.f\n    environment:\n      " +
		strings.Join(lines, "\n      ") + "\n"
}

// environment is what a function's variables are, unresolved ones with a mark.
func environment(f *lambda.Function) map[string]string {
	env := map[string]string{}
	for _, v := range f.Environment {
		env[v.Name] = v.Value
		if v.Unresolved {
			env[v.Name] = "unresolved: " + v.Value
		}
	}
	return env
}

// lines writes diagnostics one a line, without their folder: severity,
// subject, place, summary and hint. Notes are left out.
func lines(l diag.List) []string {
	var out []string
	for _, d := range l {
		if d.Severity == diag.Note {
			continue
		}
		at := fmt.Sprintf("%s:%d:%d", filepath.Base(d.Range.File), d.Range.Start.Line, d.Range.Start.Column)
		line := fmt.Sprintf("%s [%s] %s %s: %s", d.Severity, d.Subject, at, d.Code, d.Summary)
		if d.Hint != "" {
			line += " (" + d.Hint + ")"
		}
		out = append(out, line)
	}
	return out
}

// nodeOnPath finds the machine's Node.js when it is asked for.
func nodeOnPath(t testing.TB) func() (string, error) {
	return func() (string, error) { return testenv.Node(t), nil }
}
