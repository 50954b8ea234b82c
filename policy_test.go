// Package lambkin_test keeps the house clean: which package may import which,
// and the rules that every file follows. The checks read a file system, so
// that their own tests can plant violations in one that is made up.
package lambkin_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	maxFileLines     = 800
	maxFunctionLines = 120
)

// longTables are functions over the limit because they are a table, by
// "path:name", with the reason.
var longTables = map[string]string{
	"internal/project/sls/resolve_test.go:TestProblemsOfVariables": "one row for each problem",
}

// packageState are package variables that may change, by "folder:name", with
// the reason.
var packageState = map[string]string{
	"internal/cli:version":             "the linker sets it, see the Makefile",
	"internal/sandbox/process:leaders": "the kernel gives a process one list of children, and each may be waited for once",
	"internal/sandbox/process:open":    "only the last environment of a process to close may end all of its orphans",
	"internal/sandbox/process:adopt":   "being the parent of orphans is an attribute of the process",
}

// tree is the text files of a checkout and, parsed, those in Go.
type tree struct {
	fset   *token.FileSet
	files  map[string][]byte // text files by path
	golang []goFile          // files of this module, in the order of their paths
}

type goFile struct {
	path, dir string
	test      bool
	ast       *ast.File
}

// load reads a checkout. Folders that git ignores, files that are not text,
// and the parts of other modules that are in Go stay out.
func load(fsys fs.FS) (*tree, error) {
	tr := &tree{fset: token.NewFileSet(), files: map[string][]byte{}}
	var modules []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "node_modules", "__pycache__"}, d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil || !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		if d.Name() == "go.mod" && name != "go.mod" {
			modules = append(modules, path.Dir(name)+"/")
		}
		tr.files[name] = data
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tr, tr.parse(modules)
}

func (tr *tree) parse(otherModules []string) error {
	for _, name := range slices.Sorted(maps.Keys(tr.files)) {
		foreign := slices.ContainsFunc(otherModules, func(m string) bool { return strings.HasPrefix(name, m) })
		if path.Ext(name) != ".go" || foreign || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		file, err := parser.ParseFile(tr.fset, name, tr.files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		tr.golang = append(tr.golang, goFile{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), file})
	}
	return nil
}

func (tr *tree) line(p token.Pos) int { return tr.fset.Position(p).Line }

// policies are the rules, each with what breaks it in a tree.
var policies = []struct {
	name  string
	check func(*tree) []string
}{
	{"package comments", checkPackageComments},
	{"exported names are documented", checkDocumented},
	{"sizes", checkSizes},
	{"no init functions", checkNoInit},
	{"no package state", checkNoState},
	{"the process is the surface's", checkProcessState},
	{"gofmt", checkFormat},
	{"no replace in module files", checkNoReplace},
	{"changelog entries", checkChangelog},
	{"no place of one machine", checkPlaces},
	{"links lead somewhere", checkLinks},
}

func TestPolicies(t *testing.T) {
	tree, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			for _, v := range p.check(tree) {
				t.Error(v)
			}
		})
	}
}

func checkPackageComments(tr *tree) (found []string) {
	dirs := map[string][]goFile{}
	for _, f := range tr.golang {
		dirs[f.dir] = append(dirs[f.dir], f)
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		files := dirs[dir]
		if slices.ContainsFunc(files, func(f goFile) bool { return !f.test }) {
			files = slices.DeleteFunc(files, func(f goFile) bool { return f.test })
		}
		var commented []string
		for _, f := range files {
			if f.ast.Doc == nil {
				continue
			}
			commented = append(commented, f.path)
			want := "Package " + f.ast.Name.Name + " "
			text := f.ast.Doc.Text()
			if !strings.HasPrefix(text, want) && !(f.ast.Name.Name == "main" && strings.HasPrefix(text, "Command "+path.Base(dir)+" ")) {
				found = append(found, fmt.Sprintf("%s: the package comment starts %.20q: start it with %q", f.path, text, want))
			}
		}
		if len(commented) != 1 {
			found = append(found, fmt.Sprintf("%s has %d package comments %v: write one sentence on what the package is, in exactly one file", dir, len(commented), commented))
		}
	}
	return found
}

