package lambkin_test

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/lambkin-dev/lambkin"

// edge says which of lambkin's own packages the packages at from may import
// outside their tests. "a/..." means the packages below a, not a itself.
type edge struct {
	from string
	to   []string
}

// edges is the direction of imports: surface first, foundation last, every
// edge pointing down. A package takes the first row that names it.
var edges = []edge{
	{"cmd/lambkin", []string{"internal/cli", "internal/cli/...", "internal/sandbox/namespace", "internal/sandbox/container"}},

	// Dialects are options, defaults and wording: what they share moves to app.
	{"internal/cli/...", []string{"internal/cli", "internal/app", "internal/diag", "internal/doc", "internal/fsx", "internal/lambda", "internal/engine/telemetry"}},
	{"internal/cli", []string{"internal/app", "internal/diag", "internal/doc", "internal/event", "internal/fsx", "internal/lambda", "internal/engine/telemetry"}},

	// The one package that names variants.
	{"internal/app", []string{
		"internal/project", "internal/project/...", "internal/front/...", "internal/event", "internal/remote",
		"internal/engine/...", "internal/runtimes", "internal/runtimes/...", "internal/sandbox", "internal/sandbox/...",
		"internal/artifact/...", "internal/lambda", "internal/doc", "internal/diag", "internal/fsx",
	}},

	// Front doors reach the engine through lambda.Invoker only.
	{"internal/front/gateway/...", []string{"internal/front/gateway", "internal/lambda", "internal/diag"}},
	{"internal/front/...", []string{"internal/lambda", "internal/diag"}},
	{"internal/remote", []string{"internal/lambda", "internal/diag", "internal/fsx"}},
	{"internal/event", []string{"internal/lambda"}},

	// The engine knows the contracts of runtimes and sandboxes, never a variant.
	{"internal/engine/fleet", []string{
		"internal/engine/instance", "internal/engine/telemetry",
		"internal/lambda", "internal/diag", "internal/runtimes", "internal/runtimes/image", "internal/sandbox", "internal/artifact/...", "internal/fsx",
	}},
	{"internal/engine/instance", []string{
		"internal/engine/runtimeapi", "internal/engine/extension", "internal/engine/telemetry",
		"internal/lambda", "internal/diag", "internal/runtimes", "internal/sandbox", "internal/artifact/...", "internal/fsx",
	}},
	{"internal/engine/runtimeapi", []string{"internal/lambda"}},
	{"internal/engine/faults", nil},
	{"internal/engine/extension", []string{"internal/engine/telemetry", "internal/lambda"}},
	{"internal/engine/telemetry", []string{"internal/lambda"}},

	{"internal/runtimes/image", []string{"internal/runtimes", "internal/sandbox", "internal/lambda"}},
	{"internal/runtimes/...", []string{"internal/runtimes", "internal/lambda", "internal/fsx"}},
	{"internal/runtimes", []string{"internal/lambda", "internal/fsx"}},
	{"internal/sandbox/sandboxtest", []string{"internal/sandbox", "internal/testenv"}},
	{"internal/sandbox/namespace", []string{"internal/sandbox", "internal/sandbox/limits"}},
	{"internal/sandbox/process", []string{"internal/sandbox", "internal/fsx"}},
	{"internal/sandbox/...", []string{"internal/sandbox"}},
	{"internal/sandbox", nil},
	{"internal/artifact/esbuild", []string{"internal/doc", "internal/diag", "internal/fsx"}},
	{"internal/artifact/...", []string{"internal/lambda", "internal/fsx"}},

	{"internal/project/...", []string{"internal/project", "internal/project/script", "internal/doc", "internal/diag", "internal/lambda", "internal/fsx"}},
	{"internal/project", []string{"internal/doc", "internal/diag", "internal/lambda"}},

	{"internal/doc", []string{"internal/diag"}},
	{"internal/diag", nil},
	{"internal/lambda", nil},
	{"internal/fsx", nil},

	{"internal/conformance", nil}, // tests only
	{"internal/peers", nil},       // tests only
	{"internal/testenv/...", []string{"internal/testenv", "internal/testenv/imagetest", "internal/lambda", "internal/runtimes", "internal/sandbox"}},
	{"internal/testenv", nil},
	{".", nil},
}

