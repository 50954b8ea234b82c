package java

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// workshop is what the package's tests make once: a cache with AWS's client in
// it, and the compiled functions of testdata.
var workshop struct {
	dir  string
	once sync.Once
	err  error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambkin-java-test-*")
	if err != nil {
		panic(err)
	}
	workshop.dir = dir
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// machine is this machine with a cache of the tests' own, with the client in
// it. Without a Java or the client the test is skipped.
func machine(t testing.TB) *runtimes.Host {
	t.Helper()
	testenv.Java(t)
	host := &runtimes.Host{Env: testenv.Environ(), Cache: filepath.Join(workshop.dir, "cache")}
	workshop.once.Do(func() { workshop.err = build(host) })
	if workshop.err != nil {
		testenv.Skip(t, artifact, workshop.err.Error())
	}
	return host
}

// classes is the folder of the compiled functions, library that of the classes
// that they share.
func classes() string { return filepath.Join(workshop.dir, "functions") }
func library() string { return filepath.Join(workshop.dir, "library") }

// build gets the client and compiles testdata for the oldest Java.
func build(host *runtimes.Host) error {
	found := Runtime{}.machines(host)
	i := slices.IndexFunc(found, func(j jvm) bool { _, err := os.Stat(javac(j)); return err == nil })
	if i < 0 {
		return fmt.Errorf("no Java of %v has a compiler", found)
	}
	c, _, err := Runtime{}.client(host, found[i])
	if err != nil {
		if m, ok := err.(*runtimes.Missing); ok {
			return fmt.Errorf("%w: %s", m, m.Hint)
		}
		return err
	}
	for _, part := range []struct{ source, to string }{{"library/greeting", library()}, {"functions/demo", classes()}} {
		sources, err := filepath.Glob(filepath.Join("testdata", filepath.FromSlash(part.source), "*.java"))
		if err != nil {
			return err
		}
		path := runtimes.JoinList(append(c.classPath(), library()))
		args := append([]string{"-nowarn", "--release", "8", "-encoding", "UTF-8", "-d", part.to, "-classpath", path}, sources...)
		if out, err := exec.Command(javac(found[i]), args...).CombinedOutput(); err != nil {
			return fmt.Errorf("compiling %v: %w: %s", sources, err, out)
		}
	}
	return nil
}

// installed are the runtimes whose Java the machine has.
func installed(t *testing.T) []string {
	t.Helper()
	host := machine(t)
	var all []string
	for _, v := range versions() {
		if slices.ContainsFunc(Runtime{}.machines(host), func(j jvm) bool { return j.major() == v }) {
			all = append(all, fmt.Sprintf("java%d", v))
		}
	}
	return all
}

// setup is a function's code on disk and how it is started.
type setup struct {
	runtime string // java17 when empty
	handler string
	memory  int
	env     map[string]string // the function's own
	task    string            // the folder of the compiled functions when empty
	opt     string
	java    Runtime
	change  func(args []string) []string // makes another command line; nil keeps it
}

// run runs a function on the machine's Java.
func run(t testing.TB, s setup, events ...rapitest.Event) rapitest.Outcome {
	t.Helper()
	host := machine(t)
	if s.runtime == "" {
		s.runtime = "java17"
	}
	if s.task == "" {
		s.task = classes()
	}
	fn := &lambda.Function{Runtime: s.runtime, Handler: s.handler, MemoryMB: s.memory}
	launch, err := s.java.Launch(fn, runtimes.Paths{Task: s.task, Opt: s.opt, Runtime: t.TempDir(), Tmp: os.TempDir()}, host)
	if err != nil {
		testenv.Skip(t, s.runtime, err.Error())
	}
	if s.change != nil {
		launch.Args = s.change(launch.Args)
	}
	env := append([]string{
		"LANG=en_US.UTF-8", "_HANDLER=" + s.handler, "LAMBDA_TASK_ROOT=" + s.task,
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(max(s.memory, 128)),
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
	}, launch.Env...)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	return rapitest.Run(t, launch.Path, launch.Args, s.task, env, events...)
}

// answer is what the tests compare of an outcome.
type answer struct {
	Path, Body string
	Exit       int // 0 for a process that waits for more
}

// frame is an entry of a stack trace in code that is not the tests'.
var frame = regexp.MustCompile(`^(java|jdk|sun)\b|^com\.amazonaws\.`)

// summary takes the first post; of an error it shows type, message, the tests'
// own part of the trace.
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
	for _, entry := range failure.StackTrace[:min(len(failure.StackTrace), 3)] {
		if !frame.MatchString(entry) && !strings.HasSuffix(told, "\n"+entry) {
			told += "\n" + entry
		}
	}
	return answer{path, told, exit}
}

const response, failure, initError = "invocation/{id}/response", "invocation/{id}/error", "init/error"

