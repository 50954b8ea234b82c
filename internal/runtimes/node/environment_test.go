package node

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

func TestConsoleWritesAWSLines(t *testing.T) {
	const source = `console.log('loading'); exports.handler = async () => {
		console.log('a %s', 'b', {c: 1}); console.info('i'); console.warn('w'); console.error('e\nf');
		console.debug('d'); console.trace('t'); process.stdout.write('raw\n'); console.log() }`
	tests := []struct {
		name string
		s    setup
		want string
	}{
		{
			"text",
			setup{runtime: "nodejs20.x"},
			"TIME\tundefined\tINFO\tloading\nTIME\tID\tINFO\ta b { c: 1 }\nTIME\tID\tINFO\ti\nTIME\tID\tWARN\tw\nTIME\tID\tERROR\te\rf\nTIME\tID\tDEBUG\td\nTIME\tID\tTRACE\tt\nraw\nTIME\tID\tINFO\tundefined\n",
		},
		{
			"text, modern",
			setup{runtime: "nodejs24.x"},
			"TIME\t-\tINFO\tloading\nTIME\tID\tINFO\ta b { c: 1 }\nTIME\tID\tINFO\ti\nTIME\tID\tWARN\tw\nTIME\tID\tERROR\te\rf\nTIME\tID\tDEBUG\td\nTIME\tID\tTRACE\tt\nraw\nTIME\tID\tINFO\tundefined\n",
		},
		{
			"JSON from WARN on",
			setup{runtime: "nodejs20.x", env: map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}},
			`{"timestamp":"TIME","level":"WARN","requestId":"ID","message":"w"}` + "\n" +
				`{"timestamp":"TIME","level":"ERROR","requestId":"ID","message":"e\nf"}` + "\nraw\n",
		},
		{"left alone", setup{runtime: "nodejs20.x", serverless: true}, "loading\na b { c: 1 }\ni\nd\nraw\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.s.files = index(source)
			out := run(t, tt.s, rapitest.Event{Body: `{}`})
			if diff := cmp.Diff(tt.want, out.Stdout); diff != "" {
				t.Errorf("standard output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONLogShowsErrors(t *testing.T) {
	const source = `exports.handler = async () => { console.error('bad', new TypeError('x')); console.info({a: 1}); throw new RangeError('y') }`
	out := run(t, setup{runtime: "nodejs22.x", files: index(source), env: map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON"}}, rapitest.Event{Body: `{}`})
	lines := strings.Split(strings.TrimSpace(out.Stdout), "\n")
	if len(lines) != 3 {
		t.Fatalf("log is %q", out.Stdout)
	}
	for i, want := range []string{
		`"errorType":"TypeError","errorMessage":"x","stackTrace":["TypeError: x"`,
		`{"timestamp":"TIME","level":"INFO","requestId":"ID","message":{"a":1}}`,
		`"level":"ERROR","requestId":"ID","message":{"errorType":"RangeError","errorMessage":"y","stackTrace":["RangeError: y"`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %s, want %s", i, lines[i], want)
		}
	}
}

func TestContextTellsWhatAWSTells(t *testing.T) {
	const source = `exports.handler = async (e, c) => ({keys: Object.keys(c), c, left: c.getRemainingTimeInMillis() > 5000, trace: process.env._X_AMZN_TRACE_ID, own: process.env._LAMBKIN_DIALECT})`
	event := rapitest.Event{Body: `{}`, Headers: map[string]string{
		"Lambda-Runtime-Client-Context": `{"custom":{"k":"v"}}`, "Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i"}`,
	}}
	const values = `"clientContext":{"custom":{"k":"v"}},"identity":{"cognitoIdentityId":"i"},"invokedFunctionArn":"` + rapitest.ARN + `","awsRequestId":"ID"`
	const config = `"memoryLimitInMB":"128","logGroupName":"/aws/lambda/fn","logStreamName":"stream"`
	tests := []struct{ runtime, want string }{
		{"nodejs18.x", `{"keys":["callbackWaitsForEmptyEventLoop","succeed","fail","done","functionVersion","functionName","memoryLimitInMB","logGroupName","logStreamName","clientContext","identity","invokedFunctionArn","awsRequestId","tenantId","getRemainingTimeInMillis"],` +
			`"c":{"callbackWaitsForEmptyEventLoop":true,"functionVersion":"$LATEST","functionName":"fn",` + config + `,` + values + `},"left":true,"trace":"` + rapitest.Trace + `"}`},
		{"nodejs24.x", `{"keys":["clientContext","identity","invokedFunctionArn","awsRequestId","tenantId","xRayTraceId","getRemainingTimeInMillis","functionName","functionVersion","memoryLimitInMB","logGroupName","logStreamName"],` +
			`"c":{` + values + `,"xRayTraceId":"` + rapitest.Trace + `","functionName":"fn","functionVersion":"$LATEST",` + config + `},"left":true,"trace":"` + rapitest.Trace + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.runtime, func(t *testing.T) {
			out := run(t, setup{runtime: tt.runtime, files: index(source)}, event)
			if diff := cmp.Diff(answer{response, tt.want, 0}, answer{out.Posts[0].Path, tidy(out.Posts[0].Body), 0}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneProcessServesManyEvents(t *testing.T) {
	const source = `let n = 0; exports.handler = async (e) => { if (e.fail) throw new Error('f'); return [++n, e.text && e.text.length] }`
	big := strings.Repeat("é", 1<<20)
	for _, runtime := range []string{"nodejs20.x", "nodejs24.x"} {
		t.Run(runtime, func(t *testing.T) {
			out := run(t, setup{runtime: runtime, files: index(source)},
				rapitest.Event{Body: `{}`}, rapitest.Event{Body: `{"fail":true}`}, rapitest.Event{Body: `{"text":"` + big + `"}`})
			var got []string
			for _, p := range out.Posts {
				got = append(got, p.Path)
			}
			if diff := cmp.Diff([]string{response, failure, response}, got); diff != "" {
				t.Fatalf("posts (-want +got):\n%s", diff)
			}
			if out.Posts[2].Body != "[2,1048576]" {
				t.Errorf("last answer is %s", out.Posts[2].Body)
			}
		})
	}
}

func TestStreamedAnswersComeInChunks(t *testing.T) {
	wrap := func(body string) string {
		return `exports.handler = awslambda.streamifyResponse(async (e, out, c) => {` + body + `})`
	}
	tests := []struct {
		name        string
		source      string
		body        string
		contentType string
		failure     string // what the trailers tell
	}{
		{"raw", wrap(`out.write('a'); out.write({b: 1}); out.end('c')`), `a{"b":1}c`, "application/octet-stream", ""},
		{"content type", wrap(`out.setContentType('text/html'); out.write('x'); out.end()`), `x`, "text/html", ""},
		{
			"HTTP answer", wrap(`out = awslambda.HttpResponseStream.from(out, {statusCode: 201}); out.write('hi'); out.end()`),
			`{"statusCode":201}` + "\x00\x00\x00\x00\x00\x00\x00\x00hi", "application/vnd.awslambda.http-integration-response", "",
		},
		{"pipeline", wrap(`const s = require('stream'); await require('util').promisify(s.pipeline)(s.Readable.from(['p', 'q']), out)`), `pq`, "application/octet-stream", ""},
		{"fails half way", wrap(`out.write('part'); throw new TypeError('mid')`), `part`, "application/octet-stream", "TypeError: mid"},
		{"fails at once", wrap(`throw new Error('first')`), ``, "application/octet-stream", "Error: first"},
		{"not async", `exports.handler = awslambda.streamifyResponse((e, out) => { out.write('x') })`, `x`, "application/octet-stream", "Error: Streaming does not support non-async handlers."},
	}
	for _, runtime := range []string{"nodejs22.x", "nodejs24.x"} {
		for _, tt := range tests {
			t.Run(runtime+" "+tt.name, func(t *testing.T) {
				out := run(t, setup{runtime: runtime, files: index(tt.source)}, rapitest.Event{Body: `{}`}, rapitest.Event{Body: `{}`})
				if len(out.Posts) != 2 {
					t.Fatalf("%d posts; %s%s", len(out.Posts), out.Stdout, out.Stderr)
				}
				p := out.Posts[1]
				got := []string{p.Path, p.Body, p.Header.Get("Content-Type"), p.Header.Get("Lambda-Runtime-Function-Response-Mode"), trailers(t, p)}
				failure := tt.failure
				if tt.name == "not async" && runtime == "nodejs22.x" {
					failure = strings.Replace(failure, "Error", "string", 1) // there it is a text that is thrown
				}
				want := []string{response, tt.body, tt.contentType, "streaming", failure}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("post (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// trailers reads the error that a stream ended with.
func trailers(t *testing.T, p rapitest.Post) string {
	t.Helper()
	body := p.Trailer.Get("Lambda-Runtime-Function-Error-Body")
	if body == "" {
		return ""
	}
	data, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	var failure struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(data, &failure); err != nil {
		t.Fatal(err)
	}
	if got := p.Trailer.Get("Lambda-Runtime-Function-Error-Type"); got != failure.ErrorType {
		t.Errorf("the type's trailer is %q, the body's type %q", got, failure.ErrorType)
	}
	return failure.ErrorType + ": " + failure.ErrorMessage
}
