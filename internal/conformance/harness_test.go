// Package conformance runs one table of handlers over AWS's own runtime
// clients, as they are published, and over lambkin's bootstraps: what a caller
// gets, what is logged and what becomes of the environment are the same. It
// has tests only.
package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestMain runs more tests beside each other than the machine has processors,
// because most of what they do is wait for a process.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// language is a language's handlers, and what runs them.
type language struct {
	runtime string // AWS's identifier
	// client starts the handlers by AWS's client, bootstrap by lambkin's. One of
	// them is nil where the client cannot be had, or where lambkin runs the client itself.
	client, bootstrap runtimes.Runtime
	// other is a second way in which lambkin runs the handlers, nil for none;
	// also says of a row whether it is run that way.
	other runtimes.Runtime
	also  func(*row) bool
	files map[string][]byte // lambkin's bootstraps, by names below Paths.Runtime
	code  string            // the folder with the handlers
	// handler is the function's Handler for a row.
	handler func(row string) string
	// lacks are rows that the language cannot express, and why.
	lacks map[string]string
	// own are the language's own rows.
	own []row
	// differs are rows in which lambkin's bootstrap does something else than
	// the client on purpose, and why; each is in docs/differences.md. They are
	// checked against the table all the same.
	differs map[string]string
	dir     string // where write puts the files
	// isolated runs in namespaces what is not only there to compare with.
	// LAMBKIN_CONFORMANCE=namespace does so in all tests.
	isolated bool
	// tidy replaces what cannot be the same in both, such as the folder of the client.
	tidy func(string) string
}

// minRows is how many handlers each language has at least.
const minRows = 60

// run runs the table.
func (l *language) run(t *testing.T) {
	l.write(t)
	rows := append(shared(), l.own...)
	known := map[string]bool{}
	for _, r := range rows {
		known[r.name] = true
	}
	for _, names := range []map[string]string{l.lacks, l.differs} {
		for name := range names {
			if !known[name] {
				t.Errorf("there is no row %q", name)
			}
		}
	}
	if n := len(rows) - len(l.lacks); n < minRows && !l.isolated {
		t.Errorf("the language has %d handlers, which is less than %d", n, minRows)
	}
	for _, r := range rows {
		if _, lacks := l.lacks[r.name]; lacks {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			var want behaviour
			if l.client != nil {
				want = l.observe(t, &r, l.client, l.isolated && l.bootstrap == nil)
				r.check(t, "AWS's client", want)
			}
			type twin struct {
				name string
				of   runtimes.Runtime
			}
			var twins []twin
			if l.bootstrap != nil {
				twins = append(twins, twin{"lambkin's bootstrap", l.bootstrap})
			}
			if l.other != nil && l.also(&r) {
				twins = append(twins, twin{"lambkin's other way", l.other})
			}
			for _, twin := range twins {
				got := l.observe(t, &r, twin.of, l.isolated)
				r.check(t, twin.name, got)
				if l.client == nil {
					continue
				}
				diff := cmp.Diff(want, got)
				if _, differs := l.differs[r.name]; differs == (diff == "") {
					t.Errorf("differs: %t, which the table does not say (-AWS's client +%s):\n%s", !differs, twin.name, diff)
				}
			}
		})
	}
}

// write brings lambkin's bootstraps to disk.
func (l *language) write(t testing.TB) {
	l.dir = t.TempDir()
	l.isolated = l.isolated || os.Getenv("LAMBKIN_CONFORMANCE") == "namespace"
	for name, data := range l.files {
		testenv.WriteFiles(t, l.dir, map[string]string{name: string(data)})
	}
}

// behaviour is all that can be seen of a function from outside.
type behaviour struct {
	Answers []answer
	Log     string
}

// answer is what the caller of one invocation gets, and what becomes of the
// environment.
type answer struct {
	Payload       string
	FunctionError string
	Platform      string // the platform's error type, "" when the runtime has answered
	Starts        int    // how often a runtime had been started
	Ended         bool   // the process ended with it
	Status        string // of the report, with the error type
}