// wellKnown methods say what they do by the interface they are for.
var wellKnown = []string{"String", "Error", "Unwrap", "Is", "As", "Read", "Write", "Close", "Len", "Less", "Swap", "ServeHTTP", "MarshalJSON", "UnmarshalJSON", "ExitCode"}

func checkDocumented(tr *tree) (found []string) {
	for _, f := range tr.golang {
		if f.test || !strings.HasPrefix(f.dir, "internal/") {
			continue
		}
		for _, id := range undocumented(f.ast) {
			found = append(found, fmt.Sprintf("%s:%d: exported %s has no comment: say what it promises, starting with its name", f.path, tr.line(id.Pos()), id.Name))
		}
	}
	return found
}

func undocumented(file *ast.File) (ids []*ast.Ident) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv) && !slices.Contains(wellKnown, d.Name.Name)) {
				ids = append(ids, d.Name)
			}
		case *ast.GenDecl:
			if d.Doc != nil && d.Lparen.IsValid() {
				continue // the comment of the group is for all of it
			}
			for _, spec := range d.Specs {
				ids = append(ids, undocumentedNames(spec, d.Doc != nil)...)
			}
		}
	}
	return ids
}

func undocumentedNames(spec ast.Spec, documented bool) (ids []*ast.Ident) {
	var names []*ast.Ident
	switch s := spec.(type) {
	case *ast.TypeSpec:
		names, documented = []*ast.Ident{s.Name}, documented || s.Doc != nil
	case *ast.ValueSpec:
		names, documented = s.Names, documented || s.Doc != nil || s.Comment != nil
	}
	for _, n := range names {
		if n.IsExported() && !documented {
			ids = append(ids, n)
		}
	}
	return ids
}

func exportedReceiver(recv *ast.FieldList) bool {
	exported := false
	ast.Inspect(recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			exported = id.IsExported()
			return false
		}
		return true
	})
	return exported
}

func checkSizes(tr *tree) (found []string) {
	for name, data := range tr.files {
		lines := bytes.Count(data, []byte("\n"))
		if slices.Contains([]string{".go", ".js", ".mjs", ".cjs", ".py", ".rb", ".sh"}, path.Ext(name)) && lines > maxFileLines {
			found = append(found, fmt.Sprintf("%s has %d lines, more than %d: split it by noun", name, lines, maxFileLines))
		}
	}
	for _, f := range tr.golang {
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := tr.line(fn.End()) - tr.line(fn.Pos()) + 1
			if _, table := longTables[f.path+":"+fn.Name.Name]; lines > maxFunctionLines && !table {
				found = append(found, fmt.Sprintf("%s:%d: %s has %d lines, more than %d: split it, or, if it is a table, list it in longTables",
					f.path, tr.line(fn.Pos()), fn.Name.Name, lines, maxFunctionLines))
			}
		}
	}
	slices.Sort(found)
	return found
}

// beginnings are the files besides the surface in which a process begins, and
// why: they may have an init function, and the process is theirs.
var beginnings = map[string]string{
	"internal/sandbox/namespace/begin_linux.go": "an environment's process 1 need not wait for packages that it has no use for",
}

func checkNoInit(tr *tree) (found []string) {
	for _, f := range tr.golang {
		if beginnings[f.path] != "" {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, fmt.Sprintf("%s:%d: init runs unseen: call a function from where it is needed", f.path, tr.line(fn.Pos())))
			}
		}
	}
	return found
}

