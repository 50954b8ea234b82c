package esbuild_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/artifact/esbuild"
	"github.com/lambkin-dev/lambkin/internal/diag"
)

// effect is a setting and what the bundle of a source has with it, and has not
// without it; where it begins with "-" it is the other way round.
type effect struct {
	settings, source, has string
	without               string // the settings to compare with, "" for none
}

var effects = []effect{
	{`{"alias": {"a": "dep"}}`, `try { require('a') } catch {}`, `"the dep"`, ""},
	{`{"banner": {"js": "/* banner */"}}`, ``, `/* banner */`, ""},
	{`{"bundle": false}`, `import 'dep'`, `-"the dep"`, ""},
	{`{"charset": "utf8"}`, `export const a = 'é'`, `é`, ""},
	{`{"conditions": ["own"]}`, `import 'conditional'`, `"own condition"`, ""},
	{`{"define": {"A": "\"defined\""}}`, `export const a = A`, `"defined"`, ""},
	{`{"drop": ["console"]}`, `console.log('dropped')`, `-"dropped"`, ""},
	{`{"dropLabels": ["DEV"]}`, `DEV: globalThis.x = 'dropped'`, `-"dropped"`, ""},
	{`{"external": ["dep"]}`, `import 'dep'`, `-"the dep"`, ""},
	{`{"footer": {"js": "/* footer */"}}`, ``, `/* footer */`, ""},
	{`{"format": "esm"}`, `export const a = 1`, `export {`, ""},
	{`{"ignoreAnnotations": true}`, `/* @__PURE__ */ Object('annotated')`, `"annotated"`, ""},
	{`{"inject": ["./shim.ts"]}`, ``, `"the shim"`, ""},
	{`{"jsx": "automatic", "external": ["react"]}`, `export const a = <p />`, `jsx-runtime`, `{"external": ["react"]}`},
	{`{"jsx": "automatic", "jsxDev": true, "external": ["react"]}`, `export const a = <p />`, `jsx-dev-runtime`, `{"jsx": "automatic", "external": ["react"]}`},
	{`{"jsxFactory": "make"}`, `export const a = <p />`, `make("p"`, ""},
	{`{"jsxFragment": "Many"}`, `export const a = <></>`, `createElement(Many`, ""},
	{`{"jsx": "automatic", "jsxImportSource": "preact", "external": ["preact"]}`, `export const a = <p />`, `preact/jsx-runtime`, `{"jsx": "automatic", "external": ["preact", "react"]}`},
	{`{"jsxSideEffects": true}`, `<p />`, `createElement("p"`, ""},
	{`{"keepNames": true}`, `export function named() {}`, `__name(`, ""},
	{`{"legalComments": "none"}`, `/*! licence */ globalThis.x = 1`, `-licence`, ""},
	{`{"minifyWhitespace": true, "lineLimit": 40}`, `export const a = ['aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb']`, "\\\n", `{"minifyWhitespace": true}`},
	{`{"loader": {".sql": "text"}}`, `import x from './a.sql'; export const a = x`, `"the text"`, ""},
	{`{"logOverride": {"equals-nan": "error"}}`, ``, ``, ""}, // see TestSettingsThatChangeMessages
	{`{"mainFields": ["module"]}`, `import 'two'`, `"two's module"`, ""},
	{`{"mangleProps": "^_"}`, `export const a = { _private: 1 }`, `-_private`, ""},
	{`{"mangleProps": "^_", "mangleQuoted": true}`, `export const a = { '_private': 1 }`, `-_private`, `{"mangleProps": "^_"}`},
	{`{"minify": true}`, `export const long = (name: string) => name`, "-(name)", ""},
	{`{"minifyIdentifiers": true}`, `export const long = (name: string) => name`, `-(name)`, ""},
	{`{"minifySyntax": true}`, `export const a = true`, `!0`, ""},
	{`{"minifyWhitespace": true}`, `export const a = () => { return 1 }`, `{return 1}`, ""},
	{`{"nodePaths": ["./elsewhere"]}`, `try { require('other') } catch {}`, `"the other"`, ""},
	{`{"outExtension": {".js": ".cjs"}}`, ``, `.cjs`, ""},
	{`{"outputFileExtension": ".cjs"}`, ``, `.cjs`, ""},
	{`{"packages": "external"}`, `import 'dep'`, `-"the dep"`, ""},
	{`{"platform": "neutral"}`, `export const a = 1`, `export {`, ""},
	{`{"preserveSymlinks": true}`, `import 'linked'`, `// node_modules/linked/`, ""},
	{`{"publicPath": "https://cdn.example", "loader": {".txt": "file"}}`, `try { exports.a = require('./a.txt') } catch {}`, `https://cdn.example/src/a.txt`, `{"loader": {".txt": "file"}}`},
	{`{"pure": ["f"]}`, `f('pure')`, `-"pure"`, ""},
	{`{"mangleProps": "^_", "reserveProps": "^_pri"}`, `export const a = { _private: 1 }`, `_private`, `{"mangleProps": "^_"}`},
	{`{"resolveExtensions": [".special.ts", ".ts"]}`, `import './shim'`, `"special"`, ""},
	{`{"sourceRoot": "/elsewhere", "sourcemap": "inline"}`, ``, ``, ""},   // see TestSourceMapSettings
	{`{"sourcesContent": true, "sourcemap": "inline"}`, `// xyz`, ``, ""}, // see TestSourceMapSettings
	{`{"sourcemap": false}`, ``, `-sourceMappingURL`, ""},
	{`{"supported": {"arrow": false}}`, `export const a = () => 1`, `function() {`, ""},
	{`{"target": "es2017"}`, `export const a = async (b: any) => b?.c`, `-?.`, ""},
	{`{"target": ["node12", "es2017"]}`, `export const a = async (b: any) => b?.c`, `-?.`, ""},
	{`{"treeShaking": false}`, `function unused() {}`, `unused`, ""},
	{`{"tsconfig": "other.json"}`, `import '#x'; export const a = <p />`, `fromOther("p"`, ""},
	{`{"tsconfigRaw": {"compilerOptions": {"jsxFactory": "raw"}}}`, `export const a = <p />`, `raw("p"`, ""},
	{`{"tsconfigRaw": "{\"compilerOptions\": {\"jsxFactory\": \"raw\"}}"}`, `export const a = <p />`, `raw("p"`, ""},
	{`{"exclude": []}`, `import '@aws-sdk/x'`, `"the SDK"`, ""},
	{`{"exclude": "*"}`, `import '@aws-sdk/x'`, `"the SDK"`, ""},
	{`{"exclude": ["dep"]}`, `import 'dep'`, `-"the dep"`, ""},
	{`{"entryPoints": ["src/deep/other.ts"]}`, ``, ``, ""}, // see TestEntryPoints
}

