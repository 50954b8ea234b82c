package extension_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/extension"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// harness is a group behind a server.
type harness struct {
	*extension.Group
	t   *testing.T
	url string
}

func open(t *testing.T, fn *lambda.Function, external ...string) *harness {
	t.Helper()
	testenv.Leaks(t)
	var count atomic.Int32
	h := &harness{t: t}
	h.Group = extension.New(extension.Options{
		Function: fn, Account: "123456789012", External: external,
		Emit: func(event any) {
			h.Record(telemetry.Record{Time: at(0), Function: fn, Event: event})
		},
		NewID: func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", count.Add(1)) },
		Dial:  sandbox.Loopback{}.Dial,
	})
	server := httptest.NewServer(h.Group)
	h.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		h.Group.Close()
	})
	return h
}

func function() *lambda.Function {
	return &lambda.Function{Name: "deployed-f", Handler: "app.handler", MemoryMB: 128}
}

func at(ms int) time.Time { return time.UnixMilli(1600000000000 + int64(ms)) }

// ask sends "METHOD path" with a body and headers in pairs.
func (h *harness) ask(what, body string, header ...string) (*http.Response, string) {
	h.t.Helper()
	method, path, _ := strings.Cut(what, " ")
	if !strings.HasPrefix(path, "/") {
		path = "/2020-01-01/extension/" + path
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res, strings.TrimSpace(string(text))
}

const id = "Lambda-Extension-Identifier"

// register registers an extension and returns its identifier.
func (h *harness) register(name, events string) string {
	h.t.Helper()
	res, body := h.ask("POST register", `{"events":`+events+`}`, "Lambda-Extension-Name", name)
	if res.StatusCode != http.StatusOK {
		h.t.Fatalf("registering %s: %s %s", name, res.Status, body)
	}
	return res.Header.Get(id)
}

// next asks for an event as an extension does, and delivers it when it comes.
func (h *harness) next(identifier string) <-chan string {
	out := make(chan string, 1)
	go func() {
		req, _ := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/2020-01-01/extension/event/next", nil)
		req.Header.Set(id, identifier)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			out <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		out <- res.Header.Get("Lambda-Extension-Event-Identifier") + " " + string(body)
	}()
	return out
}

const patience = 10 * time.Second

func closes(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
	}
}

func pending(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func TestRegisterTellsAboutTheFunction(t *testing.T) {
	h := open(t, function(), "agent")
	for feature, want := range map[string]string{
		"":                   `{"functionName":"deployed-f","functionVersion":"$LATEST","handler":"app.handler"}`,
		"other, accountId":   `{"functionName":"deployed-f","functionVersion":"$LATEST","handler":"app.handler","accountId":"123456789012"}`,
		"accountid,nonsense": `{"functionName":"deployed-f","functionVersion":"$LATEST","handler":"app.handler"}`,
	} {
		res, body := h.ask("POST register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name", "internal-"+feature, "Lambda-Extension-Accept-Feature", feature)
		if res.StatusCode != http.StatusOK || len(res.Header.Get(id)) != 36 {
			t.Errorf("%s, identifier %q", res.Status, res.Header.Get(id))
		}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("feature %q (-want +got):\n%s", feature, diff)
		}
	}
}

