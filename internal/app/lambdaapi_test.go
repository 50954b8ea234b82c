package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// served is a project whose functions are offered as Lambda's API.
type served struct {
	url, dir string
	service  *app.Service

	mu   sync.Mutex // guards what follows
	said []string   // warnings, failures and notices
}

func (s *served) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, text)
}

// waitFor waits until something has been said that has text in it.
func (s *served) waitFor(t testing.TB, text string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		said := strings.Join(s.said, "\n")
		s.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
	}
	t.Fatalf("nobody says %q, only %q", text, s.said)
}

// serve serves the template.yaml among the files until the test ends.
func serve(t testing.TB, files map[string]string, change func(*app.ServiceOptions, *app.LambdaAPI)) *served {
	t.Helper()
	testenv.Leaks(t)
	s := &served{dir: t.TempDir()}
	testenv.WriteFiles(t, s.dir, files)
	t.Setenv("TMPDIR", t.TempDir())
	env := map[string]string{
		"LAMBKIN_CACHE_DIR": t.TempDir(), "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		app.DefaultIsolation: "process", // tests and functions meet in files
	}
	for _, name := range []string{"PATH", "HOME", "JAVA_HOME"} {
		env[name] = os.Getenv(name)
	}
	o := app.ServiceOptions{
		Options: app.Options{Env: env, File: filepath.Join(s.dir, "template.yaml"), Sink: func(telemetry.Record) {}, Notice: s.say},
		Warn: func(l diag.List) {
			for _, d := range l {
				s.say(d.Error())
			}
		},
	}
	urls := make(chan string, 1)
	api := app.LambdaAPI{
		Host: "127.0.0.1", Listening: func(url string) { urls <- url },
		Failed: func(fn *lambda.Function, res *lambda.Result) { s.say(fn.Path + " failed: " + string(res.Payload)) },
	}
	if change != nil {
		change(&o, &api)
	}
	service, err := app.Serve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.service = service
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.ServeLambda(ctx, api) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, service.Close()); err != nil {
			t.Errorf("closing: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
			t.Errorf("files are left behind: %v", left)
		}
	})
	s.url = <-urls
	return s
}

