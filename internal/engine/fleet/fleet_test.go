package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/fake"
)

func TestMain(m *testing.M) {
	fake.Main()
	os.Exit(m.Run())
}

func function(dir, handler string) *lambda.Function {
	return &lambda.Function{
		LogicalID: "F", Path: "F", Name: "f", Runtime: "fake", Handler: handler, PackageType: lambda.Zip,
		MemoryMB: 128, Timeout: 20 * time.Second, Code: lambda.Code{Dir: dir},
	}
}

// open makes a fleet whose temporary files go to a folder of the test's own.
func open(t testing.TB, change func(*fleet.Options)) *fleet.Fleet {
	t.Helper()
	testenv.Leaks(t)
	t.Setenv("TMPDIR", t.TempDir())
	o := fleet.Options{
		Runtimes: runtimes.Set{fake.Runtime{}}, Host: &runtimes.Host{}, Sandbox: process.Sandbox{}, RuntimeDir: t.TempDir(),
		Sink: func(telemetry.Record) {}, Notice: func(string) {},
	}
	if change != nil {
		change(&o)
	}
	f := fleet.New(o)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
			t.Errorf("files are left behind: %v", left)
		}
	})
	return f
}

func invoke(t testing.TB, f *fleet.Fleet, fn *lambda.Function) string {
	t.Helper()
	res, err := f.Invoke(t.Context(), fn, &lambda.Invocation{Payload: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	return string(res.Payload)
}

func TestTwoHundredInvocationsLeaveNothing(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "count")
	for i := range 200 {
		if got := invoke(t, f, fn); got != strconv.Itoa(i+1) {
			t.Fatalf("invocation %d answered %s: it was not served by the same environment", i+1, got)
		}
		f.Settle()
	}
}

func TestTwoHundredEnvironmentsLeaveNothing(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "exit:1")
	fn.Code = lambda.Code{Inline: "x"}
	for range 200 {
		invoke(t, f, fn)
	}
}

func TestInvocationsAtTheSameTimeGetEnvironmentsOfTheirOwn(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "sleep:200ms")
	begun := time.Now()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { invoke(t, f, fn) })
	}
	wg.Wait()
	if took := time.Since(begun); took >= 5*200*time.Millisecond {
		t.Errorf("five at the same time took %v: they waited for each other", took)
	}
}

func TestAnEndedEnvironmentIsReplaced(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "answer-then-exit")
	for range 3 {
		if got := invoke(t, f, fn); got != "{}" {
			t.Errorf("answer %s", got)
		}
		f.Settle()
	}
}

func TestFunctionsDoNotShareEnvironments(t *testing.T) {
	f := open(t, nil)
	one, two := function(t.TempDir(), "pid"), function(t.TempDir(), "pid")
	if a, b := invoke(t, f, one), invoke(t, f, two); a == b {
		t.Errorf("both ran in process %s", a)
	}
}

func TestWhatCannotBeRun(t *testing.T) {
	tests := []struct {
		name   string
		change func(*lambda.Function)
		want   any
	}{
		{"unknown runtime", func(fn *lambda.Function) { fn.Runtime = "fakr" }, new(*fleet.UnsupportedRuntime)},
		{"image", func(fn *lambda.Function) { fn.PackageType = lambda.Image }, new(*fleet.UnsupportedRuntime)},
		{"missing folder", func(fn *lambda.Function) { fn.Code.Dir += "/nope" }, new(*bundle.Unavailable)},
		{"layer that has to be fetched", func(fn *lambda.Function) { fn.Layers = []lambda.Layer{{ARN: "arn:x"}} }, new(*bundle.Unavailable)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, nil)
			fn := function(t.TempDir(), "echo")
			tt.change(fn)
			_, err := f.Invoke(t.Context(), fn, &lambda.Invocation{})
			if err == nil || !errors.As(err, tt.want) {
				t.Errorf("error %T %v, want %T", err, err, tt.want)
			}
		})
	}
}

func TestNearestRuntimeIsNamed(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "echo")
	fn.Runtime = "fkae"
	var unsupported *fleet.UnsupportedRuntime
	if _, err := f.Invoke(t.Context(), fn, &lambda.Invocation{}); !errors.As(err, &unsupported) || unsupported.Nearest != "fake" {
		t.Errorf("error %+v", unsupported)
	}
}

func TestRuntimesOfAWSAreNotTakenForMisspelt(t *testing.T) {
	for _, runtime := range []string{"java21", "java8.al2", "java17.al2023", "ruby3.4", "dotnet8", "dotnetcore3.1"} {
		f := open(t, nil)
		fn := function(t.TempDir(), "echo")
		fn.Runtime = runtime
		var unsupported *fleet.UnsupportedRuntime
		_, err := f.Invoke(t.Context(), fn, &lambda.Invocation{})
		if !errors.As(err, &unsupported) || unsupported.Nearest != "" || err.Error() != "this version of lambkin does not run "+runtime+", the runtime of function F" {
			t.Errorf("%s: %v, nearest %q", runtime, err, unsupported.Nearest)
		}
	}
}

