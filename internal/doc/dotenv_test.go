package doc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// dotenvLines writes assignments one a line.
func dotenvLines(pairs []Pair) []string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.Key+"="+p.Value.Text)
	}
	return out
}

func TestParseDotenv(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"plain", "A=b", []string{"A=b"}},
		{"lines", "A=1\nB=2\n\nC=3\n", []string{"A=1", "B=2", "C=3"}},
		{"carriage returns", "A=1\r\nB=2\rC=3", []string{"A=1", "B=2", "C=3"}},
		{"byte order mark", "\ufeffA=1", []string{"A=1"}},
		{"blanks", "  A  =  b c  ", []string{"A=b c"}},
		{"no value", "A=\nB=b", []string{"A=", "B=b"}},
		{"blanks for a value", "A=   \nB=b", []string{"A=", "B=b"}},
		{"export", "export A=b\nexport\tB=c", []string{"A=b", "B=c"}},
		{"export without a name", "export\nexported=x", []string{"exported=x"}},
		{"export for a name", "export = x", []string{"export=x"}},
		{"colon", "A: b\nB:c", []string{"A=b"}},
		{"characters of names", "A.b-c_1=x", []string{"A.b-c_1=x"}},
		{"last of two", "A=1\nB=2\nA=3", []string{"A=3", "B=2"}},
		{"comment line", "# A=1\n  # B=2\nC=3", []string{"C=3"}},
		{"comment behind", "A=b # c\nB=b#c", []string{"A=b", "B=b"}},
		{"equals signs in a value", "A=b=c==", []string{"A=b=c=="}},
		{"lines that are nothing", "hello\n=x\nA=b\n{}", []string{"A=b"}},
		{"double quotes", `A="b c"`, []string{"A=b c"}},
		{"single quotes", `A='b "c"'`, []string{`A=b "c"`}},
		{"back quotes", "A=`b 'c' \"d\"`", []string{`A=b 'c' "d"`}},
		{"blanks in quotes", "A='  b  '", []string{"A=  b  "}},
		{"comment sign in quotes", `A="b # c" # d`, []string{"A=b # c"}},
		{"empty quotes", `A=""`, []string{"A="}},
		{"line ends in double quotes", `A="b\nc\rd\te"`, []string{"A=b\nc\rd\\te"}},
		{"line ends in single quotes", `A='b\nc'`, []string{`A=b\nc`}},
		{"several lines", "A=\"b\nc # d\n e\"\nB=f", []string{"A=b\nc # d\n e", "B=f"}},
		{"escaped quote", `A="b\"c"`, []string{`A=b\"c`}},
		{"backslash at the end", `A="C:\dir\"`, []string{`A=C:\dir\`}},
		{"quote that is not closed", "A=\"b\nB=c", []string{`A="b`, "B=c"}},
		{"text behind the quotes", `A="b" c`, []string{`A="b" c`}},
		{"quoted twice", `A="b" "c"`, []string{`A=b" "c`}},
		{"quote within", `A=b"c"`, []string{`A=b"c"`}},
		{"JSON", `A={"b": "c"}`, []string{`A={"b": "c"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, dotenvLines(ParseDotenv([]byte(tt.in), ".env"))); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestDotenvKnowsWhereThingsStand(t *testing.T) {
	pairs := ParseDotenv([]byte("A='x\ny'\n  export ÄB=no\n  export Bö=no\n\texport C = z"), ".env")
	if len(pairs) != 2 || pairs[1].Key != "C" {
		t.Fatalf("got %v", dotenvLines(pairs))
	}
	want := diag.Range{File: ".env", Start: diag.Pos{Line: 5, Column: 9}, End: diag.Pos{Line: 5, Column: 10}}
	if diff := cmp.Diff(want, pairs[1].KeyRange); diff != "" {
		t.Errorf("name (-want +got):\n%s", diff)
	}
	if got := pairs[1].Value.At().Start; got != (diag.Pos{Line: 5, Column: 13}) {
		t.Errorf("value at %v", got)
	}
}

func TestExpandDotenv(t *testing.T) {
	tests := []struct {
		name, in string
		env      map[string]string
		want     []string
	}{
		{"nothing to expand", "A=b", nil, []string{"A=b"}},
		{"braces", "A=a\nB=x-${A}-y", nil, []string{"A=a", "B=x-a-y"}},
		{"no braces", "A=a\nB=$A/y", nil, []string{"A=a", "B=a/y"}},
		{"name of a later line", "B=$A\nA=a", nil, []string{"B=a", "A=a"}},
		{"through another", "A=a\nB=${A}b\nC=${B}c", nil, []string{"A=a", "B=ab", "C=abc"}},
		{"of the environment", "A=$HOME/x", map[string]string{"HOME": "/h"}, []string{"A=/h/x"}},
		{"the environment wins", "A=a\nB=$A", map[string]string{"A": "shell"}, []string{"A=a", "B=shell"}},
		{"value of the environment as it is", "B=$A", map[string]string{"A": "pa$$word"}, []string{"B=pa$$word"}},
		{"unknown", "A=x${NOPE}y", nil, []string{"A=xy"}},
		{"default", "A=${NOPE:-d}", nil, []string{"A=d"}},
		{"default that is not needed", "A=a\nB=${A:-d}", nil, []string{"A=a", "B=a"}},
		{"default with a reference", "A=a\nB=${NOPE:-x${A}}y", nil, []string{"A=a", "B=xay"}},
		{"escaped", `A=\$B\${C}`, nil, []string{"A=$B${C}"}},
		{"dollar alone", "A=5$ and $", nil, []string{"A=5$ and $"}},
		{"itself", "A=x$A", nil, []string{"A=x"}},
		{"each other", "A=$B\nB=$A", nil, []string{"A=", "B="}},
		{"single quotes do not protect", "A=a\nB='$A'", nil, []string{"A=a", "B=a"}},
		{"brace that is not closed", "A=a\nB=${A", nil, []string{"A=a", "B=a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := dotenvLines(ExpandDotenv(ParseDotenv([]byte(tt.in), ".env"), tt.env))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestExpandDotenvBoundsWhatItMakes(t *testing.T) {
	var b strings.Builder
	b.WriteString("V0=xxxxxxxxxxxxxxxx\n")
	for i := 1; i < 26; i++ {
		before := "$V" + strings.Repeat("I", i-1)
		if i == 1 {
			before = "$V0"
		}
		b.WriteString("V" + strings.Repeat("I", i) + "=" + strings.Repeat(before+" ", 4) + "\n")
	}
	for _, p := range ExpandDotenv(ParseDotenv([]byte(b.String()), ".env"), nil) {
		if len(p.Value.Text) > 64*maxDotenvValue {
			t.Fatalf("%s has %d bytes", p.Key, len(p.Value.Text))
		}
	}
}

func FuzzDotenv(f *testing.F) {
	for _, seed := range []string{"A=b", "export A='b\nc' # d\nB: $A", `A="\"" x`, "A=${B:-${C:-d}}\nB=\\$A", "A=$A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		pairs := ParseDotenv([]byte(src), ".env")
		seen := map[string]bool{}
		for _, p := range ExpandDotenv(pairs, nil) {
			if p.Key == "" || seen[p.Key] || p.KeyRange.Start.Line < 1 {
				t.Fatalf("%q: bad assignment %+v", src, p)
			}
			seen[p.Key] = true
		}
	})
}