// fence says who may import the modules whose import paths start with prefix.
// testOnly modules may be imported by test code everywhere and nowhere else.
type fence struct {
	prefix   string
	by       []string
	testOnly bool
}

var fences = []fence{
	{prefix: "go.yaml.in/yaml/", by: []string{"internal/doc"}},
	{prefix: "github.com/pelletier/go-toml/", by: []string{"internal/doc"}},
	{prefix: "github.com/spf13/", by: []string{"internal/cli", "internal/cli/..."}},
	{prefix: "github.com/aws/", by: []string{"internal/remote"}},
	{prefix: "github.com/evanw/esbuild/", by: []string{"internal/artifact/esbuild", "internal/project/script"}},
	{prefix: "github.com/google/go-containerregistry/", by: []string{"internal/artifact/image"}},
	{prefix: "github.com/klauspost/compress/", by: []string{"internal/artifact/image"}},
	{prefix: "golang.org/x/sys/", by: []string{"internal/sandbox", "internal/sandbox/...", "internal/fsx"}},
	{prefix: "github.com/moby/patternmatcher", by: []string{"internal/sandbox/container"}},
	{prefix: "golang.org/x/sync/", by: []string{"internal/app", "internal/engine/...", "internal/front/..."}},
	{prefix: "github.com/google/go-cmp/", testOnly: true},
	{prefix: "github.com/rogpeppe/go-internal/", testOnly: true},
}

func TestImportsPointDown(t *testing.T) {
	tree, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range checkImports(tree, edges, fences) {
		t.Error(v)
	}
}

// checkImports looks at all files, whatever system they are built for.
func checkImports(tr *tree, edges []edge, fences []fence) (found []string) {
	noRow := map[string]bool{}
	for _, f := range tr.golang {
		i := slices.IndexFunc(edges, func(e edge) bool { return matches(e.from, f.dir) })
		if i < 0 {
			if !noRow[f.dir] {
				noRow[f.dir] = true
				found = append(found, fmt.Sprintf("%s has no row in edges: add one to deps_test.go that says what it may import", f.dir))
			}
			continue
		}
		for _, spec := range f.ast.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser lets none through
			}
			if v := checkImport(f, imp, edges[i], fences); v != "" {
				found = append(found, v)
			}
		}
	}
	return found
}

func checkImport(f goFile, imp string, e edge, fences []fence) string {
	own, isOwn := strings.CutPrefix(imp, module+"/")
	switch {
	case isOwn && f.test:
		return ""
	case isOwn && testOnlyPackage(own) && !testOnlyPackage(f.dir):
		return fmt.Sprintf("%s imports %s: it is for tests, so only _test.go files may import it", f.path, own)
	case isOwn && !matchesAny(e.to, own):
		return fmt.Sprintf("%s imports %s: packages at %s may import only [%s]; move what both need down, or let internal/app pass it in as a value",
			f.path, own, e.from, strings.Join(e.to, " "))
	case isOwn || !strings.Contains(strings.Split(imp, "/")[0], "."): // the standard library
		return ""
	}
	i := slices.IndexFunc(fences, func(fc fence) bool { return strings.HasPrefix(imp, fc.prefix) })
	switch {
	case i < 0:
		return fmt.Sprintf("%s imports %s, which has no fence: do without it, or add a row to fences in deps_test.go that names its one door", f.path, imp)
	case fences[i].testOnly && !f.test && !testOnlyPackage(f.dir):
		return fmt.Sprintf("%s imports %s: that module is for tests only and must not get into the binary", f.path, imp)
	case !fences[i].testOnly && !matchesAny(fences[i].by, f.dir):
		return fmt.Sprintf("%s imports %s: its door is [%s]; ask that package for what you need", f.path, imp, strings.Join(fences[i].by, " "))
	}
	return ""
}

