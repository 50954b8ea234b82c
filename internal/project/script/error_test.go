package script

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

func TestErrorsNameTheLine(t *testing.T) {
	e := service(t, map[string]string{
		"throws.js":                 "const a = 1;\n\nthrow new TypeError('no stage\\nsecond line');",
		"rejects.js":                "async function load() {\n  await null;\n  throw new Error('late');\n}\nmodule.exports = load();",
		"function.js":               "module.exports = () => {\n  return undefined.stage;\n};",
		"text.js":                   "throw 'just a text'",
		"null.mjs":                  "export default Promise.reject(null)",
		"object.js":                 "module.exports = Promise.reject({ code: 7 })",
		"hostile.js":                "module.exports = Promise.reject({ get name() { throw new Error('x'); } })",
		"long.js":                   "module.exports = 1;\n" + strings.Repeat("const f = () => 1;\n", 0) + "require('./lib/deep').go(40);",
		"lib/deep.js":               "exports.go = (n) => n > 0 ? exports.go(n - 1) : fail();\nfunction fail() { throw new Error('deep'); }",
		"syntax.js":                 "const a = 1;\nconst b = {;\n",
		"syntax.mjs":                "const a = 1;\nexport default {;\n",
		"imports.mjs":               "import './syntax.mjs'",
		"noexport.mjs":              "\nimport { none } from './default.mjs'; export default none",
		"default.mjs":               "export default 1",
		"syntax.ts":                 "const a: number = 1;\nconst ä = {;\n",
		"throws.ts":                 "interface A {\n  b: string;\n}\n\nexport default (): A => {\n  throw new Error('typed');\n};",
		"throws.mts":                "type A = string;\n\nawait null;\nthrow new Error('module');",
		"relative.ts":               "\nimport { go } from './lib/typed';\nexport default () => go();",
		"lib/typed.ts":              "type A = {\n  a: 1;\n};\nexport const go = (): A => {\n  throw new Error('in lib');\n};",
		"missing.js":                "\nconst x = require('@scope/none/sub');",
		"missing.mjs":               "import 'none-such'",
		"missing.ts":                "import x from 'none-such';\nexport default x;",
		"missinglib.js":             "require('./none')",
		"missinglib.ts":             "\nimport x from './none';\nexport default x;",
		"package.js":                "const p = require('pkg');\nmodule.exports = () => p();",
		"node_modules/pkg/index.js": "module.exports = () => { throw new Error('in a package'); }",
		"timer.js":                  "module.exports = new Promise(() => {\n  setTimeout(() => { throw new Error('in a timer'); }, 1);\n});",
		"background.js":             "module.exports = new Promise((r) => {\n  (async () => { throw new Error('unseen'); })().then(r);\n});",
		"unsettled.js":              "module.exports = new Promise(() => {})",
		"unsettled.mjs":             "await new Promise(() => {}); export default 1",
		"cycle.js":                  "const a = { b: { c: [1, {}] } }; a.b.c[1].d = a.b; module.exports = a",
		"bigint.js":                 "module.exports = { list: [{ n: 1 }, { n: 1n }] }",
		"root.js":                   "module.exports = 1n",
		"class.js":                  "module.exports = class A {}",
		"deep.js":                   "let a = {}; const top = a; for (let i = 0; i < 100000; i++) { a.a = {}; a = a.a; } module.exports = top",
		"tojson.js":                 "module.exports = {\n  toJSON() { throw new Error('no'); } }",
		"exit.js":                   "\n\nprocess.exit(3);",
		"exit.ts":                   "type A = string;\nfunction leave(): void {\n  process.exit(0);\n}\nleave();",
	})
	tests := []struct{ file, code, at, summary, hint string }{
		{"throws.js", "script-error", "svc/throws.js:3:7", `"svc/throws.js" failed: TypeError: no stage`, ""},
		{"rejects.js", "script-error", "svc/rejects.js:3:9", `"svc/rejects.js" failed: Error: late`, ""},
		{"function.js", "script-error", "svc/function.js:2:20", `"svc/function.js" failed: TypeError: Cannot read properties of undefined (reading 'stage')`, ""},
		{"text.js", "script-error", "svc/text.js", `"svc/text.js" failed: 'just a text'`, ""},
		{"null.mjs", "script-error", "svc/null.mjs", `"svc/null.mjs" failed: null`, ""},
		{"object.js", "script-error", "svc/object.js", `"svc/object.js" failed: { code: 7 }`, ""},
		{"hostile.js", "script-error", "svc/hostile.js", `"svc/hostile.js" failed: { name: [Getter] }`, ""},
		{"long.js", "script-error", "svc/lib/deep.js:2:25", `"svc/long.js" failed: Error: deep`, ""},
		{"syntax.js", "script-syntax", "svc/syntax.js:2:12", `"svc/syntax.js" failed: SyntaxError: Unexpected token ';'`, ""},
		{"syntax.mjs", "script-syntax", "svc/syntax.mjs:2:17", `"svc/syntax.mjs" cannot be read: Expected identifier but found ";"`, ""},
		{"imports.mjs", "script-syntax", "svc/syntax.mjs:2:17", `"svc/imports.mjs" cannot be read: Expected identifier but found ";"`, ""},
		{"noexport.mjs", "script-syntax", "svc/noexport.mjs:2:10", `"svc/noexport.mjs" failed: SyntaxError: The requested module './default.mjs' does not provide an export named 'none'`, ""},
		{"syntax.ts", "script-syntax", "svc/syntax.ts:2:12", `"svc/syntax.ts" cannot be read: Expected identifier but found ";"`, ""},
		{"throws.ts", "script-error", "svc/throws.ts:6:9", `"svc/throws.ts" failed: Error: typed`, ""},
		{"throws.mts", "script-error", "svc/throws.mts:4:7", `"svc/throws.mts" failed: Error: module`, ""},
		{"relative.ts", "script-error", "svc/lib/typed.ts:5:9", `"svc/relative.ts" failed: Error: in lib`, ""},
		{"missing.js", "script-module", "svc/missing.js:2:11", `"svc/missing.js" failed: Error: Cannot find module '@scope/none/sub'`, "install it in the service's folder: npm install @scope/none"},
		{"missing.mjs", "script-module", "svc/missing.mjs", `"svc/missing.mjs" failed: Error: Cannot find package 'none-such' imported from DIR/missing.mjs`, "install it in the service's folder: npm install none-such"},
		{"missing.ts", "script-module", "svc/missing.ts:1:15", `"svc/missing.ts" failed: Error: Cannot find module 'none-such'`, "install it in the service's folder: npm install none-such"},
		{"missinglib.js", "script-module", "svc/missinglib.js:1:1", `"svc/missinglib.js" failed: Error: Cannot find module './none'`, "is the path right? An import of an ES module needs the file's ending"},
		{"missinglib.ts", "script-module", "svc/missinglib.ts:2:15", `"svc/missinglib.ts" cannot be read: Could not resolve "./none"`, ""},
		{"package.js", "script-error", "svc/package.js:2:24", `"svc/package.js" failed: Error: in a package`, ""},
		{"timer.js", "script-error", "svc/timer.js:2:28", `"svc/timer.js" failed: Error: in a timer`, ""},
		{"background.js", "script-error", "svc/background.js:2:24", `"svc/background.js" failed: Error: unseen`, ""},
		{"unsettled.js", "script-unsettled", "svc/unsettled.js", `"svc/unsettled.js" waits for a promise that nothing can settle any more`, "see that every promise is resolved or rejected, also where something fails"},
		{"unsettled.mjs", "script-unsettled", "svc/unsettled.mjs", `"svc/unsettled.mjs" waits for a promise that nothing can settle any more`, "see that every promise is resolved or rejected, also where something fails"},
		{"cycle.js", "script-value", "svc/cycle.js", `"svc/cycle.js" gives a value that contains itself, at "b.c.1.d"`, ""},
		{"bigint.js", "script-value", "svc/bigint.js", `"svc/bigint.js" gives a BigInt, which JSON cannot hold, at "list.1.n"`, ""},
		{"root.js", "script-value", "svc/root.js", `"svc/root.js" gives a BigInt, which JSON cannot hold`, ""},
		{"class.js", "script-value", "svc/class.js", `"svc/class.js" gives a function, which JSON cannot hold`, ""},
		{"deep.js", "script-value", "svc/deep.js", `"svc/deep.js" gives a value that is nested deeper than 1000 levels, at "a.a.a.a.a.a.a.a.a.a"`, ""},
		{"tojson.js", "script-error", "svc/tojson.js:2:20", `"svc/tojson.js" failed: Error: no`, ""},
		{"exit.js", "script-exit", "svc/exit.js:3:9", `"svc/exit.js" ended Node.js with exit status 3`, "give a value, or throw an error that says what is wrong"},
		{"exit.ts", "script-exit", "svc/exit.ts:3:11", `"svc/exit.ts" ended Node.js with exit status 0`, "give a value, or throw an error that says what is wrong"},
		{"none.js", "script-read", "svc/none.js", `reading "svc/none.js": no such file or directory`, ""},
		{"lib", "script-read", "svc/lib", `reading "svc/lib": it is not a regular file`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			n, err := e.Export(t.Context(), "svc/"+tt.file)
			found, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %s, %v", text(n), err)
			}
			real, _ := filepath.EvalSymlinks("svc")
			real, _ = filepath.Abs(real)
			got := []string{found.Code, filepath.ToSlash(found.Range.String()), strings.ReplaceAll(found.Summary, real, "DIR"), found.Hint}
			if diff := cmp.Diff([]string{tt.code, tt.at, tt.summary, tt.hint}, got); diff != "" {
				t.Errorf("(-want +got):\n%s\nstack: %s", diff, found.Stack)
			}
			if strings.Contains(found.Stack, hostName) || strings.Contains(found.Stack, "node:internal") {
				t.Errorf("the stack shows what is not the user's:\n%s", found.Stack)
			}
		})
	}
}

