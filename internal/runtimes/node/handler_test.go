package node

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// setup is a function's code on disk and how it is started.
type setup struct {
	runtime    string
	handler    string
	files      map[string]string
	env        map[string]string
	serverless bool
	debug      *runtimes.Debug
}

// run runs a function on the machine's Node.js.
func run(t testing.TB, s setup, events ...rapitest.Event) rapitest.Outcome {
	t.Helper()
	task := t.TempDir()
	testenv.WriteFiles(t, task, s.files)
	if s.handler == "" {
		s.handler = "index.handler"
	}
	fn := &lambda.Function{Runtime: s.runtime, Handler: s.handler}
	cache := t.TempDir()
	dir, err := fsx.Materialize(Files(), cache)
	if err != nil {
		t.Fatal(err)
	}
	host := &runtimes.Host{Env: testenv.Environ(), Cache: cache, Serverless: s.serverless, Debug: s.debug}
	launch, err := Runtime{}.Launch(fn, runtimes.Paths{Task: task, Runtime: dir, Tmp: os.TempDir()}, host)
	if err != nil {
		t.Skip(err)
	}
	env := append([]string{
		"_HANDLER=" + s.handler, "LAMBDA_TASK_ROOT=" + task, "LAMBDA_RUNTIME_DIR=" + dir,
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
	}, launch.Env...)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	out := rapitest.Run(t, launch.Path, launch.Args, task, env, events...)
	for i := range out.Posts {
		out.Posts[i].Body = strings.ReplaceAll(out.Posts[i].Body, task, "/var/task")
	}
	out.Stdout = tidy(strings.ReplaceAll(out.Stdout, task, "/var/task"))
	return out
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)

// tidy puts fixed texts in place of times and request ids.
func tidy(text string) string {
	text = moment.ReplaceAllString(text, "TIME")
	return strings.ReplaceAll(text, rapitest.ID(0), "ID")
}

// index is a function of one file.
func index(source string) map[string]string { return map[string]string{"index.js": source} }

// answer is what the tests compare of an outcome.
type answer struct {
	Path, Body string
	Exit       int // 0 for a process that waits for more
}

// summary takes the first post; an error's trace is left out, and must not
// show the bootstrap.
func summary(t *testing.T, out rapitest.Outcome) answer {
	t.Helper()
	path, body, exit := out.First()
	if !strings.HasSuffix(path, "error") {
		return answer{path, body, exit}
	}
	var failure struct {
		ErrorType    string   `json:"errorType"`
		ErrorMessage string   `json:"errorMessage"`
		Trace        []string `json:"trace"`
	}
	if err := json.Unmarshal([]byte(body), &failure); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, line := range failure.Trace {
		if strings.Contains(line, "bootstrap.js") || strings.Contains(line, "classic.js") || strings.Contains(line, "modern.js") {
			t.Errorf("the trace shows the bootstrap: %s", line)
		}
	}
	return answer{path, failure.ErrorType + ": " + failure.ErrorMessage, exit}
}

const response, failure, initFailure = "invocation/{id}/response", "invocation/{id}/error", "init/error"