// testOnlyPackage reports whether a folder is for tests: testenv and the
// packages whose names end in "test".
func testOnlyPackage(dir string) bool {
	return dir == "internal/testenv" || strings.HasPrefix(dir, "internal/testenv/") || strings.HasSuffix(path.Base(dir), "test")
}

func matches(pattern, dir string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(dir, below+"/")
	}
	return pattern == dir
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, dir) })
}

func TestImportCheckCatchesPlantedViolations(t *testing.T) {
	tests := []struct {
		name, file, imports, want string
	}{
		{"downwards", "internal/front/alb/alb.go", module + "/internal/lambda", ""},
		{"standard library", "internal/lambda/lambda.go", "net/http", ""},
		{
			"a front door reaches into a sandbox", "internal/front/alb/alb.go", module + "/internal/sandbox",
			"internal/front/alb/alb.go imports internal/sandbox: packages at internal/front/... may import only [internal/lambda internal/diag]; move what both need down, or let internal/app pass it in as a value",
		},
		{
			"also for another system", "internal/engine/instance/kill_windows.go", module + "/internal/sandbox/process",
			"internal/engine/instance/kill_windows.go imports internal/sandbox/process: packages at internal/engine/instance may import only [" + strings.Join(row("internal/engine/instance").to, " ") + "]; move what both need down, or let internal/app pass it in as a value",
		},
		{"a test may use a variant", "internal/engine/instance/instance_test.go", module + "/internal/sandbox/process", ""},
		{
			"a dialect names a loader", "internal/cli/samcli/invoke.go", module + "/internal/project/cfn",
			"internal/cli/samcli/invoke.go imports internal/project/cfn: packages at internal/cli/... may import only [" + strings.Join(row("internal/cli/...").to, " ") + "]; move what both need down, or let internal/app pass it in as a value",
		},
		{
			"testenv in the binary", "internal/app/app.go", module + "/internal/testenv",
			"internal/app/app.go imports internal/testenv: it is for tests, so only _test.go files may import it",
		},
		{"testenv in a suite", "internal/sandbox/sandboxtest/suite.go", module + "/internal/testenv", ""},
		{
			"a package nobody put in the table", "internal/util/util.go", "fmt",
			"internal/util has no row in edges: add one to deps_test.go that says what it may import",
		},
		{"YAML through its door", "internal/doc/yaml.go", "go.yaml.in/yaml/v4", ""},
		{
			"YAML past its door", "internal/project/cfn/cfn.go", "go.yaml.in/yaml/v4",
			"internal/project/cfn/cfn.go imports go.yaml.in/yaml/v4: its door is [internal/doc]; ask that package for what you need",
		},
		{
			"cmp outside tests", "internal/doc/doc.go", "github.com/google/go-cmp/cmp",
			"internal/doc/doc.go imports github.com/google/go-cmp/cmp: that module is for tests only and must not get into the binary",
		},
		{"cmp in a test", "internal/doc/doc_test.go", "github.com/google/go-cmp/cmp", ""},
		{
			"a module without a fence", "internal/doc/doc_test.go", "github.com/stretchr/testify/assert",
			"internal/doc/doc_test.go imports github.com/stretchr/testify/assert, which has no fence: do without it, or add a row to fences in deps_test.go that names its one door",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := fmt.Sprintf("package p\n\nimport _ %q\n", tt.imports)
			tree, err := load(fstest.MapFS{tt.file: {Data: []byte(src)}})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(checkImports(tree, edges, fences), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func row(from string) edge {
	return edges[slices.IndexFunc(edges, func(e edge) bool { return e.from == from })]
}
