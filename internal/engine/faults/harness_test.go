// Package faults holds a table of the ways in which a function can misbehave:
// what its caller gets, what is logged, what the next invocation meets, and
// that nothing is left of it. It has tests only.
package faults

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/runtimes/provided"
	"github.com/lambkin-dev/lambkin/internal/runtimes/python"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

//go:embed testdata/fault.py
var prelude string

// fault is one way in which a function misbehaves, and what comes of it.
type fault struct {
	way string
	// program is the bootstrap, in Python over testdata/fault.py; or files are
	// the function's, by name, for the runtime and handler given.
	program string
	files   map[string]string
	runtime string
	handler string
	change  func(*lambda.Function)
	event   string
	timeout time.Duration // of the function; 0 is one that does not matter

	answer string // the payload; ID stands for the request id. "~" before it asks for a part only
	err    string // a part of the error that there is in place of an answer
	report string // how the REPORT ended: "success", "error TYPE", with ": MESSAGE" where the platform says one
	says   string // a part of what is printed
	output int64  // how many bytes are printed at least

	// fresh says that another environment serves the next invocation, which
	// goes well; then is what it answers otherwise.
	fresh bool
	then  string
	// patient rows wait more than they work, and are repeated many at a time;
	// lonely ones are repeated one after another, the others a few at a time.
	patient, lonely bool
	idle            bool   // the process ends between the two invocations
	linux           bool   // needs Linux
	differs         string // what AWS does in place of it
	// isolated runs it in namespaces.
	isolated bool
}

// atOnce is how many of n repetitions run beside each other.
func (f *fault) atOnce(n int) int {
	switch {
	case f.patient:
		return min(n, 25)
	case f.lonely:
		return 1
	}
	return 3
}

// times is how often each row runs.
func times(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("LAMBKIN_FAULTS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 1
	}
	return 5
}

// run is a fleet with one function, and what is known of it.
type run struct {
	fault *fault
	fleet *fleet.Fleet
	fn    *lambda.Function
	dir   string          // holds all that belongs to the run
	mark  string          // an entry of the environment of all processes
	older map[string]bool // what else there was in /proc

	mu       sync.Mutex // guards what follows
	procs    []sandbox.Proc
	launches int
	output   int64
	printed  strings.Builder // the first part of the output
	ends     []string
	message  string
}

func (r *run) record(rec telemetry.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := rec.Event.(type) {
	case telemetry.Launch:
		r.launches++
	case telemetry.Log:
		r.output += int64(len(e.Data))
		if r.printed.Len() < 1<<16 {
			r.printed.Write(e.Data)
		}
	case telemetry.Fault:
		r.message = ": " + e.Message
	case telemetry.Report:
		r.ends = append(r.ends, strings.TrimSpace(fmt.Sprintf("%s %s", e.Status, e.ErrorType))+r.message)
		r.message = ""
	}
}

// interpreter is the first line of a program.
func interpreter(t testing.TB) string { return "#!" + testenv.Python(t) + " -SEB\n" }

