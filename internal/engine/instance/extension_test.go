package instance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/testenv/fake"
)

// with starts an environment of fn with external extensions. What subscribers
// among them get is in the file that is returned, followed by their name.
func with(t *testing.T, fn *lambda.Function, names ...string) (h *harness, file string) {
	t.Helper()
	layer, file := fake.Extensions(t, fn, names...)
	return start(t, fn, func(o *instance.Options) { o.Layers = []string{layer} }), file
}

func TestExtensionsAreToldOfInvocationsAndOfTheEnd(t *testing.T) {
	h, _ := with(t, function("echo"), "good", "wants-nothing")
	res := h.invoke(t, &lambda.Invocation{Payload: []byte("1"), Qualifier: "live"})
	payload(t, res, "1")
	h.Settle()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	log := regexp.MustCompile(`"deadlineMs":\d{13}`).ReplaceAllString(h.log(), `"deadlineMs":0`)
	log = regexp.MustCompile(`"value":"Root=[^"]+"`).ReplaceAllString(log, `"value":"Root"`)
	want := `good got {"eventType":"INVOKE","deadlineMs":0,"requestId":"` + res.RequestID +
		`","invokedFunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:deployed-f:live","tracing":{"type":"X-Amzn-Trace-Id","value":"Root"}}
good got {"eventType":"SHUTDOWN","deadlineMs":0,"shutdownReason":"spindown"}
`
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	events(t, h, "extension good Ready ", "extension wants-nothing Ready ", "init init success", "start", "report success ")
}

func TestTheEnvironmentIsBusyUntilExtensionsAreDone(t *testing.T) {
	h, _ := with(t, function("echo"), "slow")
	begun := time.Now()
	h.invoke(t, &lambda.Invocation{Payload: []byte("1")})
	answered := time.Now()
	h.Settle()
	if settled := time.Now(); settled.Sub(answered) < 100*time.Millisecond && settled.Sub(begun) < 300*time.Millisecond {
		t.Errorf("answered after %v, free after %v: nobody has waited for the extension", answered.Sub(begun), settled.Sub(begun))
	}
	if r := h.report(); r.Overhead <= 0 || r.Duration < 300*time.Millisecond {
		t.Errorf("report %+v does not count the extension's time", r)
	}
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("2")}), "2")
}

func TestFrozenExtensionsAreToldOfTheEnd(t *testing.T) {
	fn := function("echo")
	layer, _ := fake.Extensions(t, fn, "good")
	h := start(t, fn, func(o *instance.Options) { o.Layers, o.Freeze = []string{layer}, true })
	h.invoke(t, &lambda.Invocation{Payload: []byte("1")})
	h.Settle()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(h.log(), `"shutdownReason":"spindown"`) {
		t.Errorf("log %q", h.log())
	}
}

func TestInitWaitsForExtensions(t *testing.T) {
	h, _ := with(t, function("echo"), "slow-init")
	h.invoke(t, &lambda.Invocation{})
	h.Settle()
	if r := h.report(); r.InitDuration < 300*time.Millisecond {
		t.Errorf("the initialisation took %v, its extension 300ms", r.InitDuration)
	}
}