// checkNoState finds package variables that are there to be changed: those
// that start empty and those that start as something made. Errors, regular
// expressions, embedded files and tables start with their value.
func checkNoState(tr *tree) (found []string) {
	for _, f := range tr.golang {
		if f.test || testOnlyPackage(f.dir) || !strings.HasPrefix(f.dir, "internal/") {
			continue
		}
		for _, decl := range f.ast.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				v := spec.(*ast.ValueSpec)
				if _, known := packageState[f.dir+":"+v.Names[0].Name]; !known && !embedded(d.Doc, v.Doc) && changeable(v) {
					found = append(found, fmt.Sprintf("%s:%d: %s is state of the package: keep it in a value that its owner makes", f.path, tr.line(v.Pos()), v.Names[0].Name))
				}
			}
		}
	}
	return found
}

func embedded(docs ...*ast.CommentGroup) bool {
	for _, doc := range docs {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

func changeable(v *ast.ValueSpec) bool {
	return len(v.Values) == 0 || slices.ContainsFunc(v.Values, func(e ast.Expr) bool {
		switch x := e.(type) {
		case *ast.CallExpr:
			id, ok := x.Fun.(*ast.Ident)
			return ok && (id.Name == "make" || id.Name == "new")
		case *ast.CompositeLit:
			sel, ok := x.Type.(*ast.SelectorExpr)
			if !ok {
				return false
			}
			id, ok := sel.X.(*ast.Ident)
			return ok && (id.Name == "sync" || id.Name == "atomic")
		}
		return false
	})
}

// processState are the names of package os that only the surface may use;
// everything below gets streams and environment as values.
var processState = []string{"Stdin", "Stdout", "Stderr", "Exit", "Args", "Getenv", "LookupEnv", "Environ", "Setenv", "Unsetenv"}

func checkProcessState(tr *tree) (found []string) {
	for _, f := range tr.golang {
		if f.test || testOnlyPackage(f.dir) || f.dir == "internal/cli" || !strings.HasPrefix(f.dir, "internal/") || beginnings[f.path] != "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "os" && slices.Contains(processState, sel.Sel.Name) {
				found = append(found, fmt.Sprintf("%s:%d: os.%s below the command line: take it as a value from the caller", f.path, tr.line(sel.Pos()), sel.Sel.Name))
			}
			return true
		})
	}
	return found
}

func checkFormat(tr *tree) (found []string) {
	for _, f := range tr.golang {
		want, err := format.Source(tr.files[f.path])
		if err != nil || !bytes.Equal(want, tr.files[f.path]) {
			found = append(found, f.path+" is not formatted: run gofmt -w on it")
		}
	}
	return found
}

var replaceLine = regexp.MustCompile(`(?m)^\s*replace\b`)

func checkNoReplace(tr *tree) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(tr.files)) {
		if path.Ext(name) == ".mod" && replaceLine.Match(tr.files[name]) {
			found = append(found, name+" has a replace directive, which go install ignores: require a released version")
		}
	}
	return found
}

var (
	changelogName  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*\.md$`)
	changelogTitle = regexp.MustCompile(`^(Added|Changed|Fixed|Removed|Security): \S.{8,88}[^.\s]$`)
)

func checkChangelog(tr *tree) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(tr.files)) {
		if path.Dir(name) != "changelog/unreleased" {
			continue
		}
		title, body, _ := strings.Cut(string(tr.files[name]), "\n")
		switch {
		case !changelogName.MatchString(path.Base(name)):
			found = append(found, name+": name entries in lower case, words joined with -, ending in .md")
		case !changelogTitle.MatchString(title):
			found = append(found, fmt.Sprintf("%s: the first line is %q: write \"Added|Changed|Fixed|Removed|Security: what a user notices\", 100 characters at most, no full stop", name, title))
		case !strings.HasPrefix(body, "\n") || strings.HasPrefix(body, "\n\n"):
			found = append(found, name+": one empty line stands between the first line and the text")
		case !strings.HasSuffix(body, ".\n"):
			found = append(found, name+": after the first line say in whole sentences what was so before and what is so now; the file ends with a full stop and one line end")
		}
	}
	return found
}

// registryHost is where packages come from: that is everybody's own setting.
var registryHost = regexp.MustCompile(`https?://[a-z0-9.-]*(?:registry|proxy|pypi|maven|debian|crates)[a-z0-9.-]*`)

// ownPlaces are folders that the author's machine has and others do not: the
// one that the checkout lies in, and the home folder.
func ownPlaces() []string {
	var places []string
	if dir, err := os.Getwd(); err == nil {
		places = append(places, filepath.Dir(dir))
	}
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, home)
	}
	// What is one folder deep at most may be meant in general.
	return slices.DeleteFunc(places, func(dir string) bool { return dir == "/" || dir == "/tmp" || dir == "/home" })
}

