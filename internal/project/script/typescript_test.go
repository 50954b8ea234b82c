package script

import (
	"path/filepath"
	"testing"
)

// template is laid out as the framework's own template for TypeScript: paths of
// tsconfig.json, a handler's path made of __dirname, types of a package that is
// not installed, and module.exports beside imports.
var template = map[string]string{
	"tsconfig.json": `{
  "extends": "./tsconfig.paths.json", // with comments
  "compilerOptions": { "target": "ES2020", "experimentalDecorators": true },
}`,
	"tsconfig.paths.json": `{"compilerOptions": {"baseUrl": ".", "paths": {"@functions/*": ["src/functions/*"], "@libs/*": ["src/libs/*"]}}}`,
	"serverless.ts": `import type { AWS } from '@serverless/typescript';
import { Lambda } from 'not-installed-either';

import hello from '@functions/hello';

const configuration: AWS & Partial<Lambda> = {
  service: 'svc',
  provider: { name: 'aws', environment: { STAGE: '${sls:stage}' } },
  functions: { hello },
};

module.exports = configuration;
`,
	"src/functions/hello/index.ts": `import schema from './schema.json';
import { handlerPath } from '@libs/handler-resolver';

export default { handler: ` + "`${handlerPath(__dirname)}/handler.main`" + `, schema };
`,
	"src/functions/hello/schema.json": `{"type": "object"}`,
	"src/libs/handler-resolver.ts": `export const handlerPath = (context: string): string =>
  context.split(process.cwd())[1].substring(1).replace(/\\/g, '/');
`,
}

func TestFrameworksTypeScriptTemplate(t *testing.T) {
	e := service(t, template)
	n, err := e.Export(t.Context(), "svc/serverless.ts")
	want := `{"service":"svc","provider":{"name":"aws","environment":{"STAGE":"${sls:stage}"}},` +
		`"functions":{"hello":{"handler":"src/functions/hello/handler.main","schema":{"type":"object"}}}}`
	if err != nil || text(n) != want {
		t.Errorf("got %s, %v\nwant %s", text(n), err, want)
	}
}