// open makes the function and its fleet below dir.
func open(t testing.TB, f *fault, dir string) *run {
	t.Helper()
	code, boot := filepath.Join(dir, "code"), filepath.Join(dir, "runtime")
	files := f.files
	fn := &lambda.Function{
		LogicalID: "F", ID: "F", Path: "F", Name: "f", Runtime: f.runtime, Handler: f.handler, PackageType: lambda.Zip,
		MemoryMB: 128, Timeout: 30 * time.Second, Code: lambda.Code{Dir: code},
	}
	if f.program != "" {
		files = map[string]string{"fault.py": prelude, "bootstrap": interpreter(t) + "from fault import *\n" + f.program}
		fn.Runtime = "provided.al2023"
	}
	// A program cannot be run while it is open for writing, be it by a fork of
	// this process that is about to become another program.
	syscall.ForkLock.RLock()
	testenv.WriteFiles(t, code, files)
	syscall.ForkLock.RUnlock()
	if _, ok := files["bootstrap"]; ok {
		if err := os.Chmod(filepath.Join(code, "bootstrap"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	bootstraps := node.Files()
	for name, data := range python.Files() {
		bootstraps[name] = data
	}
	for name, data := range bootstraps {
		testenv.WriteFiles(t, boot, map[string]string{name: string(data)})
	}
	if f.timeout > 0 {
		fn.Timeout = f.timeout
	}
	r := &run{fault: f, fn: fn, dir: dir, mark: "FAULT_RUN=" + dir, older: map[string]bool{}}
	fn.Environment = []lambda.Variable{{Name: "FAULT_RUN", Value: dir}, {Name: "FAULT_PIDS", Value: filepath.Join(dir, "pids")}}
	if f.change != nil {
		f.change(fn)
	}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		r.older[e.Name()] = true
	}
	env := testenv.Environ()
	box, rts := sandbox.Sandbox(process.Sandbox{}), runtimes.Set{provided.Runtime{}, node.Runtime{}, python.Runtime{}}
	if f.isolated {
		box = namespace.Sandbox{}
		// /tmp, where tests keep their files, is another one inside.
		fn.Environment = append(fn.Environment, lambda.Variable{Name: "FAULT_SCRATCH", Value: dir})
		for n, rt := range rts {
			rts[n] = shown{rt, []string{filepath.Dir(filepath.Dir(testenv.Python(t)))}, []string{dir}}
		}
	}
	r.fleet = fleet.New(fleet.Options{
		Runtimes: rts,
		Host:     &runtimes.Host{Env: env, Cache: fsx.CacheDir(env)}, Sandbox: watched{box, r}, RuntimeDir: boot,
		Environ: instance.Environ{Region: "eu-west-1", Account: "123456789012"},
		Sink:    r.record, Notice: func(string) {},
	})
	return r
}

// shown is a runtime whose processes see, and may write to, more folders.
type shown struct {
	runtimes.Runtime
	uses, keeps []string
}

func (s shown) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	l, err := s.Runtime.Launch(fn, paths, host)
	if err == nil {
		l.Uses, l.Keeps = append(l.Uses, s.uses...), append(l.Keeps, s.keeps...)
	}
	return l, err
}

// watched is a sandbox whose processes the run knows.
type watched struct {
	sandbox.Sandbox
	run *run
}

func (w watched) Open(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	env, err := w.Sandbox.Open(ctx, spec)
	return watchedEnvironment{env, w.run}, err
}

type watchedEnvironment struct {
	sandbox.Environment
	run *run
}

func (w watchedEnvironment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Proc, error) {
	p, err := w.Environment.Start(ctx, cmd)
	if err == nil {
		w.run.mu.Lock()
		defer w.run.mu.Unlock()
		w.run.procs = append(w.run.procs, p)
	}
	return p, err
}

// ended waits until the engine can notice the end of the processes that there were.
func (r *run) ended() {
	r.mu.Lock()
	procs := r.procs
	r.mu.Unlock()
	for _, p := range procs {
		select {
		case <-p.Done():
		case <-time.After(patience):
		}
	}
}

const patience = 20 * time.Second

// check runs the row once and returns what is wrong.
func (r *run) check(t testing.TB) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	f := r.fault
	res, err := r.fleet.Invoke(t.Context(), r.fn, &lambda.Invocation{Payload: []byte(f.event)})
	r.fleet.Settle()
	switch {
	case f.err != "":
		if err == nil || !strings.Contains(err.Error(), f.err) {
			complain("error %v, want one with %q", err, f.err)
		}
	case err != nil:
		complain("error %v", err)
	default:
		if text := mismatch(f.answer, res); text != "" {
			complain("answer: %s", text)
		}
	}
	r.mu.Lock()
	if got := strings.Join(r.ends, "; "); f.report != "" && got != f.report {
		complain("report %q, want %q", got, f.report)
	}
	if !strings.Contains(r.printed.String(), f.says) || r.output < f.output {
		complain("%d bytes are printed, of %d: %.300q; want %q", r.output, f.output, r.printed.String(), f.says)
	}
	launches := r.launches
	r.mu.Unlock()
	if f.err == "" {
		r.again(t, launches, complain)
	}
	if err := r.fleet.Close(); err != nil {
		complain("closing: %v", err)
	}
	for _, left := range r.left() {
		complain("left behind: %s", left)
	}
	return wrong
}

