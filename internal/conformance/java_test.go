package conformance

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/java"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// plainJava starts AWS's client as its documentation does: the jars that Maven
// has resolved, its main class, the handler. The machine has no options but
// where the client's library is: without it each process would unpack its own
// over that of all others, in /tmp.
type plainJava struct {
	java.Runtime
	jars    []string
	library string
}

func (p plainJava) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	l, err := p.Runtime.Launch(fn, paths, host)
	if err != nil {
		return nil, err
	}
	l.Args = []string{
		"-Dcom.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI=" + p.library,
		"-classpath", runtimes.JoinList(p.jars), "com.amazonaws.services.lambda.runtime.api.client.AWSLambda", fn.Handler,
	}
	return l, nil
}

// pureJava runs lambkin's stand-in for the client's library: it takes the
// machine's Java for one of a processor for which AWS makes none.
type pureJava struct {
	java.Runtime
	home string
}

func (p pureJava) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	env := maps.Clone(host.Env)
	env["JAVA_HOME"] = p.home
	there := *host
	there.Env = env
	return p.Runtime.Launch(fn, paths, &there)
}

// workshop is what the Java rows run on.
type workshop struct {
	javac  string
	home   string // of the compiler's Java
	client []string
	events []string
	code   string // the compiled handlers
}

// javaWorkshop compiles the handlers.
func javaWorkshop(t testing.TB) *workshop {
	t.Helper()
	w := &workshop{javac: testenv.Java(t), code: t.TempDir()}
	real, err := filepath.EvalSymlinks(w.javac)
	if err != nil {
		t.Fatal(err)
	}
	w.home = filepath.Dir(filepath.Dir(real))
	jars, err := filepath.Glob(filepath.Join(cached(t, "java-client", "the test compares with AWS's client"), "*.jar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, jar := range jars {
		name := filepath.Base(jar)
		if strings.HasPrefix(name, "aws-lambda-java-events-") || strings.HasPrefix(name, "joda-time-") {
			w.events = append(w.events, jar)
		} else {
			w.client = append(w.client, jar)
		}
	}
	w.compile(t)
	return w
}

// compile compiles the handlers, and lays them out as a build does: classes,
// a file, and jars of libraries in the folder lib.
func (w *workshop) compile(t testing.TB) {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join("testdata", "java", "*", "*.java"))
	if err != nil {
		t.Fatal(err)
	}
	path := runtimes.JoinList(slices.Concat(w.client, w.events))
	args := append([]string{"-nowarn", "--release", "17", "-encoding", "UTF-8", "-proc:none", "-d", w.code, "-classpath", path}, sources...)
	if out, err := exec.CommandContext(t.Context(), w.javac, args...).CombinedOutput(); err != nil {
		t.Fatalf("compiling %v: %v: %s", sources, err, out)
	}
	files := map[string]string{"data/text.txt": "a file of the code\n", "data/grüß.txt": ""}
	for _, jar := range w.events {
		data, err := os.ReadFile(jar)
		if err != nil {
			t.Fatal(err)
		}
		files["lib/"+filepath.Base(jar)] = string(data)
	}
	files["lib/greeting.jar"] = jarOf(t, filepath.Join(w.code, "greeting", "Greeting.class"), "greeting/Greeting.class")
	testenv.WriteFiles(t, w.code, files)
	if err := os.RemoveAll(filepath.Join(w.code, "greeting")); err != nil {
		t.Fatal(err)
	}
}