func TestOneNoticeIsGivenOnce(t *testing.T) {
	var notices atomic.Int32
	f := open(t, func(o *fleet.Options) { o.Notice = func(string) { notices.Add(1) } })
	fn := function(t.TempDir(), "exit:0")
	invoke(t, f, fn)
	invoke(t, f, fn)
	if n := notices.Load(); n != 1 {
		t.Errorf("%d notices", n)
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "sleep:50s")
	ended := make(chan string, 1)
	go func() {
		res, err := f.Invoke(context.Background(), fn, &lambda.Invocation{})
		ended <- fmt.Sprint(res, err)
	}()
	time.Sleep(200 * time.Millisecond)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the invocation goes on")
	}
	if _, err := f.Invoke(t.Context(), fn, &lambda.Invocation{}); !errors.Is(err, fleet.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestTheNextInvocationFindsTheSameEnvironment(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "count")
	for i := range 50 {
		if got := invoke(t, f, fn); got != strconv.Itoa(i+1) {
			t.Fatalf("invocation %d answered %s", i+1, got)
		}
	}
}

func TestAnEnvironmentIsWaitedForAsLongAsAnotherTakesToStart(t *testing.T) {
	f := open(t, nil)
	for _, tt := range []struct{ busy, answer string }{{"100ms", "2"}, {"10s", "1"}} {
		fn := function(t.TempDir(), "starts-slowly:"+tt.busy)
		if got := invoke(t, f, fn) + invoke(t, f, fn); got != "1"+tt.answer {
			t.Errorf("busy for %s: answers %s", tt.busy, got)
		}
	}
}

func TestRetiredFunctionEndsItsEnvironments(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "count")
	invoke(t, f, fn)
	f.Settle()
	f.Retire(fn)
	for range 2 { // each by an environment of its own
		if got := invoke(t, f, fn); got != "1" {
			t.Errorf("answered %s", got)
		}
		f.Settle()
	}
}

func TestWarmEnvironmentServesTheFirstInvocation(t *testing.T) {
	streams := map[string]int{}
	var mu sync.Mutex
	f := open(t, func(o *fleet.Options) {
		o.Sink = func(r telemetry.Record) {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := r.Event.(telemetry.Launch); ok {
				streams[r.LogStream]++
			}
		}
	})
	fn := function(t.TempDir(), "count")
	if err := f.Warm(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, f, fn); got != "1" {
		t.Errorf("answered %s", got)
	}
	f.Settle()
	if len(streams) != 1 {
		t.Errorf("environments started: %v", streams)
	}
	fn.Runtime = "cobol"
	if err := f.Warm(t.Context(), fn); err == nil {
		t.Error("an environment of a runtime that is not there was started")
	}
}

func TestEnvironmentsWithExtensionsLeaveNothing(t *testing.T) {
	fn := function(t.TempDir(), "exit:1")
	layer, _ := fake.Extensions(t, fn, "good", "listener", "wants-nothing")
	fn.Layers = []lambda.Layer{{Dir: layer}}
	f := open(t, nil)
	for range 10 {
		invoke(t, f, fn)
	}
}

func TestCloseEndsAllExtensionsAtTheSameTime(t *testing.T) {
	fn := function(t.TempDir(), "sleep:100ms")
	layer, _ := fake.Extensions(t, fn, "deaf")
	fn.Layers = []lambda.Layer{{Dir: layer}}
	f := open(t, nil)
	var wg sync.WaitGroup
	const environments = 5
	for range environments {
		wg.Go(func() { invoke(t, f, fn) })
	}
	wg.Wait()
	f.Settle()
	begun := time.Now()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > environments*2*time.Second {
		t.Errorf("%d environments took %v to end: one after the other", environments, took)
	}
}

// BenchmarkWarmInvocation is what an invocation costs when its environment is
// there, with a handler that does nothing.
func BenchmarkWarmInvocation(b *testing.B) {
	f := open(b, nil)
	fn := function(b.TempDir(), "echo")
	for b.Loop() {
		invoke(b, f, fn)
		f.Settle()
	}
}

func TestTenantsShareNoEnvironment(t *testing.T) {
	f := open(t, nil)
	fn := function(t.TempDir(), "pid")
	fn.TenantIsolation = true
	pids := map[string]string{}
	for _, tenant := range []string{"blue", "green", "blue", "green"} {
		res, err := f.Invoke(t.Context(), fn, &lambda.Invocation{TenantID: tenant})
		if err != nil {
			t.Fatal(err)
		}
		if before := pids[tenant]; before != "" && before != string(res.Payload) {
			t.Errorf("tenant %s was served by %s, then by %s", tenant, before, res.Payload)
		}
		pids[tenant] = string(res.Payload)
	}
	if pids["blue"] == pids["green"] {
		t.Errorf("two tenants were served by %s", pids["blue"])
	}
	f.Retire(fn)
	f.Settle()
}
