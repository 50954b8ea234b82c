package conformance

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/runtimes/provided"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestWebAdapter runs AWS's Lambda Web Adapter as its documentation has it for
// zip packages: an external extension in a layer, which is the function's
// client at the same time, while what the runtime starts is a web server that
// knows nothing of Lambda.
func TestWebAdapter(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the Web Adapter is for Linux")
	}
	testenv.Node(t)
	layer := adapterLayer(t, cached(t, "lambda-adapter", "the test runs AWS's Lambda Web Adapter"))
	code, err := filepath.Abs(filepath.Join("testdata", "webadapter"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*language{
		{runtime: "nodejs22.x", client: node.Runtime{}},
		// An OS-only runtime starts the layer's bootstrap anyway.
		{runtime: own, client: provided.Runtime{}},
	} {
		l.write(t)
		l.code, l.handler = code, func(string) string { return "run.sh" }
		adapt := func(t *testing.T, r *row) behaviour {
			special := r.change
			r.change = func(fn *lambda.Function) {
				fn.Layers = []lambda.Layer{{Dir: layer}}
				set(fn, "AWS_LAMBDA_EXEC_WRAPPER", "/opt/bootstrap", "PORT", freePort(t), "ROW", r.name)
				if special != nil {
					special(fn)
				}
			}
			return l.observe(t, r, l.client, l.isolated)
		}
		for _, r := range adapted() {
			t.Run(l.runtime+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				r.check(t, "the adapter", adapt(t, &r))
			})
		}
		t.Run(l.runtime+"/exits", func(t *testing.T) {
			t.Parallel()
			got := adapt(t, &row{name: "exits", events: once(request("GET", "/exits", "", ""))})
			// Who is faster: the adapter that has lost the connection, or the end of the process?
			lost, ended := want{message: "client error (SendRequest)", kind: boxedError}, exited("exit status 3")
			if lost.compare(&got.Answers[0]) != "" && ended.compare(&got.Answers[0]) != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// adapterLayer is the layer that AWS publishes.
func adapterLayer(t *testing.T, installed string) string {
	t.Helper()
	layer := t.TempDir()
	if err := os.Mkdir(filepath.Join(layer, "extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(installed, "bin", "lambda-adapter"))
	if err == nil { // not a link: a layer's lead nowhere outside of the project
		err = os.WriteFile(filepath.Join(layer, "extensions", "lambda-adapter"), program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	// It passes over the command line of the runtime that it wraps.
	script := "#!/bin/sh\nexec \"$LAMBDA_TASK_ROOT/$_HANDLER\"\n"
	if err := os.WriteFile(filepath.Join(layer, "bootstrap"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return layer
}

// set sets variables of the function: a name, its value, and so on.
func set(fn *lambda.Function, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		fn.Environment = append(fn.Environment, lambda.Variable{Name: pairs[i], Value: pairs[i+1]})
	}
}

// setting sets variables of a row's function.
func setting(pairs ...string) func(*lambda.Function) {
	return func(fn *lambda.Function) { set(fn, pairs...) }
}

// freePort is a port that nobody listens at: environments of this sandbox
// share the machine's. It is none of those that the system hands out, for
// what runs at the same time would be given it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("there is no free port")
	return ""
}

// request is the event of an API Gateway HTTP API.
func request(method, path, query, body string) string {
	event := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "cookies": []string{"c=d"},
		"headers": map[string]string{"x-own": "o", "content-type": "text/plain"},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "domainPrefix": "api", "requestId": "r", "routeKey": "$default",
			"stage": "$default", "time": "22/Nov/2026:07:00:00 +0000", "timeEpoch": 1795330800000,
			"http": map[string]string{"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
		},
		"body": body, "isBase64Encoded": false,
	}
	return encode(event)
}

// answers is what the adapter makes of a response of the server.
func answers(status int, headers map[string]string, body string, base64 bool, cookies ...string) want {
	all := map[string]string{"connection": "keep-alive", "keep-alive": "timeout=5"}
	maps.Copy(all, headers)
	return want{payload: encode(map[string]any{
		"statusCode": status, "headers": all, "multiValueHeaders": map[string]string{}, "body": body, "isBase64Encoded": base64,
		"cookies": append([]string{}, cookies...),
	})}
}

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	return string(text)
}

// adapted are the rows of the adapter.
func adapted() []row {
	const (
		kept   = `"connection":"keep-alive","keep-alive":"timeout=5"`
		text   = `{"statusCode":200,"headers":{"content-type":"text/plain",` + kept + `},"cookies":[]}` + nuls
		echoed = `{"method":"POST","url":"/echo%","body":"text","own":"o","cookie":"c=d","id":"8f5a1c3e-0000-4000-8000-000000000001","name":"fn","stage":"$default"}`
	)
	get := func(path string) []string { return once(request("GET", path, "", "")) }
	count := func(n string) want { return answers(200, map[string]string{"content-length": "1"}, n, false) }
	stream := setting("AWS_LWA_INVOKE_MODE", "response_stream")
	return []row{
		{
			name: "echoes", events: once(request("POST", "/echo", "a=b&a=c", "text")),
			want: answers(201, map[string]string{"content-type": "application/json", "x-answer": "yes"}, strings.Replace(echoed, "%", "?a=b&a=c", 1), false, "e=f", "g=h"),
		},
		{name: "counts", events: slices.Repeat(get("/count"), 2), want: count("1"), then: []want{count("1"), count("2")}, says: []string{"EXTENSION\tName: lambda-adapter\tState: Ready\tEvents: []\n"}},
		// The server listens after half a second, for which the adapter waits.
		{name: "starts_slowly", events: get("/count"), want: count("1"), says: []string{"listening\n"}},
		// It listens at once, and says for a while that it cannot serve.
		{name: "gets_healthy", events: get("/count"), change: setting("AWS_LWA_READINESS_CHECK_PATH", "/health"), want: count("1"), says: []string{"healthy\n"}},
		{name: "answers_bytes", events: get("/bytes"), want: answers(200, map[string]string{"content-type": "application/octet-stream"}, "AP/+", true)},
		{name: "removes_base_path", events: get("/v1/count"), change: setting("AWS_LWA_REMOVE_BASE_PATH", "/v1"), want: count("1")},
		// An event that is no HTTP request; nor is the answer then.
		{name: "passes_events", events: once(`{"Records":[{"body":"b"}]}`), want: want{raw: true, payload: `{"event":{"Records":[{"body":"b"}]}}`}},
		{name: "fails", events: get("/fails"), want: answers(500, nil, "broken", false)},
		{name: "fails_for_lambda", events: get("/fails"), change: setting("AWS_LWA_ERROR_STATUS_CODES", "500-599"), want: want{message: "Request failed with configured error status code: 500", kind: boxedError}},
		{name: "times_out", events: slices.Repeat(get("/sleeps"), 2), change: short, fresh: true, want: want{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
		{name: "exits_at_init", events: get("/count"), fresh: true, want: exited("exit status 4"), says: []string{"no database\n"}},
		// Since there is an extension, the server is told of the end.
		{name: "ends", events: get("/count"), want: count("1"), says: []string{"asked to end\n"}},
		{name: "ends_with_children", events: get("/count"), change: func(fn *lambda.Function) { fn.Handler = "workers.sh" }, want: count("1"), says: []string{"asked to end\n"}},
		{name: "streams", events: get("/stream"), change: stream, want: want{raw: true, payload: text + "one,two,three"}},
		{name: "streams_echo", events: once(request("POST", "/echo", "", "text")), change: stream, want: want{
			raw:     true,
			payload: `{"statusCode":201,"headers":{"x-answer":"yes","keep-alive":"timeout=5","content-type":"application/json","connection":"keep-alive"},"cookies":["e=f","g=h"]}` + nuls + strings.Replace(echoed, "%", "", 1),
		}},
		// The client writes what should be trailers into the body.
		{name: "streams_and_breaks", events: get("/breaks"), change: stream, want: want{
			raw:     true,
			payload: text + "halfLambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: ZXJyb3IgcmVhZGluZyBhIGJvZHkgZnJvbSBjb25uZWN0aW9u\r\n",
		}},
	}
}