func TestStackAndDetail(t *testing.T) {
	e := service(t, map[string]string{"a.js": "const f = () => { throw new Error('one\\ntwo'); };\nfunction g() { f(); }\nmodule.exports = async () => g();"})
	_, err := e.Export(t.Context(), "svc/a.js")
	found, ok := errors.AsType[*Error](err)
	if !ok || found.Detail != "two" {
		t.Fatalf("got %v", err)
	}
	real, _ := filepath.EvalSymlinks("svc")
	real, _ = filepath.Abs(real)
	want := "Error: one\ntwo\n    at f (DIR/a.js:1:25)\n    at g (DIR/a.js:2:16)\n    at module.exports (DIR/a.js:3:30)"
	if diff := cmp.Diff(want, strings.ReplaceAll(found.Stack, real, "DIR")); diff != "" {
		t.Errorf("stack (-want +got):\n%s", diff)
	}
}

func TestFunctionsOfEarlierVersionsAreExplained(t *testing.T) {
	e := service(t, map[string]string{"f.js": `
exports.stage = (serverless) => serverless.service.provider.stage;
exports.provider = async (serverless) => serverless.getProvider('aws').getStage();
exports.keys = (given) => Object.keys(given).length;
exports.broken = () => undefined.stage;`})
	for address, old := range map[string]bool{"stage": true, "provider": true, "broken": false} {
		_, err := e.Value(t.Context(), "svc/f.js", []string{address}, Resolver{})
		found, ok := errors.AsType[*Error](err)
		if !ok || strings.HasPrefix(found.Hint, "since version 3 of the framework a function gets {options,") != old {
			t.Errorf("%s: got %v, hint %q", address, err, found.Hint)
		}
	}
	if n, err := e.Value(t.Context(), "svc/f.js", []string{"keys"}, Resolver{}); err != nil || text(n) != "3" {
		t.Errorf("got %s, %v", text(n), err)
	}
}

