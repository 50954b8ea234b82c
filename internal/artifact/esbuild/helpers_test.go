package esbuild_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/artifact/esbuild"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// service is a project on disk.
type service struct {
	dir   string // its root
	cache string
	at    string // the service's folder below dir, "" for dir itself
}

// write makes a project. Its files are a day old, as if nobody had worked on
// them just now: code made of files that have just been written is not kept.
func write(t testing.TB, files map[string]string) *service {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // esbuild names files as they really are
	if err != nil {
		t.Fatal(err)
	}
	s := &service{dir: dir, cache: t.TempDir()}
	testenv.WriteFiles(t, dir, files)
	s.settle(t)
	return s
}

// settle makes all files and folders a day old.
func (s *service) settle(t testing.TB) {
	t.Helper()
	old := time.Now().Add(-24 * time.Hour)
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Type()&os.ModeSymlink != 0 {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *service) options(handler, settings string) esbuild.Options {
	return esbuild.Options{
		Dir: filepath.Join(s.dir, s.at), Handler: handler, Runtime: "nodejs20.x", Settings: []byte(settings), Cache: s.cache,
	}
}

// build builds and expects no errors.
func build(t testing.TB, o esbuild.Options) (*esbuild.Result, diag.List) {
	t.Helper()
	r, diags, err := esbuild.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diags.HasErrors() {
		t.Fatalf("diagnostics:\n%s", printed(diags))
	}
	return r, diags
}

func printed(l diag.List) string {
	var b bytes.Buffer
	(&diag.Printer{W: &b}).Print(l)
	return b.String()
}

// code is the bundle's text.
func code(t testing.TB, r *esbuild.Result) string {
	t.Helper()
	name, _, _ := strings.Cut(filepath.Base(r.Handler), ".")
	found, err := filepath.Glob(filepath.Join(r.Dir, filepath.Dir(r.Handler), name+".*js"))
	if err != nil || len(found) != 1 {
		t.Fatalf("bundles %v, %v", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// invoke runs built code on the machine's Node.js with lambkin's bootstrap, and
// returns what it posts: a result, or an error object with the post's path
// before it.
func invoke(t testing.TB, r *esbuild.Result, runtime string) string {
	t.Helper()
	program := testenv.Node(t)
	dir, err := fsx.Materialize(node.Files(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := append([]string{
		"_HANDLER=" + r.Handler, "LAMBDA_TASK_ROOT=" + r.Dir, "LAMBDA_RUNTIME_DIR=" + dir, "AWS_EXECUTION_ENV=AWS_Lambda_" + runtime,
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
	}, r.Env...)
	out := rapitest.Run(t, program, []string{filepath.Join(dir, "node", "bootstrap.js")}, t.TempDir(), env, rapitest.Event{Body: `{"name":"you"}`})
	path, body, _ := out.First()
	if strings.HasSuffix(path, "/response") {
		return body
	}
	return path + " " + body + out.Stderr
}