var behaviour = []struct {
	name, handler, event string
	want                 answer
}{
	{"objects", "demo.Pojo", `{"item":"pear","count":2,"unknown":1}`, answer{response, `{"total":6,"lines":["2 pear"]}`, 0}},
	{"objects, method named", "demo.Pojo::handleRequest", `{"item":"pear","count":1}`, answer{response, `{"total":3,"lines":["1 pear"]}`, 0}},
	{"bytes", "demo.Stream", `{"é": 1.10}`, answer{response, `<{"é": 1.10}>`, 0}},
	{"map", "demo.Plain::echo", `{"n":1.5}`, answer{response, `{"n":1.5,"seen":true}`, 0}},
	{"text, static method", "demo.Plain::text", `"straße"`, answer{response, `"STRASSE"`, 0}},
	{"nothing", "demo.Plain::nothing", `{}`, answer{response, `null`, 0}},
	{"throws", "demo.Pojo", `{"count":-1}`, answer{failure, "java.lang.IllegalArgumentException: count -1\ndemo.Pojo.handleRequest(Pojo.java:54)\ndemo.Pojo.handleRequest(Pojo.java:9)", 0}},
	{"event of another shape", "demo.Pojo", `[1]`, answer{failure, "java.lang.RuntimeException: An error occurred during JSON parsing", 0}},
	{"no such class", "demo.Nowhere::handle", `{}`, answer{failure, "java.lang.ClassNotFoundException: Class not found: demo.Nowhere", 0}},
	{"no such method", "demo.Plain::nowhere", `{}`, answer{failure, ": No public method named nowhere with appropriate method signature found on class demo.Plain", 0}},
	{"no interface", "demo.Plain", `{}`, answer{failure, ": Class does not implement an appropriate handler interface: demo.Plain", 0}},
	{"malformed", "demo.Plain::a::b", `{}`, answer{failure, "java.lang.ClassNotFoundException: Class not found: demo.Plain::a", 0}},
	{"empty", "", `{}`, answer{failure, ": Invalid handler: `'", 0}},
	{"constructor throws", "demo.Broken::handle", `{}`, answer{initError, "java.lang.IllegalStateException: no database", 1}},
	{"exits", "demo.Plain::exit", `{}`, answer{"", "", 7}},
	{"exits while loading", "demo.Leaving::handle", `{}`, answer{"", "", 9}},
	{"stack overflow", "demo.Plain::overflow", `{}`, answer{failure, "java.lang.StackOverflowError: java.lang.StackOverflowError\ndemo.Plain.deeper(Plain.java:70)", 0}},
}

func TestHandlersAnswerAsOnAWS(t *testing.T) {
	for i, runtime := range installed(t) {
		for _, tt := range behaviour {
			t.Run(runtime+" "+tt.name, func(t *testing.T) {
				if testing.Short() && i > 0 {
					t.Skip("one version is enough for a short test")
				}
				out := run(t, setup{runtime: runtime, handler: tt.handler}, rapitest.Event{Body: tt.event})
				got := summary(t, out)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
				}
			})
		}
	}
}

// value is the object that a function has answered with.
func value(t *testing.T, out rapitest.Outcome) map[string]any {
	t.Helper()
	var v map[string]any
	if path, body, _ := out.First(); path != response || json.Unmarshal([]byte(body), &v) != nil {
		t.Fatalf("the answer is %s %s; output: %s%s", path, body, out.Stdout, out.Stderr)
	}
	return v
}

func TestTheContextIsTheInvocations(t *testing.T) {
	headers := map[string]string{
		"Lambda-Runtime-Client-Context": `{"custom":{"k":"ü"}}`, "Lambda-Runtime-Aws-Tenant-Id": "blue",
	}
	want := map[string]any{
		"id": rapitest.ID(0), "name": "fn", "arn": rapitest.ARN, "memory": 512.0, "left": true,
		"client": map[string]any{"k": "ü"}, "tenant": "blue", "trace": rapitest.Trace,
	}
	// Where AWS has no native library the part in Java has to do the same.
	for name, java := range map[string]Runtime{"native": {}, "pure": {pure: true}} {
		t.Run(name, func(t *testing.T) {
			out := run(t, setup{handler: "demo.Plain::context", memory: 512, java: java}, rapitest.Event{Body: `{}`, Headers: headers}, rapitest.Event{Body: `{}`})
			if diff := cmp.Diff(want, value(t, out)); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
			if len(out.Posts) != 2 || strings.Contains(out.Posts[1].Body, "client") || strings.Contains(out.Posts[1].Body, "tenant") {
				t.Errorf("the second answer is %v", out.Posts)
			}
			if out.Stdout != "logged\nlogged\n" || out.Stderr != "" {
				t.Errorf("output %q, %q", out.Stdout, out.Stderr)
			}
		})
	}
}

