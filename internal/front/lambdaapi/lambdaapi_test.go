package lambdaapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestPaths(t *testing.T) {
	tests := []struct {
		path string
		op   operation
		name string
	}{
		{"/2015-03-31/functions/F/invocations", invoke, "F"},
		{"/2015-03-31/functions/F/invocations/", invoke, "F"},
		{"/2015-03-31/functions/Sub/F/invocations", invoke, "Sub/F"},
		{"/2015-03-31/functions/Sub%2FF/invocations", invoke, "Sub/F"},
		{"/2015-03-31/functions/arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3AF/invocations", invoke, "arn:aws:lambda:r:1:function:F"},
		{"/2021-11-15/functions/F/response-streaming-invocations", invokeStream, "F"},
		{"/2014-11-13/functions/F/invoke-async/", invokeAsync, "F"},
		{"/2015-03-31/functions//invocations", unknown, ""},
		{"/2015-03-31/functions/F", unknown, ""},
		{"/2015-03-31/functions/", unknown, ""},
		{"/", unknown, ""},
	}
	for _, tt := range tests {
		if op, name := route(tt.path); op != tt.op || name != tt.name {
			t.Errorf("route(%q) = %v, %q, want %v, %q", tt.path, op, name, tt.op, tt.name)
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct{ given, query, name, qualifier, err string }{
		{"F", "", "F", "", ""},
		{"Sub/F", "", "Sub/F", "", ""},
		{"my-fn_1.x", "", "my-fn_1.x", "", ""},
		{"F:live", "", "F", "live", ""},
		{"F:$LATEST", "", "F", "$LATEST", ""},
		{"F", "7", "F", "7", ""},
		{"F:7", "7", "F", "7", ""},
		{"123456789012:function:F", "", "F", "", ""},
		{"123456789012:function:F:live", "", "F", "live", ""},
		{"arn:aws:lambda:us-east-1:123456789012:function:F", "", "F", "", ""},
		{"arn:aws-cn:lambda:cn-north-1:123456789012:function:F:3", "", "F", "3", ""},
		{"arn:aws:lambda:::function:F", "", "F", "", ""},
		{"F:7", "8", "", "", "InvalidParameterValueException"},
		{"F", "two words", "", "", "ValidationException"},
		{"two words", "", "", "", "ValidationException"},
		{"arn:aws:s3:::bucket", "", "", "", "ValidationException"},
		{"F:a:b", "", "", "", "ValidationException"},
		{"../F", "", "../F", "", ""},
		{"/F", "", "", "", "ValidationException"},
	}
	for _, tt := range tests {
		name, qualifier, err := parseName(tt.given, tt.query)
		code := ""
		if e, ok := errors.AsType[*Error](err); ok {
			code = e.Code
		}
		if name != tt.name || qualifier != tt.qualifier || code != tt.err {
			t.Errorf("parseName(%q, %q) = %q, %q, %v", tt.given, tt.query, name, qualifier, err)
		}
	}
}

// stuck is an engine whose functions never answer: they are told to end.
type stuck struct{ begun chan struct{} }

func (s stuck) Invoke(ctx context.Context, _ *lambda.Function, _ *lambda.Invocation) (*lambda.Result, error) {
	s.begun <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func newStuck(t *testing.T, change func(*Options)) (*API, stuck) {
	testenv.Leaks(t)
	s := stuck{make(chan struct{}, 2*maxAccepted)}
	fn := &lambda.Function{Name: "F", Path: "F"}
	o := Options{
		Find:    func(context.Context, string) (*lambda.Function, error) { return fn, nil },
		Invoker: s, NewRequestID: func() string { return "id" },
		Failed: func(*lambda.Function, *lambda.Result) { t.Error("a function has failed") },
		Broken: func(_ *lambda.Function, err error) { t.Errorf("broken: %v", err) },
	}
	if change != nil {
		change(&o)
	}
	a := New(o)
	t.Cleanup(func() { a.Close() })
	return a, s
}

func post(a *API, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/2015-03-31/functions/F/invocations", strings.NewReader("{}"))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

func TestQueueOfEventsIsBounded(t *testing.T) {
	a, s := newStuck(t, nil)
	for i := range maxAccepted {
		if res := post(a, "X-Amz-Invocation-Type", "Event"); res.StatusCode != http.StatusAccepted {
			t.Fatalf("event %d: %s", i, res.Status)
		}
	}
	res := post(a, "X-Amz-Invocation-Type", "Event")
	body, _ := io.ReadAll(res.Body)
	want := `{"Reason":"FunctionInvocationRateLimitExceeded","Type":"User","message":"Rate Exceeded."}`
	if res.StatusCode != http.StatusTooManyRequests || string(body) != want || res.Header.Get("x-amzn-ErrorType") != "TooManyRequestsException" {
		t.Errorf("%s %v %s", res.Status, res.Header, body)
	}
	for range maxRunning {
		<-s.begun
	}
	if n := a.Close(); n != maxAccepted {
		t.Errorf("%d events have not ended, want %d", n, maxAccepted)
	}
	if extra := len(s.begun); extra > 0 {
		t.Errorf("%d events too many ran", extra)
	}
}

func TestEventsWaitWhereRequestsAreRefused(t *testing.T) {
	a, s := newStuck(t, func(o *Options) { o.MaxConcurrency = 1 })
	for range 2 {
		if res := post(a, "X-Amz-Invocation-Type", "Event"); res.StatusCode != http.StatusAccepted {
			t.Fatal(res.Status)
		}
	}
	<-s.begun
	if res := post(a); res.StatusCode != http.StatusTooManyRequests {
		t.Error(res.Status)
	}
	a.Close()
	if len(s.begun) > 0 {
		t.Error("two run at a time")
	}
}

func TestReservedConcurrency(t *testing.T) {
	for sam, may := range map[bool]int{false: 1, true: 2} {
		one := 1
		fn := &lambda.Function{Name: "F", Path: "F", ReservedConcurrency: &one}
		a, s := newStuck(t, func(o *Options) {
			o.SAM, o.MaxConcurrency = sam, 2
			o.Find = func(context.Context, string) (*lambda.Function, error) { return fn, nil }
		})
		for range may {
			go post(a)
			<-s.begun
		}
		if res := post(a); res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("SAM %v: %s", sam, res.Status)
		}
		a.Close()
	}
}

func TestAFunctionThatIsSwitchedOff(t *testing.T) {
	none := 0
	fn := &lambda.Function{Name: "F", Path: "F", ReservedConcurrency: &none}
	said := make(chan string, 1)
	a, _ := newStuck(t, func(o *Options) {
		o.Find = func(context.Context, string) (*lambda.Function, error) { return fn, nil }
		o.Broken = func(fn *lambda.Function, err error) { said <- fn.Path + ": " + err.Error() }
	})
	if res := post(a); res.StatusCode != http.StatusTooManyRequests {
		t.Error(res.Status)
	}
	if res := post(a, "X-Amz-Invocation-Type", "Event"); res.StatusCode != http.StatusAccepted {
		t.Error(res.Status)
	}
	if got := <-said; got != "F: its reserved concurrency is 0" {
		t.Error(got)
	}
}

func TestCloseEndsRequests(t *testing.T) {
	a, s := newStuck(t, nil)
	answered := make(chan *http.Response)
	go func() { answered <- post(a) }()
	<-s.begun
	a.Close()
	for _, res := range []*http.Response{<-answered, post(a)} {
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusInternalServerError || string(body) != `{"Message":"lambkin is ending","Type":"Service"}` {
			t.Errorf("%s %s", res.Status, body)
		}
	}
}

func TestUnknownOperations(t *testing.T) {
	a, _ := newStuck(t, nil)
	var got []string
	for _, call := range []string{"GET /2015-03-31/functions", "POST /", "GET /2015-03-31/functions/F/invocations"} {
		method, path, _ := strings.Cut(call, " ")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		got = append(got, fmt.Sprint(w.Code, " ", w.Header().Get("x-amzn-ErrorType"), " ", w.Header().Get("x-amzn-RequestId"), " ", w.Body))
	}
	want := []string{
		`404 UnknownOperationException id {"Type":"User","message":"lambkin does not serve GET /2015-03-31/functions, only Invoke, InvokeWithResponseStream and InvokeAsync"}`,
		`404 UnknownOperationException id {"Type":"User","message":"lambkin does not serve POST /, only Invoke, InvokeWithResponseStream and InvokeAsync"}`,
		`405 MethodNotAllowedException id {"Type":"User","message":"functions are invoked with POST, not with GET"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPagesOfOtherOriginsRunNothing(t *testing.T) {
	a, s := newStuck(t, nil)
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://elsewhere.example", "Content-Type", "text/plain"},
		{"Origin", "null"},
	} {
		res := post(a, append(header, "X-Amz-Invocation-Type", "Event")...)
		if res.StatusCode != http.StatusForbidden || res.Header.Get("x-amzn-ErrorType") != "AccessDeniedException" {
			t.Errorf("%q: %s %v", header, res.Status, res.Header)
		}
	}
	for _, header := range [][]string{{"Sec-Fetch-Mode", "cors"}, {"Origin", "http://example.com"}} { // httptest's host
		if res := post(a, append(header, "X-Amz-Invocation-Type", "Event")...); res.StatusCode != http.StatusAccepted {
			t.Errorf("%q: %s", header, res.Status)
		}
		<-s.begun
	}
}