// observe runs the row's handler over the runtime.
func (l *language) observe(t *testing.T, r *row, rt runtimes.Runtime, isolated bool) behaviour {
	t.Helper()
	var o observer
	fn := l.function(r)
	if isolated { // the code is somewhere else
		move := strings.NewReplacer(l.code, "/var/task")
		fn.Handler = move.Replace(fn.Handler)
		for n := range fn.Environment {
			fn.Environment[n].Value = move.Replace(fn.Environment[n].Value)
		}
	}
	f := l.open(rt, &o, isolated)
	invoke := func(n int, event string) {
		inv := &lambda.Invocation{RequestID: id(n), Payload: []byte(event), TraceID: trace}
		if r.caller != nil {
			r.caller(inv)
		}
		res, err := f.Invoke(t.Context(), fn, inv)
		if err != nil {
			t.Errorf("invocation %d: %v", n+1, err)
			return
		}
		f.Settle()
		o.answered(n, res)
		time.Sleep(r.pause)
	}
	if r.together {
		set(fn, "MEET", t.TempDir())
		var all sync.WaitGroup
		for n, event := range r.invocations() {
			all.Go(func() { invoke(n, event) })
		}
		all.Wait()
	} else {
		for n, event := range r.invocations() {
			invoke(n, event)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	tidy := func(text string) string {
		text = strings.NewReplacer(l.code, "/var/task", l.dir, "/var/runtime").Replace(text)
		if l.tidy != nil {
			text = l.tidy(text)
		}
		return perRun.Replace(text)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.seen.Answers {
		o.seen.Answers[i].Payload = tidy(o.seen.Answers[i].Payload)
	}
	o.seen.Log = tidy(o.log.String())
	if r.together { // whose line is first is chance, and whose the initialisation
		o.seen.Log = strings.ReplaceAll(o.seen.Log, `,"initDurationMs":0`, "")
		o.seen.Log = strings.Join(slices.Sorted(strings.Lines(o.seen.Log)), "")
	}
	return o.seen
}

// function is the row's.
func (l *language) function(r *row) *lambda.Function {
	fn := &lambda.Function{
		LogicalID: "Fn", ID: "Fn", Path: "Fn", Name: "fn", Runtime: l.runtime, Handler: l.handler(strings.TrimSuffix(r.name, besides)), PackageType: lambda.Zip,
		MemoryMB: 512, Timeout: 20 * time.Second, LogFormat: "Text", Code: lambda.Code{Dir: l.code},
	}
	if r.change != nil {
		r.change(fn)
	}
	return fn
}

// open is what runs the language's functions.
func (l *language) open(rt runtimes.Runtime, o *observer, isolated bool) *fleet.Fleet {
	o.text = telemetry.Text{Platform: &o.log}
	env := testenv.Environ()
	box := sandbox.Sandbox(process.Sandbox{})
	if isolated {
		box, rt = namespace.Sandbox{}, shown{rt, developers()}
	}
	return fleet.New(fleet.Options{
		Runtimes: runtimes.Set{rt}, Host: &runtimes.Host{Env: env, Cache: fsx.CacheDir(env)}, Sandbox: box, RuntimeDir: l.dir,
		Environ: instance.Environ{Region: "eu-west-1", Account: "123456789012", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"},
		Sink:    o.record, Notice: func(string) {},
	})
}

// shown is a runtime whose processes see the developer's cache, where AWS's
// clients are, and the folder in which they meet.
type shown struct {
	runtimes.Runtime
	cache string
}

func (s shown) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	l, err := s.Runtime.Launch(fn, paths, host)
	if err != nil {
		return nil, err
	}
	l.Uses = append(l.Uses, s.cache)
	for _, v := range fn.Environment {
		if v.Name == "MEET" {
			l.Keeps = append(l.Keeps, v.Value)
		}
	}
	return l, nil
}

func id(n int) string { return fmt.Sprintf("8f5a1c3e-0000-4000-8000-%012d", n+1) }

const trace = "Root=1-65f0c0de-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"

// observer takes an environment's records.
type observer struct {
	mu       sync.Mutex
	log      bytes.Buffer
	text     telemetry.Text
	seen     behaviour
	launches int
	reports  map[string]telemetry.Report // by request id
}

func (o *observer) record(r telemetry.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Record(r)
	switch e := r.Event.(type) {
	case telemetry.Launch:
		o.launches++
	case telemetry.Report:
		if o.reports == nil {
			o.reports = map[string]telemetry.Report{}
		}
		o.reports[e.RequestID] = e
	}
}

func (o *observer) answered(n int, res *lambda.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n >= len(o.seen.Answers) {
		o.seen.Answers = append(o.seen.Answers, make([]answer, n+1-len(o.seen.Answers))...)
	}
	report := o.reports[id(n)]
	o.seen.Answers[n] = answer{
		Payload: string(res.Payload), FunctionError: res.FunctionError, Platform: res.ErrorType,
		Starts: o.launches, Ended: report.Ended, Status: strings.TrimSpace(string(report.Status) + " " + report.ErrorType),
	}
}

// patterns replace what no two runs have in common.
type patterns []struct {
	of   *regexp.Regexp
	with string
}

// margin is how much of a long line is looked at, at its beginning and its end:
// a search through megabytes of one letter takes longer than all else.
const margin = 4 << 10

// Replace replaces line by line.
func (p patterns) Replace(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		middle := ""
		if n := len(line); n > 2*margin {
			out.WriteString(p.all(line[:margin]))
			middle, line = line[margin:n-margin], line[n-margin:]
		}
		out.WriteString(middle)
		out.WriteString(p.all(line))
	}
	return out.String()
}

// all replaces what may go over several lines.
func (p patterns) all(text string) string {
	for _, one := range p {
		text = one.of.ReplaceAllString(text, one.with)
	}
	return text
}

var perRun = patterns{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)`), "TIME"},
	{regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}`), "STREAM"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "API"},
	{regexp.MustCompile(`Duration: [0-9.]+ ms`), "Duration: N ms"},
	{regexp.MustCompile(`"(\w*[dD]urationMs|maxMemoryUsedMB|producedBytes)":[0-9.]+`), `"$1":0`},
	{regexp.MustCompile(`Max Memory Used: \d+ MB`), "Max Memory Used: N MB"},
}