// surroundings are what the sources of effects import.
var surroundings = map[string]string{
	"node_modules/dep/index.js":             `globalThis.x = "the dep"`,
	"node_modules/@aws-sdk/x/index.js":      `globalThis.x = "the SDK"`,
	"node_modules/two/package.json":         `{"main": "main.js", "module": "module.js"}`,
	"node_modules/two/main.js":              `globalThis.x = "two's main"`,
	"node_modules/two/module.js":            `globalThis.x = "two's module"`,
	"node_modules/conditional/package.json": `{"exports": {"own": "./own.js", "default": "./default.js"}}`,
	"node_modules/conditional/own.js":       `globalThis.x = "own condition"`,
	"node_modules/conditional/default.js":   `globalThis.x = "default condition"`,
	"packages/linked/index.js":              `globalThis.x = "linked"`,
	"elsewhere/other/index.js":              `globalThis.x = "the other"`,
	"src/shim.ts":                           `globalThis.x = "shim"`,
	"src/shim.special.ts":                   `globalThis.x = "special"`,
	"shim.ts":                               `globalThis.x = "the shim"`,
	"src/a.txt":                             `the text`,
	"src/a.sql":                             `the text`,
	"other.json":                            `{"compilerOptions": {"jsxFactory": "fromOther", "paths": {"#x": ["./shim.ts"]}}}`,
	"tsconfig.json":                         `{"compilerOptions": {"paths": {"#x": ["./shim.ts"]}}}`,
}

