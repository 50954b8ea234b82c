package instance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
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

// harness is an instance and what it has recorded.
type harness struct {
	*instance.Instance
	mu      sync.Mutex
	records []telemetry.Record
	output  strings.Builder
}

func (h *harness) record(r telemetry.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l, ok := r.Event.(telemetry.Log); ok {
		fmt.Fprintf(&h.output, "%s", l.Data)
		return
	}
	h.records = append(h.records, r)
}

func (h *harness) log() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.output.String()
}

// events names the recorded events in order.
func (h *harness) events() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, r := range h.records {
		switch e := r.Event.(type) {
		case telemetry.InitReport:
			out = append(out, fmt.Sprintf("init %s %s", e.Phase, e.Status))
		case telemetry.Extension:
			out = append(out, fmt.Sprintf("extension %s %s %s", e.Name, e.State, e.ErrorType))
		case telemetry.RestoreDone:
			out = append(out, fmt.Sprintf("restore %s %s", e.Status, e.ErrorType))
		case telemetry.Start:
			out = append(out, "start")
		case telemetry.Fault:
			out = append(out, "fault "+e.Message)
		case telemetry.Report:
			out = append(out, fmt.Sprintf("report %s %s", e.Status, e.ErrorType))
		}
	}
	return out
}

func (h *harness) report() telemetry.Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.records) - 1; i >= 0; i-- {
		if r, ok := h.records[i].Event.(telemetry.Report); ok {
			return r
		}
	}
	return telemetry.Report{}
}

func function(handler string) *lambda.Function {
	return &lambda.Function{
		LogicalID: "F", ID: "F", Path: "F", Name: "deployed-f", Runtime: "fake", Handler: handler,
		MemoryMB: 256, Timeout: 10 * time.Second, PackageType: lambda.Zip,
	}
}

func start(t *testing.T, fn *lambda.Function, change func(*instance.Options)) *harness {
	t.Helper()
	testenv.Leaks(t)
	h := &harness{}
	o := instance.Options{
		Function: fn, Runtime: fake.Runtime{}, Host: &runtimes.Host{}, Sandbox: process.Sandbox{},
		Code: t.TempDir(), RuntimeDir: t.TempDir(), Sink: h.record, Notice: func(string) {},
		Environ: instance.Environ{Region: "eu-west-1", Account: "123456789012"},
	}
	if change != nil {
		change(&o)
	}
	i, err := instance.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h.Instance = i
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return h
}

