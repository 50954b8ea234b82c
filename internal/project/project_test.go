package project

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// fakeLoader takes files that start with its kind.
type fakeLoader struct {
	kind  lambda.Kind
	names []string
}

func (l fakeLoader) Kind() lambda.Kind { return l.kind }
func (l fakeLoader) Names() []string   { return l.names }

func (l fakeLoader) Accepts(_ string, content []byte) bool {
	return strings.HasPrefix(string(content), string(l.kind))
}

func (l fakeLoader) Load(_ context.Context, file string, opts Options) (*lambda.Project, diag.List) {
	var diags diag.List
	diags.Warnf(diag.Range{File: file}, "loaded", "with stage %q", opts.Stage)
	return &lambda.Project{Kind: l.kind, File: file}, diags
}

// loaders look for the same kinds of names that the real ones do.
func loaders() []Loader {
	return []Loader{
		fakeLoader{"first", []string{"build/a.yaml", "a.yaml"}},
		fakeLoader{"second", []string{"b.yml"}},
	}
}

// folder makes a folder with files of the given names and contents.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindPrefersTheFirstNameOfTheFirstLoader(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		kind  lambda.Kind
		file  string
	}{
		{"nothing", map[string]string{"c.yaml": ""}, "", ""},
		{"second name", map[string]string{"a.yaml": ""}, "first", "a.yaml"},
		{"first name", map[string]string{"a.yaml": "", "build/a.yaml": ""}, "first", "build/a.yaml"},
		{"second loader", map[string]string{"b.yml": ""}, "second", "b.yml"},
		{"both loaders", map[string]string{"b.yml": "", "a.yaml": ""}, "first", "a.yaml"},
		{"a folder of that name", map[string]string{"a.yaml/": "", "b.yml": ""}, "second", "b.yml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, tt.files)
			l, file := Find(loaders(), dir)
			if l == nil {
				if tt.kind != "" || file != "" {
					t.Errorf("found nothing, and %q", file)
				}
				return
			}
			if want := filepath.Join(dir, filepath.FromSlash(tt.file)); l.Kind() != tt.kind || file != want {
				t.Errorf("found %q by %q, want %q by %q", file, l.Kind(), want, tt.kind)
			}
		})
	}
}

func TestLoadTakesTheFileThatIsNamed(t *testing.T) {
	dir := folder(t, map[string]string{"x.txt": "second, really", "a.yaml": "first"})
	named := func(name string) string { return filepath.Join(dir, name) }
	tests := []struct {
		name, file string
		kind       lambda.Kind
		loaded     string
		err        string
	}{
		{"found in the folder", "", "first", named("a.yaml"), ""},
		{"named", named("x.txt"), "second", named("x.txt"), ""},
		{"missing", named("gone.txt"), "", "", "gone.txt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags, err := Load(context.Background(), loaders(), dir, tt.file, Options{Stage: "dev"})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || p != nil {
					t.Errorf("got %v and the error %v, want %q", p, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&lambda.Project{Kind: tt.kind, File: tt.loaded}, p); d != "" {
				t.Errorf("project (-want +got):\n%s", d)
			}
			if len(diags) != 1 || diags[0].Summary != `with stage "dev"` {
				t.Errorf("diagnostics: %v", diags)
			}
		})
	}
	if _, _, err := Load(context.Background(), loaders(), dir, named("gone.txt"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file is %v", err)
	}
}

func TestAFileOfNoKindIsSaid(t *testing.T) {
	tests := []struct{ name, content, code string }{
		{"text", "third", "no-project"},
		{"another map", "a: b\n", "no-project"},
		{"broken YAML", "a: [\n", "yaml-syntax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(folder(t, map[string]string{"x.yaml": tt.content}), "x.yaml")
			p, diags, err := Load(context.Background(), loaders(), "", file, Options{})
			if p != nil || err != nil || len(diags) != 1 || diags[0].Code != tt.code || diags[0].Range.File != file || !diags.HasErrors() {
				t.Errorf("got %v, %v, %v", p, diags, err)
			}
		})
	}
}