func TestEverySettingHasItsEffect(t *testing.T) {
	tested := map[string]bool{}
	for _, e := range effects {
		var settings map[string]any
		if err := json.Unmarshal([]byte(e.settings), &settings); err != nil {
			t.Fatal(err)
		}
		for name := range settings {
			tested[name] = true
		}
		if e.has == "" {
			continue
		}
		t.Run(e.settings, func(t *testing.T) {
			files := maps.Clone(surroundings)
			files["src/api.tsx"] = e.source + "\n"
			s := write(t, files)
			if err := os.Symlink("../packages/linked", filepath.Join(s.dir, "node_modules", "linked")); err != nil {
				t.Skip(err)
			}
			with := bundled(t, s, e.settings)
			text, absent := strings.CutPrefix(e.has, "-")
			if strings.Contains(with, text) == absent {
				t.Errorf("with the setting, %q is there: %v\n%s", text, !absent, with)
			}
			if plain := bundled(t, s, e.without); strings.Contains(plain, text) != absent {
				t.Errorf("with %s alone, %q is there: %v\n%s", e.without, text, !absent, plain)
			}
		})
	}
	active, inactive := esbuild.Settings()
	for _, name := range active {
		if !tested[name] {
			t.Errorf("nothing tests the setting %q", name)
		}
		if slices.Contains(inactive, name) {
			t.Errorf("%q is both", name)
		}
	}
}

// bundled is the bundle's name and text, or why there is none.
func bundled(t *testing.T, s *service, settings string) string {
	t.Helper()
	r, diags, err := esbuild.Build(t.Context(), s.options("src/api.main", settings))
	if err != nil {
		t.Fatal(err)
	}
	if diags.HasErrors() {
		return printed(diags)
	}
	found, err := filepath.Glob(filepath.Join(r.Dir, "src", "api.*js"))
	if err != nil || len(found) != 1 {
		t.Fatalf("bundles %v, %v", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(found[0]) + "\n" + strings.ReplaceAll(string(data), s.dir, "")
}

func TestSettingsThatChangeMessages(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `export const main = (a: any) => a === NaN`})
	_, diags := build(t, s.options("api.main", ""))
	if len(diags) != 1 || diags[0].Severity != diag.Warning || diags[0].Code != "esbuild-equals-nan" {
		t.Errorf("without settings:\n%s", printed(diags))
	}
	if _, diags := build(t, s.options("api.main", `{"logOverride": {"equals-nan": "silent"}}`)); len(diags) > 0 {
		t.Errorf("silenced:\n%s", printed(diags))
	}
	_, diags, err := esbuild.Build(t.Context(), s.options("api.main", `{"logOverride": {"equals-nan": "error"}}`))
	if err != nil || !diags.HasErrors() {
		t.Errorf("as an error: %v\n%s", err, printed(diags))
	}
}