func TestClassicHandlersAnswerAsOnAWS(t *testing.T) {
	tests := []struct {
		name   string
		source string
		want   answer
	}{
		{"async value", `exports.handler = async (e) => ({got: e})`, answer{response, `{"got":{"n":1}}`, 0}},
		{"async undefined", `exports.handler = async () => {}`, answer{response, `null`, 0}},
		{"promise of a plain function", `exports.handler = () => Promise.resolve([1, 'é'])`, answer{response, `[1,"é"]`, 0}},
		{"thenable", `exports.handler = () => ({then(ok) { ok('t') }})`, answer{response, `"t"`, 0}},
		{"value of a plain function is ignored", `exports.handler = () => 'x'`, answer{response, `null`, 0}},
		{"callback", `exports.handler = (e, c, cb) => cb(null, {a: 1})`, answer{response, `{"a":1}`, 0}},
		{"late callback", `exports.handler = (e, c, cb) => { setTimeout(() => cb(null, 'late'), 20) }`, answer{response, `"late"`, 0}},
		{"first callback wins", `exports.handler = (e, c, cb) => { cb(null, 1); cb(null, 2) }`, answer{response, `1`, 0}},
		{"callback with an error", `exports.handler = (e, c, cb) => cb(new TypeError('no'))`, answer{failure, `TypeError: no`, 0}},
		{"callback with text", `exports.handler = (e, c, cb) => cb('oops')`, answer{failure, `string: oops`, 0}},
		{"succeed", `exports.handler = (e, c) => c.succeed(7)`, answer{response, `7`, 0}},
		{"done", `exports.handler = (e, c) => c.done(null, 8)`, answer{response, `8`, 0}},
		{"fail", `exports.handler = (e, c) => c.fail(new Error('f'))`, answer{failure, `Error: f`, 0}},
		{"fail without reason", `exports.handler = (e, c) => c.fail()`, answer{failure, `string: handled`, 0}},
		{"never settles", `exports.handler = () => new Promise(() => {})`, answer{response, `null`, 0}},
		{"does not wait when told", `exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); cb(null, 'now') }`, answer{response, `"now"`, 0}},
		{"throws", `exports.handler = () => { throw new RangeError('r') }`, answer{failure, `RangeError: r`, 0}},
		{"rejects", `class MyErr extends Error { constructor(m) { super(m); this.name = 'MyErr' } }; exports.handler = async () => { throw new MyErr('my') }`, answer{failure, `MyErr: my`, 0}},
		{"rejects with text", `exports.handler = async () => { throw 'plain' }`, answer{failure, `string: plain`, 0}},
		{"rejects with nothing", `exports.handler = async () => { throw undefined }`, answer{failure, `string: handled`, 0}},
		{"not for JSON", `exports.handler = async () => ({n: BigInt(1)})`, answer{failure, `Error: Unable to stringify response body`, 0}},
		{"circular", `exports.handler = async () => { const a = {}; a.a = a; return a }`, answer{failure, `Error: Unable to stringify response body`, 0}},
		{"a function", `exports.handler = async () => () => {}`, answer{failure, `TypeError: Wrong arguments`, 0}},
		{"unhandled rejection", `exports.handler = () => { Promise.reject(new Error('unh')) ; return new Promise((r) => setTimeout(r, 500)) }`, answer{failure, `Runtime.UnhandledPromiseRejection: Error: unh`, 128}},
		{"answer after a crash", `exports.handler = () => { Promise.reject(new Error('unh')); return new Promise((r) => setTimeout(r, 0)) }`, answer{failure, `Runtime.UnhandledPromiseRejection: Error: unh`, 128}},
		{"unhandled rejection while loading", `Promise.reject(new Error('early')); exports.handler = async () => 1`, answer{initFailure, `Runtime.UnhandledPromiseRejection: Error: early`, 128}},
		{"uncaught exception", `exports.handler = () => { setTimeout(() => { throw new RangeError('late') }, 5) }`, answer{failure, `RangeError: late`, 129}},
		{"exits", `exports.handler = () => process.exit(3)`, answer{Exit: 3}},
		{"nested property", `exports.handler = undefined; exports['handler'] = async () => 1`, answer{response, `1`, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{runtime: "nodejs20.x", files: index(tt.source)}, rapitest.Event{Body: `{"n":1}`})
			if len(out.Posts) > 1 {
				t.Errorf("%d posts for one event", len(out.Posts))
			}
			if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
		})
	}
}

func TestModernHandlersAnswerAsOnAWS(t *testing.T) {
	tests := []struct {
		name   string
		source string
		want   answer
	}{
		{"async value", `exports.handler = async (e) => ({got: e})`, answer{response, `{"got":{"n":1}}`, 0}},
		{"value of a plain function counts", `exports.handler = () => ({a: 1})`, answer{response, `{"a":1}`, 0}},
		{"undefined", `exports.handler = () => {}`, answer{response, `null`, 0}},
		{"computed exports", `module.exports = Object.fromEntries([['handler', async () => 5]])`, answer{response, `5`, 0}},
		{"pending timers do not delay", `exports.handler = async () => { setInterval(() => {}, 1000); return 'now' }`, answer{response, `"now"`, 0}},
		{"callbacks are refused", `exports.handler = (e, c, cb) => cb(null, 1)`, answer{
			initFailure,
			"Runtime.CallbackHandlerDeprecated: ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.", 1,
		}},
		{"no succeed", `exports.handler = (e, c) => c.succeed(1)`, answer{failure, `TypeError: c.succeed is not a function`, 0}},
		{"rejects with nothing", `exports.handler = async () => { throw undefined }`, answer{failure, `undefined: undefined`, 0}},
		{"not for JSON", `exports.handler = async () => BigInt(1)`, answer{failure, `Runtime.JSONStringifyError: Unable to stringify response body`, 0}},
		{"never settles", `exports.handler = () => new Promise(() => {})`, answer{Exit: 0}},
		{"missing export", `exports.other = 1`, answer{initFailure, `Runtime.HandlerNotFound: index.handler is undefined or not exported`, 1}},
		{"throws while loading", `throw new RangeError('top')`, answer{initFailure, `RangeError: top`, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{runtime: "nodejs24.x", files: index(tt.source)}, rapitest.Event{Body: `{"n":1}`})
			if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
		})
	}
}