// TestWhatEndsTheProcess sees that the next question finds a new one.
func TestWhatEndsTheProcess(t *testing.T) {
	e := service(t, map[string]string{
		"good.js":  "module.exports = 'fine'",
		"loop.js":  "while (true) {}",
		"timer.js": "module.exports = new Promise(() => setInterval(() => {}, 1000))",
		"stray.js": "module.exports = new Promise((r) => {\n  setInterval(() => {}, 1000);\n  (async () => { throw new Error('unseen'); })().then(r);\n})",
		"crash.js": "process.kill(process.pid, 'SIGKILL'); while (true) {}",
		"abort.js": "exports.f = async ({ resolveVariable }) => { await resolveVariable('x'); process.abort(); }",
	}, func(o *Options) { o.Timeout = 3 * time.Second })
	good := func() {
		t.Helper()
		if n, err := e.Export(t.Context(), "svc/good.js"); err != nil || text(n) != `"fine"` {
			t.Fatalf("afterwards: %s, %v", text(n), err)
		}
	}
	for _, file := range []string{"svc/loop.js", "svc/timer.js"} {
		_, err := e.Export(t.Context(), file)
		if want := fmt.Sprintf("%s: %q gave no value within 3s", file, file); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		good()
		if _, again := e.Export(t.Context(), file); again != err { // the very same: it is not waited for twice
			t.Errorf("%s, a second time: %v", file, again)
		}
	}
	_, err := e.Export(t.Context(), "svc/stray.js")
	if want := `svc/stray.js:3:24: "svc/stray.js" failed: Error: unseen`; err == nil || filepath.ToSlash(err.Error()) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	good()
	_, err = e.Export(t.Context(), "svc/crash.js")
	if err == nil || runtime.GOOS != "windows" && err.Error() != `svc/crash.js: "svc/crash.js" made Node.js end: signal: killed` {
		t.Errorf("got %v", err)
	}
	good()
	_, err = e.Value(t.Context(), "svc/abort.js", []string{"f"}, answers(nil))
	if err == nil || !strings.Contains(err.Error(), `"svc/abort.js" made Node.js end`) {
		t.Errorf("got %v", err)
	}
	good()
}

