package node

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// Each row is what `serverless invoke local` (3.40.0) makes of a handler, in
// the form in which it is posted.
func TestHandlersAsTheFrameworkTreatsThem(t *testing.T) {
	const ok, bad, load = "invocation/{id}/response", "invocation/{id}/error", "init/error"
	tests := []struct {
		name, source string
		path, body   string
	}{
		{"promise", `exports.handler = async () => ({a: 1})`, ok, `{"a":1}`},
		{"thenable", `exports.handler = () => ({ then(r) { r({t: 1}) } })`, ok, `{"t":1}`},
		{"plain value", `exports.handler = () => 'v'`, ok, `"v"`},
		{"callback", `exports.handler = (e, c, cb) => cb(null, 2)`, ok, `2`},
		{"succeed", `exports.handler = (e, c) => { c.succeed({s: 1}) }`, ok, `{"s":1}`},
		{"done", `exports.handler = (e, c) => { c.done(null, 'd') }`, ok, `"d"`},
		{"first answer wins", `exports.handler = async (e, c, cb) => { cb(null, 'first'); return 'second' }`, ok, `"first"`},
		{"falsy", `exports.handler = async () => 0`, ok, `null`},
		{"open handle", `exports.handler = (e, c, cb) => { setInterval(() => {}, 1000); cb(null, 'h') }`, ok, `"h"`},
		{"date and function", `exports.handler = async () => ({d: new Date(0), f() {}, u: undefined})`, ok, `{"d":"1970-01-01T00:00:00.000Z"}`},
		{"JSON body", `exports.handler = async () => ({headers: {'Content-Type': 'application/json'}, body: '{"a": 1.0}'})`, ok, `{"headers":{"Content-Type":"application/json"},"body":{"a":1}}`},
		{"JSON body by another name", `exports.handler = async () => ({headers: {'content-type': 'application/json'}, body: '{}'})`, ok, `{"headers":{"content-type":"application/json"},"body":"{}"}`},
		{"JSON body with a charset", `exports.handler = async () => ({headers: {'Content-Type': 'application/json; charset=utf-8'}, body: '{}'})`, ok, `{"headers":{"Content-Type":"application/json; charset=utf-8"},"body":"{}"}`},
		{"JSON body that is none", `exports.handler = async () => ({headers: {'Content-Type': 'application/json'}, body: 'x'})`, bad, `{"errorMessage":"Content-Type of response is application/json but body is not json","errorType":"Runtime.MarshalError"}`},
		{"no JSON", `exports.handler = async () => ({b: 1n})`, bad, `{"errorMessage":"Function returned invalid (not a JSON stringifiable) value: { b: 1n }","errorType":"Runtime.MarshalError"}`},
		{"throws", `exports.handler = () => { throw new RangeError('r') }`, bad, `{"errorMessage":"r","errorType":"RangeError","stackTrace":["RangeError: r","    at exports.handler (/var/task/index.js:1:33)"]}`},
		{"error of the callback", `exports.handler = (e, c, cb) => cb(new TypeError('t'))`, bad, `{"errorMessage":"t","errorType":"TypeError","stackTrace":["TypeError: t","    at exports.handler (/var/task/index.js:1:36)"]}`},
		{"the class names it", `class Mine extends Error { constructor() { super('m'); this.name = 'Other'; this.stack = 'S' } }; exports.handler = async () => { throw new Mine() }`, bad, `{"errorMessage":"m","errorType":"Mine","stackTrace":["S"]}`},
		{"resolves with an error", `exports.handler = async () => Object.assign(new Error('v'), {stack: 'S'})`, bad, `{"errorMessage":"v","errorType":"Error","stackTrace":["S"]}`},
		{"rejects with a text", `exports.handler = async () => { throw 'plain' }`, bad, `{"errorMessage":"plain"}`},
		{"rejects with nothing", `exports.handler = () => Promise.reject()`, bad, `{"errorMessage":null}`},
		{"fail", `exports.handler = (e, c) => { c.fail({code: 1}) }`, bad, `{"errorMessage":{"code":1}}`},
		{"nobody catches it", `exports.handler = () => { setTimeout(() => { throw Object.assign(new Error('late'), {stack: 'S'}) }, 1) }`, bad, `{"errorMessage":"late","errorType":"Error","stackTrace":["S"]}`},
		{"nobody catches the promise", `exports.handler = () => { Promise.reject(Object.assign(new Error('p'), {stack: 'S'})) }`, bad, `{"errorMessage":"p","errorType":"Error","stackTrace":["S"]}`},
		{"no function", `exports.handler = 5`, load, `{"errorMessage":"Lambda handler \"index\" does not point function property","errorType":"Runtime.HandlerNotFound","stackTrace":[]}`},
		{"throws when loaded", `throw new Error('init')`, load, `{"errorMessage":"Exception encountered when loading /var/task/index","errorType":"Runtime.InitError","cause":"Error: init","stackTrace":[]}`},
		{"no such module inside", `require('nope')`, load, `{"errorMessage":"Exception encountered when loading /var/task/index.cjs","errorType":"Runtime.ImportModuleError","cause":"Error: Cannot find module 'nope'","stackTrace":[]}`},
		{"no private variables", `exports.handler = async () => Object.keys(process.env).filter((n) => n.includes('LAMBKIN'))`, ok, `[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, setup{runtime: "nodejs24.x", files: index(tt.source), serverless: true}, rapitest.Event{Body: `{}`})
			if len(out.Posts) == 0 {
				t.Fatalf("nothing was posted; standard error: %s", out.Stderr)
			}
			if diff := cmp.Diff([]string{tt.path, tt.body}, []string{out.Posts[0].Path, out.Posts[0].Body}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if out.Stdout != "" {
				t.Errorf("standard output is %q", out.Stdout)
			}
		})
	}
}

func TestHandlersAsTheFrameworkFindsThem(t *testing.T) {
	tests := []struct {
		name, handler string
		files         map[string]string
	}{
		{"dots in the file's name", "a/b.c.ok", map[string]string{"a/b.c.js": "exports.ok = async () => 'ok'"}},
		{"hash in the file's name", "a/b#c.ok", map[string]string{"a/b#c.js": "exports.ok = async () => 'ok'"}},
		{"from this folder", "./src/h.ok", map[string]string{"src/h.js": "exports.ok = async () => 'ok'"}},
		{".cjs", "h.ok", map[string]string{"h.cjs": "exports.ok = async () => 'ok'", "package.json": `{"type": "module"}`}},
		{".mjs", "h.ok", map[string]string{"h.mjs": "export const ok = async () => 'ok'"}},
		{"ES module by its package", "h.ok", map[string]string{"h.js": "export const ok = async () => 'ok'", "package.json": `{"type": "module"}`}},
		{"awaits at its top level", "h.ok", map[string]string{"h.mjs": "const v = await Promise.resolve('ok'); export const ok = async () => v"}},
		{"default export", "h.ok", map[string]string{"h.mjs": "export default { ok: async () => 'ok' }"}},
		{"folder", "src.ok", map[string]string{"src/index.js": "exports.ok = async () => 'ok'"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, setup{runtime: "nodejs20.x", handler: tt.handler, files: tt.files, serverless: true}, rapitest.Event{Body: `{}`})
			if path, body, _ := out.First(); path != "invocation/{id}/response" || body != `"ok"` {
				t.Errorf("got %s %s; standard error: %s", path, body, out.Stderr)
			}
		})
	}
}

func TestContextAsTheFrameworkMakesIt(t *testing.T) {
	const source = `exports.handler = async (e, c) => ({
		own: typeof c === 'object' ? JSON.parse(JSON.stringify(c)) : c, keys: Object.keys(c).length,
		left: typeof c.getRemainingTimeInMillis === 'function' && c.getRemainingTimeInMillis() > 0, name: c.functionName, arn: c.invokedFunctionArn })`
	const standard = `{"awsRequestId":"ID","invokeid":"id","logGroupName":"/aws/lambda/svc-dev-f","logStreamName":"2015/09/22/[HEAD]13370a84ca4ed8b77c427af260",` +
		`"functionVersion":"HEAD","isDefaultFunctionVersion":true,"functionName":"svc-dev-f","memoryLimitInMB":"1024"}`
	tests := []struct{ name, custom, want string }{
		{"its own", "", `{"own":` + standard + `,"keys":12,"left":true,"name":"svc-dev-f","arn":"` + rapitest.ARN + `"}`},
		{"a custom one", `{"x":1}`, `{"own":{"x":1},"keys":1,"left":true,"name":"svc-dev-f","arn":"` + rapitest.ARN + `"}`},
		{"a custom name", `{"functionName":"mine"}`, `{"own":{"functionName":"mine"},"keys":1,"left":true,"name":"mine","arn":"` + rapitest.ARN + `"}`},
		{"a text", `"hello"`, `{"own":"hello","keys":5,"left":false}`},
		{"nothing", `null`, `{"own":` + standard + `,"keys":12,"left":true,"name":"svc-dev-f","arn":"` + rapitest.ARN + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := rapitest.Event{Body: `{}`, Headers: map[string]string{}}
			if tt.custom != "" {
				event.Headers["Lambkin-Context"] = tt.custom
			}
			out := run(t, setup{
				runtime: "nodejs20.x", files: index(source), serverless: true,
				env: map[string]string{"_LAMBKIN_FUNCTION": `{"name":"svc-dev-f","timeout":6}`},
			}, event)
			if _, body, _ := out.First(); tidy(body) != tt.want {
				t.Errorf("got  %s\nwant %s\n%s", body, tt.want, out.Stderr)
			}
		})
	}
}

func TestEnvironmentAsTheFrameworkMakesIt(t *testing.T) {
	const source = `const loaded = process.env.GIVEN; exports.handler = async () => ({ loaded, names: Object.keys(process.env).filter((n) => /^(AWS|_|GIVEN|LATE|KEPT)/.test(n)) })`
	change := map[string]any{"unset": []string{"AWS_LAMBDA_RUNTIME_API", "_HANDLER", "GIVEN"}, "set": [][2]string{{"LATE", "1"}, {"GIVEN", "new"}}}
	text, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, setup{
		runtime: "nodejs20.x", files: index(source), serverless: true,
		env: map[string]string{"_LAMBKIN_SHELL": string(text), "GIVEN": "old", "KEPT": "1"},
	}, rapitest.Event{Body: `{}`})
	_, body, _ := out.First()
	for _, part := range []string{`"loaded":"new"`, `"KEPT"`, `"LATE","GIVEN"]`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is not in %s", part, body)
		}
	}
	for _, part := range []string{"AWS_LAMBDA_RUNTIME_API", "_HANDLER", "_X_AMZN_TRACE_ID"} {
		if strings.Contains(body, part) {
			t.Errorf("%s is in %s", part, body)
		}
	}
}