func TestSourceMapSettings(t *testing.T) {
	s := write(t, map[string]string{"src/api.ts": `export const main = async () => 'content'`})
	sourceMap := func(settings string) (m struct {
		SourceRoot     string
		Sources        []string
		SourcesContent []string
	},
	) {
		r, _ := build(t, s.options("src/api.main", settings))
		data, err := os.ReadFile(filepath.Join(r.Dir, "src", "api.js.map"))
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := sourceMap(`{}`); m.SourceRoot != "file://"+filepath.ToSlash(s.dir)+"/src/" || len(m.SourcesContent) > 0 || m.Sources[0] != "api.ts" {
		t.Errorf("by default: %+v", m)
	}
	if m := sourceMap(`{"sourcesContent": true}`); !strings.Contains(fmt.Sprint(m.SourcesContent), "content") {
		t.Errorf("with content: %+v", m)
	}
	if m := sourceMap(`{"sourceRoot": "/elsewhere"}`); m.SourceRoot != "/elsewhere" {
		t.Errorf("with a root: %+v", m)
	}
	if m := sourceMap(`{"sourcemap": "both"}`); len(m.Sources) != 1 {
		t.Errorf("both: %+v", m)
	}
}

func TestEntryPoints(t *testing.T) {
	s := write(t, map[string]string{"src/a/api.ts": `export const a = "a's"`, "src/b/api.ts": `export const a = "b's"`, "api.ts": `export const a = "the root's"`})
	tests := []struct{ handler, settings, want string }{
		{"api.main", `{"entryPoints": ["src/a/api.ts"]}`, `"a's"`},
		{"b/api.main", `{"entryPoints": ["src/a/api.ts", "src/b/api"]}`, `"b's"`},
		{"api.main", `{"entryPoints": {"api": "src/b/api.ts"}}`, `"b's"`},
	}
	for _, tt := range tests {
		r, diags := build(t, s.options(tt.handler, tt.settings))
		if got := code(t, r); !strings.Contains(got, tt.want) || len(diags) > 0 {
			t.Errorf("%s of %s is not %s\n%s%s", tt.handler, tt.settings, tt.want, got, printed(diags))
		}
	}
	r, diags := build(t, s.options("api.main", `{"entryPoints": ["src/a/api.ts", "src/b/api.ts"]}`))
	if len(diags) != 1 || diags[0].Severity != diag.Warning || !strings.Contains(code(t, r), "the root's") {
		t.Errorf("the handler's file is no entry point:\n%s", printed(diags))
	}
}

func TestWhatSettingsMeanToSAM(t *testing.T) {
	got := esbuild.FromSAM([]byte(`{"Minify": true, "Target": "es2020", "EntryPoints": ["app.ts"], "Loader": [".txt=text"], "OutExtension": [".js=.mjs"], "Format": "esm", "Banner": ["js=/* b */"], "SourcesContent": true, "MainFields": "module,main"}`))
	want := `{"banner":["js=/* b */"],"entryPoints":["app.ts"],"format":"esm","loader":[".txt=text"],"mainFields":"module,main","minify":true,"outExtension":[".js=.mjs"],"sourcesContent":true,"target":"es2020"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s := write(t, map[string]string{"app.ts": `import x from './a.txt'; export const main = async () => x`, "a.txt": "the text"})
	r, diags := build(t, s.options("app.main", string(got)))
	if len(diags) > 0 || invoke(t, r, "nodejs20.x") != `"the text"` {
		t.Errorf("diagnostics:\n%s", printed(diags))
	}
	if _, diags, _ := esbuild.Build(t.Context(), s.options("app.main", string(esbuild.FromSAM([]byte("no JSON"))))); !diags.HasErrors() {
		t.Error("no error for settings that are not JSON")
	}
}

func TestProblemsOfSettings(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `export const main = async () => 1`})
	tests := []struct{ name, settings, want string }{
		{"none", `{}`, ""},
		{"empty values", `{"target": null, "loader": null}`, ""},
		{"unknown", `{"minfy": true}`, "lambkin: warning: there is no esbuild setting \"minfy\"\nhint: did you mean \"minify\"?\n"},
		{
			"without effect", `{"packager": "pnpm", "watch": {"pattern": ["a"]}, "concurrency": 2, "plugins": "plugins.js", "minify": true}`,
			"lambkin: note: esbuild settings without effect in a local run: concurrency, packager, plugins, watch\n",
		},
		{"no map", `[1]`, "lambkin: error: the esbuild settings are not a map of options\n  cannot unmarshal array into Go value of type map[string]interface {}\n"},
		{"boolean", `{"minify": "yes"}`, `lambkin: error: the esbuild setting "minify" is to be true or false, not "yes"` + "\n"},
		{"string", `{"format": 1}`, `lambkin: error: the esbuild setting "format" is to be a string, not 1` + "\n"},
		{"number", `{"lineLimit": "80"}`, `lambkin: error: the esbuild setting "lineLimit" is to be a number, not "80"` + "\n"},
		{"list", `{"external": {"a": 1}}`, `lambkin: error: the esbuild setting "external" is to be a list of strings, not {"a":1}` + "\n"},
		{"map", `{"define": {"A": 1}}`, `lambkin: error: the esbuild setting "define" is to be a map of strings, not {"A":1}` + "\n"},
		{"map in a list", `{"loader": ["text"]}`, `lambkin: error: the esbuild setting "loader" is to be a map of strings, not ["text"]` + "\n"},
		{"map of booleans", `{"supported": {"arrow": "no"}}`, `lambkin: error: the esbuild setting "supported" is to be a map of true and false, not {"arrow":"no"}` + "\n"},
		{"word", `{"format": "umd"}`, "lambkin: error: the esbuild setting \"format\" cannot be \"umd\"\nhint: it can be cjs, esm, iife\n"},
		{"word in a list", `{"drop": ["console", "all"]}`, "lambkin: error: the esbuild setting \"drop\" cannot be \"all\"\nhint: it can be console, debugger\n"},
		{"source map", `{"sourcemap": "yes"}`, `lambkin: error: the esbuild setting "sourcemap" is to be true, false, "linked", "inline", "external" or "both", not "yes"` + "\n"},
		{"esbuild's word", `{"target": "nod20"}`, `lambkin: error: the esbuild setting "target" cannot be used: invalid target "nod20"` + "\n"},
		{"esbuild's loader", `{"loader": {".x": "txt"}}`, `lambkin: error: the esbuild setting "loader" cannot be used: invalid loader value: "txt"` + "\n"},
		{"esbuild's check", `{"define": {"A": "not JSON"}}`, `lambkin: error: invalid define value (must be an entity name or JS literal): not JSON` + "\n"},
		{"file", `{"inject": ["./none.ts"]}`, `lambkin: error: could not resolve "./none.ts"` + "\n"},
		{"extension", `{"outputFileExtension": ".ts"}`, `lambkin: error: the esbuild setting "outputFileExtension" is to be ".js", ".mjs" or ".cjs", not ".ts"` + "\n"},
		{"extension of the other format", `{"outputFileExtension": ".mjs"}`, "lambkin: error: the esbuild setting \"outExtension\" gives the file an extension that does not fit its format: .mjs is not CommonJS\nhint: set \"format\" to \"esm\", or leave the extension out\n"},
		{"several", `{"minify": 1, "format": "umd", "nodePaths": 1, "exclude": 1, "entryPoints": [1]}`, `lambkin: error: the esbuild setting "entryPoints" is to be a list of files, not [1]
lambkin: error: the esbuild setting "exclude" is to be a list of strings, not 1
lambkin: error: the esbuild setting "format" cannot be "umd"
hint: it can be cjs, esm, iife
lambkin: error: the esbuild setting "minify" is to be true or false, not 1
lambkin: error: the esbuild setting "nodePaths" is to be a list of strings, not 1
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, diags, err := esbuild.Build(t.Context(), s.options("api.main", tt.settings))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, printed(diags)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if (r == nil) != diags.HasErrors() {
				t.Errorf("result %v", r)
			}
		})
	}
}