func TestFailingExtensions(t *testing.T) {
	tests := []struct {
		extension string
		payload   string
		events    []string
		log       string // a part of it
	}{
		{
			"exit-at-once", `{"errorType":"Extension.Crash","errorMessage":"RequestId: ID Error: exit status 3"}`,
			[]string{"extension exit-at-once Exited Extension.Crash", "init init failure", "extension exit-at-once Exited Extension.Crash", "init invoke failure", "start", "fault exit status 3", "report failure Extension.Crash"},
			"",
		},
		{
			"init-error", `{"errorType":"Extension.InitError","errorMessage":"RequestId: ID Error: Extension.NoConfig"}`,
			[]string{"extension init-error InitError Extension.NoConfig", "init init failure", "extension init-error InitError Extension.NoConfig", "init invoke failure", "start", "fault Extension.NoConfig", "report failure Extension.InitError"},
			"",
		},
		{
			"crashes", `{"errorType":"Extension.Crash","errorMessage":"RequestId: ID Error: exit status 5"}`,
			[]string{"extension crashes Ready ", "init init success", "start", "fault exit status 5", "report failure Extension.Crash"},
			"crashes got",
		},
		{
			"gives-up", `{"errorType":"Extension.ExitError","errorMessage":"RequestId: ID Error: Extension.NoMore"}`,
			[]string{"extension gives-up Ready ", "init init success", "start", "fault Extension.NoMore", "report failure Extension.ExitError"},
			"gives-up got",
		},
	}
	for _, tt := range tests {
		t.Run(tt.extension, func(t *testing.T) {
			h, _ := with(t, function("sleep:30s"), tt.extension)
			res := h.invoke(t, &lambda.Invocation{})
			payload(t, res, tt.payload)
			h.Settle()
			if !h.report().Ended || res.FunctionError != lambda.Unhandled {
				t.Errorf("the processes go on, or the result %+v has no error", res)
			}
			events(t, h, tt.events...)
			if !strings.Contains(h.log(), tt.log) {
				t.Errorf("log %q", h.log())
			}
		})
	}
}

// TestTheOthersHearOfTheEnd has a second extension, which is told why the
// environment ends.
func TestTheOthersHearOfTheEnd(t *testing.T) {
	for handler, want := range map[string]string{"exit:1": "failure", "sleep:30s": "timeout"} {
		fn := function(handler)
		fn.Timeout = time.Second
		h, _ := with(t, fn, "good")
		h.invoke(t, &lambda.Invocation{})
		if !strings.Contains(h.log(), `"shutdownReason":"`+want+`"`) {
			t.Errorf("%s: log %q", handler, h.log())
		}
	}
}

func TestWhatCannotBeStartedFailsTheInit(t *testing.T) {
	layer := t.TempDir()
	if err := os.MkdirAll(filepath.Join(layer, "extensions", "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(layer, "extensions", "notes.txt"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	var notices []string
	h := start(t, function("echo"), func(o *instance.Options) {
		o.Layers, o.Notice = []string{layer}, func(text string) { notices = append(notices, text) }
	})
	res := h.invoke(t, &lambda.Invocation{})
	if !strings.HasPrefix(string(res.Payload), `{"errorType":"Extension.LaunchError","errorMessage":"RequestId: `+res.RequestID+` Error: `) {
		t.Errorf("payload %s", res.Payload)
	}
	if got := h.events()[0]; got != "extension notes.txt LaunchError Extension.LaunchError" {
		t.Errorf("event %q", got)
	}
	if got := notices[len(notices)-1]; runtime.GOOS != "windows" && !strings.HasSuffix(got, "chmod +x "+filepath.Join(layer, "extensions", "notes.txt")) {
		t.Errorf("notice %q", got)
	}
}

func TestElevenExtensionsAreNotStarted(t *testing.T) {
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprintf("good.%02d", i))
	}
	h, _ := with(t, function("echo"), names...)
	payload(t, h.invoke(t, &lambda.Invocation{}), `{"errorType":"Extension.LaunchError","errorMessage":"RequestId: ID Error: Extension limit (10) reached"}`)
}

func TestAnExtensionSharesTheFunctionsTime(t *testing.T) {
	fn := function("echo")
	fn.Timeout = time.Second
	h, _ := with(t, fn, "hangs")
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
	h.Settle()
	if !h.report().Ended {
		t.Error("the processes go on")
	}
	events(t, h, "extension hangs Ready ", "init init success", "start", "fault Task timed out after 1.00 seconds", "report timeout Sandbox.Timedout")
}

func TestExtensionsThatIgnoreTheEndAreEnded(t *testing.T) {
	h, _ := with(t, function("echo"), "deaf")
	h.invoke(t, &lambda.Invocation{})
	h.Settle()
	begun := time.Now()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 1500*time.Millisecond {
		t.Errorf("it was given %v, not two seconds", took)
	}
	if !strings.Contains(h.log(), `"shutdownReason":"spindown"`) {
		t.Errorf("log %q", h.log())
	}
}

