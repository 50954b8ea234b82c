package doc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// pythonLines writes assignments one a line; a name without a value stands alone.
func pythonLines(pairs []Pair) []string {
	var out []string
	for _, p := range pairs {
		if text, ok := p.Value.Str(); ok {
			out = append(out, p.Key+"="+text)
			continue
		}
		out = append(out, p.Key)
	}
	return out
}

func TestParsePythonDotenv(t *testing.T) {
	env := map[string]string{"HOME": "/h", "EMPTY": "", "A": "shell"}
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"plain", "A=b", []string{"A=b"}},
		{"lines", "A=1\n\n  B=2\r\nC=3\rD=4\n", []string{"A=1", "B=2", "C=3", "D=4"}},
		{"byte order mark", "\ufeffA=1", []string{"A=1"}},
		{"blanks", "  A  =  b c  ", []string{"A=b c"}},
		{"no value", "A=\nB=b", []string{"A=", "B=b"}},
		{"no equals sign", "A\nB # c\nC=c", []string{"A", "B", "C=c"}},
		{"export", "export A=b\nexport\tB=c\nexport 'C'=d", []string{"A=b", "B=c", "C=d"}},
		{"export alone", "export\nA=b", []string{"export", "A=b"}},
		{"export of nothing", "export \nA=b", []string{"A=b"}},
		{"name in quotes", "'A b'=c", []string{"A b=c"}},
		{"any characters in names", "A.b-c:d=x", []string{"A.b-c:d=x"}},
		{"last of two", "A=1\nB=2\nA=3", []string{"A=3", "B=2"}},
		{"comment line", "# A=1\n  # B=2\nC=3", []string{"C=3"}},
		{"comment behind", "A=b # c\nB=b#c\nC=b\t#c", []string{"A=b", "B=b#c", "C=b"}},
		{"comment sign at once", "A=#b\nB= #b", []string{"A=#b", "B=#b"}},
		{"several blanks before a comment", "A=b   # c # d", []string{"A=b"}},
		{"equals signs in a value", "A=b=c==", []string{"A=b=c=="}},
		{"lines that are nothing", "hello there\n=x\nA=b\n", []string{"A=b"}},
		{"colon is no equals sign", "A: b\nB=c", []string{"B=c"}},
		{"double quotes", `A="b c"`, []string{"A=b c"}},
		{"single quotes", `A='b "c"'`, []string{`A=b "c"`}},
		{"back quotes are letters", "A=`b c`", []string{"A=`b c`"}},
		{"comment sign in quotes", `A="b # c" # d`, []string{"A=b # c"}},
		{"empty quotes", `A=""`, []string{"A="}},
		{"escapes in double quotes", `A="b\nc\td\\n\"e\'\q"`, []string{"A=b\nc\td\\n\"e'\\q"}},
		{"escapes in single quotes", `A='b\nc\\d\'e'`, []string{`A=b\nc\d'e`}},
		{"several lines", "A=\"b\nc # d\n e\"\nB=f", []string{"A=b\nc # d\n e", "B=f"}},
		{"backslash at the end", `A="C:\dir\"`, []string{`A=C:\dir\`}},
		{"quote that is not closed", "A=\"b\nB=c", []string{"B=c"}},
		{"text behind the quotes", "A=\"b\" c\nB=d", []string{"B=d"}},
		{"quote within", `A=b"c"`, []string{`A=b"c"`}},
		{"reference to the environment", "B=${HOME}/x", []string{"B=/h/x"}},
		{"the file wins over the environment", "A=file\nB=${A}", []string{"A=file", "B=file"}},
		{"but not a later line", "B=${A}\nA=file", []string{"B=shell", "A=file"}},
		{"no braces, no reference", "B=$HOME", []string{"B=$HOME"}},
		{"unknown", "B=x${NOPE}y", []string{"B=xy"}},
		{"default", "B=${NOPE:-d}", []string{"B=d"}},
		{"default of what is there but empty", "B=${EMPTY:-d}", []string{"B="}},
		{"reference in single quotes", "B='${HOME}'", []string{"B=/h"}},
		{"reference to a name without a value", "C\nB=x${C}y", []string{"C", "B=xy"}},
		{"itself", "B=1\nB=${B}2", []string{"B=12"}},
		{"brace that is not closed", "B=${HOME", []string{"B=${HOME"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pairs, _ := ParsePythonDotenv([]byte(tt.in), ".env", env)
			if diff := cmp.Diff(tt.want, pythonLines(pairs)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestPythonDotenvSaysWhatItLeavesOut(t *testing.T) {
	pairs, diags := ParsePythonDotenv([]byte("A=1\n  hello there\nB=\"x\nC=2\n"), "my.env", nil)
	if diff := cmp.Diff([]string{"A=1", "C=2"}, pythonLines(pairs)); diff != "" {
		t.Errorf("assignments (-want +got):\n%s", diff)
	}
	var got []string
	for _, d := range diags {
		got = append(got, d.Severity.String()+" "+d.Error())
	}
	want := []string{
		"warning my.env:2:3: this is no assignment; the line is left out",
		"warning my.env:3:1: this is no assignment; the line is left out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestPythonDotenvKnowsWhereThingsStand(t *testing.T) {
	pairs, _ := ParsePythonDotenv([]byte("A='x\ny'\n\texport Ü = z"), ".env", nil)
	if len(pairs) != 2 {
		t.Fatalf("got %v", pythonLines(pairs))
	}
	want := diag.Range{File: ".env", Start: diag.Pos{Line: 3, Column: 9}, End: diag.Pos{Line: 3, Column: 10}}
	if diff := cmp.Diff(want, pairs[1].KeyRange); diff != "" {
		t.Errorf("name (-want +got):\n%s", diff)
	}
	if got := pairs[1].Value.At().Start; got != (diag.Pos{Line: 3, Column: 13}) {
		t.Errorf("value at %v", got)
	}
}

func TestPythonDotenvBoundsWhatItMakes(t *testing.T) {
	src := "A=" + strings.Repeat("x", 64) + "\n" + strings.Repeat("A=${A}${A}${A}${A}\n", 40)
	pairs, diags := ParsePythonDotenv([]byte(src), ".env", nil)
	if len(pairs) != 1 || !diags.HasErrors() {
		t.Errorf("%d assignments, diagnostics %v", len(pairs), diags)
	}
}

func FuzzPythonDotenv(f *testing.F) {
	for _, seed := range []string{"A=b", "export 'A'=\"b\nc\" # d\nB", `A="\"" x`, "A=${B:-c}\nB=${A}", "A='\\'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		pairs, _ := ParsePythonDotenv([]byte(src), ".env", nil)
		seen := map[string]bool{}
		for _, p := range pairs {
			if p.Key == "" || seen[p.Key] || p.KeyRange.Start.Line < 1 {
				t.Fatalf("%q: bad assignment %+v", src, p)
			}
			seen[p.Key] = true
		}
	})
}