func checkPlaces(tr *tree) (found []string) {
	places := ownPlaces()
	for _, name := range slices.Sorted(maps.Keys(tr.files)) {
		if path.Base(name) == "go.sum" {
			continue
		}
		for i, line := range strings.Split(string(tr.files[name]), "\n") {
			for _, place := range places {
				if strings.Contains(line, place+string(filepath.Separator)) {
					found = append(found, fmt.Sprintf("%s:%d: names a folder of one machine, %s: take it from the environment or a temporary folder", name, i+1, place))
				}
			}
			if host := registryHost.FindString(line); host != "" {
				found = append(found, fmt.Sprintf("%s:%d: names a package registry, %s: leave the choice to the user's settings", name, i+1, host))
			}
		}
	}
	return found
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```")
)

func checkLinks(tr *tree) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(tr.files)) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, m := range link.FindAllSubmatch(codeBlock.ReplaceAll(tr.files[name], nil), -1) {
			target, _, _ := strings.Cut(string(m[1]), "#")
			if target == "" || strings.Contains(target, ":") {
				continue // within the page, or on the web
			}
			if full := path.Join(path.Dir(name), target); !tr.has(full) {
				found = append(found, fmt.Sprintf("%s links to %s: there is no %s", name, m[1], full))
			}
		}
	}
	return found
}

// has reports whether a file or folder is there.
func (tr *tree) has(name string) bool {
	if _, ok := tr.files[name]; ok || name == "." {
		return true
	}
	for file := range tr.files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

func TestPoliciesCatchPlantedViolations(t *testing.T) {
	home := filepath.Join(t.TempDir(), "ada")
	t.Setenv("HOME", home)
	long := "package p\n\nfunc f() {\n" + strings.Repeat("\tg()\n", maxFunctionLines) + "}\n"
	tests := []struct {
		name, policy, file, text string
		want                     []string
	}{
		{"no package comment", "package comments", "internal/p/p.go", "package p\n", []string{"internal/p has 0 package comments []: write one sentence on what the package is, in exactly one file"}},
		{"comment on another name", "package comments", "internal/p/p.go", "// Package q is.\npackage p\n", []string{`internal/p/p.go: the package comment starts "Package q is.\n": start it with "Package p "`}},
		{"a command", "package comments", "cmd/x/main.go", "// Command x runs.\npackage main\n", nil},
		{"undocumented function", "exported names are documented", "internal/p/p.go", "package p\n\nfunc F() {}\n", []string{"internal/p/p.go:3: exported F has no comment: say what it promises, starting with its name"}},
		{"undocumented method", "exported names are documented", "internal/p/p.go", "package p\n\nfunc (t *T[K]) M() {}\nfunc (t *T) String() {}\nfunc (u u) M() {}\n", []string{"internal/p/p.go:3: exported M has no comment: say what it promises, starting with its name"}},
		{"undocumented type and constants", "exported names are documented", "internal/p/p.go", "package p\n\ntype T int\n\nconst (\n\tA = 1\n\tB = 2 // B is.\n)\n\n// These are.\nconst (\n\tC = 1\n)\n", []string{
			"internal/p/p.go:3: exported T has no comment: say what it promises, starting with its name",
			"internal/p/p.go:6: exported A has no comment: say what it promises, starting with its name",
		}},
		{"long function", "sizes", "p.go", long, []string{"p.go:3: f has 122 lines, more than 120: split it, or, if it is a table, list it in longTables"}},
		{"long file", "sizes", "a.py", strings.Repeat("\n", 801), []string{"a.py has 801 lines, more than 800: split it by noun"}},
		{"init", "no init functions", "p.go", "package p\n\nfunc init() {}\n\nfunc (t T) init() {}\n", []string{"p.go:3: init runs unseen: call a function from where it is needed"}},
		{"state", "no package state", "internal/p/p.go", "package p\n\nvar a int\nvar b = map[int]int{}\nvar c = make(map[int]int)\nvar d = sync.Mutex{}\n\n//go:embed x\nvar e []byte\n\nvar f = errors.New(\"x\")\n", []string{
			"internal/p/p.go:3: a is state of the package: keep it in a value that its owner makes",
			"internal/p/p.go:5: c is state of the package: keep it in a value that its owner makes",
			"internal/p/p.go:6: d is state of the package: keep it in a value that its owner makes",
		}},
		{"output past the streams", "the process is the surface's", "internal/p/p.go", "package p\n\nimport \"os\"\n\nvar w = os.Stdout\n", []string{"internal/p/p.go:5: os.Stdout below the command line: take it as a value from the caller"}},
		{"format", "gofmt", "p.go", "package p\nvar  x int\n", []string{"p.go is not formatted: run gofmt -w on it"}},
		{"replace", "no replace in module files", "go.mod", "module m\n\nreplace a => ../a\n", []string{"go.mod has a replace directive, which go install ignores: require a released version"}},
		{"good entry", "changelog entries", "changelog/unreleased/start-api.md", "Added: lambkin serves HTTP\n\nIt does now.\n", nil},
		{"entry's name", "changelog entries", "changelog/unreleased/Start.txt", "Added: lambkin serves HTTP\n\nIt does now.\n", []string{"changelog/unreleased/Start.txt: name entries in lower case, words joined with -, ending in .md"}},
		{"entry's first line", "changelog entries", "changelog/unreleased/a.md", "lambkin serves.\n", []string{`changelog/unreleased/a.md: the first line is "lambkin serves.": write "Added|Changed|Fixed|Removed|Security: what a user notices", 100 characters at most, no full stop`}},
		{"entry's empty line", "changelog entries", "changelog/unreleased/a.md", "Fixed: lambkin serves HTTP\nIt does.\n", []string{"changelog/unreleased/a.md: one empty line stands between the first line and the text"}},
		{"entry's text", "changelog entries", "changelog/unreleased/a.md", "Fixed: lambkin serves HTTP\n\nIt does\n", []string{"changelog/unreleased/a.md: after the first line say in whole sentences what was so before and what is so now; the file ends with a full stop and one line end"}},
		{"a folder of one machine", "no place of one machine", "a.txt", "x\nsee " + home + "/a\n/var/task is fine\n", []string{"a.txt:2: names a folder of one machine, " + home + ": take it from the environment or a temporary folder"}},
		{"a registry", "no place of one machine", "a.txt", "from https://" + "pypi.example/simple\n", []string{"a.txt:1: names a package registry, https://" + "pypi.example: leave the choice to the user's settings"}},
		{"a dead link", "links lead somewhere", "docs/a.md", "[b](b.md) [a](a.md#x) [docs](../docs) [web](https://x.example) [here](#h)\n```\n[no](link.md)\n```\n", []string{"docs/a.md links to b.md: there is no docs/b.md"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := load(fstest.MapFS{tt.file: {Data: []byte(tt.text)}})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range policies {
				if p.name != tt.policy {
					continue
				}
				if diff := cmp.Diff(tt.want, p.check(tree)); diff != "" {
					t.Errorf("violations (-want +got):\n%s", diff)
				}
				return
			}
			t.Errorf("there is no policy %q", tt.policy)
		})
	}
}
