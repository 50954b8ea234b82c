package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// envVars reads text as the file name in a folder of its own, which is the
// working folder from then on.
func envVars(t *testing.T, name, text string, env map[string]string) (EnvVars, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return ReadEnvVars(name, env)
}

// texts are variables as NAME=value@place.
func texts(variables []lambda.Variable) []string {
	var out []string
	for _, v := range variables {
		out = append(out, v.Name+"="+v.Value+"@"+v.Source.String())
	}
	return out
}

// messages are diagnostics in a line each.
func messages(l diag.List) []string {
	var out []string
	for _, d := range l {
		text := d.Severity.String() + " " + d.Error()
		if d.Hint != "" {
			text += " | " + d.Hint
		}
		out = append(out, text)
	}
	return out
}

func TestEnvVarsForms(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             []string // what the function F gets, which declares nothing
	}{
		{"for all", "e.json", `{"Parameters": {"A": "1"}}`, []string{"A=1@e.json:1"}},
		{"for one", "e.json", `{"F": {"A": "1"}, "G": {"B": "2"}}`, []string{"A=1@e.json:1"}},
		{"one wins over all", "e.json", "{\"F\": {\"A\": \"1\"},\n\"Parameters\": {\"A\": \"2\", \"B\": \"3\"}}", []string{"A=1@e.json:1", "B=3@e.json:2"}},
		{"commas and comments", "e.json", "{ // all\n  \"Parameters\": {\n    \"A\": \"1\", /* x */\n  },\n}", []string{"A=1@e.json:3"}},
		{"byte order mark", "e.json", "\ufeff{\"Parameters\": {\"A\": \"1\"}}", []string{"A=1@e.json:1"}},
		{"whatever its name", "e.txt", "// all\n{\"Parameters\": {\"A\": \"1\"}}", []string{"A=1@e.txt:2"}},
		{"nothing", "e.json", `{}`, nil},
		{"nothing for one", "e.json", `{"F": {}, "Parameters": {"A": "1"}}`, []string{"A=1@e.json:1"}},
		{"dotenv", ".env", "# all\nexport A='1'\nB=${HOME}/b\nC", []string{"A=1@.env:2", "B=/h/b@.env:3", "C=@.env:4"}},
		{
			"values as SAM CLI writes them", "e.json",
			`{"F": {"T": true, "N": null, "I": 10, "R": 1.50, "E": 1e3, "S": 1e-7, "B": 123456789012345678901, "L": 1e22, "O": "é\n"}}`,
			[]string{
				"T=true@e.json:1", "N=@e.json:1", "I=10@e.json:1", "R=1.5@e.json:1", "E=1000.0@e.json:1", "S=1e-07@e.json:1",
				"B=123456789012345678901@e.json:1", "L=1e+22@e.json:1", "O=é\n@e.json:1",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := envVars(t, tt.file, tt.text, map[string]string{"HOME": "/h"})
			if err != nil {
				t.Fatal(err)
			}
			fn := &lambda.Function{LogicalID: "F", ID: "F", Name: "F", Path: "F"}
			var diags diag.List
			v.apply(fn, true, &diags)
			if diff := cmp.Diff(tt.want, texts(fn.Environment)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(diags) > 0 {
				t.Errorf("diagnostics %v", messages(diags))
			}
		})
	}
}