func TestThePartInJavaAnswersAlike(t *testing.T) {
	for _, tt := range behaviour {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, setup{handler: tt.handler, java: Runtime{pure: true}}, rapitest.Event{Body: tt.event})
			if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
		})
	}
}

func TestLargePayloadsPass(t *testing.T) {
	event := `"` + strings.Repeat("ä", 2<<20) + `"`
	for name, java := range map[string]Runtime{"native": {}, "pure": {pure: true}} {
		t.Run(name, func(t *testing.T) {
			out := run(t, setup{handler: "demo.Stream", memory: 512, java: java}, rapitest.Event{Body: event})
			if _, body, _ := out.First(); body != "<"+event+">" {
				t.Errorf("%d bytes came back; output: %s%s", len(body), out.Stdout, out.Stderr)
			}
		})
	}
}

func TestOutputIsTheFunctions(t *testing.T) {
	for _, runtime := range installed(t) {
		out := run(t, setup{runtime: runtime, handler: "demo.Plain::nothing"}, rapitest.Event{Body: `{}`})
		if out.Stdout != "out é\n" || out.Stderr != "err\n" {
			t.Errorf("%s prints %q and %q", runtime, out.Stdout, out.Stderr)
		}
	}
}

func TestTheMachineIsAsOnAWS(t *testing.T) {
	out := run(t, setup{
		runtime: "java11", handler: "demo.Plain::machine", memory: 200, env: map[string]string{"JAVA_TOOL_OPTIONS": "-Doption=set"},
	}, rapitest.Event{Body: `{}`})
	got := value(t, out)
	if heap, _ := got["heap"].(float64); heap < 150 || heap > 170 {
		t.Errorf("of 200 MB the heap has %v", got["heap"])
	}
	if got["option"] != "set" || !strings.Contains(out.Stderr, "Picked up JAVA_TOOL_OPTIONS: -Doption=set") {
		t.Errorf("option is %v; %s", got["option"], out.Stderr)
	}
	if path, _ := got["path"].(string); got["folder"] != classes() || got["runtime"] != "AWS_Lambda_java11" || !strings.HasSuffix(path, "/bin:/usr/local/bin:/usr/bin/:/bin") {
		t.Errorf("the function sees %v", got)
	}
}

// pack writes the files of a folder into an archive, below a folder of it.
func pack(t *testing.T, w *zip.Writer, dir, below string) {
	t.Helper()
	files, err := fsx.ReadTree(os.DirFS(dir), below)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		put(t, w, name, files[name])
	}
}

func put(t *testing.T, w *zip.Writer, name string, data []byte) {
	t.Helper()
	part, err := w.Create(name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// archiveOf is what fill puts into an archive.
func archiveOf(t *testing.T, fill func(*zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// libraryJar is the shared classes as a jar.
func libraryJar(t *testing.T) string {
	t.Helper()
	return string(archiveOf(t, func(w *zip.Writer) { pack(t, w, library(), "") }))
}

func TestJarsWithALibraryRun(t *testing.T) {
	machine(t)
	inside := libraryJar(t)
	jar := filepath.Join(t.TempDir(), "function.jar")
	whole := archiveOf(t, func(w *zip.Writer) {
		pack(t, w, classes(), "")
		put(t, w, "lib/greeting.jar", []byte(inside))
	})
	if err := os.WriteFile(jar, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	task := t.TempDir()
	if err := fsx.Unzip(jar, task); err != nil { // as the engine does with archives
		t.Fatal(err)
	}
	got := summary(t, run(t, setup{handler: "demo.Guest::handle", task: task}, rapitest.Event{Body: `"you"`}))
	if diff := cmp.Diff(answer{response, `"hello you Guest"`, 0}, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestLayersBringClasses(t *testing.T) {
	machine(t)
	opt := t.TempDir()
	testenv.WriteFiles(t, opt, map[string]string{"java/lib/greeting.jar": libraryJar(t), "java/lib/notes.txt": "not a jar"})
	for _, runtime := range installed(t) {
		out := run(t, setup{runtime: runtime, handler: "demo.Guest::handle", opt: opt}, rapitest.Event{Body: `"you"`})
		if diff := cmp.Diff(answer{response, `"hello you Guest"`, 0}, summary(t, out)); diff != "" {
			t.Errorf("%s: answer (-want +got):\n%s%s", runtime, diff, out.Stderr)
		}
	}
	got := summary(t, run(t, setup{handler: "demo.Guest::handle"}, rapitest.Event{Body: `"you"`}))
	if diff := cmp.Diff(answer{failure, "java.lang.NoClassDefFoundError: greeting/Greeting\ndemo.Guest.handle(Guest.java:8)", 0}, got); diff != "" {
		t.Errorf("without the layer (-want +got):\n%s", diff)
	}
}
