package esbuild_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/artifact/esbuild"
)

func TestProblemsOfSources(t *testing.T) {
	tests := []struct {
		name, handler string
		files         map[string]string
		want          string
	}{
		{"syntax", "src/api.main", map[string]string{"src/api.ts": "const ok = 1\nconst é = 'é', x == 2\n"}, `DIR/src/api.ts:2:18: error: expected ";" but found "=="
    2 | const é = 'é', x == 2
      |                  ^~
hint: did you mean ";"?
`},
		{"several files", "api.main", map[string]string{"api.ts": "import './a'\nimport './b'\n", "a.ts": "let = =", "b.ts": "}"}, `DIR/a.ts:1:7: error: unexpected "="
    1 | let = =
      |       ^
DIR/b.ts:1:1: error: unexpected "}"
    1 | }
      | ^
`},
		{"missing import", "api.main", map[string]string{"api.ts": "import { a } from './uitl'\nexport const main = async () => a\n", "util.ts": "export const a = 1"}, `DIR/api.ts:1:19: error: could not resolve "./uitl"
    1 | import { a } from './uitl'
      |                   ^~~~~~~~
`},
		{"import of a folder", "api.main", map[string]string{"api.ts": "import './lib/x.js.js'\n", "lib/x.js": ""}, `DIR/api.ts:1:8: error: could not resolve "./lib/x.js.js"
    1 | import './lib/x.js.js'
      |        ^~~~~~~~~~~~~~~
`},
		{"missing package", "api.main", map[string]string{"api.ts": "import x from 'nowhere'\nexport const main = x\n"}, `DIR/api.ts:1:15: error: could not resolve "nowhere"
    1 | import x from 'nowhere'
      |               ^~~~~~~~~
  You can mark the path "nowhere" as external to exclude it from the bundle, which will remove this error and leave the unresolved path in the bundle.
`},
		{"name that is not exported", "api.main", map[string]string{"api.ts": "import { geret } from './a'\nexport const main = async () => geret()\n", "a.ts": "export const greet = 1"}, `DIR/api.ts:1:10: error: no matching export in "DIR/a.ts" for import "geret"
    1 | import { geret } from './a'
      |          ^~~~~
hint: did you mean "greet"?
`},
		{"tsconfig.json", "api.main", map[string]string{"api.ts": "export const main = 1\n", "tsconfig.json": `{"compilerOptions": {"target": "ES1"}, "extends": "./none"}`}, `DIR/tsconfig.json:1:32: warning: unrecognized target environment "ES1"
    1 | {"compilerOptions": {"target": "ES1"}, "extends": "./none"}
      |                                ^~~~~
DIR/tsconfig.json:1:51: warning: cannot find base config file "./none"
    1 | {"compilerOptions": {"target": "ES1"}, "extends": "./none"}
      |                                                   ^~~~~~~~
`},
		{"no loader", "api.main", map[string]string{"api.ts": "import './a.xyz'\n", "a.xyz": ""}, `DIR/api.ts:1:8: error: no loader is configured for ".xyz" files: DIR/a.xyz
    1 | import './a.xyz'
      |        ^~~~~~~~~
`},
		{"no handler", "src/apl.main", map[string]string{"src/api.ts": "", "README.md": ""}, `lambkin: error: the handler "src/apl.main" needs a file src/apl.ts or src/apl.js, which is not in "DIR"
hint: did you mean "src/api"?
`},
		{"dots in the file's name", "users.get.main", map[string]string{"users.get.ts": ""}, `lambkin: error: the handler "users.get.main" needs a file users.ts or users.js, which is not in "DIR"
hint: rename the file so that its name has no dot but that of its extension: AWS ends the file's name at the first dot
`},
		{"no export", "src/api", map[string]string{"src/api.ts": ""}, `lambkin: error: "src/api" is not a handler
hint: a handler is a file, a dot and the name that the file exports: "src/api.main"
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := write(t, tt.files)
			_, diags, err := esbuild.Build(t.Context(), s.options(tt.handler, ""))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(filepath.ToSlash(printed(diags)), filepath.ToSlash(s.dir), "DIR")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAllErrorsAreTold(t *testing.T) {
	files := map[string]string{}
	var entry strings.Builder
	for i := range 40 {
		files[fmt.Sprintf("f%d.ts", i)] = "const a = ;\n"
		fmt.Fprintf(&entry, "import './f%d'\n", i)
	}
	files["api.ts"] = entry.String()
	s := write(t, files)
	_, diags, err := esbuild.Build(t.Context(), s.options("api.main", ""))
	if err != nil || len(diags) != 40 {
		t.Errorf("%d diagnostics, error %v", len(diags), err)
	}
}