func TestNodeThatCannotStart(t *testing.T) {
	e := service(t, map[string]string{"f.js": ""}, func(o *Options) {
		o.Env = func() map[string]string { return map[string]string{"NODE_OPTIONS": "--no-such-option"} }
	})
	_, err := e.Export(t.Context(), "svc/f.js")
	if found, ok := errors.AsType[*Error](err); !ok || !strings.Contains(found.Detail, "--no-such-option is not allowed in NODE_OPTIONS") {
		t.Errorf("got %v", err)
	}
}

func TestFoldersWithOddNames(t *testing.T) {
	for _, dir := range []string{"with space (1)", "ünï", "a#b%20c"} {
		t.Run(dir, func(t *testing.T) {
			files := map[string]string{}
			for name, text := range map[string]string{
				"f.js": "\nexports.f = () => { throw new Error('x'); }", "f.mjs": "\nexport const f = () => { throw new Error('x'); }",
				"f.ts": "\nexport const f = () => { throw new Error('x'); }", "f.mts": "\nexport const f = () => { throw new Error('x'); }",
				"at.ts": "import { fileURLToPath } from 'url'; export const f = () => fileURLToPath(import.meta.url) === __filename",
			} {
				files[dir+"/"+name] = text
			}
			e := service(t, files)
			for _, name := range []string{"f.js", "f.mjs", "f.ts", "f.mts"} {
				_, err := e.Value(t.Context(), filepath.Join("svc", dir, name), []string{"f"}, Resolver{})
				if found, ok := errors.AsType[*Error](err); !ok || found.Range.Start.Line != 2 || found.Range.File != filepath.Join("svc", dir, name) {
					t.Errorf("%s: got %v", name, err)
				}
			}
			if n, err := e.Value(t.Context(), filepath.Join("svc", dir, "at.ts"), []string{"f"}, Resolver{}); err != nil || text(n) != "true" {
				t.Errorf("at.ts: got %s, %v", text(n), err)
			}
		})
	}
}

func TestExitWithinAnotherQuestion(t *testing.T) {
	e := service(t, map[string]string{
		"a.js": "exports.f = async ({ resolveVariable }) => resolveVariable('b')",
		"b.js": "exports.f = () => process.exit(5)",
	})
	_, err := e.Value(t.Context(), "svc/a.js", []string{"f"}, Resolver{Variable: func(string) (*doc.Node, error) {
		return e.Value(t.Context(), "svc/b.js", []string{"f"}, Resolver{})
	}})
	if found, ok := errors.AsType[*Error](err); !ok || found.Code != "script-exit" || found.Range.Start.Line != 1 {
		t.Errorf("got %v", err)
	}
}

func TestContextEndsAQuestion(t *testing.T) {
	for name, script := range map[string]string{"loop": "while (true) {}", "wait": "module.exports = new Promise(() => setInterval(() => {}, 1000))"} {
		t.Run(name, func(t *testing.T) {
			printed := &output{}
			e := service(t, map[string]string{"f.js": "process.stderr.write('started');" + script, "good.js": "module.exports = 1"},
				func(o *Options) { o.Output = printed })
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := e.Export(ctx, "svc/f.js")
				done <- err
			}()
			for printed.String() == "" {
				time.Sleep(time.Millisecond)
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if _, err := e.Export(ctx, "svc/good.js"); !errors.Is(err, context.Canceled) {
				t.Errorf("with a context that has ended: %v", err)
			}
			if n, err := e.Export(t.Context(), "svc/good.js"); err != nil || text(n) != "1" {
				t.Errorf("afterwards: %s, %v", text(n), err)
			}
		})
	}
}