func (h *harness) invoke(t *testing.T, inv *lambda.Invocation) *lambda.Result {
	t.Helper()
	res, err := h.Invoke(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// payload compares a payload with want, in which ID stands for the request id.
func payload(t *testing.T, res *lambda.Result, want string) {
	t.Helper()
	want = strings.ReplaceAll(want, "ID", res.RequestID)
	if diff := cmp.Diff(want, string(res.Payload)); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

func events(t *testing.T, h *harness, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestInvocationSucceeds(t *testing.T) {
	h := start(t, function("echo"), nil)
	res := h.invoke(t, &lambda.Invocation{Payload: []byte(`{"a": 1}`)})
	if !h.Settle() {
		t.Error("the instance is of no more use")
	}
	payload(t, res, `{"a": 1}`)
	if res.FunctionError != "" || res.ExecutedVersion != "$LATEST" {
		t.Errorf("result %+v", res)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(res.RequestID) {
		t.Errorf("request id %q is no version 4 UUID", res.RequestID)
	}
	events(t, h, "init init success", "start", "report success ")
	r := h.report()
	if r.InitDuration <= 0 || r.Duration <= 0 || r.MemoryMB != 256 || runtime.GOOS == "linux" && r.PeakMemory < 1<<20 {
		t.Errorf("report %+v", r)
	}
}

func TestEnvironmentServesSeveralInvocations(t *testing.T) {
	h := start(t, function("count"), nil)
	for want := range 3 {
		payload(t, h.invoke(t, &lambda.Invocation{}), strconv.Itoa(want+1))
	}
	h.Settle()
	if r := h.report(); r.InitDuration != 0 {
		t.Errorf("the third report has an init duration: %+v", r)
	}
}

func TestInvocationsAreServedOneAtATime(t *testing.T) {
	h := start(t, function("answer-then-sleep:50ms"), nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := h.Invoke(t.Context(), &lambda.Invocation{Payload: []byte("1")}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	h.Settle()
	if got := strings.Count(h.log(), "after the answer"); got != 4 {
		t.Errorf("%d of 4 invocations came to their end", got)
	}
}

func TestCallerDoesNotWaitForWhatFollowsTheAnswer(t *testing.T) {
	h := start(t, function("answer-then-sleep:300ms"), nil)
	h.invoke(t, &lambda.Invocation{})
	if strings.Contains(h.log(), "after the answer") {
		t.Error("the caller has waited")
	}
	h.Settle()
	if !strings.Contains(h.log(), "after the answer") || h.report().Duration < 300*time.Millisecond {
		t.Errorf("Settle has not waited: log %q, report %+v", h.log(), h.report())
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		handler   string
		payload   string
		errorType string // of the result
		events    []string
		ended     bool
	}{
		{"error", `{"errorMessage":"boom","errorType":"Error"}`, "", []string{"init init success", "start", "report error Function.Boom"}, false},
		{
			"exit:3", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`, "Runtime.ExitError",
			[]string{"init init success", "start", "fault Runtime exited with error: exit status 3", "report failure Runtime.ExitError"},
			true,
		},
		{
			"exit:0", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`, "Runtime.ExitError",
			[]string{"init init success", "start", "fault Runtime exited without providing a reason", "report failure Runtime.ExitError"},
			true,
		},
		{
			"init-error", `{"errorMessage":"no such module","errorType":"Runtime.ImportModuleError"}`, "",
			[]string{"init init error", "init invoke error", "start", "report error Runtime.ImportModuleError"},
			true,
		},
		{
			"init-exit:1", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1"}`, "Runtime.ExitError",
			[]string{"init init failure", "init invoke failure", "start", "fault Runtime exited with error: exit status 1", "report failure Runtime.ExitError"},
			true,
		},
		{
			"big:6291557", `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`, "Function.ResponseSizeTooLarge",
			[]string{"init init success", "start", "report error Function.ResponseSizeTooLarge"},
			false,
		},
		{
			"bad-mode", `{"errorType":"Runtime.InvalidResponseModeHeader","errorMessage":"RequestId: ID Error: the runtime sent the response mode \"nonsense\""}`, "Runtime.InvalidResponseModeHeader",
			[]string{"init init success", "start", "report error Runtime.InvalidResponseModeHeader"},
			true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.handler, func(t *testing.T) {
			h := start(t, function(tt.handler), nil)
			res := h.invoke(t, &lambda.Invocation{})
			h.Settle()
			payload(t, res, tt.payload)
			if res.FunctionError != lambda.Unhandled || res.ErrorType != tt.errorType {
				t.Errorf("result %+v", res)
			}
			events(t, h, tt.events...)
			if ended := h.report().Ended; ended != tt.ended {
				t.Errorf("the report says of the end of the processes %v, want %v", ended, tt.ended)
			}
			first := len(h.events())
			h.invoke(t, &lambda.Invocation{})
			h.Settle()
			if again := strings.HasPrefix(h.events()[first], "init invoke "); again != tt.ended {
				t.Errorf("the next invocation initialises: %v, want %v: %q", again, tt.ended, h.events()[first:])
			}
		})
	}
}

func TestOutputOfAFailedInitIsKept(t *testing.T) {
	h := start(t, function("init-error"), nil)
	h.invoke(t, &lambda.Invocation{})
	if got := h.log(); got != "it went wrong\nit went wrong\n" {
		t.Errorf("log %q", got)
	}
}

// TestAnInitThatSucceedsAtItsSecondAttempt is answered: the caller does not
// hear of the first.
func TestAnInitThatSucceedsAtItsSecondAttempt(t *testing.T) {
	h := start(t, function("init-exit-once"), nil)
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
	h.Settle()
	events(t, h, "init init failure", "init invoke success", "start", "report success ")
	if r := h.report(); r.InitDuration != 0 {
		t.Errorf("the failed initialisation is reported as one of %v", r.InitDuration)
	}
}

// TestAnInitInTheTimeOfASharedInvocation has a first attempt that fails, and a
// second one that the invocation pays for.
func TestAnInitInTheTimeOfASharedInvocation(t *testing.T) {
	fn := function("init-exit-then-sleep:300ms")
	fn.MaxConcurrency = 2
	h := start(t, fn, nil)
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
	if r := h.report(); r.Duration < 300*time.Millisecond || r.InitDuration != 0 {
		t.Errorf("report %+v does not count the initialisation", r)
	}
}

func TestAnInitIsRunOnceWhereThatIsWanted(t *testing.T) {
	h := start(t, function("init-exit-once"), func(o *instance.Options) { o.InitOnce = true })
	res := h.invoke(t, &lambda.Invocation{Payload: []byte("1")})
	if res.ErrorType != lambda.Exited {
		t.Errorf("result %+v", res)
	}
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("2")}), "2")
	h.Settle()
	events(t, h, "init init failure", "start", "fault Runtime exited with error: exit status 1", "report failure Runtime.ExitError",
		"init invoke success", "start", "report success ")
}

// TestAnEnvironmentGoesOnAfterAFailure keeps its log stream: only its
// processes are new.
func TestAnEnvironmentGoesOnAfterAFailure(t *testing.T) {
	h := start(t, function("count-then-exit:2"), nil)
	for _, want := range []string{"1", "", "1", "", "1"} {
		res := h.invoke(t, &lambda.Invocation{})
		h.Settle()
		if want == "" && res.ErrorType != lambda.Exited || want != "" && string(res.Payload) != want {
			t.Errorf("payload %s, want %q", res.Payload, want)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records {
		if r.LogStream != h.records[0].LogStream {
			t.Fatalf("two log streams: %s, %s", h.records[0].LogStream, r.LogStream)
		}
	}
}

func TestExitAfterTheAnswerLeavesTheResult(t *testing.T) {
	h := start(t, function("answer-then-exit"), nil)
	res := h.invoke(t, &lambda.Invocation{Payload: []byte("1")})
	payload(t, res, "1")
	h.Settle()
	events(t, h, "init init success", "start", "fault Runtime exited with error: exit status 7", "report failure Runtime.ExitError")
}

func TestTimeoutEndsTheWholeTree(t *testing.T) {
	fn := function("grandchildren")
	fn.Timeout = time.Second
	h := start(t, fn, nil)
	begun := time.Now()
	res := h.invoke(t, &lambda.Invocation{})
	payload(t, res, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`)
	if res.ErrorType != lambda.TimedOut || res.FunctionError != lambda.Unhandled {
		t.Errorf("result %+v", res)
	}
	events(t, h, "init init success", "start", "fault Task timed out after 1.00 seconds", "report timeout Sandbox.Timedout")
	if r := h.report(); r.Duration != time.Second {
		t.Errorf("reported duration %v", r.Duration)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if strings.Count(h.log(), "pid ") != 2 {
		t.Fatalf("no grandchildren: %q", h.log())
	}
	for _, line := range strings.Split(strings.TrimSpace(h.log()), "\n") {
		if _, err := os.Stat("/proc/" + strings.TrimPrefix(line, "pid ")); err == nil {
			t.Errorf("the grandchild of %q is still there", line)
		}
	}
}

func TestNoTimeoutLetsTheFunctionFinish(t *testing.T) {
	fn := function("sleep:300ms")
	fn.Timeout = 100 * time.Millisecond
	h := start(t, fn, func(o *instance.Options) { o.NoTimeout = true })
	if res := h.invoke(t, &lambda.Invocation{Payload: []byte("1")}); res.FunctionError != "" {
		t.Errorf("result %s", res.Payload)
	}
}

func TestSlowInitBeginsAnewInTheFunctionsTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the ten seconds that an initialisation may take")
	}
	fn := function("init-sleep:11s")
	fn.Timeout = 500 * time.Millisecond
	h := start(t, fn, nil)
	res := h.invoke(t, &lambda.Invocation{})
	if res.ErrorType != lambda.TimedOut {
		t.Errorf("result %+v: %s", res, res.Payload)
	}
	events(t, h, "init init timeout", "init invoke timeout", "start", "fault Task timed out after 0.50 seconds", "report timeout Sandbox.Timedout")
}

// TestFrozenBetweenInvocations has a function that prints all the time.
func TestFrozenBetweenInvocations(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot freeze processes")
	}
	for _, frozen := range []bool{false, true} {
		h := start(t, function("ticks"), func(o *instance.Options) { o.Freeze = frozen })
		for want := range 2 {
			payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte(strconv.Itoa(want))}), strconv.Itoa(want))
			h.Settle()
			time.Sleep(50 * time.Millisecond) // what is in the pipe is read
			before := len(h.log())
			time.Sleep(100 * time.Millisecond)
			if still := len(h.log()) == before; still != frozen {
				t.Errorf("freezing %v: the function stands still: %v", frozen, still)
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// snapshots is the fake runtime, as one that AWS starts from snapshots.
type snapshots struct{ fake.Runtime }

func (s snapshots) Launch(fn *lambda.Function, p runtimes.Paths, h *runtimes.Host) (*runtimes.Launch, error) {
	l, err := s.Runtime.Launch(fn, p, h)
	if err == nil {
		l.Snapshots = true
	}
	return l, err
}

func restored(t *testing.T, handler string) *harness {
	t.Helper()
	fn := function(handler)
	fn.SnapStart = true
	return start(t, fn, func(o *instance.Options) {
		o.Runtime = snapshots{}
		o.Environ.AccessKeyID, o.Environ.SecretAccessKey = "AK", "SK"
	})
}

func TestARestoredFunctionRunsItsHooks(t *testing.T) {
	h := restored(t, "restore")
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
	h.Settle()
	events(t, h, "init init success", "restore success ", "start", "report success ")
	if r := h.report(); r.InitDuration != 0 || r.RestoreDuration <= 0 || h.log() != "restored\n" {
		t.Errorf("report %+v, log %q", r, h.log())
	}
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("2")}), "2")
	h.Settle()
	if r := h.report(); r.RestoreDuration != 0 {
		t.Errorf("the second report has a restore: %+v", r)
	}
}

func TestARuntimeWithoutHooksIsRestoredToo(t *testing.T) {
	h := restored(t, "echo")
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
	h.Settle()
	events(t, h, "init init success", "restore success ", "start", "report success ")
}

func TestAHookThatFails(t *testing.T) {
	h := restored(t, "restore-error")
	res := h.invoke(t, &lambda.Invocation{})
	payload(t, res, `{"errorMessage":"no hook","errorType":"Hook"}`)
	if res.FunctionError != lambda.Unhandled {
		t.Errorf("result %+v", res)
	}
	events(t, h, "init init success", "restore error Runtime.AfterRestoreError",
		"init invoke success", "restore error Runtime.AfterRestoreError", "start", "report error Runtime.AfterRestoreError")
}

func TestHooksHaveTenSecondsAfterTheRestore(t *testing.T) {
	fn := function("restore-sleep")
	fn.SnapStart, fn.Timeout = true, time.Minute
	h := start(t, fn, func(o *instance.Options) { o.Runtime, o.InitOnce = snapshots{}, true })
	begun := time.Now()
	res := h.invoke(t, &lambda.Invocation{})
	if res.ErrorType != "Runtime.RestoreTimeout" || time.Since(begun) < lambda.RestoreTimeout {
		t.Errorf("after %v: %s", time.Since(begun), res.Payload)
	}
}

func TestCredentialsOfARestoredFunction(t *testing.T) {
	h := restored(t, "credentials")
	var got struct{ AccessKeyID, SecretAccessKey, Token, Expiration string }
	res := h.invoke(t, &lambda.Invocation{})
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	if at, err := time.Parse(time.RFC3339, got.Expiration); err != nil || time.Until(at) < time.Hour || got.AccessKeyID != "AK" || got.SecretAccessKey != "SK" {
		t.Errorf("%v: %s", err, res.Payload)
	}
}

func TestCancelEndsTheFunction(t *testing.T) {
	h := start(t, function("sleep:30s"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := h.Invoke(ctx, &lambda.Invocation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if h.Settle() {
		t.Error("the environment goes on")
	}
}

func TestCloseFailsTheInvocationUnderWay(t *testing.T) {
	h := start(t, function("sleep:30s"), nil)
	time.AfterFunc(200*time.Millisecond, func() { _ = h.Close() })
	res, err := h.Invoke(t.Context(), &lambda.Invocation{})
	if err == nil && res.FunctionError == "" {
		t.Errorf("result %s", res.Payload)
	}
}

func TestOutputStreamsAreToldApartOnlyWhenWanted(t *testing.T) {
	for _, split := range []bool{false, true} {
		var mu sync.Mutex
		got := map[telemetry.Stream]string{}
		h := start(t, function("print"), func(o *instance.Options) {
			o.SplitOutput = split
			o.Sink = func(r telemetry.Record) {
				if l, ok := r.Event.(telemetry.Log); ok {
					mu.Lock()
					defer mu.Unlock()
					got[l.Stream] += string(l.Data)
				}
			}
		})
		h.invoke(t, &lambda.Invocation{})
		h.Settle()
		want := map[telemetry.Stream]string{telemetry.Stdout: "to stdout\nto stderr\n"}
		if split {
			want = map[telemetry.Stream]string{telemetry.Stdout: "to stdout\n", telemetry.Stderr: "to stderr\n"}
		}
		mu.Lock()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("split %v (-want +got):\n%s", split, diff)
		}
		mu.Unlock()
	}
}

func TestTheRuntimeIsToldAllAboutTheInvocation(t *testing.T) {
	h := start(t, function("headers"), nil)
	res := h.invoke(t, &lambda.Invocation{RequestID: "my-id", Qualifier: "live", TenantID: "blue", ClientContext: []byte(`{"a":1}`)})
	var got map[string][]string
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       "my-id",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:deployed-f:live",
		"Lambda-Runtime-Aws-Tenant-Id":        "blue",
		"Lambda-Runtime-Client-Context":       `{"a":1}`,
	} {
		if v := strings.Join(got[name], "|"); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if trace := strings.Join(got["Lambda-Runtime-Trace-Id"], "|"); !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(trace) {
		t.Errorf("trace header %q", trace)
	}
	deadline, err := strconv.ParseInt(strings.Join(got["Lambda-Runtime-Deadline-Ms"], ""), 10, 64)
	if left := time.Until(time.UnixMilli(deadline)); err != nil || left > 10*time.Second || left < 0 {
		t.Errorf("deadline %v (%v) is not within the function's ten seconds", left, err)
	}
}

func TestEnvironmentOfTheFunction(t *testing.T) {
	t.Setenv("LEAK", "the host's")
	fn := function("env")
	fn.LogFormat = "JSON"
	fn.Environment = []lambda.Variable{{Name: "TABLE", Value: "t=1"}, {Name: "TZ", Value: "Europe/Rome"}, {Name: "_HANDLER", Value: "stolen"}, {Name: "OVER", Value: "weak"}}
	h := start(t, fn, func(o *instance.Options) {
		o.Environ.AccessKeyID, o.Environ.SecretAccessKey = "AK", "SK"
		o.Environ.Inherit = []instance.Variable{{Name: "HOME", Value: "/home/x"}, {Name: "AWS_REGION", Value: "mars"}}
		o.Environ.Extra = func(fn *lambda.Function) []string { return []string{"EXTRA=" + fn.Name} }
		o.Environ.Override = []instance.Variable{{Name: "OVER", Value: "strong"}}
	})
	res := h.invoke(t, &lambda.Invocation{})
	var list []string
	if err := json.Unmarshal(res.Payload, &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	for _, name := range []string{"AWS_LAMBDA_RUNTIME_API", "LAMBKIN_FAKE_RUNTIME", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "PWD"} {
		delete(got, name) // differ per run
	}
	if s := got["AWS_LAMBDA_LOG_STREAM_NAME"]; !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(s) {
		t.Errorf("log stream %q", s)
	}
	delete(got, "AWS_LAMBDA_LOG_STREAM_NAME")
	want := map[string]string{
		"TABLE": "t=1", "TZ": "Europe/Rome", "_HANDLER": "env", "OVER": "strong", "EXTRA": "deployed-f", "HOME": "/home/x",
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK",
		"AWS_EXECUTION_ENV": "AWS_Lambda_fake", "AWS_LAMBDA_FUNCTION_NAME": "deployed-f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/deployed-f", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1", "_AWS_XRAY_DAEMON_PORT": "2000",
		"LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestLargeEventsAndResultsPassByteForByte(t *testing.T) {
	h := start(t, function("echo"), nil)
	event := make([]byte, lambda.MaxRequestBytes)
	for i := range event {
		event[i] = byte(i * 7)
	}
	res := h.invoke(t, &lambda.Invocation{Payload: event})
	if string(res.Payload) != string(event) {
		t.Error("the payload has changed")
	}
}