func TestLoadNamesWhatItLookedFor(t *testing.T) {
	dir := t.TempDir()
	_, _, err := Load(context.Background(), loaders(), dir, "", Options{})
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"build/a.yaml, a.yaml, b.yml", dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
}

func TestLookupFindsAFunctionByItsNames(t *testing.T) {
	p := &lambda.Project{Functions: []*lambda.Function{
		{Path: "b/Fn", ID: "Fn", LogicalID: "Fn", Name: "deployed-b"},
		{Path: "A/Fn", ID: "Fn", LogicalID: "Fn", Name: "deployed-a"},
		{Path: "Kept", ID: "Kept", LogicalID: "Logical", Name: "named"},
		{Path: "Other", ID: "Other", LogicalID: "Other", Name: "Kept"},
	}}
	tests := []struct {
		name, given, want string
		all               []string
	}{
		{"path", "b/Fn", "b/Fn", []string{"b/Fn"}},
		{"id of two", "Fn", "A/Fn", []string{"A/Fn", "b/Fn"}},
		{"path before name", "Kept", "Kept", []string{"Kept"}},
		{"logical id", "Logical", "Kept", []string{"Kept"}},
		{"deployed name", "deployed-b", "b/Fn", []string{"b/Fn"}},
		{"alias", "deployed-b:live", "b/Fn", []string{"b/Fn"}},
		{"ARN", "arn:aws:lambda:eu-west-1:123456789012:function:named", "Kept", []string{"Kept"}},
		{"ARN with a version below a stack", "A/arn:aws:lambda:eu-west-1:123456789012:function:Fn:7", "A/Fn", []string{"A/Fn"}},
		{"nobody", "fn", "", nil},
		{"nobody's ARN", "arn:aws:lambda:eu-west-1:123456789012:function:fn", "", nil},
		{"no name at all", "deployed b", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fn, found := Lookup(p, tt.given)
			got := ""
			if fn != nil {
				got = fn.Path
			}
			var all []string
			for _, f := range found {
				all = append(all, f.Path)
			}
			if got != tt.want || !cmp.Equal(tt.all, all) {
				t.Errorf("got %q of %q, want %q of %q", got, all, tt.want, tt.all)
			}
		})
	}
}

func TestNamesAreTakenAsLambdaTakesThem(t *testing.T) {
	tests := []struct {
		name, given, want string
		ok                bool
	}{
		{"name", "my-Function_1.x", "my-Function_1.x", true},
		{"alias", "fn:live", "fn", true},
		{"latest", "fn:$LATEST", "fn", true},
		{"ARN", "arn:aws:lambda:us-east-1:123456789012:function:fn", "fn", true},
		{"ARN of a version in another partition", "arn:aws-cn:lambda:cn-north-1:123456789012:function:fn:12", "fn", true},
		{"part of an ARN", "123456789012:function:fn", "fn", true},
		{"part of an ARN with an alias", "123456789012:function:fn:live", "fn", true},
		{"below stacks", "Outer/Inner/fn:live", "Outer/Inner/fn", true},
		{"ARN below a stack", "Outer/123456789012:function:fn", "Outer/fn", true},
		{"blank", "my fn", "my fn", false},
		{"another service's ARN", "arn:aws:sqs:us-east-1:123456789012:fn", "arn:aws:sqs:us-east-1:123456789012:fn", false},
		{"no name in the ARN", "arn:aws:lambda:us-east-1:123456789012:function:", "arn:aws:lambda:us-east-1:123456789012:function:", false},
		{"no name in the part", "123456789012:function:", "123456789012:function:", false},
		{"no alias", "fn:", "fn:", false},
		{"nothing", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := PlainName(tt.given); got != tt.want || ok != tt.ok {
				t.Errorf("got %q, %v, want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}