// jarOf is a jar with one file.
func jarOf(t testing.TB, file, name string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	entry, err := z.Create(name)
	if err == nil {
		_, err = entry.Write(data)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// library unpacks the client's library for this system.
func (w *workshop) library(t testing.TB) string {
	t.Helper()
	processor := map[string]string{"amd64": "x86_64", "arm64": "aarch_64"}[goruntime.GOARCH]
	if goruntime.GOOS != "linux" || processor == "" {
		t.Skip("AWS makes its client's library for Linux only")
	}
	libc := "linux"
	if musl, err := filepath.Glob("/lib/ld-musl-*"); err == nil && len(musl) > 0 {
		libc = "linux_musl"
	}
	i := slices.IndexFunc(w.client, func(jar string) bool { return strings.Contains(jar, "runtime-interface-client") })
	archive, err := zip.OpenReader(w.client[i])
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	data, err := fs.ReadFile(archive, "jni/libaws-lambda-jni."+libc+"-"+processor+".so")
	if err != nil {
		t.Fatal(err)
	}
	testenv.WriteFiles(t, w.code+".native", map[string]string{"library.so": string(data)})
	return filepath.Join(w.code+".native", "library.so")
}

// elsewhere makes a Java of links to the real one, whose release file names a
// processor for which AWS's client has no library.
func (w *workshop) elsewhere(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	entries, err := os.ReadDir(w.home)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "release" {
			continue
		}
		if err := os.Symlink(filepath.Join(w.home, e.Name()), filepath.Join(home, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	release, err := os.ReadFile(filepath.Join(w.home, "release"))
	if err != nil {
		t.Fatal(err)
	}
	testenv.WriteFiles(t, home, map[string]string{"release": string(release) + "\nOS_ARCH=\"riscv64\"\n"})
	return home
}

// javaHandlers are the handlers of shared rows that are no method of
// rows.Shared with the row's name.
func javaHandlers() map[string]string {
	return map[string]string{
		"prints_at_init": "rows.PrintsAtInit::handle", "exits_at_init": "rows.ExitsAtInit::handle",
		"echo_null": "rows.Shared::echo", "echo_text": "rows.Shared::echo", "echo_number": "rows.Shared::echo", "echo_list": "rows.Shared::echo",
		"echo_unicode": "rows.Shared::echo", "echo_long": "rows.Shared::echo",
		"arn_with_qualifier": "rows.Shared::arn", "without_tenant_id": "rows.Shared::tenantId",
	}
}

// camel is a row's name as Java writes names of methods.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// standIn are the rows for lambkin's stand-in for the client's library. It
// fetches events and posts results, and does nothing else: here is what an
// event carries, results of every size and kind, and what may happen between
// one event and the next; not what the client makes of the function's code.
func standIn() []string {
	return []string{
		"echo_null", "echo_unicode", "echo_long", "returns_unicode", "returns_empty_text", "returns_long", "returns_largest", "returns_too_much",
		"returns_far_too_much", "counts", "sleeps", "fails_with_unicode", "fails_with_long_message", "fails_once", "prints_at_init", "exits_at_init",
		"prints_in_turn", "exits", "exits_once", "killed", "times_out", "prints_before_timeout", "request_id", "arn", "arn_with_qualifier", "remaining_time",
		"client_context", "client_context_parts", "without_client_context", "cognito_identity", "trace_id", "tenant_id", "without_tenant_id",
		"streams", "streams_nothing", "streams_much", "streams_bytes", "streams_and_fails", "handler_of_bytes", "no_such_class", "machine", "interrupted",
		"out_of_memory", "constructor_fails", "logger_levels_from_error", "daemon_goes_on", "thread_goes_on", "exits_in_thread",
		"meets",
	}
}

func TestJava(t *testing.T) {
	w := javaWorkshop(t)
	handlers := javaHandlers()
	var own []row
	for _, r := range javaRows() {
		own = append(own, r.row)
		handlers[r.name] = r.handler
	}
	for _, name := range standIn() {
		if !slices.ContainsFunc(append(shared(), own...), func(r row) bool { return r.name == name }) {
			t.Errorf("there is no row %q", name)
		}
	}
	l := &language{
		runtime: "java17", code: w.code,
		client:    plainJava{jars: w.client, library: w.library(t)},
		bootstrap: java.Runtime{},
		other:     pureJava{home: w.elsewhere(t)},
		also:      func(r *row) bool { return slices.Contains(standIn(), r.name) },
		handler: func(row string) string {
			if handler, ok := handlers[row]; ok {
				return handler
			}
			return "rows.Shared::" + camel(row)
		},
		own: own,
		lacks: map[string]string{
			"echo":         "the client leaves out what is null in a map; echo_without_null",
			"terminated":   "the machine ends with status 143 at SIGTERM; terminated_with_143",
			"streams_http": "the client has no streaming, and so nothing that writes a prelude",
		},
	}
	l.tidy = patterns{
		{regexp.MustCompile(`\[ERROR\] \[\d+\] LAMBDA_RUNTIME`), "[ERROR] [TIME] LAMBDA_RUNTIME"},
		{regexp.MustCompile(`\$\$Lambda(\$\d+)?/0x[0-9a-f]+`), "$$Lambda"},
	}.Replace
	l.run(t)
}
