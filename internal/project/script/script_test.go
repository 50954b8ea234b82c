package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// link makes a link, or skips where the system lets nobody.
func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		testenv.Skip(t, "the right to make links", err.Error())
	}
}

// output collects what scripts print.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// service makes a folder with these files and an engine for it, which is closed
// with the test. The working folder is the one above it.
func service(t testing.TB, files map[string]string, change ...func(*Options)) *Engine {
	t.Helper()
	testenv.Leaks(t)
	node := testenv.Node(t)
	root := t.TempDir()
	testenv.WriteFiles(t, filepath.Join(root, "svc"), files)
	t.Chdir(root)
	env := testenv.Environ()
	o := Options{
		Dir:  filepath.Join(root, "svc"),
		Env:  func() map[string]string { return env },
		Node: func() (string, error) { return node, nil },
		// Long enough for a busy machine, and the tests still end when nothing answers.
		Timeout: 30 * time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	e := New(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// answers are a resolver's: texts by what is asked.
func answers(values map[string]string) Resolver {
	find := func(what string) (*doc.Node, error) {
		text, ok := values[what]
		if !ok {
			return nil, nil
		}
		n, diags := doc.ParseJSON([]byte(text), "answers")
		return n, diags.Err()
	}
	return Resolver{
		Options:  map[string]any{"function": "h", "param": []string{"a=b"}},
		Variable: func(text string) (*doc.Node, error) { return find("variable " + text) },
		Property: func(keys []string) (*doc.Node, error) { return find("property " + strings.Join(keys, ".")) },
		Text:     func(text string) (*doc.Node, error) { return find("text " + text) },
	}
}

func split(address string) []string {
	if address == "" {
		return nil
	}
	return strings.Split(address, ".")
}

// text is a value's JSON text, "missing" for none.
func text(n *doc.Node) string {
	if n == nil {
		return "missing"
	}
	return n.JSON()
}

func TestValueIsFoundAsTheFrameworkFindsIt(t *testing.T) {
	const script = `
class Config { get stage() { return 'inherited'; } }
module.exports = {
  text: 'words', number: 1.5, zero: 0, no: false, nothing: null, list: [1, { a: 'b' }],
  order: { z: 1, a: 2, m: { y: 1, b: 2 }, 10: 'numbers come first' },
  promise: Promise.resolve({ inner: Promise.resolve('both awaited') }),
  plain: () => ({ v: 1 }),
  async: async () => ({ v: { w: 2 } }),
  twice: () => () => 'never called',
  inside: () => ({ f: () => 'never called', v: 3 }),
  given: (o) => Object.keys(o).join(),
  options: ({ options }) => options,
  variable: async ({ resolveVariable }) => 'got ' + (await resolveVariable('self:custom.a')),
  missingVariable: async ({ resolveVariable }) => typeof (await resolveVariable('self:none')),
  property: ({ resolveConfigurationProperty }) => resolveConfigurationProperty(['custom', 'map']),
  all: ({ resolveConfigurationProperty: p, resolveVariable: v }) => Promise.all([p(['custom', 'map']), v('self:custom.a'), p(['custom', 'map'])]),
  class: Config, instance: new Config(),
  deferred: '${self:custom.map}', variables: 'a ${self:x} b',
};
`
	resolver := answers(map[string]string{
		"variable self:custom.a":       `"A"`,
		"property custom.map":          `{"k": [1, "two", null, 1e30]}`,
		"text ${self:custom.map}":      `{"k": "through a text"}`,
		"variable file(./f.js):number": `1.5`,
	})
	e := service(t, map[string]string{"f.js": script, "fn.js": "module.exports = async ({ options }) => ({ z: options.function, f: () => 1 })", "folder.js/index.js": ""})
	tests := []struct{ file, address, want string }{
		{"f.js", "text", `"words"`},
		{"f.js", "number", `1.5`},
		{"f.js", "zero", `0`},
		{"f.js", "no", `false`},
		{"f.js", "nothing", `missing`},
		{"f.js", "nothing.below", `missing`},
		{"f.js", "none.below", `missing`},
		{"f.js", "text.none", `missing`},
		{"f.js", "text.length", `5`},
		{"f.js", "toString", `missing`},
		{"f.js", "constructor.name", `missing`},
		{"f.js", "list.1.a", `"b"`},
		{"f.js", "list.2", `missing`},
		{"f.js", "order", `{"10":"numbers come first","z":1,"a":2,"m":{"y":1,"b":2}}`},
		{"f.js", "promise.inner", `"both awaited"`},
		{"f.js", "plain", `{"v":1}`},
		{"f.js", "plain.v", `1`},
		{"f.js", "plain.none", `missing`},
		{"f.js", "async.v.w", `2`},
		{"f.js", "inside", `{"v":3}`},
		{"f.js", "given", `"options,resolveVariable,resolveConfigurationProperty"`},
		{"f.js", "options", `{"function":"h","param":["a=b"]}`},
		{"f.js", "variable", `"got A"`},
		{"f.js", "missingVariable", `"undefined"`},
		{"f.js", "property", `{"k":[1,"two",null,1e+30]}`},
		{"f.js", "all.1", `"A"`},
		{"f.js", "instance.stage", `"inherited"`},
		{"f.js", "deferred.k", `"through a text"`},
		{"f.js", "variables", `"a ${self:x} b"`},
		{"fn.js", "", `{"z":"h"}`},
		{"fn.js", "z", `"h"`},
		{"none.js", "", `missing`},
		{"none.js", "a", `missing`},
	}
	for _, tt := range tests {
		t.Run(tt.file+":"+tt.address, func(t *testing.T) {
			file := filepath.Join("svc", tt.file)
			n, err := e.Value(t.Context(), file, split(tt.address), resolver)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(n); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if n != nil && n.Range != (diag.Range{File: file}) {
				t.Errorf("it stands at %v", n.Range)
			}
		})
	}
}

func TestStrictFunctionsGetNoThis(t *testing.T) {
	e := service(t, map[string]string{"f.js": "'use strict'; exports.f = function () { return typeof this; }"})
	n, err := e.Value(t.Context(), "svc/f.js", []string{"f"}, Resolver{})
	if err != nil || text(n) != `"undefined"` {
		t.Errorf("got %s, %v", text(n), err)
	}
}

func TestEveryKindOfModule(t *testing.T) {
	files := map[string]string{
		"object.js":                         "module.exports = { service: 'svc' }",
		"object.cjs":                        "module.exports = { service: 'svc' }",
		"promise.js":                        "module.exports = (async () => ({ service: 'svc' }))()",
		"function.js":                       "module.exports = async (...args) => ({ service: 'svc', args })",
		"default.mjs":                       "export const other = 1; export default { service: 'svc' }",
		"promise.mjs":                       "export default Promise.resolve({ service: 'svc' })",
		"function.mjs":                      "export default async () => ({ service: 'svc' })",
		"named.mjs":                         "export const service = 'svc'",
		"await.mjs":                         "const s = await Promise.resolve('svc'); export default { service: s }",
		"untyped.js":                        "import { s } from './lib/esm.js'; export default { service: s, dir: typeof __dirname }",
		"untyped-await.js":                  "export default { service: await Promise.resolve('svc') }",
		"lib/esm.js":                        "export const s = 'svc'",
		"lib/cjs.js":                        "exports.s = 'svc'",
		"require.js":                        "exports.service = require('./lib/cjs').s + require('dep') + require('node:path').sep",
		"dynamic.js":                        "module.exports = async () => ({ service: (await import('esm-dep')).default })",
		"translated.js":                     "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { service: 'svc' }; exports.other = 1",
		"meta.mjs":                          "import dep from 'dep'; import esm from 'esm-dep'; export default { dep, esm, here: import.meta.url.endsWith('/svc/meta.mjs') }",
		"node_modules/dep/index.js":         "module.exports = 'dep'",
		"node_modules/esm-dep/index.js":     "export default 'esm-dep'",
		"node_modules/esm-dep/package.json": `{"type": "module", "exports": {"import": "./index.js"}}`,
		"typed/package.json":                `{"type": "module"}`,
		"typed/config.js":                   "import { s } from '../lib/cjs.js'; export default { service: s }",
		"typed/config.cjs":                  "module.exports = { service: 'svc' }",
		"array.js":                          "module.exports = [1, 2]",
		"nothing.js":                        "",
		"date.js":                           "module.exports = { at: new Date(0), not: NaN, gone: undefined, f() {}, list: [undefined, () => 1] }",
		"event.json.js":                     "exports.Records = [{ body: JSON.stringify({ a: 1 }) }]",
		"argv.js":                           "module.exports = process.argv.slice(1).concat(process.execArgv)",
		"main.js":                           "module.exports = [require.main !== module, require.main.require('dep'), process.cwd() === __dirname]",
	}
	e := service(t, files, func(o *Options) { o.Args = []string{"sls", "--stage", "qa"} })
	tests := []struct{ file, want string }{
		{"object.js", `{"service":"svc"}`},
		{"object.cjs", `{"service":"svc"}`},
		{"promise.js", `{"service":"svc"}`},
		{"function.js", `{"service":"svc","args":[]}`},
		{"default.mjs", `{"service":"svc"}`},
		{"promise.mjs", `{"service":"svc"}`},
		{"function.mjs", `{"service":"svc"}`},
		{"named.mjs", `{"service":"svc"}`},
		{"await.mjs", `{"service":"svc"}`},
		{"untyped-await.js", `{"service":"svc"}`},
		{"require.js", `{"service":"svcdep` + strings.ReplaceAll(string(filepath.Separator), `\`, `\\`) + `"}`},
		{"dynamic.js", `{"service":"esm-dep"}`},
		{"translated.js", `{"service":"svc"}`},
		{"meta.mjs", `{"dep":"dep","esm":"esm-dep","here":true}`},
		{"typed/config.js", `{"service":"svc"}`},
		{"typed/config.cjs", `{"service":"svc"}`},
		{"array.js", `[1,2]`},
		{"nothing.js", `{}`},
		{"date.js", `{"at":"1970-01-01T00:00:00.000Z","not":null,"list":[null,null]}`},
		{"event.json.js", `{"Records":[{"body":"{\"a\":1}"}]}`},
		{"argv.js", `["sls","--stage","qa"]`},
		{"main.js", `[true,"dep",true]`},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			n, err := e.Export(t.Context(), filepath.Join("svc", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if got := text(n); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("untyped.js", func(t *testing.T) {
		n, err := e.Export(t.Context(), "svc/untyped.js")
		if err != nil || n.Get("service").JSON() != `"svc"` {
			t.Errorf("got %s, %v", text(n), err)
		}
	})
}

// TestOlderNodeReadsUntypedModules turns off what newer versions of Node.js
// find out by themselves.
func TestOlderNodeReadsUntypedModules(t *testing.T) {
	env := testenv.Environ()
	env["NODE_OPTIONS"] = "--no-experimental-detect-module --no-experimental-require-module"
	e := service(t, map[string]string{
		"a.js":                              "import { s } from './b.js'; export default { s, dir: __dirname.slice(-3) }",
		"b.js":                              "export const s = 'svc'",
		"await.js":                          "export default { s: await Promise.resolve('svc') }",
		"c.ts":                              "import dep from 'esm-dep'; export default { dep }",
		"node_modules/esm-dep/index.js":     "export default 'esm-dep'",
		"node_modules/esm-dep/package.json": `{"type": "module"}`,
	}, func(o *Options) { o.Env = func() map[string]string { return env } })
	for file, want := range map[string]string{
		"a.js": `{"s":"svc","dir":"svc"}`, "await.js": `{"s":"svc"}`, "c.ts": `{"dep":"esm-dep"}`,
	} {
		n, err := e.Export(t.Context(), "svc/"+file)
		if strings.Contains(fmt.Sprint(err), "status 9") {
			t.Skip("this Node.js knows neither of the two options, so its version is old enough to show the same elsewhere")
		}
		if err != nil || text(n) != want {
			t.Errorf("%s: got %s, %v, want %s", file, text(n), err, want)
		}
	}
}

func TestNamedAndDefaultExports(t *testing.T) {
	e := service(t, map[string]string{
		"both.mjs": "export const a = 'named', b = 'b'; export default { a: 'default', c: 'c' }",
		"fn.mjs":   "export const a = 'named'; export default async () => ({ a: 'called', c: 'c' })",
		"only.mjs": "export const a = 'named'; export const f = () => 'called'; export class C {}",
		"both.ts":  "export const a = 'named', b = 'b'; export default { a: 'default', c: 'c' }",
		"old.js":   "module.exports = { default: { a: 1 }, b: 2 }",
	})
	tests := []struct{ file, address, want string }{
		{"both.mjs", "a", `"default"`},
		{"both.mjs", "b", `"b"`},
		{"both.mjs", "c", `"c"`},
		{"both.mjs", "", `{"a":"default","c":"c"}`},
		{"fn.mjs", "a", `"named"`},
		{"fn.mjs", "c", `"c"`},
		{"fn.mjs", "name", `missing`},
		{"only.mjs", "f", `"called"`},
		{"only.mjs", "", `{"a":"named"}`},
		{"both.ts", "a", `"default"`},
		{"both.ts", "b", `"b"`},
		{"old.js", "b", `2`},
		{"old.js", "default.a", `1`},
	}
	for _, tt := range tests {
		n, err := e.Value(t.Context(), "svc/"+tt.file, split(tt.address), Resolver{})
		if err != nil || text(n) != tt.want {
			t.Errorf("%s:%s is %s, %v, want %s", tt.file, tt.address, text(n), err, tt.want)
		}
	}
}

func TestFilesAreLoadedOnce(t *testing.T) {
	e := service(t, map[string]string{
		"f.js":       "let n = 0; const at = ++require('./counter').n; exports.at = at; exports.next = () => ++n",
		"t.ts":       "const at: number = ++require('./counter').n; export { at }",
		"counter.js": "exports.n = 0",
	})
	for _, tt := range []struct{ file, address, want string }{
		{"f.js", "at", "1"},
		{"f.js", "at", "1"},
		{"f.js", "next", "1"},
		{"f.js", "next", "2"},
		{"t.ts", "at", "1"},
		{"t.ts", "at", "1"},
	} {
		n, err := e.Value(t.Context(), "svc/"+tt.file, []string{tt.address}, Resolver{})
		if err != nil || text(n) != tt.want {
			t.Errorf("%s:%s is %s, %v, want %s", tt.file, tt.address, text(n), err, tt.want)
		}
	}
}

func TestEnvironmentFollowsWhatIsFoundOnTheWay(t *testing.T) {
	env := map[string]string{"PATH": os.Getenv("PATH"), "A": "1", "B": "1", "NODE_CHANNEL_FD": "3"}
	e := service(t, map[string]string{"f.js": "exports.env = () => ['A', 'B', 'C', 'NODE_CHANNEL_FD'].map((n) => process.env[n])"},
		func(o *Options) { o.Env = func() map[string]string { return env } })
	for _, want := range []string{`["1","1",null,null]`, `["1",null,"x=y\nz",null]`} {
		n, err := e.Value(t.Context(), "svc/f.js", []string{"env"}, Resolver{})
		if err != nil || text(n) != want {
			t.Errorf("got %s, %v, want %s", text(n), err, want)
		}
		env = map[string]string{"PATH": env["PATH"], "A": "1", "C": "x=y\nz"}
	}
}

func TestLargeValues(t *testing.T) {
	e := service(t, map[string]string{
		"f.js": `
exports.list = Array.from({ length: 200000 }, (_, i) => ({ id: i, name: 'item ${i} ' + 'é'.repeat(20) }));
exports.text = 'x'.repeat(10 << 20);
exports.size = async ({ resolveVariable }) => (await resolveVariable('self:big')).length;`,
	})
	n, err := e.Value(t.Context(), "svc/f.js", []string{"list"}, Resolver{})
	if err != nil || len(n.Items) != 200000 || n.Items[199999].Get("id").JSON() != "199999" {
		t.Fatalf("got %d items, %v", len(n.Items), err)
	}
	n, err = e.Value(t.Context(), "svc/f.js", []string{"text"}, Resolver{})
	if err != nil || len(n.Text) != 10<<20 {
		t.Fatalf("got %v", err)
	}
	big := doc.NewString(strings.Repeat("y", 10<<20), diag.Range{})
	n, err = e.Value(t.Context(), "svc/f.js", []string{"size"}, Resolver{Variable: func(string) (*doc.Node, error) { return big, nil }})
	if err != nil || text(n) != fmt.Sprint(10<<20) {
		t.Errorf("the function got %s, %v", text(n), err)
	}
}

func TestFunctionsAskAllAtOnceAndInCircles(t *testing.T) {
	e := service(t, map[string]string{
		"a.js": `
exports.many = async ({ resolveVariable }) => (await Promise.all(Array.from({ length: 300 }, (_, i) => resolveVariable('self:' + i)))).length;
exports.nested = async ({ resolveVariable }) => (await Promise.all([resolveVariable('b'), resolveVariable('plain'), resolveVariable('b')])).join();
exports.deep = async ({ resolveVariable, options }) => options.depth === 0 ? 'end' : 'a' + (await resolveVariable('deeper'));`,
		"b.mjs": "export const value = async ({ resolveVariable }) => 'b' + (await resolveVariable('plain'))",
	})
	depth := 20
	var r Resolver
	r = Resolver{Variable: func(text string) (*doc.Node, error) {
		switch text {
		case "b":
			return e.Value(t.Context(), "svc/b.mjs", []string{"value"}, r)
		case "deeper":
			depth--
			return e.Value(t.Context(), "svc/a.js", []string{"deep"}, Resolver{Variable: r.Variable, Options: map[string]any{"depth": depth}})
		}
		return doc.NewString("x", diag.Range{}), nil
	}}
	for address, want := range map[string]string{
		"many": "300", "nested": `"bx,x,bx"`, "deep": `"` + strings.Repeat("a", 20) + `end"`,
	} {
		n, err := e.Value(t.Context(), "svc/a.js", []string{address}, r)
		if err != nil || text(n) != want {
			t.Errorf("%s is %s, %v, want %s", address, text(n), err, want)
		}
	}
}

func TestSeveralGoroutinesAsk(t *testing.T) {
	e := service(t, map[string]string{
		"f.js": "exports.f = async ({ options, resolveVariable }) => { await new Promise((r) => setTimeout(r, Math.random() * 20)); return options.n + ':' + (await resolveVariable('x')); }",
		"g.ts": "export const f = async ({ options, resolveVariable }: any) => options.n + ':' + (await resolveVariable('x'))",
	})
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			own := fmt.Sprint(i)
			file := []string{"svc/f.js", "svc/g.ts"}[i%2]
			n, err := e.Value(t.Context(), file, []string{"f"}, Resolver{
				Options:  map[string]any{"n": own},
				Variable: func(string) (*doc.Node, error) { return doc.NewString(own, diag.Range{}), nil },
			})
			if want := fmt.Sprintf("%q", own+":"+own); err != nil || text(n) != want {
				t.Errorf("got %s, %v, want %s", text(n), err, want)
			}
		})
	}
	group.Wait()
}

func TestResolversErrorComesBackAsItIs(t *testing.T) {
	refused := errors.New("no such secret")
	r := Resolver{Variable: func(string) (*doc.Node, error) { return nil, refused }}
	e := service(t, map[string]string{"f.js": `
exports.passes = ({ resolveVariable }) => resolveVariable('ssm:/a');
exports.handles = async ({ resolveVariable }) => { try { return await resolveVariable('ssm:/a'); } catch (e) { return 'caught ' + e.message; } };
exports.wraps = async ({ resolveVariable }) => { try { return await resolveVariable('ssm:/a'); } catch (e) { throw new Error('wrapped ' + e.message); } };
let kept;
exports.keeps = ({ resolveVariable }) => kept = kept || resolveVariable('ssm:/a');
exports.text = '\${self:none}';
exports.wrong = ({ resolveVariable }) => resolveVariable(['a']);
exports.property = ({ resolveConfigurationProperty }) => resolveConfigurationProperty('custom.a');
`})
	for _, address := range []string{"passes", "keeps", "keeps"} {
		if _, err := e.Value(t.Context(), "svc/f.js", []string{address}, r); err != refused { // the very same
			t.Errorf("%s: got %v", address, err)
		}
	}
	n, err := e.Value(t.Context(), "svc/f.js", []string{"handles"}, r)
	if err != nil || text(n) != `"caught no such secret"` {
		t.Errorf("got %s, %v", text(n), err)
	}
	for address, want := range map[string]string{
		"wraps":    `svc/f.js:4:116: "svc/f.js" failed: Error: wrapped no such secret`,
		"wrong":    `"svc/f.js" failed: TypeError: resolveVariable takes a string, not [ 'a' ]`,
		"property": `"svc/f.js" failed: TypeError: resolveConfigurationProperty takes a list of keys, not 'custom.a'`,
	} {
		if _, err := e.Value(t.Context(), "svc/f.js", []string{address}, r); !strings.HasSuffix(filepath.ToSlash(fmt.Sprint(err)), want) {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
	if _, err := e.Value(t.Context(), "svc/f.js", []string{"passes"}, Resolver{}); err == nil {
		t.Error("an empty resolver resolves")
	}
}

func TestNothingIsStartedBeforeTheFirstQuestion(t *testing.T) {
	asked := 0
	e := service(t, map[string]string{"f.js": "exports.pid = process.pid"}, func(o *Options) {
		node := o.Node
		o.Node = func() (string, error) { asked++; return node() }
	})
	if asked != 0 || e.process != nil {
		t.Errorf("asked for Node.js %d times, process %v", asked, e.process)
	}
	var pids []string
	for range 2 {
		n, err := e.Value(t.Context(), "svc/f.js", []string{"pid"}, Resolver{})
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, text(n))
	}
	if asked != 1 || pids[0] != pids[1] {
		t.Errorf("asked for Node.js %d times, processes %v", asked, pids)
	}
	if _, err := os.Stat(e.process.dir.Dir); err == nil {
		t.Errorf("%q is still there", e.process.dir.Dir)
	}
}

func TestErrorsOfNode(t *testing.T) {
	none := errors.New("there is no Node.js")
	e := service(t, map[string]string{"f.js": ""}, func(o *Options) { o.Node = func() (string, error) { return "", none } })
	if _, err := e.Export(t.Context(), "svc/f.js"); !errors.Is(err, none) {
		t.Errorf("got %v", err)
	}
	e = service(t, map[string]string{"f.js": ""}, func(o *Options) { o.Node = func() (string, error) { return "/none/node", nil } })
	if _, err := e.Export(t.Context(), "svc/f.js"); err == nil || !strings.HasPrefix(err.Error(), `starting "/none/node": `) {
		t.Errorf("got %v", err)
	}
}

func TestClosedEngine(t *testing.T) {
	e := service(t, map[string]string{"f.js": "module.exports = 1"})
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if _, err := e.Export(t.Context(), "svc/f.js"); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestTimeoutLeavesOutTheResolversTime(t *testing.T) {
	e := service(t, map[string]string{"f.js": "exports.f = async ({ resolveVariable }) => [await resolveVariable('a'), await resolveVariable('b')]"},
		func(o *Options) { o.Timeout = 3 * time.Second })
	n, err := e.Value(t.Context(), "svc/f.js", []string{"f"}, Resolver{Variable: func(text string) (*doc.Node, error) {
		time.Sleep(1600 * time.Millisecond)
		return doc.NewString(text, diag.Range{}), nil
	}})
	if diff := cmp.Diff(`["a","b"]`, text(n)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