func TestHandlersAreFoundAsOnAWS(t *testing.T) {
	const esm = `export const handler = async () => 'esm'`
	tests := []struct {
		name    string
		runtime string
		handler string
		files   map[string]string
		want    answer
	}{
		{"folder and nested property", "nodejs20.x", "dir/n.a.b.c", map[string]string{"dir/n.js": `exports.a = {b: {c: async () => 'deep'}}`}, answer{response, `"deep"`, 0}},
		{"mjs", "nodejs20.x", "", map[string]string{"index.mjs": esm}, answer{response, `"esm"`, 0}},
		{"cjs", "nodejs20.x", "", map[string]string{"index.cjs": `exports.handler = async () => 'cjs'`}, answer{response, `"cjs"`, 0}},
		{"js before mjs", "nodejs20.x", "", map[string]string{"index.mjs": esm, "index.js": `exports.handler = async () => 'js'`}, answer{response, `"js"`, 0}},
		{"type module", "nodejs20.x", "", map[string]string{"index.js": esm, "package.json": `{"type":"module"}`}, answer{response, `"esm"`, 0}},
		{"type module, folder below", "nodejs20.x", "src/index.handler", map[string]string{"src/index.js": esm, "package.json": `{"type":"module"}`}, answer{response, `"esm"`, 0}},
		{"top-level await", "nodejs20.x", "", map[string]string{"index.mjs": `const v = await Promise.resolve(4); export const handler = async () => v`}, answer{response, `4`, 0}},
		{"module in node_modules", "nodejs20.x", "pkg.handler", map[string]string{"node_modules/pkg/index.js": `exports.handler = async () => 'pkg'`}, answer{response, `"pkg"`, 0}},
		{"default export", "nodejs24.x", "", map[string]string{"index.mjs": `export default {handler: async () => 'def'}`}, answer{response, `"def"`, 0}},
		{"mjs, modern", "nodejs24.x", "", map[string]string{"index.mjs": esm}, answer{response, `"esm"`, 0}},
		{"dots", "nodejs20.x", "../x.h", nil, answer{initFailure, `Runtime.MalformedHandlerName: '../x.h' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`, 129}},
		{"no dot", "nodejs20.x", "bad", nil, answer{initFailure, `Runtime.MalformedHandlerName: Bad handler`, 129}},
		{"no such property", "nodejs20.x", "n.nope", map[string]string{"n.js": ``}, answer{initFailure, `Runtime.HandlerNotFound: n.nope is undefined or not exported`, 129}},
		{"not a function", "nodejs20.x", "n.x", map[string]string{"n.js": `exports.x = 3`}, answer{initFailure, `Runtime.HandlerNotFound: n.x is not a function`, 129}},
		{"syntax error", "nodejs20.x", "n.x", map[string]string{"n.js": `const a = ;`}, answer{initFailure, `Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token ';'`, 129}},
		{"throws while loading", "nodejs20.x", "n.x", map[string]string{"n.js": `throw new RangeError('top')`}, answer{initFailure, `RangeError: top`, 129}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, setup{runtime: tt.runtime, handler: tt.handler, files: tt.files}, rapitest.Event{Body: `{}`})
			if strings.Contains(out.Stdout, "Unexpected reserved word") {
				t.Skip("this machine's Node.js has no top-level await")
			}
			if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
		})
	}
}

func TestMissingModuleNamesWhoRequiredIt(t *testing.T) {
	out := run(t, setup{runtime: "nodejs20.x", files: index(`require('not-there')`)}, rapitest.Event{Body: `{}`})
	got := summary(t, out)
	const want = "Runtime.ImportModuleError: Error: Cannot find module 'not-there'\nRequire stack:\n- /var/task/index.js\n- "
	if !strings.HasPrefix(got.Body, want) || !strings.HasSuffix(got.Body, "index.mjs") || strings.Count(got.Body, "\n") != 3 {
		t.Errorf("error is %q, want %q and the runtime's own file", got.Body, want)
	}
	if h := out.Posts[0].Header.Get("Lambda-Runtime-Function-Error-Type"); h != "Runtime.ImportModuleError" {
		t.Errorf("error type header is %q", h)
	}
	if !strings.Contains(out.Stdout, "TIME\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\"") {
		t.Errorf("log is %q", out.Stdout)
	}
}

func TestErrorTraceStartsInTheHandler(t *testing.T) {
	out := run(t, setup{runtime: "nodejs20.x", files: index("exports.handler = async () => {\n  const e = new Error('boom'); e.code = 'E1'; throw e\n}")}, rapitest.Event{Body: `{}`})
	const want = `{"errorType":"Error","errorMessage":"boom","trace":["Error: boom","    at `
	if len(out.Posts) != 1 || !strings.HasPrefix(out.Posts[0].Body, want) || !strings.Contains(out.Posts[0].Body, `(/var/task/index.js:2:13)"]}`) {
		t.Errorf("posts are %+v", out.Posts)
	}
	const line = "TIME\tID\tERROR\tInvoke Error \t{\"errorType\":\"Error\",\"errorMessage\":\"boom\",\"code\":\"E1\",\"stack\":[\"Error: boom\""
	if !strings.HasPrefix(out.Stdout, line) {
		t.Errorf("log is %q, want %q", out.Stdout, line)
	}
}