// again invokes the function once more, which now behaves unless its row says
// otherwise.
func (r *run) again(t testing.TB, launches int, complain func(string, ...any)) {
	f := r.fault
	r.fn.Timeout = 30 * time.Second
	if f.idle {
		r.ended()
	}
	want := f.then
	if want == "" {
		want = `"well"`
	}
	res, err := r.fleet.Invoke(t.Context(), r.fn, &lambda.Invocation{Payload: []byte(`"again"`)})
	r.fleet.Settle()
	if reason, failing := strings.CutPrefix(want, "error "); failing {
		if err == nil || !strings.Contains(err.Error(), reason) {
			complain("next invocation: error %v, want one with %q", err, reason)
		}
		return
	}
	if err != nil {
		complain("next invocation: %v", err)
		return
	}
	if text := mismatch(want, res); text != "" {
		complain("next answer: %s", text)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if fresh := r.launches > launches; fresh != f.fresh {
		complain("next invocation in a fresh environment: %v, want %v", fresh, f.fresh)
	}
}

// mismatch compares a payload with what a row wants.
func mismatch(want string, res *lambda.Result) string {
	want, got := strings.ReplaceAll(want, "ID", res.RequestID), string(res.Payload)
	if part, ok := strings.CutPrefix(want, "~"); ok {
		if strings.Contains(got, part) {
			return ""
		}
		return fmt.Sprintf("%.300q has no %q", got, part)
	}
	return cmp.Diff(want, got)
}

// left are the processes of the machine that belong to the run: by the list
// that they have put themselves on, by environment, folder or command line.
func (r *run) left() (found []string) {
	listed := r.listed()
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if r.older[e.Name()] {
			continue
		}
		proc := filepath.Join("/proc", e.Name())
		environ, _ := os.ReadFile(filepath.Join(proc, "environ"))
		command, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(proc, "cwd"))
		stat, _ := os.ReadFile(filepath.Join(proc, "stat"))
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		const began = 19
		// In other namespaces there may be one with the same id and the same start.
		if r.fault != nil && r.fault.isolated && (len(command) == 0 || len(environ) > 0 && !bytes.Contains(environ, []byte(r.dir))) {
			continue
		}
		if len(fields) > began && slices.Contains(listed, innermost(proc)+":"+fields[began]) ||
			strings.Contains(string(environ), r.mark) || strings.Contains(string(command)+cwd, r.dir) {
			found = append(found, fmt.Sprintf("process %s: %q", e.Name(), command))
		}
	}
	return found
}

// innermost is a process's id as it sees it itself.
func innermost(proc string) string {
	status, _ := os.ReadFile(filepath.Join(proc, "status"))
	_, rest, _ := bytes.Cut(status, []byte("\nNSpid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	ids := strings.Fields(string(line))
	if len(ids) == 0 {
		return filepath.Base(proc)
	}
	return ids[len(ids)-1]
}

// listed are the processes that have put themselves on the list, "id:start",
// since ids are used again.
func (r *run) listed() []string {
	noted, _ := os.ReadFile(filepath.Join(r.dir, "pids"))
	return strings.Fields(string(noted))
}

// descriptors is how many this process has open, 0 where that cannot be seen.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// settled waits for descriptors that are about to be closed.
func settled(limit int) int {
	for end := time.Now().Add(2 * time.Second); descriptors() > limit && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	return descriptors()
}

// repeat runs a row as often as wanted and returns the longest time that one took.
func repeat(t *testing.T, f *fault, n int) (worst time.Duration) {
	testenv.Leaks(t)
	root, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	before := descriptors()
	one := func(i int) (time.Duration, error) {
		begun := time.Now()
		dir := filepath.Join(root, fmt.Sprintf("%04d", i))
		r := open(t, f, dir)
		wrong := r.check(t)
		took := time.Since(begun)
		if len(wrong) > 0 {
			return took, fmt.Errorf("time %d of %d:\n%s\noutput: %.500q", i+1, n, strings.Join(wrong, "\n"), r.printed.String())
		}
		return took, os.RemoveAll(dir)
	}
	took, errs := make([]time.Duration, n), make([]error, n)
	free := make(chan struct{}, f.atOnce(n))
	var wg sync.WaitGroup
	for i := range n {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			took[i], errs[i] = one(i)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if now := settled(before); now > before {
		t.Errorf("%d descriptors are open, %d were", now, before)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("files are left behind: %v", left)
	}
	return slices.Max(took)
}