func TestCloseEndsWhatScriptsKeepOpen(t *testing.T) {
	e := service(t, map[string]string{"f.js": `
setInterval(() => {}, 1000);
require('net').createServer().listen(0, '127.0.0.1');
const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
exports.child = child.pid;
exports.never = () => new Promise(() => {});`}, func(o *Options) { o.Output = &output{} })
	n, err := e.Value(t.Context(), "svc/f.js", []string{"child"}, Resolver{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := e.Value(t.Context(), "svc/f.js", []string{"never"}, Resolver{})
		done <- err
	}()
	for open := 0; open < 1; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		p := e.process
		e.mu.Unlock()
		p.mu.Lock()
		open = len(p.calls)
		p.mu.Unlock()
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("the open question got %v", err)
	}
	if runtime.GOOS == "linux" && alive(n.JSON()) {
		t.Errorf("process %s, which the script has started, still runs", n.JSON())
	}
}

// alive reports whether a process runs; one that only waits to be reaped does not.
func alive(pid string) bool {
	data, err := filepath.Glob("/proc/" + pid + "/exe")
	if err != nil || len(data) == 0 {
		return false
	}
	_, err = filepath.EvalSymlinks(data[0])
	return err == nil
}

// TestOutputStaysOutOfTheChannel runs over both kinds of channel. That of
// Windows has what started programs print in it.
func TestOutputStaysOutOfTheChannel(t *testing.T) {
	for _, stdio := range []bool{false, true} {
		t.Run(fmt.Sprintf("stdio %v", stdio), func(t *testing.T) {
			printed := &output{}
			e := service(t, map[string]string{
				"config.js": `
console.log('from log'); console.error('from error'); process.stdout.write('no line end');
require('child_process').execFileSync(process.execPath, ['-e', 'console.log("from a child")'], { stdio: 'inherit' });
module.exports = { text: 'x\u001e{"id":1}\u001f\n', from: 'config' };`,
				"t.ts": "console.log('from TypeScript'); export const f = async ({ resolveVariable }: any) => { console.log('before'); return resolveVariable('a') }",
			}, func(o *Options) { o.Output = printed })
			e.stdio = stdio
			n, err := e.Export(t.Context(), "svc/config.js")
			if want := `{"text":"x\u001e{\"id\":1}\u001f\n","from":"config"}`; err != nil || text(n) != want {
				t.Errorf("got %s, %v, want %s", text(n), err, want)
			}
			if n, err := e.Value(t.Context(), "svc/t.ts", []string{"f"}, answers(map[string]string{"variable a": `"A"`})); err != nil || text(n) != `"A"` {
				t.Errorf("got %s, %v", text(n), err)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			got := strings.Split(strings.TrimSpace(printed.String()), "\n")
			want := []string{"from log", "from error", "no line endfrom a child", "from TypeScript", "before"}
			if stdio { // the child's output goes the other way
				got, want = sortedWords(got), sortedWords(want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

func sortedWords(lines []string) []string {
	count := map[rune]int{}
	for _, r := range strings.Join(lines, "") {
		count[r]++
	}
	var words []string
	for r, n := range count {
		words = append(words, fmt.Sprintf("%c%d", r, n))
	}
	slices.Sort(words)
	return words
}

func TestWarningsOfWaysToLoadAreNotShown(t *testing.T) {
	printed := &output{}
	e := service(t, map[string]string{
		"untyped.js":         "export default 1",
		"typed/c.js":         "export default 1",
		"typed/package.json": `{"type": "module"}`,
		"t.mts":              "await null; export default 1 as number",
		"own.js":             "process.emitWarning('mind the gap'); module.exports = 1",
	}, func(o *Options) { o.Output = printed })
	for _, file := range []string{"untyped.js", "typed/c.js", "t.mts", "own.js"} {
		if n, err := e.Export(t.Context(), "svc/"+file); err != nil || text(n) != "1" {
			t.Errorf("%s: %s, %v", file, text(n), err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if said := printed.String(); strings.Count(said, "Warning") != 1 || !strings.Contains(said, "Warning: mind the gap") {
		t.Errorf("printed %q", said)
	}
}
