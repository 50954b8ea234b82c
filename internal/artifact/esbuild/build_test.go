package esbuild_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/artifact/esbuild"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestHandlersRun(t *testing.T) {
	const tsconfig = `{
		// comments are allowed
		"compilerOptions": {"baseUrl": ".", "paths": {"@lib/*": ["src/lib/*"]}, "experimentalDecorators": true, "strict": true, "jsx": "react", "jsxFactory": "h"},
	}`
	tests := []struct {
		name, handler, settings string
		files                   map[string]string
		want                    string
	}{
		{"relative imports", "src/api.main", "", map[string]string{
			"src/api.ts":        `import { greet } from './lib/greet'; export const main = async (e: { name: string }) => greet(e.name)`,
			"src/lib/greet.ts":  `import { mark } from '../mark.js'; export const greet = (n: string): string => 'hello ' + n + mark`,
			"src/mark.ts":       `export const mark = '!' as const`,
			"src/lib/unused.ts": `this is not TypeScript`,
		}, `"hello you!"`},
		{"path aliases", "src/api.main", "", map[string]string{
			"tsconfig.json":    tsconfig,
			"src/api.ts":       `import { greet } from '@lib/greet'; export const main = async () => greet()`,
			"src/lib/greet.ts": `export const greet = () => 'aliased'`,
		}, `"aliased"`},
		{"decorators", "api.main", "", map[string]string{
			"tsconfig.json": tsconfig,
			"api.ts": `const log: string[] = []
function seen(target: any, key: string, d: PropertyDescriptor) { log.push(target.constructor.name + '.' + key); return d }
class Service { @seen run() { return log } }
export const main = async () => new Service().run()`,
		}, `["Service.run"]`},
		{"JSX", "page.main", "", map[string]string{
			"tsconfig.json": tsconfig,
			"page.tsx":      `const h = (tag: string, props: any, ...rest: any[]) => [tag, props, ...rest]; export const main = async () => <p id="x">{1 + 1}</p>`,
		}, `["p",{"id":"x"},2]`},
		{"enums and namespaces", "api.main", "", map[string]string{
			"api.ts": `enum Color { Red, Green = 'g' } namespace N { export const x = 3 } const enum E { A = 7 } export const main = async () => [Color[0], Color.Green, N.x, E.A]`,
		}, `["Red","g",3,7]`},
		{"JSON", "api.main", "", map[string]string{
			"api.ts": `import data from './data.json'; import { version } from './package.json'; export const main = async () => [data, version]`, "data.json": `{"a":1}`, "package.json": `{"version":"1.2.3"}`,
		}, `[{"a":1},"1.2.3"]`},
		{"text", "api.main", `{"loader": {".sql": "text"}}`, map[string]string{
			"api.ts": `import q from './q.sql'; export const main = async () => q`, "q.sql": "SELECT 1",
		}, `"SELECT 1"`},
		{"files beside the handler", "src/api.main", "", map[string]string{
			"src/api.ts":      `import { read } from './lib/read'; export const main = async () => [read(), require('path').basename(__filename)]`,
			"src/lib/read.ts": `import fs from 'fs'; import path from 'path'; export const read = () => fs.readFileSync(path.join(__dirname, 'page.html'), 'utf8')`,
			"src/page.html":   "<p>",
		}, `["<p>","api.js"]`},
		{"files beside each source", "src/api.main", `{"bundle": false}`, map[string]string{
			"src/api.ts": `import { read } from './lib/read'; export const main = async () => [read(), require('path').basename(__filename)]`,
			"src/lib/read.js": `// The directive counts only where it is first.
'use strict'
const fs = require('fs'); const path = require('path')
exports.read = () => fs.readFileSync(path.join(__dirname, 'page.html'), 'utf8') + path.basename(__filename) + (function () { return this === undefined })()`,
			"src/lib/page.html": "<p>",
		}, `["<p>read.jstrue","api.ts"]`},
		{"files beside each source of an ES module", "src/api.main", `{"bundle": false, "format": "esm"}`, map[string]string{
			"src/api.ts":        `import { read } from './lib/read'; export const main = async () => read()`,
			"src/lib/read.ts":   `import fs from 'fs'; export const read = () => fs.readFileSync(new URL('page.html', import.meta.url), 'utf8')`,
			"src/lib/page.html": "<p>",
		}, `"<p>"`},
		{"a name of the source's own", "src/api.main", `{"bundle": false}`, map[string]string{
			"src/api.ts": `const __dirname = 'mine'; export const main = async () => __dirname`,
		}, `"mine"`},
		{"assets", "src/api.main", `{"loader": {".png": "file", ".bin": "copy"}}`, map[string]string{
			"src/api.ts":       `import fs from 'fs'; import path from 'path'; import logo from './img/logo.png'; export const main = async () => [logo, fs.readFileSync(path.join(__dirname, logo), 'utf8')]`,
			"src/img/logo.png": "PNG",
		}, `["./img/logo.png","PNG"]`},
		{"handler in a folder's index", "src/api.main", "", map[string]string{
			"src/api/index.ts": `import { x } from './x'; export const main = async () => x`, "src/api/x.ts": `export const x = __dirname.endsWith('src')`,
		}, `true`},
		{"a variable is required", "src/api.main", "", map[string]string{
			"src/api.ts":                `const name = ['de', 'p'].join(''); export const main = async () => require(name)`,
			"node_modules/dep/index.js": `module.exports = 'found'`,
		}, `"found"`},
		{"a blank and a hash in names", "src/api.main", "", map[string]string{
			"src/api.ts": `import x from './a b#c'; export const main = async () => x`, "src/a b#c.ts": `export default 1`,
		}, `1`},
		{"strict mode", "api.main", "", map[string]string{
			"tsconfig.json": tsconfig, "api.ts": `export const main = async () => { try { eval('undeclared = 1'); return 'sloppy' } catch (e) { return 'strict' } }`,
		}, `"strict"`},
		{"no strict mode", "api.main", "", map[string]string{
			"api.js": `exports.main = async () => { undeclared = 1; return 'sloppy' }`,
		}, `"sloppy"`},
		{"package.json's type", "src/api.main", "", map[string]string{
			"package.json": `{"type": "module"}`,
			"src/api.ts":   `const x = await Promise.resolve(5); export const main = async () => [x, typeof __dirname, import.meta.url.split('/').slice(-2)]`,
		}, `[5,"undefined",["src","api.js"]]`},
		{".mts", "api.main", "", map[string]string{"api.mts": `await 0; export const main = async () => 'module'`}, `"module"`},
		{".cts in a module", "api.main", "", map[string]string{
			"package.json": `{"type": "module"}`, "api.cts": `export const main = async () => typeof require`,
		}, `"function"`},
		{"files of an ES module", "src/api.main", `{"format": "esm"}`, map[string]string{
			"src/api.ts":    `import fs from 'fs'; export const main = async () => fs.readFileSync(new URL('page.html', import.meta.url), 'utf8')`,
			"src/page.html": "<p>",
		}, `"<p>"`},
		{
			"require in an ES module's banner", "src/api.main",
			`{"format": "esm", "outExtension": {".js": ".mjs"}, "banner": {"js": "import { createRequire } from 'module'; const require = createRequire(import.meta.url);"}}`,
			map[string]string{
				"src/api.ts":                `import old from 'old'; export const main = async () => [old, require('dep')]`,
				"node_modules/old/index.js": `module.exports = require('path').sep.length`, "node_modules/dep/index.js": `module.exports = 'found'`,
			},
			`[1,"found"]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := write(t, tt.files)
			r, _ := build(t, s.options(tt.handler, tt.settings))
			for _, runtime := range []string{"nodejs20.x", "nodejs24.x"} {
				if got := invoke(t, r, runtime); got != tt.want {
					t.Errorf("%s: %s, want %s", runtime, got, tt.want)
				}
			}
		})
	}
}

// dependency is a package that tells how it was loaded; b is a package of its
// own, a module where it is imported.
var dependencies = map[string]string{
	"node_modules/dep/package.json":        `{"name": "dep", "main": "main.js", "module": "bundlers.js"}`,
	"node_modules/dep/main.js":             `module.exports = 'main of ' + __filename.split('/').slice(-3).join('/')`,
	"node_modules/dep/bundlers.js":         `export default 'for bundlers'`,
	"node_modules/dep/sub.js":              `exports.sub = 'sub'`,
	"node_modules/@org/dual/package.json":  `{"name": "@org/dual", "exports": {".": {"module": "./b.mjs", "import": "./i.mjs", "require": "./r.cjs"}, "./x": "./x.cjs"}}`,
	"node_modules/@org/dual/i.mjs":         `export default 'imported ' + import.meta.url.split('/').pop()`,
	"node_modules/@org/dual/r.cjs":         `module.exports = 'required ' + __filename.split('/').pop()`,
	"node_modules/@org/dual/b.mjs":         `export default 'bundled'`,
	"node_modules/@org/dual/x.cjs":         `module.exports = 'x'`,
	"node_modules/@aws-sdk/x/package.json": `{"name": "@aws-sdk/x", "main": "x.js"}`,
	"node_modules/@aws-sdk/x/x.js":         `exports.sdk = 'sdk ' + __filename.split('/').pop()`,
}

func TestPackages(t *testing.T) {
	const (
		three    = `import dep from 'dep'; import { sub } from 'dep/sub.js'; import dual from '@org/dual'; import x from '@org/dual/x'; import { sdk } from '@aws-sdk/x'; export const main = async () => [dep, sub, dual, x, sdk]`
		external = `"external": ["dep", "@org/*"]`
		real     = `["main of node_modules/dep/main.js","sub","required r.cjs","x","sdk x.js"]`
		module   = `["main of node_modules/dep/main.js","sub","imported i.mjs","x","sdk x.js"]`
	)
	tests := []struct {
		name, at, settings, source, want string
		lacks                            string // of the bundle
	}{
		{"bundled", "", `{"exclude": []}`, `import { sub } from 'dep/sub.js'; import { sdk } from '@aws-sdk/x'; export const main = async () => [sub, sdk.slice(0, 3)]`, `["sub","sdk"]`, "createRequire(\"/x"},
		{"external", "", `{` + external + `}`, three, real, "for bundlers"},
		{"external, though the settings are for bundling", "", `{` + external + `, "mainFields": ["module", "main"], "conditions": ["module"]}`, three, real, "for bundlers"},
		{"external to an ES module", "", `{"format": "esm", ` + external + `}`, three, module, "for bundlers"},
		{"external to an ES module, though the settings are for bundling", "", `{"format": "esm", "mainFields": ["module", "main"], "conditions": ["module"], ` + external + `}`, three, module, "for bundlers"},
		{"all external", "", `{"packages": "external"}`, three, real, "for bundlers"},
		{"all external to an ES module", "", `{"packages": "external", "format": "esm"}`, three, module, "for bundlers"},
		{"each source by itself", "", `{"bundle": false}`, three, real, "for bundlers"},
		{"hoisted two folders up", "services/api", `{` + external + `}`, three, real, "for bundlers"},
		{"hoisted two folders up, of an ES module", "services/api", `{"format": "esm", ` + external + `}`, three, module, "for bundlers"},
		{"imported when it runs", "", `{` + external + `}`, `export const main = async () => [(await import('@org/dual')).default, require.resolve('dep').endsWith('dep/main.js')]`, `["imported i.mjs",true]`, "bundled"},
		{"by another name", "", `{"alias": {"other": "dep"}, ` + external + `}`, `import dep from 'other'; export const main = async () => dep`, `"main of node_modules/dep/main.js"`, "for bundlers"},
		{"by another name in an ES module", "", `{"format": "esm", "alias": {"other": "dep"}, ` + external + `}`, `import dep from 'other'; export const main = async () => dep`, `"main of node_modules/dep/main.js"`, "for bundlers"},
		{"Node.js's own", "", `{"packages": "external"}`, `import fs from 'fs'; import p from 'node:path'; import { setTimeout as s } from 'timers/promises'; export const main = async () => [typeof fs.readFile, p.sep.length, typeof s]`, `["function",1,"function"]`, "\x00"},
		{"Node.js's own in an ES module", "", `{"packages": "external", "format": "esm"}`, `import fs from 'fs'; import p from 'node:path'; export const main = async () => [typeof fs.readFile, p.sep.length]`, `["function",1]`, "\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := write(t, dependencies)
			s.at = tt.at
			testenv.WriteFiles(t, s.dir, map[string]string{filepath.Join(tt.at, "src/api.ts"): tt.source})
			r, _ := build(t, s.options("src/api.main", tt.settings))
			if got := invoke(t, r, "nodejs20.x"); got != tt.want {
				t.Errorf("result %s, want %s", got, tt.want)
			}
			if text := code(t, r); strings.Contains(text, tt.lacks) {
				t.Errorf("the bundle holds %q:\n%s", tt.lacks, text)
			}
		})
	}
}

func TestPackagesThroughLinks(t *testing.T) {
	for _, format := range []string{"cjs", "esm"} {
		t.Run(format, func(t *testing.T) {
			s := write(t, map[string]string{
				"api.ts": `import outer from 'outer'; import { lib } from '@ws/lib'; export const main = async () => [outer, lib]`,
				"node_modules/.pnpm/outer@1/node_modules/outer/index.js": `module.exports = 'outer with ' + require('inner')`,
				"node_modules/.pnpm/inner@2/node_modules/inner/index.js": `module.exports = 'inner 2'`,
				"packages/lib/package.json":                              `{"name": "@ws/lib", "main": "lib.ts"}`,
				"packages/lib/lib.ts":                                    `import inner from 'inner'; export const lib: string = 'lib with ' + inner`,
				"packages/lib/node_modules/inner/index.js":               `module.exports = 'inner 1'`,
			})
			for link, target := range map[string]string{
				"node_modules/outer":                            ".pnpm/outer@1/node_modules/outer",
				"node_modules/.pnpm/outer@1/node_modules/inner": "../../inner@2/node_modules/inner",
				"node_modules/@ws/lib":                          "../../packages/lib",
			} {
				link = filepath.Join(s.dir, link)
				if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(target, link); err != nil {
					t.Skip(err)
				}
			}
			for _, settings := range []string{`{"format": "` + format + `"}`, `{"format": "` + format + `", "external": ["outer", "inner"]}`} {
				r, _ := build(t, s.options("api.main", settings))
				if got, want := invoke(t, r, "nodejs20.x"), `["outer with inner 2","lib with inner 1"]`; got != want {
					t.Errorf("%s: %s, want %s", settings, got, want)
				}
			}
		})
	}
}

func TestImportInTheCommonJSOfOldNodes(t *testing.T) {
	s := write(t, dependencies)
	testenv.WriteFiles(t, s.dir, map[string]string{"api.ts": `export const main = async () => [(await import('@org/dual')).default, (await import('./conf.js')).default.a]`, "conf.js": `exports.a = 1`})
	o := s.options("api.main", `{"external": ["@org/*", "./conf.js"]}`)
	o.Runtime = "nodejs12.x"
	r, _ := build(t, o)
	if got, want := invoke(t, r, "nodejs12.x"), `["required r.cjs",1]`; got != want {
		t.Errorf("result %s, want %s", got, want)
	}
}

func TestFilesThatAreNotBundled(t *testing.T) {
	for _, format := range []string{"cjs", "esm"} {
		for _, pattern := range []string{"./conf.cjs", "*.cjs", "./src/conf.cjs"} {
			s := write(t, map[string]string{
				"src/api.ts":   `import conf from './conf.cjs'; export const main = async () => [conf.at, (await import('./conf.cjs')).default.at]`,
				"src/conf.cjs": `exports.at = __filename`,
			})
			r, _ := build(t, s.options("src/api.main", `{"format": "`+format+`", "external": ["`+pattern+`"]}`))
			at := strconv.Quote(filepath.Join(s.dir, "src", "conf.cjs"))
			if got, want := invoke(t, r, "nodejs20.x"), "["+at+","+at+"]"; got != want {
				t.Errorf("%s, %s: %s, want %s\n%s", format, pattern, got, want, code(t, r))
			}
		}
	}
}

func TestPackageThatIsNotInstalled(t *testing.T) {
	s := write(t, map[string]string{"src/api.ts": `import x from 'nowhere'; export const main = async () => x`})
	r, _ := build(t, s.options("src/api.main", `{"external": ["nowhere"]}`))
	got := invoke(t, r, "nodejs20.x")
	for _, want := range []string{"init/error", "Runtime.ImportModuleError", "Cannot find module 'nowhere'", filepath.Join(s.dir, "src", "api.ts")} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	r, _ = build(t, s.options("src/api.main", `{"external": ["nowhere"], "format": "esm"}`))
	if got := invoke(t, r, "nodejs20.x"); !strings.Contains(got, "Cannot find package 'nowhere'") {
		t.Errorf("of an ES module: %s", got)
	}
}

func TestNativeAddonsStayWhereTheyAre(t *testing.T) {
	s := write(t, map[string]string{"src/api.ts": `export const main = async () => { try { require('../native/x.node') } catch (e: any) { return e.message } }`, "native/x.node": "no library"})
	r, _ := build(t, s.options("src/api.main", ""))
	if got := invoke(t, r, "nodejs20.x"); !strings.Contains(got, filepath.Join(s.dir, "native", "x.node")) {
		t.Errorf("result %s", got)
	}
}

func TestErrorsNameTheSource(t *testing.T) {
	const source = "interface Event { name: string }\n\nclass Refused extends Error { name = this.constructor.name }\n\nexport const main = async (e: Event) => {\n  throw new Refused(e.name)\n}\n"
	for _, settings := range []string{"", `{"format": "esm"}`, `{"bundle": false}`, `{"sourcemap": "inline"}`, `{"minify": true, "keepNames": true}`, `{"sourcesContent": true}`} {
		s := write(t, map[string]string{"src/api.ts": source, "tsconfig.json": `{"compilerOptions": {"strict": true}}`})
		r, _ := build(t, s.options("src/api.main", settings))
		if want := []string{"NODE_OPTIONS=--enable-source-maps"}; len(r.Env) != 1 || r.Env[0] != want[0] {
			t.Errorf("environment %v", r.Env)
		}
		got := invoke(t, r, "nodejs20.x")
		for _, want := range []string{`"errorType":"Refused"`, `"errorMessage":"you"`, filepath.Join(s.dir, "src", "api.ts") + ":6:9"} {
			if !strings.Contains(got, want) {
				t.Errorf("settings %s: no %q in %s", settings, want, got)
			}
		}
	}
}

func TestSourceMapsAreLeftOut(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `export const main = async () => 1`})
	for _, settings := range []string{`{"sourcemap": false}`, `{"sourcemap": "external"}`, `{"sourcemap": {"type": "linked"}}`, `{"sourcemap": {"setNodeOptions": false}}`} {
		if r, _ := build(t, s.options("api.main", settings)); len(r.Env) > 0 {
			t.Errorf("%s: environment %v", settings, r.Env)
		}
	}
	if r, _ := build(t, s.options("api.main", `{"sourcemap": {"type": "inline", "setNodeOptions": true}}`)); len(r.Env) != 1 || !strings.Contains(code(t, r), "sourceMappingURL=data:") {
		t.Errorf("inline: environment %v", r.Env)
	}
}

func TestSource(t *testing.T) {
	s := write(t, map[string]string{
		"src/api.ts": "", "src/both.ts": "", "src/both.js": "", "src/old.js": "", "src/page.jsx": "", "src/m.mts": "",
		"src/dir/index.ts": "", "src/plain/index.js": "", "dots.get.ts": "",
	})
	tests := []struct {
		handler, file string
		needed        bool
	}{
		{"src/api.main", "src/api.ts", true},
		{"./src/api.main", "src/api.ts", true},
		{"src/api.nested.main", "src/api.ts", true},
		{"src/both.main", "src/both.ts", false},
		{"src/old.main", "src/old.js", false},
		{"src/page.main", "src/page.jsx", true},
		{"src/m.main", "src/m.mts", true},
		{"src/dir.main", "src/dir/index.ts", true},
		{"src/plain.main", "src/plain/index.js", false},
		{"src/none.main", "", false},
		{"dots.get.main", "", false},
		{"src/api", "", false},
		{"../x.main", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		file, needed := esbuild.Source(s.dir, tt.handler)
		want := tt.file
		if want != "" {
			want = filepath.Join(s.dir, want)
		}
		if file != want || needed != tt.needed {
			t.Errorf("%q: %s, %v; want %s, %v", tt.handler, file, needed, want, tt.needed)
		}
	}
}