// python runs a program with boto3 that has a client for the server, called
// aws, and decodes what it prints. The functions call and refused give what is
// of interest in answers and errors.
func (s *served) python(t testing.TB, program string, args ...string) (out any) {
	t.Helper()
	const prelude = `
import base64, boto3, json, sys, threading, time
from botocore.config import Config
from botocore.exceptions import ClientError

def client(**config):
    config = {'retries': {'max_attempts': 0}, 'max_pool_connections': 60, **config}
    return boto3.client('lambda', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b', config=Config(**config))

aws = client()

def call(name, payload=None, client=aws, **more):
    if payload is not None:
        more['Payload'] = json.dumps(payload)
    r = client.invoke(FunctionName=name, **more)
    out = {'status': r['StatusCode'], 'version': r.get('ExecutedVersion'), 'error': r.get('FunctionError')}
    body = r['Payload'].read()
    out['payload'] = json.loads(body) if body else None
    if 'LogResult' in r:
        out['log'] = base64.b64decode(r['LogResult']).decode()
    return {k: v for k, v in out.items() if v is not None}

def refused(name, **more):
    try:
        return aws.invoke(FunctionName=name, **more)['StatusCode']
    except ClientError as e:
        r = e.response
        return [r['ResponseMetadata']['HTTPStatusCode'], r['Error']['Code'], r['Error']['Message']] + ([r['Reason']] if 'Reason' in r else [])
`
	cmd := exec.Command(testenv.AWS(t), append([]string{"-c", prelude + program, s.url}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	var text, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if err := json.Unmarshal(text.Bytes(), &out); err != nil {
		t.Fatalf("%v: %q", err, text.String())
	}
	return out
}

// project has functions in Node.js; each is the export of its name in lower case.
func project(names ...string) map[string]string {
	template := "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Runtime: nodejs20.x, Timeout: 60, CodeUri: .}}\nResources:\n"
	for _, name := range names {
		template += fmt.Sprintf("  %s: {Type: AWS::Serverless::Function, Properties: {Handler: index.%s}}\n", name, strings.ToLower(name))
	}
	return map[string]string{"template.yaml": template, "index.js": functions}
}

const functions = `
const fs = require('fs');
let calls = 0;
const until = async (done) => { while (!done()) await new Promise(r => setTimeout(r, 5)); };
exports.count = async () => ++calls;
exports.echo = async (event, context) => ({ event, arn: context.invokedFunctionArn, context: context.clientContext });
exports.fail = async () => { throw new Error('boom'); };
exports.print = async () => { for (let i = 0; i < 200; i++) console.log('line ' + i + ' ' + 'x'.repeat(50)); };
exports.note = async (event) => { fs.appendFileSync(event.file, event.text); };
exports.hold = async (event) => { fs.writeFileSync(event.begun, String(process.pid)); await until(() => fs.existsSync(event.go)); return process.pid; };
exports.pid = async (event) => { await new Promise(r => setTimeout(r, 20)); return [event, process.pid]; };
exports.big = async (event) => 'x'.repeat(event);
`

func TestSDKInvokes(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Echo", "Fail", "Print", "Count", "Big"), nil)
	got := s.python(t, `
def context(text):
    return base64.b64encode(text.encode()).decode()

arn = 'arn:aws:lambda:us-east-1:123456789012:function:Echo'
log = call('Print', LogType='Tail')['log']
stream = aws.invoke_with_response_stream(FunctionName='Echo', Payload='[1]')
events = [e for e in stream['EventStream']]
broken = [e for e in aws.invoke_with_response_stream(FunctionName='Fail', LogType='Tail')['EventStream']]
long = b''.join(e['PayloadChunk']['Payload'] for e in aws.invoke_with_response_stream(FunctionName='Big', Payload='200000')['EventStream'] if 'PayloadChunk' in e)
first = aws.invoke(FunctionName='Echo')
print(json.dumps({
    'a result': call('Echo', {'a': [1, None]}),
    'no event': call('Echo'),
    'a function error': {**call('Fail'), 'payload': call('Fail')['payload']['errorMessage']},
    'a dry run': call('Count', InvocationType='DryRun'),
    'the first and the second': [call('Count')['payload'], call('Count')['payload']],
    'names': [call(name)['payload']['arn'] for name in ['Echo', 'Echo:live', '123456789012:function:Echo', arn, arn + ':7']],
    'a qualifier': call('Echo', Qualifier='$LATEST')['payload']['arn'],
    'the same qualifier twice': call('Echo:live', Qualifier='live')['payload']['arn'],
    'a client context': call('Echo', ClientContext=context('{"client":{"id":"x"},"custom":{"a":"b"}}'))['payload']['context'],
    'the log': [len(log), log.splitlines()[-2].split()[0], log.splitlines()[-1].split()[0], 'line 199' in log, 'line 0 ' in log],
    'a short log': call('Echo', LogType='Tail')['log'].splitlines()[0].split()[0],
    'a stream': [json.loads(events[0]['PayloadChunk']['Payload'])['event'], events[1]['InvokeComplete'], stream['ExecutedVersion']],
    'a stream with an error': [broken[0]['InvokeComplete']['ErrorCode'], 'boom' in broken[0]['InvokeComplete']['ErrorDetails'], 'START' in base64.b64decode(broken[0]['InvokeComplete']['LogResult']).decode()],
    'a long stream': len(long),
    'invoke_async': aws.invoke_async(FunctionName='Echo', InvokeArgs='{}')['Status'],
    'request ids': first['ResponseMetadata']['RequestId'] != aws.invoke(FunctionName='Echo')['ResponseMetadata']['RequestId'],
    'a trace': aws.meta.events.register('before-call', lambda params, **_: params['headers'].update({'X-Amzn-Trace-Id': 'Root=1-65f0c0de-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0'})) or aws.invoke(FunctionName='Echo')['ResponseMetadata']['HTTPHeaders']['x-amzn-trace-id'],
    'six megabytes': call('Big', 6 * 1024 * 1024 - 2)['payload'] == 'x' * (6 * 1024 * 1024 - 2),
}))`)
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:Echo"
	echo := func(event any) map[string]any {
		return map[string]any{"status": 200.0, "version": "$LATEST", "payload": map[string]any{"event": event, "arn": arn}}
	}
	want := map[string]any{
		"a result":                 echo(map[string]any{"a": []any{1.0, nil}}),
		"no event":                 echo(map[string]any{}),
		"a function error":         map[string]any{"status": 200.0, "version": "$LATEST", "error": "Unhandled", "payload": "boom"},
		"a dry run":                map[string]any{"status": 204.0},
		"the first and the second": []any{1.0, 2.0},
		"names":                    []any{arn, arn + ":live", arn, arn, arn + ":7"},
		"a qualifier":              arn + ":$LATEST",
		"the same qualifier twice": arn + ":live",
		"a client context":         map[string]any{"client": map[string]any{"id": "x"}, "custom": map[string]any{"a": "b"}},
		"the log":                  []any{4096.0, "END", "REPORT", true, false},
		"a short log":              "START",
		"a stream":                 []any{[]any{1.0}, map[string]any{}, "$LATEST"},
		"a stream with an error":   []any{"Unhandled", true, true},
		"a long stream":            200002.0,
		"invoke_async":             202.0,
		"request ids":              true,
		"a trace":                  "root=1-65f0c0de-0123456789abcdef01234567;sampled=0",
		"six megabytes":            true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.waitFor(t, "Fail failed: ")
}

// TestSDKReadsAStreamWhileTheFunctionRuns has functions that go on only when
// the first piece of their response has been read.
func TestSDKReadsAStreamWhileTheFunctionRuns(t *testing.T) {
	testenv.Node(t)
	files := project("Pieces", "Half", "Slow", "Much")
	files["template.yaml"] = strings.Replace(files["template.yaml"], "index.slow}", "index.slow, Timeout: 1}", 1)
	files["index.js"] += `
const streaming = (fn) => awslambda.streamifyResponse(async (event, out) => {
  out.write('first');
  await until(() => fs.existsSync(event.go));
  await fn(out);
  out.end();
});
exports.pieces = streaming(async (out) => out.write('second'));
exports.half = streaming(async () => { throw new Error('broken'); });
exports.slow = streaming(() => new Promise((r) => setTimeout(r, 60000)));
exports.much = streaming(async (out) => out.write('x'.repeat(7 << 20)));
`
	s := serve(t, files, nil)
	got := s.python(t, `
import os
def read(name):
    go = os.path.join(sys.argv[2], 'go-' + name)
    text, end = b'', None
    for e in aws.invoke_with_response_stream(FunctionName=name, Payload=json.dumps({'go': go}))['EventStream']:
        if 'PayloadChunk' in e:
            text += e['PayloadChunk']['Payload']
            open(go, 'w').close()
        else:
            end = e['InvokeComplete']
    return [text.decode()[:20], len(text), end.get('ErrorCode'), json.loads(end.get('ErrorDetails', '{}')).get('errorMessage', '')[-40:]]
print(json.dumps({name: read(name) for name in ['Pieces', 'Half', 'Slow', 'Much', 'Pieces']}))`, t.TempDir())
	want := map[string]any{
		"Pieces": []any{"firstsecond", 11.0, nil, ""},
		"Half":   []any{"first", 5.0, "Unhandled", "broken"},
		"Slow":   []any{"first", 5.0, "Unhandled", "Error: Task timed out after 1.00 seconds"},
		"Much":   []any{"first" + strings.Repeat("x", 15), float64(7<<20 + 5), nil, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFunctionsOfACapacityProviderMeet has functions that wait for each other,
// which they can only when both run in one environment at the same time.
func TestFunctionsOfACapacityProviderMeet(t *testing.T) {
	testenv.Node(t)
	testenv.Python(t)
	files := map[string]string{
		"template.yaml": `Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 60, CodeUri: ., CapacityProviderConfig: {Arn: arn, PerExecutionEnvironmentMaxConcurrency: 3}}}
Resources:
  Python: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Handler: app.meet}}
  Node: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs24.x, Handler: index.meet}}
`,
		"app.py": `
import os, time

def meet(event, context):
    open(event["me"], "w").close()
    while not all(os.path.exists(other) for other in event["all"]):
        time.sleep(0.005)
    return [os.getppid(), context.aws_request_id, "_X_AMZN_TRACE_ID" in os.environ]
`,
		"index.js": `
const fs = require('fs');
exports.meet = async (event, context) => {
  fs.writeFileSync(event.me, '');
  while (!event.all.every((other) => fs.existsSync(other))) await new Promise((r) => setTimeout(r, 5));
  console.log('met');
  return [process.pid, context.awsRequestId, '_X_AMZN_TRACE_ID' in process.env];
};
`,
	}
	var log bytes.Buffer
	text := telemetry.Text{Platform: &log}
	s := serve(t, files, func(o *app.ServiceOptions, _ *app.LambdaAPI) { o.Sink = text.Record })
	got := s.python(t, `
import os
from concurrent.futures import ThreadPoolExecutor

def meet(name):
    places = [os.path.join(sys.argv[2], name + str(n)) for n in range(3)]
    one = lambda me: call(name, {'me': me, 'all': places})['payload']
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(one, places))
    return [len({a[0] for a in answers}), len({a[1] for a in answers}), any(a[2] for a in answers)]

print(json.dumps({name: meet(name) for name in ['Python', 'Node']}))`, t.TempDir())
	// The environment, the request ids, and the trace's variable, which only processes can have for themselves.
	want := map[string]any{"Python": []any{1.0, 3.0, true}, "Node": []any{1.0, 3.0, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Each line names its own invocation.
	ids := map[string]bool{}
	for line := range strings.Lines(log.String()) {
		var record struct{ RequestID, Message string }
		if json.Unmarshal([]byte(line), &record) == nil && record.Message == "met" {
			ids[record.RequestID] = true
		}
	}
	if len(ids) != 3 {
		t.Errorf("lines of %d invocations of Node.js, want 3:\n%s", len(ids), log.String())
	}
}

func TestSDKIsRefusedInAWSsWords(t *testing.T) {
	testenv.Node(t)
	files := project("Echo", "Tenants")
	files["template.yaml"] += `  Broken: {Type: AWS::Serverless::Function, Properties: {Handler: no.such, Runtime: cobol}}
  Typed: {Type: AWS::Serverless::Function, Properties: {Handler: typed.handler}}
`
	files["template.yaml"] = strings.Replace(files["template.yaml"], "index.tenants", "index.echo, TenancyConfig: {TenantIsolationMode: PER_TENANT}", 1)
	files["typed.ts"] = "export const handler = async (: string) => 1\n"
	s := serve(t, files, nil)
	got := s.python(t, `
def context(text):
    return base64.b64encode(text.encode()).decode()

wrong = client(parameter_validation=False)
print(json.dumps({
    'no function': refused('Nope'),
    'no function, qualified': refused('Nope:live'),
    'no name': refused('two words'),
    'no JSON': refused('Echo', Payload='{'),
    'two qualifiers': refused('Echo:1', Qualifier='2'),
    'a bad invocation type': refused('Echo', InvocationType='Later'),
    'a bad log type': refused('Echo', LogType='All'),
    'too much': refused('Echo', Payload='"' + 'x' * (6 * 1024 * 1024 - 1) + '"'),
    'far too much': refused('Echo', Payload='"' + 'x' * (80 * 1024 * 1024) + '"')[:2],
    'too much for later': refused('Echo', InvocationType='Event', Payload='"' + 'x' * (1024 * 1024) + '"'),
    'a context that is no JSON': refused('Echo', ClientContext=context('{')),
    'a context that is no object': refused('Echo', ClientContext=context('[]')),
    'a context that is too large': refused('Echo', ClientContext=context(json.dumps({'custom': {'a': 'x' * 3000}}))),
    'no tenant': refused('Tenants'),
    'a tenant': refused('Tenants', TenantId='blue'),
    'a tenant too many': refused('Echo', TenantId='blue'),
    'a broken function': refused('Broken'),
    'broken TypeScript': refused('Typed')[:2],
    'another function all the same': refused('Echo'),
}))`)
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:Nope:"
	refusal := func(status float64, words ...any) []any { return append([]any{status}, words...) }
	want := map[string]any{
		"no function":                   refusal(404, "ResourceNotFoundException", "Function not found: "+arn+"$LATEST"),
		"no function, qualified":        refusal(404, "ResourceNotFoundException", "Function not found: "+arn+"live"),
		"no name":                       refusal(400, "ValidationException", `1 validation error detected: Value 'two words' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(arn:[^:]+:lambda:[^:]*:\d{12}:function:|\d{12}:function:)?[a-zA-Z0-9-_\.]+(:[\w$-]+)?$`),
		"no JSON":                       refusal(400, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"),
		"two qualifiers":                refusal(400, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."),
		"a bad invocation type":         refusal(400, "ValidationException", "1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"),
		"a bad log type":                refusal(400, "ValidationException", "1 validation error detected: Value 'All' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [Tail, None]"),
		"too much":                      refusal(413, "RequestEntityTooLargeException", "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"),
		"far too much":                  refusal(413, "RequestEntityTooLargeException"),
		"too much for later":            refusal(413, "RequestEntityTooLargeException", "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"),
		"a context that is no JSON":     refusal(400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."),
		"a context that is no object":   refusal(400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."),
		"a context that is too large":   refusal(400, "InvalidRequestContentException", "Client context must be at most 3583 bytes of Base64-encoded data."),
		"no tenant":                     refusal(400, "InvalidParameterValueException", "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."),
		"a tenant":                      200.0,
		"a tenant too many":             refusal(400, "InvalidParameterValueException", "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."),
		"a broken function":             refusal(400, "InvalidParameterValueException", filepath.Join(s.dir, "template.yaml")+`:6:85: runtime "cobol" of function Broken is not one that lambkin runs`),
		"broken TypeScript":             refusal(400, "InvalidParameterValueException"),
		"another function all the same": 200.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.waitFor(t, "typed.ts:1:31")
}

func TestErrorsOfSAMsLocalService(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Echo"), func(o *app.ServiceOptions, _ *app.LambdaAPI) { o.Vocabulary = app.SAM })
	got := s.python(t, `
import urllib.request, urllib.error
def plain(method, path):
    try:
        urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, method=method))
    except urllib.error.HTTPError as e:
        return [e.code, e.headers['x-amzn-errortype'], e.headers['content-type'], json.loads(e.read())]

print(json.dumps([
    refused('Nope'), refused('Echo', Payload='{'), plain('GET', '/nowhere'), plain('GET', '/2015-03-31/functions/Echo/invocations'), call('Echo', LogType='Tail')['status'],
]))`)
	want := []any{
		[]any{404.0, "ResourceNotFound", "Function not found: arn:aws:lambda:us-west-2:012345678901:function:Nope"},
		[]any{400.0, "InvalidRequestContent", "Could not parse request body into json: No JSON object could be decoded"},
		[]any{404.0, "PathNotFoundLocally", "application/json", map[string]any{"Type": "LocalService", "Message": "PathNotFoundException"}},
		[]any{405.0, "MethodNotAllowedLocally", "application/json", map[string]any{"Type": "LocalService", "Message": "MethodNotAllowedException"}},
		200.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEventsRunInTheBackground(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Note", "Fail"), nil)
	file := filepath.Join(s.dir, "noted")
	got := s.python(t, `
out = [call('Note', {'file': sys.argv[2], 'text': 'x'}, InvocationType='Event') for _ in range(20)]
print(json.dumps([out[0], out[-1], call('Fail', InvocationType='Event')]))`, file)
	accepted := map[string]any{"status": 202.0}
	if diff := cmp.Diff([]any{accepted, accepted, accepted}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.waitFor(t, `Fail failed: {"errorType":"Error","errorMessage":"boom"`)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		if string(text) == strings.Repeat("x", 20) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("noted %q", text)
		}
	}
}

func TestFiftyRequestsAtATime(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Pid"), nil)
	got := s.python(t, `
from concurrent.futures import ThreadPoolExecutor
def one(i):
    return call('Pid', i)['payload']
with ThreadPoolExecutor(50) as pool:
    first, second = list(pool.map(one, range(50))), list(pool.map(one, range(50)))
print(json.dumps([[e for e, _ in first] == list(range(50)), [e for e, _ in second] == list(range(50)),
    len({p for _, p in first}) > 1, len({p for _, p in first + second}) <= 50]))`)
	if diff := cmp.Diff([]any{true, true, true, true}, got); diff != "" {
		t.Errorf("events are answered in order twice, by several processes, by 50 at most (-want +got):\n%s", diff)
	}
}

func TestTooManyRequests(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Hold"), func(_ *app.ServiceOptions, api *app.LambdaAPI) { api.MaxConcurrency = 1 })
	got := s.python(t, `
import os
event = {'begun': sys.argv[2] + '/begun', 'go': sys.argv[2] + '/go'}
held = []
thread = threading.Thread(target=lambda: held.append(call('Hold', event)['status']))
thread.start()
while not os.path.exists(event['begun']): time.sleep(0.01)
out = refused('Hold')
open(event['go'], 'w').close()
thread.join()
print(json.dumps([out, held[0], call('Hold', event)['status']]))`, s.dir)
	want := []any{[]any{429.0, "TooManyRequestsException", "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"}, 200.0, 200.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestClientThatHangsUpEndsItsInvocation(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Hold"), nil)
	got := s.python(t, `
import os
event = {'begun': sys.argv[2] + '/begun', 'go': sys.argv[2] + '/never'}
connection = __import__('http.client').client.HTTPConnection(sys.argv[1].split('//')[1])
connection.request('POST', '/2015-03-31/functions/Hold/invocations', json.dumps(event))
while not os.path.exists(event['begun']): time.sleep(0.01)
connection.close()
event['go'] = event['begun']
print(json.dumps(call('Hold', event)['payload']))`, s.dir)
	text, err := os.ReadFile(filepath.Join(s.dir, "begun"))
	if err != nil {
		t.Fatal(err)
	}
	last, _ := strconv.Atoi(string(text))
	if got != float64(last) {
		t.Fatalf("answered %v, the process is %d", got, last)
	}
}

// TestHangingUpEndsTheProcess looks at the process of a client that has gone.
func TestHangingUpEndsTheProcess(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Hold"), nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	event := fmt.Sprintf(`{"begun":%q,"go":%q}`, filepath.Join(s.dir, "begun"), filepath.Join(s.dir, "never"))
	fmt.Fprintf(conn, "POST /2015-03-31/functions/Hold/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(event), event)
	pid := 0
	for end := time.Now().Add(30 * time.Second); pid == 0; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(s.dir, "begun"))
		if pid, _ = strconv.Atoi(string(text)); time.Now().After(end) {
			t.Fatal("it has not begun")
		}
	}
	conn.Close()
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); p.Signal(syscall.Signal(0)) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the process goes on")
		}
	}
}

func TestChangedCodeIsSeen(t *testing.T) {
	testenv.Node(t)
	s := serve(t, project("Count"), nil)
	count := func() string {
		fn, err := s.service.Find(t.Context(), "Count")
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.service.Invoke(t.Context(), fn, &lambda.Invocation{Payload: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		return string(res.Payload)
	}
	first, second := count(), count()
	testenv.WriteFiles(t, s.dir, map[string]string{"data.txt": "no code"})
	third := count()
	testenv.WriteFiles(t, s.dir, map[string]string{"index.js": "exports.count = async () => 'changed';\n"})
	if diff := cmp.Diff([]string{"1", "2", "3", `"changed"`}, []string{first, second, third, count()}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.waitFor(t, "the code of Count has changed")
}

func TestSubsetAndWarmth(t *testing.T) {
	testenv.Node(t)
	starts := make(chan *lambda.Function, 10)
	s := serve(t, project("Count", "Echo", "Pid"), func(o *app.ServiceOptions, _ *app.LambdaAPI) {
		o.Functions = []string{"Count", "Echo"}
		o.Sink = func(r telemetry.Record) {
			if _, ok := r.Event.(telemetry.Launch); ok {
				starts <- r.Function
			}
		}
	})
	if errs := s.service.Warm(t.Context()); len(errs) > 0 {
		t.Fatal(errs)
	}
	got := s.python(t, `print(json.dumps([call('Count')['payload'], refused('Pid')[1]]))`)
	if diff := cmp.Diff([]any{1.0, "ResourceNotFoundException"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(starts) != 2 {
		t.Errorf("%d environments were started", len(starts))
	}
	var unknown *app.UnknownFunction
	_, err := app.Serve(t.Context(), app.ServiceOptions{
		Options: app.Options{File: filepath.Join(s.dir, "template.yaml")}, Functions: []string{"Nope", "Count", "Neither"},
	})
	if !errors.As(err, &unknown) || unknown.Name != "Nope, Neither" {
		t.Errorf("error %v", err)
	}
}

func TestPortThatIsTaken(t *testing.T) {
	s := serve(t, project("Count"), nil)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	n, _ := strconv.Atoi(port)
	err := s.service.ServeLambda(t.Context(), app.LambdaAPI{Host: "127.0.0.1", Port: n})
	var problem *app.Problem
	if !errors.As(err, &problem) || !strings.HasPrefix(problem.List[0].Summary, "port "+port+" of 127.0.0.1 cannot be opened: ") || problem.List[0].Hint == "" {
		t.Errorf("error %v", err)
	}
}