func TestAnExtensionThatNeverRegistersUsesUpTheInit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the ten seconds that an initialisation may take")
	}
	fn := function("echo")
	fn.Timeout = 500 * time.Millisecond
	h, _ := with(t, fn, "never-registers")
	res := h.invoke(t, &lambda.Invocation{})
	if res.ErrorType != lambda.TimedOut {
		t.Errorf("result %+v: %s", res, res.Payload)
	}
	events(t, h, "extension never-registers Started ", "init init timeout", "extension never-registers Started ", "init invoke timeout",
		"start", "fault Task timed out after 0.50 seconds", "report timeout Sandbox.Timedout")
}

func TestInternalExtensions(t *testing.T) {
	h := start(t, function(`internal:"INVOKE"`), nil)
	res := h.invoke(t, &lambda.Invocation{Payload: []byte("1")})
	payload(t, res, "1")
	h.Settle()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	events(t, h, "extension inside Ready ", "init init success", "start", "report success ")
	for _, want := range []string{`inside got {"eventType":"INVOKE"`, "the runtime was told to end"} {
		if !strings.Contains(h.log(), want) {
			t.Errorf("log %q lacks %s", h.log(), want)
		}
	}
}

func TestAFileTurnsExtensionsOff(t *testing.T) {
	fn := function("echo")
	layer, _ := fake.Extensions(t, fn, "exit-at-once")
	if err := os.WriteFile(filepath.Join(layer, "disable-extensions-jwigqn8j"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h := start(t, fn, func(o *instance.Options) { o.Layers = []string{layer} })
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
}

func TestExtensionsOfAllLayersAreStarted(t *testing.T) {
	fn := function("echo")
	layer, _ := fake.Extensions(t, fn, "good")
	over := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(over, "extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(over, "extensions", "wants-nothing")); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	h := start(t, fn, func(o *instance.Options) { o.Layers = []string{layer, over} })
	payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte("1")}), "1")
	h.Settle()
	events(t, h, "extension good Ready ", "extension wants-nothing Ready ", "init init success", "start", "report success ")
}