func TestEnvVarsThatAreWrong(t *testing.T) {
	const forms = ` | write {"Parameters": {"NAME": "value"}} for all functions, {"Function": {"NAME": "value"}} for one`
	tests := []struct {
		name, file, text string
		want             []string
	}{
		{"flat", "e.json", "{\n  \"A\": \"v\",\n  \"B\": \"w\"\n}", []string{"error e.json:2:8: Environment variables v in incorrect format" + forms}},
		{"flat among others", "e.json", `{"Parameters": {}, "A": 1}`, []string{"error e.json:1:25: Environment variables 1 in incorrect format" + forms}},
		{"list for a function", "e.json", `{"F": ["A"]}`, []string{"error e.json:1:7: Environment variables a list in incorrect format" + forms}},
		{"null for a function", "e.json", `{"F": null}`, []string{"error e.json:1:7: Environment variables null in incorrect format" + forms}},
		{"list", "e.json", `[]`, []string{"error e.json:1:1: the environment variables file must hold an object, not a list" + forms}},
		{"text", "e", `"x"`, []string{"error e:1:1: the environment variables file must hold an object, not a string" + forms}},
		{"broken", "e.json", "{\n  \"A\" {}\n}", []string{"error e.json:2:7: invalid character '{' after object key"}},
		{"broken, and named otherwise", "e", "{\"A\": {}", []string{"error e:1:9: the JSON text ends too early"}},
		{"empty", "e.json", "", []string{"error e.json:1:1: the file is empty, which is not JSON"}},
		{"nothing of either kind", "e", "# nothing\n", []string{"error e: Could not read environment variables overrides from file e: file is not in valid JSON or .env format"}},
		{"names that are none", "e.json", `{"F": {"": "1", "A=B": "2"}}`, []string{
			`error e.json:1:8: "" is no name for an environment variable`, `error e.json:1:17: "A=B" is no name for an environment variable`,
		}},
		{"zero byte", "e.json", `{"F": {"A": "\u0000"}}`, []string{`error e.json:1:13: the value of "A" has a zero byte, which no environment variable can have`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := envVars(t, tt.file, tt.text, nil)
			p, ok := errors.AsType[*Problem](err)
			if !ok || p.Kind != InProject {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, messages(p.List)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvVarsFileThatIsNotThere(t *testing.T) {
	_, err := ReadEnvVars(filepath.Join(t.TempDir(), "no", "file"), nil)
	if p, ok := errors.AsType[*Problem](err); !ok || p.Kind != InCall {
		t.Errorf("got %v", err)
	}
}

func TestEnvVarsRemarks(t *testing.T) {
	const hint = " | declare it in the function's environment, or pass such values on with --env-vars-extra"
	tests := []struct {
		name, text string
		extra      bool
		want       []string
	}{
		{"all is well", `{"Parameters": {"TABLE": "1"}}`, false, nil},
		{"undeclared", `{"Parameters": {"TABEL": "1"}}`, false, []string{
			`warning e.json:1:17: the function "F" does not declare TABEL (did you mean TABLE?), so it does not get the value` + hint,
		}},
		{"several in one line, each once", "{\"Parameters\": {\"X\": \"1\",\n\"TABEL\": \"2\"}, \"F\": {\"X\": \"3\"}}", false, []string{
			`warning e.json:1:17: the function "F" does not declare X, TABEL (did you mean TABLE?), so it does not get what this file gives them` + hint,
		}},
		{"undeclared, but wanted", `{"Parameters": {"TABEL": "1"}}`, true, nil},
		{"a list for a value", `{"F": {"TABLE": [1]}}`, false, []string{
			`warning e.json:1:17: the value of "TABLE" is a list; the function gets an empty text | write it as JSON text in quotes`,
		}},
		{"another function's", `{"G": {"X": "1"}, "deployed-g": {"X": "1"}, "Nested/G": {"X": "1"}}`, false, nil},
		{"nobody's", `{"Nobdy": {"X": "1"}, "deploye-g": {"X": "1"}}`, false, []string{
			`warning e.json:1:2: the project has no function "Nobdy", so nobody gets these values`,
			`warning e.json:1:23: the project has no function "deploye-g", so nobody gets these values | did you mean "deployed-g"?`,
		}},
		{"all functions, misspelt", `{"Parameter": {"TABLE": "1"}}`, false, []string{
			`warning e.json:1:2: the project has no function "Parameter", so nobody gets these values | did you mean "Parameters"?`,
		}},
		{"a key twice", "{\"F\": {\"TABLE\": \"1\"},\n\"F\": {\"TABLE\": \"2\"}}", false, []string{
			`warning e.json:2:1: "F" stands in this map twice, first in line 1 | the first one is ignored; remove one of the two`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := envVars(t, "e.json", tt.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			fn := &lambda.Function{LogicalID: "F", ID: "F", Name: "F", Path: "F", Environment: []lambda.Variable{{Name: "TABLE"}}}
			p := &lambda.Project{Functions: []*lambda.Function{fn, {LogicalID: "G", ID: "G", Name: "deployed-g", Path: "Nested/G"}}}
			var diags diag.List
			withValues(fn, &diags, p, Options{EnvVars: v, EnvExtra: tt.extra})
			if diff := cmp.Diff(tt.want, messages(diags)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvVarsManyUndeclared(t *testing.T) {
	text := "A=1\n"
	for c := 'B'; c <= 'P'; c++ {
		text += string(c) + "=1\n"
	}
	v, err := envVars(t, ".env", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	var diags diag.List
	v.apply(&lambda.Function{Path: "F"}, false, &diags)
	want := `.env:1:1: the function "F" does not declare A, B, C, D, E, F, G, H, I, J, K, L and 4 more, so it does not get what this file gives them`
	if len(diags) != 1 || diags[0].Error() != want {
		t.Errorf("got %v", messages(diags))
	}
}

func TestEnvVarsKeysInTheOrderOfTheirWorth(t *testing.T) {
	fn := &lambda.Function{LogicalID: "Logical", ID: "Id", Name: "Name", Path: "Stack/Id"}
	all := []string{`"Stack/Id": {"A": "path"}`, `"Name": {"A": "name"}`, `"Id": {"A": "id"}`, `"Logical": {"A": "logical"}`}
	text := ""
	for i, want := range []string{"path", "name", "id", "logical"} {
		if i > 0 {
			text += ", "
		}
		text += all[i]
		v, err := envVars(t, "e.json", "{"+text+"}", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.of(fn); len(got) != 1 || got[0].Value != want {
			t.Errorf("of %s: got %v, want %s", text, got, want)
		}
	}
	// One without values does not count.
	v, err := envVars(t, "e.json", `{"Logical": {}, "Name": {"A": "name"}}`, nil)
	if got := v.of(fn); err != nil || len(got) != 1 || got[0].Value != "name" {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzEnvVars(f *testing.F) {
	for _, seed := range []string{`{"Parameters": {"A": "b",}, }`, "A=b\nB=${A}", `{"F": {"A": [1]}} // x`, `[`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := EnvVars{file: "f"}
		if isJSON([]byte(text), "f") {
			v.readJSON([]byte(text))
		} else {
			v.readDotenv([]byte(text), nil)
		}
		for _, one := range v.shared {
			if !v.diags.HasErrors() && (one.Name == "" || one.Source.Line < 1) {
				t.Fatalf("%q: %+v", text, one)
			}
		}
	})
}