// TestRefusals has one row for each refusal. ID stands for the identifier of
// the external extension "agent", which has registered and, where the row says
// so, asked for an event.
func TestRefusals(t *testing.T) {
	const unknown = "11111111-2222-4333-8444-555555555555"
	named := func(name string) []string { return []string{"Lambda-Extension-Name", name} }
	tests := []struct {
		name, ask, body string
		header          []string
		status          int
		want            string // "type: message"
	}{
		{"no name", "POST register", `{}`, nil, 403, "Extension.InvalidExtensionName: Empty extension name"},
		{"no JSON", "POST register", `{`, named("x"), 403, "InvalidRequestFormat: unexpected end of JSON input"},
		{"no body", "POST register", ``, named("x"), 403, "InvalidRequestFormat: unexpected end of JSON input"},
		{"configuration keys", "POST register", `{"configurationKeys":["a"]}`, named("x"), 403, "InvalidRequestFormat: configurationKeys are deprecated; use environment variables instead"},
		{"unknown event, external", "POST register", `{"events":["FOO"]}`, named("second"), 403, "Extension.InvalidEventType: FOO: ErrorInvalidEventType"},
		{"unknown event, internal", "POST register", `{"events":["INVOKE","FOO"]}`, named("x"), 403, "Extension.InvalidEventType: FOO: ErrorInvalidEventType"},
		{"SHUTDOWN, internal", "POST register", `{"events":["SHUTDOWN"]}`, named("x"), 403, "Extension.InvalidEventType: SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"},
		{"twice, external", "POST register", `{}`, named("agent"), 403, "Extension.InvalidExtensionState: State transition from Registered to Registered failed for extension agent. Error: State transition is not allowed"},
		{"twice, internal", "POST register", `{}`, named("inside"), 403, "Extension.InvalidExtensionState: Extension with this name already registered"},
		{"next without identifier", "GET event/next", "", nil, 403, "Extension.MissingExtensionIdentifier: Missing Lambda-Extension-Identifier header"},
		{"next with nonsense", "GET event/next", "", []string{id, "abc"}, 403, "Extension.InvalidExtensionIdentifier: Invalid Lambda-Extension-Identifier"},
		{"next of a stranger", "GET event/next", "", []string{id, unknown}, 403, "Extension.UnknownExtensionIdentifier: Unknown extension " + unknown},
		{"init/error without identifier", "POST init/error", "", nil, 403, "Extension.MissingExtensionIdentifier: Missing Lambda-Extension-Identifier header"},
		{"init/error without type", "POST init/error", "", []string{id, "ID"}, 403, "Extension.MissingHeader: Lambda-Extension-Function-Error-Type not found"},
		{"exit/error without type", "POST exit/error", "", []string{id, "ID"}, 403, "Extension.MissingHeader: Lambda-Extension-Function-Error-Type not found"},
		{"telemetry of a stranger", "PUT /2022-07-01/telemetry", "{}", []string{id, unknown}, 403, "Extension.UnknownExtensionIdentifier: Unknown extension " + unknown},
		{"logs without identifier", "PUT /2020-08-15/logs", "{}", nil, 403, "Extension.MissingExtensionIdentifier: Missing Lambda-Extension-Identifier header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, function(), "agent", "second")
			agent := h.register("agent", `["INVOKE"]`)
			h.register("inside", `[]`)
			for i, value := range tt.header {
				tt.header[i] = strings.ReplaceAll(value, "ID", agent)
			}
			res, body := h.ask(tt.ask, tt.body, tt.header...)
			refusal(t, res, body, tt.status, tt.want)
		})
	}
}