func TestEnvironmentOfExtensions(t *testing.T) {
	t.Setenv("LEAK", "the host's")
	fn := function("echo")
	fn.LogFormat = "JSON"
	fn.Environment = []lambda.Variable{{Name: "TABLE", Value: "t"}, {Name: "_MINE", Value: "x"}}
	layer, _ := fake.Extensions(t, fn, "env")
	h := start(t, fn, func(o *instance.Options) {
		o.Layers = []string{layer}
		o.Environ.AccessKeyID, o.Environ.SecretAccessKey = "AK", "SK"
	})
	h.invoke(t, &lambda.Invocation{})
	h.Settle()
	got := map[string]string{}
	for _, entry := range strings.Split(h.log(), "\n") {
		if name, value, ok := strings.Cut(entry, "="); ok && !strings.HasPrefix(name, "env got") {
			got[name] = value
		}
	}
	for _, name := range []string{"AWS_LAMBDA_RUNTIME_API", "LAMBKIN_FAKE_EXTENSION", "PWD"} {
		delete(got, name) // differ per run
	}
	want := map[string]string{
		"TABLE": "t", "TZ": ":UTC", "LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin",
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK",
		"AWS_LAMBDA_FUNCTION_NAME": "deployed-f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestAnExtensionMayTakeTheRuntimesPlace(t *testing.T) {
	h, _ := with(t, function("never-asks"), "adapter")
	for _, want := range []string{"1", "2"} {
		payload(t, h.invoke(t, &lambda.Invocation{Payload: []byte(want)}), want)
	}
}

func TestAnExtensionThatEndsFailsTheInvocationUnderWay(t *testing.T) {
	h, _ := with(t, function("sleep:2s"), "leaves")
	h.invoke(t, &lambda.Invocation{}) // the extension ends while the function sleeps
	h.Settle()
	if got := h.report().ErrorType; got != "Extension.Crash" {
		t.Errorf("reported %q", got)
	}
}

func TestCloseAndCancelDoNotWaitForAnInit(t *testing.T) {
	h, _ := with(t, function("echo"), "never-registers")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := h.Invoke(ctx, &lambda.Invocation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	h, _ = with(t, function("echo"), "never-registers")
	time.AfterFunc(100*time.Millisecond, func() { _ = h.Close() })
	if _, err := h.Invoke(t.Context(), &lambda.Invocation{}); !errors.Is(err, instance.ErrShutdown) {
		t.Errorf("error %v, want %v", err, instance.ErrShutdown)
	}
}

func TestCloseTellsExtensionsOfAnInvocationUnderWay(t *testing.T) {
	h, _ := with(t, function("sleep:30s"), "good")
	time.AfterFunc(500*time.Millisecond, func() { _ = h.Close() })
	if _, err := h.Invoke(t.Context(), &lambda.Invocation{}); !errors.Is(err, instance.ErrShutdown) {
		t.Errorf("error %v, want %v", err, instance.ErrShutdown)
	}
	if !strings.Contains(h.log(), `"shutdownReason":"spindown"`) {
		t.Errorf("log %q", h.log())
	}
}

// event is one event that a subscriber has got.
type event struct {
	Time   time.Time
	Type   string
	Record json.RawMessage
}

func received(t *testing.T, file string) []event {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []event
	for line := range strings.Lines(string(data)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, e)
	}
	return out
}

// telling has one line for an event, in which what differs from run to run
// has a word in its place.
func telling(list []event, ids ...string) string {
	var b strings.Builder
	for _, e := range list {
		text := string(e.Record)
		for i, id := range ids {
			text = strings.ReplaceAll(text, id, fmt.Sprintf("ID%d", i+1))
		}
		text = regexp.MustCompile(`"(start)":"[^"]+"`).ReplaceAllString(text, `"$1":"TIME"`)
		text = regexp.MustCompile(`"instanceId":"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}"`).ReplaceAllString(text, `"instanceId":"STREAM"`)
		text = regexp.MustCompile(`"(durationMs|billedDurationMs|initDurationMs|maxMemoryUsedMB)":\d+(\.\d{1,3})?([,}])`).ReplaceAllString(text, `"$1":N$3`)
		fmt.Fprintf(&b, "%s %s\n", e.Type, text)
	}
	return b.String()
}

// TestOrderOfTelemetry fixes which events come when, with all of their fields.
func TestOrderOfTelemetry(t *testing.T) {
	h, file := with(t, function("log"), "listener")
	first := h.invoke(t, &lambda.Invocation{})
	h.Settle()
	second := h.invoke(t, &lambda.Invocation{TraceID: "Root=1-a;Sampled=1"})
	h.Settle()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	want := `platform.initStart {"initializationType":"on-demand","phase":"init","functionName":"deployed-f","functionVersion":"$LATEST","instanceId":"STREAM","instanceMaxMemory":268435456}
platform.initRuntimeDone {"initializationType":"on-demand","phase":"init","status":"success"}
platform.extension {"name":"listener","state":"Ready","events":["INVOKE","SHUTDOWN"]}
platform.initReport {"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":N}}
platform.start {"requestId":"ID1","version":"$LATEST"}
function "one"
function "two"
function "no end"
platform.runtimeDone {"requestId":"ID1","status":"success","metrics":{"durationMs":N,"producedBytes":4},"spans":[{"name":"responseLatency","start":"TIME","durationMs":N},{"name":"responseDuration","start":"TIME","durationMs":N},{"name":"runtimeOverhead","start":"TIME","durationMs":N}]}
platform.report {"requestId":"ID1","status":"success","metrics":{"durationMs":N,"billedDurationMs":N,"memorySizeMB":256,"maxMemoryUsedMB":N,"initDurationMs":N}SPANS}
platform.start {"requestId":"ID2","version":"$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a;Sampled=1"}}
function "one"
function "two"
function "no end"
platform.runtimeDone {"requestId":"ID2","status":"success","metrics":{"durationMs":N,"producedBytes":4},"spans":[{"name":"responseLatency","start":"TIME","durationMs":N},{"name":"responseDuration","start":"TIME","durationMs":N},{"name":"runtimeOverhead","start":"TIME","durationMs":N}],"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a;Sampled=1"}}
platform.report {"requestId":"ID2","status":"success","metrics":{"durationMs":N,"billedDurationMs":N,"memorySizeMB":256,"maxMemoryUsedMB":N}SPANS,"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a;Sampled=1"}}
`
	// An extension that is as quick as the runtime has no time of its own. It
	// subscribes while the runtime is already starting.
	subscribed := `platform.telemetrySubscription {"name":"listener","state":"Subscribed","types":["platform","function","extension"]}` + "\n"
	got := telling(received(t, file+".listener"), first.RequestID, second.RequestID)
	spans := `,"spans":[{"name":"extensionOverhead","start":"TIME","durationMs":N}]`
	got = strings.ReplaceAll(got, spans, "")
	if at, ready := strings.Index(got, subscribed), strings.Index(got, "platform.extension "); at <= 0 || at > ready {
		t.Errorf("the subscription is told at %d, the readiness at %d", at, ready)
	}
	got = strings.Replace(got, subscribed, "", 1)
	if diff := cmp.Diff(strings.ReplaceAll(want, "SPANS", ""), got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestLogsAPI(t *testing.T) {
	fn := function("exit:3")
	h, file := with(t, fn, "logs", "tcp")
	res := h.invoke(t, &lambda.Invocation{})
	want := `platform.logsSubscription {"name":"logs","state":"Subscribed","types":["platform","function","extension"]}
platform.extension {"name":"logs","state":"Ready","events":["INVOKE","SHUTDOWN"]}
platform.extension {"name":"tcp","state":"Ready","events":["INVOKE","SHUTDOWN"]}
platform.start {"requestId":"ID1","version":"$LATEST"}
platform.runtimeDone {"requestId":"ID1","status":"failure"}
platform.fault "RequestId: ID1 Error: Runtime exited with error: exit status 3\nRuntime.ExitError"
platform.end {"requestId":"ID1"}
platform.report {"requestId":"ID1","metrics":{"durationMs":N,"billedDurationMs":N,"memorySizeMB":256,"maxMemoryUsedMB":N,"initDurationMs":N}}
`
	other := "platform.telemetrySubscription {\"name\":\"tcp\",\"state\":\"Subscribed\",\"types\":[\"platform\",\"function\",\"extension\"]}\n"
	got := telling(received(t, file+".logs"), res.RequestID)
	if diff := cmp.Diff(want, strings.Replace(got, other, "", 1)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := telling(received(t, file+".tcp"), res.RequestID); !strings.Contains(got, `platform.report {"requestId":"ID1","status":"failure","errorType":"Runtime.ExitError"`) {
		t.Errorf("the last event did not come over TCP:\n%s", got)
	}
}

// TestOutputOfExtensionsIsLogged looks at what people see.
func TestOutputOfExtensionsIsLogged(t *testing.T) {
	var b strings.Builder
	text := &telemetry.Text{Platform: &b}
	fn := function("log")
	layer, _ := fake.Extensions(t, fn, "good", "listener")
	h := start(t, fn, func(o *instance.Options) {
		o.Layers, o.Sink = []string{layer}, text.Record
	})
	h.invoke(t, &lambda.Invocation{})
	h.Settle()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	head := "TELEMETRY\tName: listener\tState: Subscribed\tTypes: [Platform, Function, Extension]\n" +
		"EXTENSION\tName: good\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\nEXTENSION\tName: listener\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\nSTART RequestId: "
	if !strings.HasPrefix(b.String(), head) {
		t.Errorf("the log begins\n%s", b.String())
	}
	if !strings.Contains(b.String(), `good got {"eventType":"INVOKE"`) {
		t.Errorf("the extension's own output is missing:\n%s", b.String())
	}
}