func TestTypeScriptIsReadInEveryForm(t *testing.T) {
	e := service(t, map[string]string{
		"default.ts":                            "const c: { a: number } = { a: 1 }; export default c",
		"commonjs.ts":                           "type C = { a: number }; const c: C = { a: 1 }; module.exports = c;",
		"assigned.ts":                           "const c = { a: 1 as number }; export = c;",
		"required.ts":                           "import dep = require('dep'); export = { dep };",
		"promise.ts":                            "export default (async (): Promise<object> => ({ a: 1 }))()",
		"function.ts":                           "enum E { A = 1 } export default function (): object { return { a: E.A } }",
		"common.cts":                            "exports.a = 1 satisfies number",
		"module.mts":                            "import dep from 'dep'; import esm from 'esm-dep'; export default { dep, esm }",
		"await.ts":                              "import dep from 'dep'; const a = await Promise.resolve(1); export default { a, dep, at: [__filename, import.meta.url, import.meta.dirname].map((p) => p.split('/').pop()) }",
		"onlyesm.ts":                            "import { esm } from './lib/esm.ts'; export default { esm }",
		"lib/esm.ts":                            "export { default as esm } from 'import-only'",
		"dynamic.ts":                            "export default async () => ({ a: (await import('import-only')).default, b: (await import('./lib/b')).b })",
		"lib/b.ts":                              "export const b: string = import.meta.url.split('/').pop()!",
		"require.ts":                            "const dep: string = require('dep'); const { b } = require('./lib/b'); export { dep, b }",
		"own.ts":                                "import { fileURLToPath } from 'node:url'; import { dirname, basename } from 'path'; const __filename = fileURLToPath(import.meta.url); const __dirname = dirname(__filename); export default [basename(__filename), basename(__dirname)]",
		"shebang.ts":                            "#!/usr/bin/env node\nexport default 1 as number",
		"member.ts":                             "export const f = async ({ options }: any) => ({ n: options.n }); export const v = { w: 1 }",
		"workspace.ts":                          "import { shared } from '@acme/shared'; import dep from 'dep'; export default { shared, dep }",
		"decorated.ts":                          "function d(...args: unknown[]) { return (args[0] as any) } @d class A { x = 1 } export default new A()",
		"tsconfig.json":                         `{"compilerOptions": {"experimentalDecorators": true}}`,
		"typed/package.json":                    `{"type": "module"}`,
		"typed/c.ts":                            "import dep from 'dep'; export default { dep }",
		"typed/common.ts":                       "import dep from 'dep'; const { b } = require('../lib/b'); module.exports = { dep, b, other: require('dep') }",
		"typed/esm.ts":                          "import esm from 'esm-dep'; import { b } from '../lib/b.ts'; export default { esm, b }",
		"node_modules/dep/index.js":             "module.exports = 'dep'",
		"node_modules/esm-dep/index.js":         "export default 'esm-dep'",
		"node_modules/esm-dep/package.json":     `{"type": "module"}`,
		"node_modules/import-only/i.mjs":        "export default 'import-only'",
		"node_modules/import-only/package.json": `{"exports": {"import": "./i.mjs"}}`,
		"../shared/package.json":                `{"name": "@acme/shared", "main": "src/index.ts"}`,
		"../shared/src/index.ts":                "export const shared: string = __dirname.split('/').slice(-2).join('/')",
	})
	link(t, filepath.Join("..", "..", "..", "shared"), "svc/node_modules/@acme/shared")
	tests := []struct{ file, want string }{
		{"default.ts", `{"a":1}`},
		{"commonjs.ts", `{"a":1}`},
		{"assigned.ts", `{"a":1}`},
		{"required.ts", `{"dep":"dep"}`},
		{"promise.ts", `{"a":1}`},
		{"function.ts", `{"a":1}`},
		{"common.cts", `{"a":1}`},
		{"module.mts", `{"dep":"dep","esm":"esm-dep"}`},
		{"await.ts", `{"a":1,"dep":"dep","at":["await.ts","await.ts","svc"]}`},
		{"onlyesm.ts", `{"esm":"import-only"}`},
		{"dynamic.ts", `{"a":"import-only","b":"b.ts"}`},
		{"require.ts", `{"b":"b.ts","dep":"dep"}`},
		{"own.ts", `["own.ts","svc"]`},
		{"shebang.ts", `1`},
		{"member.ts", `{"v":{"w":1}}`},
		{"workspace.ts", `{"shared":"shared/src","dep":"dep"}`},
		{"decorated.ts", `{"x":1}`},
		{"typed/c.ts", `{"dep":"dep"}`},
		{"typed/common.ts", `{"dep":"dep","b":"b.ts","other":"dep"}`},
		{"typed/esm.ts", `{"esm":"esm-dep","b":"b.ts"}`},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			n, err := e.Export(t.Context(), filepath.Join("svc", tt.file))
			if err != nil || text(n) != tt.want {
				t.Errorf("got %s, %v, want %s", text(n), err, tt.want)
			}
		})
	}
	n, err := e.Value(t.Context(), "svc/member.ts", []string{"f", "n"}, Resolver{Options: map[string]any{"n": "7"}})
	if err != nil || text(n) != `"7"` {
		t.Errorf("the function of member.ts gave %s, %v", text(n), err)
	}
}

func TestServiceBehindALink(t *testing.T) {
	e := service(t, map[string]string{"a.ts": "export { b } from './b'", "b.ts": "export const b = 1", "c.js": "throw new Error('x')"})
	link(t, "svc", "linked")
	n, err := e.Export(t.Context(), "linked/a.ts")
	if err != nil || text(n) != `{"b":1}` {
		t.Errorf("got %s, %v", text(n), err)
	}
	if _, err := e.Export(t.Context(), "linked/c.js"); err == nil || err.Error() != filepath.FromSlash(`linked/c.js`)+`:1:7: "linked/c.js" failed: Error: x` {
		t.Errorf("got %v", err)
	}
}
