package doc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

func TestPlainJSON(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing to do", `{"a": [1, 2]}`, `{"a": [1, 2]}`},
		{"line comment", "{ // ü, }\n\"a\": 1 }", "{        \n\"a\": 1 }"},
		{"line comment at the end", "1 // x", "1     "},
		{"line ends of Windows", "{}// x\r\n", "{}    \r\n"},
		{"block comment", "[1 /* ü\n* */, 2]", "[1     \n    , 2]"},
		{"comment that is not closed", "[1 /* 2]", "[1 /* 2]"},
		{"comma behind the last", "{\"a\": [1,2,], }", "{\"a\": [1,2 ]  }"},
		{"comma and a comment", "[1, // x\n]", "[1      \n]"},
		{"comma in the middle", "[1,\n2]", "[1,\n2]"},
		{"commas alone stay", "[,]", "[,]"},
		{"two commas stay", "[1,,]", "[1,,]"},
		{"comma behind a colon stays", `{"a":,}`, `{"a":,}`},
		{"in strings", `["// x", "/* y */", ",]", "\"//", "\\"]`, `["// x", "/* y */", ",]", "\"//", "\\"]`},
		{"string that is not closed", "[\"a\n// x\n]", "[\"a\n    \n]"},
		{"backslash at the end", `"\`, `"\`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, string(PlainJSON([]byte(tt.in)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseJSONCKeepsPlaces(t *testing.T) {
	n, diags := ParseJSONC([]byte("{ /* ä\n ö */ \"a\": 1, // ü\n}"), "f.json")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	want := diag.Range{File: "f.json", Start: diag.Pos{Line: 2, Column: 7}, End: diag.Pos{Line: 2, Column: 10}}
	if diff := cmp.Diff(want, n.Pair("a").KeyRange); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, diags = ParseJSONC([]byte("{\n  \"a\" 1\n}"), "f.json"); !diags.HasErrors() || diags[0].Range.Start.Line != 2 {
		t.Errorf("got %v", diags)
	}
}

func FuzzPlainJSON(f *testing.F) {
	for _, seed := range []string{`{"a": [1, 2,], } // x`, "/* x */ \"\\\"//\"", "[,]", "/"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if got := PlainJSON(src); len(got) > len(src) {
			t.Fatalf("%q grew to %q", src, got)
		}
	})
}
