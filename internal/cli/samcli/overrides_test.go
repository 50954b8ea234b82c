package samcli

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

func TestParameterOverrides(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want map[string]string // nil for an error
	}{
		{"one word", []string{"A=1"}, map[string]string{"A": "1"}},
		{"several in one", []string{"A=1 B=2"}, map[string]string{"A": "1", "B": "2"}},
		{"several words", []string{"A=1", "B=2"}, map[string]string{"A": "1", "B": "2"}},
		{"the last one wins", []string{"A=1 A=2", "A=3"}, map[string]string{"A": "3"}},
		{"long form", []string{"ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=x=y"}, map[string]string{"A": "1", "B": "x=y"}},
		{"an empty value in long form", []string{"ParameterKey=A,ParameterValue="}, map[string]string{"A": ""}},
		{"both forms", []string{"ParameterKey=A,ParameterValue=1 B=2"}, map[string]string{"A": "1", "B": "2"}},
		{"equals sign in the value", []string{"A=a=b"}, map[string]string{"A": "a=b"}},
		{"comma in the value", []string{"A=1,B=2"}, map[string]string{"A": "1,B=2"}},
		{"quotes", []string{`A="two words" B='three more words'`}, map[string]string{"A": "two words", "B": "three more words"}},
		{"quotes in the other kind", []string{`A="it's" B='say "x"'`}, map[string]string{"A": "it's", "B": `say "x"`}},
		{"escapes", []string{`A=two\ words B=\"quoted\" C=it\'s`}, map[string]string{"A": "two words", "B": `"quoted"`, "C": "it's"}},
		{"other backslashes stay", []string{`A=C:\dir\\x\`}, map[string]string{"A": `C:\dir\\x\`}},
		{"nothing", []string{"", " \t\n"}, map[string]string{}},
		{"no value", []string{"A="}, nil},
		{"no name", []string{"=1"}, nil},
		{"no equals sign", []string{"A"}, nil},
		{"half the long form", []string{"ParameterKey=A"}, nil},
		{"a name with a dash", []string{"A-B=1"}, nil},
		{"a name with an underscore in long form", []string{"ParameterKey=A_B,ParameterValue=1"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseOverrides(tt.args)
			var usage *cli.UsageError
			if (err != nil) != (tt.want == nil) || err != nil && !errors.As(err, &usage) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParametersOfAConfigurationFile(t *testing.T) {
	tests := []struct {
		name, value string
		want        map[string]string
	}{
		{"text", `"A=1 B='x y'"`, map[string]string{"A": "1", "B": "x y"}},
		{"an empty text", `""`, map[string]string{}},
		{"a list", `["A=1", "B=2"]`, map[string]string{"A": "1", "B": "2"}},
		{"a list of all kinds", `["A=1", ["B=2", { C = 3 }], { A = "x" }]`, map[string]string{"A": "x", "B": "2", "C": "3"}},
		{"a map", `{ A = "x y", B = 010 }`, nil},
		{"scalars as Python writes them", `{ A = true, B = false, C = 1.50, D = 0x10, E = 1e3, F = inf, G = -inf, H = nan, I = 2020-01-02 }`, map[string]string{
			"A": "True", "B": "False", "C": "1.5", "D": "16", "E": "1000.0", "F": "inf", "G": "-inf", "H": "nan", "I": "2020-01-02",
		}},
		{"values that look like words stay whole", `{ A = "file://x B=1" }`, map[string]string{"A": "file://x B=1"}},
		{"lists as values", `{ A = ["a", 1, true], B = [] }`, map[string]string{"A": "a,1,True", "B": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := doc.ParseTOML([]byte("v = "+tt.value), "s.toml")
			if diags.HasErrors() {
				if tt.want != nil {
					t.Fatal(diags)
				}
				return
			}
			got, err := overridesOf(n.Get("v"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParameterFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		"map.yaml":       "$include: file://base.yml\nB: ~\nC: yes\nD: 010\n",
		"base.yml":       "A: base\nB: base\n",
		"list.toml":      "\"$include\" = ['file://map.yaml', 'file://base.yml']\nZ = 'z'\n",
		"text.yaml":      "A=1 file://base.yml C=3\n",
		"empty.yaml":     "# nothing\n",
		"twice.yaml":     "- file://base.yml\n- file://base.yml\n",
		"loop.yaml":      "- file://./loop.yaml\n",
		"missing.yaml":   "\n$include: file://none.yaml\n",
		"include.yaml":   "$include: base.yml\n",
		"nested.yaml":    "A:\n  b: c\n",
		"nestedlist.yml": "A: [[1]]\n",
		"name.yaml":      "my-name: x\n",
		"number.yaml":    "42\n",
		"word.yaml":      "- A=1\n- B\n",
		"syntax.yaml":    "A: [\n",
		"x.json":         "{}",
		"noextension":    "A: 1",
	})
	tests := []struct {
		name, file string
		want       map[string]string
		err        string
	}{
		{"a map with another file", "map.yaml", map[string]string{"A": "base", "B": "", "C": "yes", "D": "10"}, ""},
		{"several files", "list.toml", map[string]string{"A": "base", "B": "base", "C": "yes", "D": "10", "Z": "z"}, ""},
		{"text", "text.yaml", map[string]string{"A": "base", "B": "base", "C": "3"}, ""},
		{"nothing", "empty.yaml", map[string]string{}, ""},
		{"the same file twice is no loop", "twice.yaml", map[string]string{"A": "base", "B": "base"}, ""},
		{"a loop", "loop.yaml", nil, "loop.yaml:1:3: Invalid value for '--parameter-overrides': ./loop.yaml includes itself"},
		{"a file that is not there", "none.yaml", nil, "none.yaml was not found or is a directory"},
		{"a file that is not there, in a file", "missing.yaml", nil, "missing.yaml:2:11: Invalid value for '--parameter-overrides': none.yaml was not found or is a directory"},
		{"a folder", ".", nil, "was not found or is a directory"},
		{"an include that is no file", "include.yaml", nil, "include.yaml:1:11: Invalid value for '--parameter-overrides': $include names files as file://NAME.yaml"},
		{"a map as a value", "nested.yaml", nil, "nested.yaml:2:3: "},
		{"a list in a list", "nestedlist.yml", nil, "nestedlist.yml:1:5: "},
		{"no name of a parameter", "name.yaml", nil, `name.yaml:1:1: Invalid value for '--parameter-overrides': "my-name" is no parameter's name`},
		{"a number", "number.yaml", nil, "number.yaml:1:1: Invalid value for '--parameter-overrides': parameters are text, lists and maps, not a number"},
		{"a wrong word", "word.yaml", nil, "word.yaml:2:3: Invalid value for '--parameter-overrides': B is not a valid format"},
		{"broken YAML", "syntax.yaml", nil, "syntax.yaml:"},
		{"JSON", "x.json", nil, `uses an unsupported extension ".json"`},
		{"no extension", "noextension", nil, `uses an unsupported extension ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseOverrides([]string{"file://" + filepath.ToSlash(filepath.Join(dir, tt.file))})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