func TestTargetsAndSDKsOfRuntimes(t *testing.T) {
	files := map[string]string{
		"api.ts":                           `import 'aws-sdk'; import '@aws-sdk/x'; export const main = async (a: any) => a?.b`,
		"node_modules/aws-sdk/index.js":    `globalThis.x = "SDK 2"`,
		"node_modules/@aws-sdk/x/index.js": `globalThis.x = "SDK 3"`,
	}
	tests := []struct{ runtime, sdk, syntax string }{
		{"nodejs22.x", `"SDK 2"`, "?."},
		{"nodejs18.x", `"SDK 2"`, "?."},
		{"nodejs16.x", `"SDK 3"`, "== null"}, // 16.0 has a fault in ?., which esbuild knows
		{"nodejs12.x", `"SDK 3"`, "== null"},
		{"nodejs8.10", `"SDK 3"`, "== null"},
	}
	for _, tt := range tests {
		s := write(t, files)
		o := s.options("api.main", "")
		o.Runtime = tt.runtime
		r, _ := build(t, o)
		text := code(t, r)
		if !strings.Contains(text, tt.sdk) || !strings.Contains(text, tt.syntax) || strings.Count(text, `"SDK `) != 1 {
			t.Errorf("%s: no %s, no %s, or both SDKs, in\n%s", tt.runtime, tt.sdk, tt.syntax, text)
		}
	}
}