func refusal(t *testing.T, res *http.Response, body string, status int, want string) {
	t.Helper()
	var got struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	if res.StatusCode != status || got.ErrorType+": "+got.ErrorMessage != want {
		t.Errorf("got %d %s: %s\nwant %d %s", res.StatusCode, got.ErrorType, got.ErrorMessage, status, want)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	h := open(t, function())
	for what, want := range map[string]int{
		"GET register": 405, "POST event/next": 405, "POST /2022-07-01/telemetry": 405, "GET /2020-08-15/logs": 405,
		"GET nothing": 404, "PUT /2022-07-02/telemetry": 404, "GET /2018-06-01/ping": 404,
	} {
		if res, _ := h.ask(what, ""); res.StatusCode != want || want == 405 && res.Header.Get("Allow") == "" {
			t.Errorf("%s: %s, Allow %q; want %d", what, res.Status, res.Header.Get("Allow"), want)
		}
	}
}

func TestRegistrationEndsWithTheRuntimesFirstRequest(t *testing.T) {
	h := open(t, function())
	h.CloseRegistration()
	res, body := h.ask("POST register", "{}", "Lambda-Extension-Name", "late")
	refusal(t, res, body, 403, "Extension.RegistrationClosed: Extension registration closed already")
}

func TestElevenExtensionsAreTooMany(t *testing.T) {
	h := open(t, function(), "agent")
	for i := range extension.Max - 1 {
		h.register(fmt.Sprintf("inside-%d", i), `[]`)
	}
	res, body := h.ask("POST register", "{}", "Lambda-Extension-Name", "one-more")
	refusal(t, res, body, 403, "Extension.TooManyExtensions: Extension limit (10) reached")
}

func TestInitEndsWhenAllHaveAskedForMore(t *testing.T) {
	h := open(t, function(), "a", "b")
	a := h.register("a", `["INVOKE"]`)
	if !pending(h.Registered()) {
		t.Error("all are said to have registered, after the first of two")
	}
	b := h.register("b", `[]`)
	closes(t, "the registration of all", h.Registered())
	inside := h.register("inside", `["INVOKE"]`)
	h.next(a)
	h.next(b)
	h.CloseRegistration()
	time.Sleep(50 * time.Millisecond)
	if !pending(h.Ready()) {
		t.Error("the initialisation has ended without the internal extension")
	}
	h.next(inside)
	closes(t, "the end of the initialisation", h.Ready())
	want := []telemetry.Extension{
		{Name: "a", State: "Ready", Events: []string{"INVOKE"}}, {Name: "b", State: "Ready", Events: []string{}}, {Name: "inside", State: "Ready", Events: []string{"INVOKE"}},
	}
	if diff := cmp.Diff(want, h.States()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestEventsReachThoseWhoWantThem(t *testing.T) {
	h := open(t, function(), "a", "b")
	a, b := h.register("a", `["INVOKE","SHUTDOWN"]`), h.register("b", `["SHUTDOWN"]`)
	fromA, fromB := h.next(a), h.next(b)
	h.CloseRegistration()
	closes(t, "the end of the initialisation", h.Ready())
	if pending(h.Idle()) {
		t.Error("extensions are busy before the first invocation")
	}
	h.Invoke(extension.Invocation{RequestID: "r-1", ARN: "arn:f", TraceID: "Root=1-a", Deadline: at(5)})
	if !pending(h.Idle()) {
		t.Error("nobody is busy with the invocation")
	}
	want := `00000000-0000-4000-8000-000000000003 {"eventType":"INVOKE","deadlineMs":1600000000005,"requestId":"r-1","invokedFunctionArn":"arn:f","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a"}}`
	if diff := cmp.Diff(want, <-fromA); diff != "" {
		t.Errorf("INVOKE (-want +got):\n%s", diff)
	}
	fromA = h.next(a)
	closes(t, "the end of the invocation", h.Idle())
	if told := h.Shutdown(extension.Timeout, at(7)); !cmp.Equal(told, []string{"a", "b"}) {
		t.Errorf("told %v", told)
	}
	for _, from := range []<-chan string{fromA, fromB} {
		if diff := cmp.Diff(` {"eventType":"SHUTDOWN","deadlineMs":1600000000007,"shutdownReason":"timeout"}`, <-from); diff != "" {
			t.Errorf("SHUTDOWN (-want +got):\n%s", diff)
		}
	}
}

func TestAnEventThatNobodyFetchedGivesWayToShutdown(t *testing.T) {
	h := open(t, function(), "a")
	a := h.register("a", `["INVOKE","SHUTDOWN"]`)
	first := h.next(a)
	h.CloseRegistration()
	closes(t, "the end of the initialisation", h.Ready())
	h.Invoke(extension.Invocation{RequestID: "r-1"})
	<-first
	h.Invoke(extension.Invocation{RequestID: "r-2"})
	h.Shutdown(extension.Failure, at(0))
	if got := <-h.next(a); !strings.Contains(got, `"shutdownReason":"failure"`) {
		t.Errorf("got %s", got)
	}
}

func TestFailuresOfExtensions(t *testing.T) {
	reports := []string{"Lambda-Extension-Function-Error-Type", "Extension.Mine"}
	tests := []struct {
		name string
		act  func(h *harness, agent string)
		want extension.Failed
		at   string
	}{
		{"init/error", func(h *harness, agent string) { h.ask("POST init/error", "{}", append(reports, id, agent)...) }, extension.Failed{ErrorType: "Extension.InitError", Message: "Extension.Mine"}, "InitError"},
		{"exit/error", func(h *harness, agent string) { h.ask("POST exit/error", "{}", append(reports, id, agent)...) }, extension.Failed{ErrorType: "Extension.ExitError", Message: "Extension.Mine"}, "ExitError"},
		{"the process ends", func(h *harness, _ string) {
			done := make(chan struct{})
			close(done)
			h.Watch("agent", done, func() string { return "exit status 3" })
		}, extension.Failed{ErrorType: "Extension.Crash", Message: "exit status 3"}, "Exited"},
		{"it cannot be started", func(h *harness, _ string) { h.LaunchFailed("agent", "permission denied") }, extension.Failed{ErrorType: "Extension.LaunchError", Message: "permission denied"}, "LaunchError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, function(), "agent")
			agent := h.register("agent", `[]`)
			tt.act(h, agent)
			select {
			case got := <-h.Failed():
				if got != tt.want {
					t.Errorf("got %+v, want %+v", got, tt.want)
				}
			case <-time.After(patience):
				t.Fatal("the failure is not told")
			}
			if got := h.States()[0].State; got != tt.at {
				t.Errorf("state %s, want %s", got, tt.at)
			}
			res, body := h.ask("GET event/next", "", id, agent)
			refusal(t, res, body, 403, "Extension.InvalidExtensionState: State transition from "+tt.at+" to Ready failed for extension agent. Error: State transition is not allowed")
		})
	}
}

func TestEndsThatAreWantedAreNoFailure(t *testing.T) {
	h := open(t, function(), "agent")
	h.register("agent", `["SHUTDOWN"]`)
	h.Shutdown(extension.Spindown, at(0))
	done := make(chan struct{})
	close(done)
	h.Watch("agent", done, func() string { return "exit status 3" })
	h.Group.Close()
	select {
	case f := <-h.Failed():
		t.Errorf("%+v", f)
	default:
	}
}

// flush delivers all telemetry of the harness.
func (h *harness) flush() {
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	h.Flush(ctx)
}