// check compares with what the table says.
func (r *row) check(t *testing.T, by string, got behaviour) {
	t.Helper()
	if len(got.Answers) != len(r.invocations()) {
		t.Fatalf("%s: %d answers to %d events", by, len(got.Answers), len(r.invocations()))
	}
	for n, a := range got.Answers {
		want := r.want
		if n < len(r.then) {
			want = r.then[n]
		}
		if wrong := want.compare(&a); wrong != "" {
			t.Errorf("%s: answer %d: %s\n%+v\nlog:\n%s", by, n+1, wrong, a, got.Log)
		}
		if n == 0 {
			continue
		}
		if before := got.Answers[n-1].Starts; r.fresh != (a.Starts > before) {
			t.Errorf("%s: event %d was served by start %d, the one before by %d; want a new one: %t\nlog:\n%s", by, n+1, a.Starts, before, r.fresh, got.Log)
		}
	}
	for _, part := range r.says {
		if !strings.Contains(got.Log, part) {
			t.Errorf("%s: the log lacks %q:\n%s", by, part, got.Log)
		}
	}
	for _, part := range r.hides {
		if strings.Contains(got.Log, part) {
			t.Errorf("%s: the log has %q:\n%s", by, part, got.Log)
		}
	}
}

// compare says what is wrong with an answer, "" when nothing is.
func (w *want) compare(a *answer) string {
	if a.Platform != w.platform {
		return fmt.Sprintf("the platform's error is %q, want %q", a.Platform, w.platform)
	}
	failed := w.fails || w.message != "" || w.kind != "" || w.platform != ""
	if failed != (a.FunctionError != "") {
		return fmt.Sprintf("function error %q, want one: %t", a.FunctionError, failed)
	}
	if failed {
		var e struct{ ErrorMessage, ErrorType string }
		if err := json.Unmarshal([]byte(a.Payload), &e); err != nil {
			return err.Error()
		}
		if !strings.Contains(e.ErrorMessage, w.message) {
			return fmt.Sprintf("error message %.500q, want a part %.500q", e.ErrorMessage, w.message)
		}
		if w.kind != "" && e.ErrorType != w.kind {
			return fmt.Sprintf("error type %q, want %q", e.ErrorType, w.kind)
		}
		return ""
	}
	switch {
	case w.raw:
		if a.Payload != w.payload {
			return fmt.Sprintf("payload of %d bytes, want %d: %.200q", len(a.Payload), len(w.payload), a.Payload)
		}
	case w.payload != "":
		var got, want any
		if err := json.Unmarshal([]byte(w.payload), &want); err != nil {
			return err.Error()
		}
		if err := json.Unmarshal([]byte(a.Payload), &got); err != nil {
			return fmt.Sprintf("%v in %.200q", err, a.Payload)
		}
		return cmp.Diff(want, got)
	}
	return ""
}

// cached is a folder of the developer's cache that .ci/install has filled; why
// says what the test needs it for.
func cached(t testing.TB, name, why string) string {
	t.Helper()
	dir := filepath.Join(developers(), name)
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		testenv.Skip(t, name, why)
	}
	return dir
}

// developers is the folder of the developer's cache.
func developers() string {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return filepath.Join(cache, "lambkin-dev")
}
