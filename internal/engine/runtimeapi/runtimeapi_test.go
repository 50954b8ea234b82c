package runtimeapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// client is a runtime that does as the test says.
type client struct {
	t      *testing.T
	server *runtimeapi.Server
	http   *http.Client
}

func newClient(t *testing.T) *client { return newClientOf(t, runtimeapi.Options{}) }

func newClientOf(t *testing.T, o runtimeapi.Options) *client {
	t.Helper()
	testenv.Leaks(t)
	s, err := runtimeapi.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, server: s, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return c
}

type reply struct {
	Status int
	Body   string
	Header http.Header
}

func (c *client) do(method, path, body string, header ...string) reply {
	c.t.Helper()
	r, err := http.NewRequest(method, "http://"+c.server.Addr()+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{res.StatusCode, string(data), res.Header}
}

const api = "/2018-06-01/runtime/"

func (c *client) next() reply { c.t.Helper(); return c.do("GET", api+"invocation/next", "") }

func (c *client) respond(id, body string, header ...string) reply {
	c.t.Helper()
	return c.do("POST", api+"invocation/"+id+"/response", body, header...)
}

func (c *client) fail(id, body string, header ...string) reply {
	c.t.Helper()
	return c.do("POST", api+"invocation/"+id+"/error", body, header...)
}

func (c *client) deliver(id string, payload string) *runtimeapi.Exchange {
	return c.server.Deliver(&runtimeapi.Event{
		Invocation: &lambda.Invocation{RequestID: id, TraceID: "Root=1-2-3", Payload: []byte(payload)},
		ARN:        "arn:aws:lambda:us-east-1:123456789012:function:f", Deadline: time.UnixMilli(1700000000123),
	})
}

// running brings the runtime into the state Running with the event id.
func (c *client) running(id string) *runtimeapi.Exchange {
	c.t.Helper()
	x := c.deliver(id, "{}")
	if got := c.next(); got.Status != 200 {
		c.t.Fatalf("next: %d %s", got.Status, got.Body)
	}
	return x
}

func answer(t *testing.T, x *runtimeapi.Exchange) runtimeapi.Answer {
	t.Helper()
	select {
	case a := <-x.Answered():
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
		panic("unreachable")
	}
}

func check(t *testing.T, what string, got reply, status int, body string) {
	t.Helper()
	if diff := cmp.Diff(fmt.Sprint(status, " ", body), fmt.Sprint(got.Status, " ", got.Body)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const accepted = "{\"status\":\"OK\"}\n"

func refused(from, to string) string {
	return fmt.Sprintf("{\"errorMessage\":\"State transition from %s to %s failed for runtime. Error: State transition is not allowed\",\"errorType\":\"InvalidStateTransition\"}\n", from, to)
}

const invalidID = "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n"

func TestNextCarriesTheEventAndItsHeaders(t *testing.T) {
	c := newClient(t)
	c.server.Deliver(&runtimeapi.Event{
		Invocation: &lambda.Invocation{
			RequestID: "id-1", TraceID: "Root=1-2-3;Parent=4;Sampled=0", Payload: []byte("{\"a\":\"\u00e9\"}\n"),
			ClientContext: []byte(`{"custom":{}}`), CognitoIdentity: []byte(`{"cognitoIdentityId":"i"}`), TenantID: "blue",
		},
		ARN: "arn:x", Deadline: time.UnixMilli(1700000000123),
	})
	got := c.next()
	check(t, "next", got, 200, "{\"a\":\"\u00e9\"}\n")
	want := map[string]string{
		"Content-Type": "application/json", "Content-Length": "11",
		"Lambda-Runtime-Aws-Request-Id": "id-1", "Lambda-Runtime-Deadline-Ms": "1700000000123",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:x", "Lambda-Runtime-Trace-Id": "Root=1-2-3;Parent=4;Sampled=0",
		"Lambda-Runtime-Client-Context": `{"custom":{}}`, "Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i"}`,
		"Lambda-Runtime-Aws-Tenant-Id": "blue",
	}
	got.Header.Del("Date")
	have := map[string]string{}
	for name := range got.Header {
		have[name] = got.Header.Get(name)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestNextOmitsEmptyHeaders(t *testing.T) {
	c := newClient(t)
	c.deliver("id", "1")
	got := c.next()
	for _, name := range []string{"Client-Context", "Cognito-Identity", "Aws-Tenant-Id"} {
		if _, there := got.Header[http.CanonicalHeaderKey("Lambda-Runtime-"+name)]; there {
			t.Errorf("header Lambda-Runtime-%s is there", name)
		}
	}
}

func TestResponseReachesTheCallerByteForByte(t *testing.T) {
	c := newClient(t)
	for i, body := range []string{`{"b": 1.10,  "a":2}`, "", "not JSON", "\x00\xff"} {
		id := strconv.Itoa(i)
		x := c.running(id)
		check(t, "response", c.respond(id, body, "Content-Type", "application/unknown"), 202, accepted)
		want := runtimeapi.Answer{Payload: []byte(body), ContentType: "application/unknown", Size: len(body)}
		if diff := cmp.Diff(want, answer(t, x), cmp.Transformer("", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
}

func TestNextWhileRunningDeliversTheSameEventAgain(t *testing.T) {
	c := newClient(t)
	c.deliver("id", `{"n":1}`)
	first, second := c.next(), c.next()
	check(t, "second next", second, 200, first.Body)
	if second.Header.Get("Lambda-Runtime-Aws-Request-Id") != "id" {
		t.Errorf("the second delivery has another id: %v", second.Header)
	}
}

func TestExchangeIsDoneWhenTheRuntimeAsksForMore(t *testing.T) {
	c := newClient(t)
	x := c.running("1")
	c.respond("1", "{}")
	answer(t, x)
	select {
	case <-x.Done():
		t.Fatal("done before the runtime asked for more")
	default:
	}
	c.running("2")
	select {
	case <-x.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("not done after the next event was taken")
	}
}

func TestRefusedTransitions(t *testing.T) {
	tests := []struct {
		name   string
		do     func(c *client) reply
		status int
		body   string
	}{
		{"second response", func(c *client) reply { c.running("1"); c.respond("1", "a"); return c.respond("1", "b") }, 403, refused("RuntimeResponseSentState", "InvocationResponse")},
		{"error after response", func(c *client) reply { c.running("1"); c.respond("1", "a"); return c.fail("1", "b") }, 403, refused("RuntimeResponseSentState", "InvocationErrorResponse")},
		{"response after error", func(c *client) reply { c.running("1"); c.fail("1", "a"); return c.respond("1", "b") }, 403, refused("RuntimeResponseSentState", "InvocationResponse")},
		{"response for the event before", func(c *client) reply { c.running("1"); c.respond("1", "a"); c.running("2"); return c.respond("1", "b") }, 400, invalidID},
		{"response before any next", func(c *client) reply { return c.respond("1", "a") }, 400, invalidID},
		{"error before any next", func(c *client) reply { return c.fail("1", "a") }, 400, invalidID},
		{"wrong id", func(c *client) reply { c.running("1"); return c.respond("2", "a") }, 400, invalidID},
		{"id with dots", func(c *client) reply { c.running("1"); return c.respond("..%2f1", "a") }, 400, invalidID},
		{"init error while running", func(c *client) reply { c.running("1"); return c.do("POST", api+"init/error", "{}") }, 403, refused("Running", "InitError")},
		{"second init error", func(c *client) reply {
			c.do("POST", api+"init/error", "{}")
			return c.do("POST", api+"init/error", "{}")
		}, 403, refused("InitError", "InitError")},
		{"next after init error", func(c *client) reply { c.do("POST", api+"init/error", "{}"); return c.next() }, 403, refused("InitError", "Ready")},
		{"unknown mode", func(c *client) reply {
			c.running("1")
			return c.respond("1", "a", "Lambda-Runtime-Function-Response-Mode", "buffered")
		}, 400, "{\"errorMessage\":\"Invalid function response mode\",\"errorType\":\"InvalidFunctionResponseMode\"}\n"},
		{"unknown path", func(c *client) reply { return c.do("GET", "/2018-06-01/nope", "") }, 404, "404 page not found\n"},
		{"trailing slash", func(c *client) reply { return c.do("GET", api+"invocation/next/", "") }, 404, "404 page not found\n"},
		{"restore without SnapStart", func(c *client) reply { return c.do("GET", api+"restore/next", "") }, 404, "404 page not found\n"},
		{"wrong method", func(c *client) reply { return c.do("POST", api+"invocation/next", "") }, 405, ""},
		{"HEAD", func(c *client) reply { return c.do("HEAD", api+"invocation/next", "") }, 405, ""},
		{"ping", func(c *client) reply { return c.do("GET", "/2018-06-01/ping", "") }, 200, "pong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, tt.name, tt.do(newClient(t)), tt.status, tt.body)
		})
	}
}

func TestWrongMethodNamesTheRightOne(t *testing.T) {
	c := newClient(t)
	if got := c.do("DELETE", api+"init/error", "").Header.Get("Allow"); got != "POST" {
		t.Errorf("Allow is %q, want POST", got)
	}
}

func TestAfterARefusalTheEventCanStillBeAnswered(t *testing.T) {
	c := newClient(t)
	x := c.running("1")
	c.respond("wrong", "a")
	c.do("POST", api+"init/error", "{}")
	check(t, "response", c.respond("1", "good"), 202, accepted)
	if got := string(answer(t, x).Payload); got != "good" {
		t.Errorf("payload %q, want good", got)
	}
}

func TestResponseSizeLimit(t *testing.T) {
	tests := []struct {
		name   string
		size   int
		status int
	}{
		{"at the limit", lambda.MaxResponseBytes, 202},
		{"one byte over", lambda.MaxResponseBytes + 1, 413},
		{"far over", lambda.MaxResponseBytes + 4<<20, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t)
			x := c.running("1")
			body := strings.Repeat("x", tt.size)
			got := c.respond("1", body)
			if got.Status != tt.status {
				t.Fatalf("status %d, want %d: %s", got.Status, tt.status, got.Body)
			}
			a := answer(t, x)
			if tt.status == 202 {
				if string(a.Payload) != body {
					t.Error("the payload has changed")
				}
				return
			}
			check(t, "reply", got, 413, "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n")
			want := `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`
			if string(a.Payload) != want || !a.Failed || a.Fatal {
				t.Errorf("answer %+v with payload %s, want a failure that is not fatal and %s", a, a.Payload, want)
			}
			c.running("2") // the runtime goes on
		})
	}
}

func TestErrors(t *testing.T) {
	const cause = "application/vnd.aws.lambda.error.cause+json"
	tests := []struct {
		name        string
		contentType string
		errorType   string
		body        string
		want        runtimeapi.Answer
	}{
		{"passed through", "application/json", "Runtime.Boom", `{"errorMessage":"m"}`, runtimeapi.Answer{Payload: []byte(`{"errorMessage":"m"}`), ContentType: "application/json", ErrorType: "Runtime.Boom"}},
		{"not JSON", "text/plain", "", "oops", runtimeapi.Answer{Payload: []byte("oops"), ContentType: "text/plain", ErrorType: "Runtime.Unknown"}},
		{"empty", "", "Function.x", "", runtimeapi.Answer{Payload: []byte{}, ErrorType: "Function.Unknown"}},
		{"with a cause", cause, "Function<X>", `{"errorMessage":"m","errorType":"T","stackTrace":["a"],"errorCause":{"x":1}}`, runtimeapi.Answer{Payload: []byte(`{"errorMessage":"m","errorType":"T","stackTrace":["a"]}`), ContentType: "application/json", ErrorType: "Runtime.Unknown"}},
		{"with a broken cause", cause, "", `{`, runtimeapi.Answer{Payload: []byte(`"Invalid error body"`), ContentType: "application/octet-stream", ErrorType: "Runtime.Unknown"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t)
			x := c.running("1")
			check(t, "error", c.fail("1", tt.body, "Content-Type", tt.contentType, "Lambda-Runtime-Function-Error-Type", tt.errorType), 202, accepted)
			tt.want.Failed = true
			tt.want.Size = len(tt.want.Payload)
			if diff := cmp.Diff(tt.want, answer(t, x), cmp.Transformer("", func(b []byte) string { return string(b) })); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInitError(t *testing.T) {
	c := newClient(t)
	body := `{"errorMessage":"m","errorType":"Runtime.ImportModuleError"}`
	check(t, "init error", c.do("POST", api+"init/error", body, "Lambda-Runtime-Function-Error-Type", "Runtime.ImportModuleError"), 202, accepted)
	a := <-c.server.InitError()
	if string(a.Payload) != body || a.ErrorType != "Runtime.ImportModuleError" || !a.Fatal {
		t.Errorf("answer %+v with payload %s", a, a.Payload)
	}
	select {
	case <-c.server.Ready():
		t.Error("ready after an init error")
	default:
	}
}

// raw sends text over a connection of its own and returns what comes back
// until the server closes, or until the client does after the given time.
func (c *client) raw(text string, cut time.Duration) string {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.server.Addr())
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		c.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(cut))
	var b bytes.Buffer
	_, _ = io.Copy(&b, bufio.NewReader(conn))
	return b.String()
}

func TestStreamedResponseWithTrailers(t *testing.T) {
	const head = "POST " + api + "invocation/1/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n" +
		"Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: application/octet-stream\r\n" +
		"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
	t.Run("complete", func(t *testing.T) {
		c := newClient(t)
		x := c.running("1")
		if got := c.raw(head+"\r\n", 10*time.Second); !strings.Contains(got, "202 Accepted") {
			t.Fatalf("reply: %s", got)
		}
		if a := answer(t, x); string(a.Payload) != "abcde" || a.Failed {
			t.Errorf("answer %+v", a)
		}
	})
	t.Run("failed half way", func(t *testing.T) {
		c := newClient(t)
		x := c.running("1")
		object := `{"errorType":"Error","errorMessage":"half"}`
		c.raw(head+"Lambda-Runtime-Function-Error-Type: Error\r\nLambda-Runtime-Function-Error-Body: "+
			base64.StdEncoding.EncodeToString([]byte(object))+"\r\n\r\n", 10*time.Second)
		if a := answer(t, x); string(a.Payload) != object || !a.Failed {
			t.Errorf("answer %+v with payload %s", a, a.Payload)
		}
	})
}

// pieces keeps what a response stream brings.
type pieces struct {
	contentType string
	got         chan string
}

func (p *pieces) open(contentType string) io.Writer {
	p.contentType = contentType
	return p
}

func (p *pieces) Write(b []byte) (int, error) {
	p.got <- string(b)
	return len(b), nil
}

// streaming delivers an event whose caller wants the response while it comes.
func (c *client) streaming() (*runtimeapi.Exchange, *pieces) {
	c.t.Helper()
	p := &pieces{got: make(chan string, 10)}
	x := c.server.Deliver(&runtimeapi.Event{Invocation: &lambda.Invocation{RequestID: "1", Stream: p.open}})
	c.next()
	return x, p
}

func TestResponseIsStreamedWhileItComes(t *testing.T) {
	c := newClient(t)
	x, p := c.streaming()
	body, w := io.Pipe()
	r, err := http.NewRequest(http.MethodPost, "http://"+c.server.Addr()+api+"invocation/1/response", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	r.Header.Set("Content-Type", "text/x-own")
	status := make(chan string, 1)
	go func() {
		res, err := c.http.Do(r)
		if err != nil {
			status <- err.Error()
			return
		}
		res.Body.Close()
		status <- res.Status
	}()
	for _, piece := range []string{"one", "two"} {
		if _, err := io.WriteString(w, piece); err != nil {
			t.Fatal(err)
		}
		if got := <-p.got; got != piece {
			t.Errorf("piece %q, want %q", got, piece)
		}
		select {
		case a := <-x.Answered():
			t.Errorf("answered before the end: %+v", a)
		default:
		}
	}
	w.Close()
	if got := <-status; got != "202 Accepted" {
		t.Error(got)
	}
	want := runtimeapi.Answer{ContentType: "text/x-own", Size: 6}
	if diff := cmp.Diff(want, answer(t, x)); diff != "" || p.contentType != "text/x-own" {
		t.Errorf("content type %q; answer (-want +got):\n%s", p.contentType, diff)
	}
}

func TestBufferedResponseIsNotStreamed(t *testing.T) {
	c := newClient(t)
	x, p := c.streaming()
	check(t, "response", c.respond("1", "whole"), 202, accepted)
	if a := answer(t, x); string(a.Payload) != "whole" || p.contentType != "" || len(p.got) > 0 {
		t.Errorf("answer %+v, content type %q", a, p.contentType)
	}
}

func TestStreamedResponseThatFailsOrBreaksOff(t *testing.T) {
	const head = "POST " + api + "invocation/1/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n" +
		"Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n"
	for rest, want := range map[string]string{
		"0\r\nLambda-Runtime-Function-Error-Type: Function.Half\r\n\r\n": "Function.Half",
		"": "Runtime.TruncatedResponse",
	} {
		c := newClient(t)
		x, p := c.streaming()
		c.raw(head+rest, 50*time.Millisecond)
		if a := answer(t, x); a.ErrorType != want || !a.Failed || <-p.got != "abc" {
			t.Errorf("%q: answer %+v with payload %s", rest, a, a.Payload)
		}
	}
}

func TestStreamedResponseHasALimit(t *testing.T) {
	c := newClient(t)
	var got int64
	count := func(string) io.Writer { return writerFunc(func(b []byte) { got += int64(len(b)) }) }
	x := c.server.Deliver(&runtimeapi.Event{Invocation: &lambda.Invocation{RequestID: "1", Stream: count}})
	c.next()
	const over = 1 << 20
	r, err := http.NewRequest(http.MethodPost, "http://"+c.server.Addr()+api+"invocation/1/response", io.LimitReader(zeros{}, lambda.MaxStreamBytes+over))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if a := answer(t, x); res.StatusCode != 413 || a.ErrorType != "Function.ResponseSizeTooLarge" || got > lambda.MaxStreamBytes {
		t.Errorf("%s, answer %+v, %d bytes", res.Status, a, got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestTruncatedResponseIsFatal(t *testing.T) {
	c := newClient(t)
	x := c.running("1")
	c.raw("POST "+api+"invocation/1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", 50*time.Millisecond)
	a := answer(t, x)
	if !a.Fatal || a.ErrorType != "Runtime.TruncatedResponse" || !strings.Contains(string(a.Payload), "RequestId: 1 Error:") {
		t.Errorf("answer %+v with payload %s", a, a.Payload)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRestore(t *testing.T) {
	c := newClientOf(t, runtimeapi.Options{Snapshot: &runtimeapi.Snapshot{Token: "secret", Credentials: runtimeapi.Credentials{AccessKeyID: "AK"}}})
	check(t, "restore error before the restore", c.do("POST", api+"restore/error", "{}"), 403, refused("Started", "RuntimeRestoreErrorState"))
	waiting := make(chan reply, 1)
	go func() { waiting <- c.do("GET", api+"restore/next", "") }()
	<-c.server.Ready()
	check(t, "next before the restore", c.do("GET", api+"invocation/next", ""), 403, refused("RestoreReady", "Ready"))
	check(t, "second restore/next", c.do("GET", api+"restore/next", ""), 403, refused("RestoreReady", "RestoreReady"))
	if len(waiting) > 0 || closed(c.server.Asked()) {
		t.Error("restored before it was said")
	}
	c.server.Restore()
	check(t, "restore/next", <-waiting, 200, "")
	const credentials = "/2021-04-23/credentials"
	check(t, "credentials with another token", c.do("GET", credentials, "", "Authorization", "other"), 404, "cannot get credentials for the provided token\n")
	check(t, "credentials without a token", c.do("GET", credentials, ""), 404, "cannot get credentials for the provided token\n")
	check(t, "credentials", c.do("GET", credentials, "", "Authorization", "secret"), 200,
		`{"AccessKeyId":"AK","SecretAccessKey":"","Token":"","Expiration":"0001-01-01T00:00:00Z"}`+"\n")
	c.running("1")
	if !closed(c.server.Asked()) {
		t.Error("nobody has heard of the first next")
	}
	check(t, "restore error while running", c.do("POST", api+"restore/error", "{}"), 403, refused("Running", "RuntimeRestoreErrorState"))
}

func TestFailedRestore(t *testing.T) {
	for _, path := range []string{"restore/error", "init/error"} {
		c := newClientOf(t, runtimeapi.Options{Snapshot: &runtimeapi.Snapshot{}})
		go func() {
			<-c.server.Ready()
			c.server.Restore()
		}()
		check(t, "restore/next", c.do("GET", api+"restore/next", ""), 200, "")
		check(t, path, c.do("POST", api+path, `{"a":1}`, "Lambda-Runtime-Function-Error-Type", "Runtime.Hook"), 202, accepted)
		if a := <-c.server.RestoreError(); string(a.Payload) != `{"a":1}` || a.ErrorType != "Runtime.Hook" || !a.Fatal {
			t.Errorf("%s: answer %+v", path, a)
		}
		check(t, "next", c.do("GET", api+"invocation/next", ""), 403, refused("RuntimeRestoreErrorState", "Ready"))
	}
}

func TestReadyClosesAtTheFirstNext(t *testing.T) {
	c := newClient(t)
	select {
	case <-c.server.Ready():
		t.Fatal("ready before the first next")
	default:
	}
	before := time.Now()
	c.running("1")
	<-c.server.Ready()
	if at := c.server.ReadyAt(); at.Before(before) || at.After(time.Now()) {
		t.Errorf("ready at %v, which is not between %v and now", at, before)
	}
}

// TestARuntimeThatGoesAwayWhileWaitingLosesNothing drops a waiting connection
// and asks again: the event goes to the one that is there.
func TestARuntimeThatGoesAwayWhileWaitingLosesNothing(t *testing.T) {
	c := newClient(t)
	c.raw("GET "+api+"invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", 50*time.Millisecond)
	time.Sleep(50 * time.Millisecond) // the server notices
	c.deliver("1", `"kept"`)
	check(t, "next", c.next(), 200, `"kept"`)
}

func TestCloseCutsAWaitingNext(t *testing.T) {
	c := newClient(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.raw("GET "+api+"invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", time.Minute)
	}()
	<-c.server.Ready()
	if err := c.server.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the waiting request was not cut")
	}
}

func BenchmarkExchange(b *testing.B) {
	s, err := runtimeapi.Listen(runtimeapi.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	go func() {
		for {
			res, err := http.Get("http://" + s.Addr() + api + "invocation/next")
			if err != nil {
				return
			}
			id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			res, err = http.Post("http://"+s.Addr()+api+"invocation/"+id+"/response", "application/json", strings.NewReader("{}"))
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}()
	i := 0
	for b.Loop() {
		i++
		x := s.Deliver(&runtimeapi.Event{Invocation: &lambda.Invocation{RequestID: strconv.Itoa(i), Payload: []byte("{}")}})
		<-x.Answered()
		<-x.Done()
	}
}

func TestOtherAPIsLiveBesideThisOne(t *testing.T) {
	var mu sync.Mutex
	first := 0
	s, err := runtimeapi.Listen(runtimeapi.Options{
		Beside: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Served", r.URL.Path) }),
		First: func() {
			mu.Lock()
			defer mu.Unlock()
			first++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(path string) *http.Response {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // an event does not come
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+path, nil)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil
		}
		_ = res.Body.Close()
		return res
	}
	if got := ask("/2020-01-01/x").Header.Get("Served"); got != "/2020-01-01/x" {
		t.Errorf("served %q", got)
	}
	if got := ask("/2018-06-01/ping").Header.Get("Served"); got != "" {
		t.Errorf("%q was not served here", got)
	}
	for range 2 {
		ask("/2018-06-01/runtime/invocation/next")
	}
	mu.Lock()
	defer mu.Unlock()
	if first != 1 {
		t.Errorf("the first request for an event was told %d times", first)
	}
}
