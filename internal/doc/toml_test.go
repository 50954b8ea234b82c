package doc

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/diag"
)

func TestTOMLIsOneTree(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"nothing", "", `{}`},
		{"comments", "# one\n\n  # two\n", `{}`},
		{"scalars", "a = 1\nb = 1.5\nc = true\nd = 'x'\ne = \"y\\n\"\n", `{"a":1,"b":1.5,"c":true,"d":"x","e":"y\n"}`},
		{"numbers", "a = 0x1F\nb = 1_000\nc = +7\nd = 0o17\ne = 0b11\nf = 1_0.5e1", `{"a":31,"b":1000,"c":7,"d":15,"e":3,"f":105}`},
		{"numbers that JSON lacks", "a = inf\nb = -inf\nc = nan", `{"a":null,"b":null,"c":null}`},
		{"dates are texts", "a = 2020-01-02\nb = 2020-01-02T03:04:05Z\nc = 03:04:05", `{"a":"2020-01-02","b":"2020-01-02T03:04:05Z","c":"03:04:05"}`},
		{"several lines", "a = \"\"\"\none\ntwo\"\"\"\nb = '''x\ny'''", `{"a":"one\ntwo","b":"x\ny"}`},
		{"tables", "version = 0.1\n[default.deploy.parameters]\nx = 1\n[default.global]\ny = 2\n", `{"version":0.1,"default":{"deploy":{"parameters":{"x":1}},"global":{"y":2}}}`},
		{"the outer table behind the inner one", "[a.b]\nx = 1\n[a]\ny = 2\n", `{"a":{"b":{"x":1},"y":2}}`},
		{"dotted keys", "a.b.c = 1\na.b.d = 2\n\"x y\".z = 3\n", `{"a":{"b":{"c":1,"d":2}},"x y":{"z":3}}`},
		{"lists", "a = [1, \"two\", [3, 4], { b.c = 5 }] # end\n", `{"a":[1,"two",[3,4],{"b":{"c":5}}]}`},
		{"lists over lines", "a = [\n  1, # one\n  2,\n]\n", `{"a":[1,2]}`},
		{"inline tables", "a = { b = 1, c = { d = 'x' } }\n", `{"a":{"b":1,"c":{"d":"x"}}}`},
		{"lists of tables", "[[a]]\nx = 1\n[a.b]\ny = 2\n[[a]]\nx = 3\n[[a.c]]\nz = 4\n", `{"a":[{"x":1,"b":{"y":2}},{"x":3,"c":[{"z":4}]}]}`},
		{"line ends of Windows", "a = 1\r\n[b]\r\nc = 2\r\n", `{"a":1,"b":{"c":2}}`},
		{"byte order mark", "\ufeffa = 1\n", `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := ParseTOML([]byte(tt.src), "f.toml")
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if diff := cmp.Diff(tt.want, n.JSON()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTOMLNumbersBeyondJSON(t *testing.T) {
	n, diags := ParseTOML([]byte("a = inf\nb = -inf\nc = +nan"), "")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	a, b, c := n.Get("a").Value.(float64), n.Get("b").Value.(float64), n.Get("c").Value.(float64)
	if !math.IsInf(a, 1) || !math.IsInf(b, -1) || !math.IsNaN(c) {
		t.Errorf("got %v, %v, %v", a, b, c)
	}
}

func TestTOMLPlaces(t *testing.T) {
	const src = "version = 0.1\n\n[default.\"é x\".parameters]\n  event = \"é.json\" # c\n  list = [ 1,\n    'two', [3] ]\n  in = { line = true }\n"
	root, diags := ParseTOML([]byte(src), "s.toml")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	parameters := root.Get("default").Get("é x").Get("parameters")
	span := func(line, from, to int) diag.Range {
		r := diag.Range{File: "s.toml", Start: diag.Pos{Line: line, Column: from}}
		if to > 0 {
			r.End = diag.Pos{Line: line, Column: to}
		}
		return r
	}
	tests := []struct {
		name string
		got  diag.Range
		want diag.Range
	}{
		{"the document", root.Range, span(1, 1, 0)},
		{"a key", root.Pair("version").KeyRange, span(1, 1, 8)},
		{"a number", root.Get("version").Range, span(1, 11, 14)},
		{"a part of a header", root.Get("default").Pair("é x").KeyRange, span(3, 10, 15)},
		{"a table", parameters.Range, span(3, 16, 26)},
		{"an indented key", parameters.Pair("event").KeyRange, span(4, 3, 8)},
		{"a string, quotes included", parameters.Get("event").Range, span(4, 11, 19)},
		{"a list over lines", parameters.Get("list").Range, span(5, 10, 0)},
		{"an item", parameters.Get("list").Items[1].Range, span(6, 5, 10)},
		{"a list in a list", parameters.Get("list").Items[2].Range, span(5, 10, 0)},
		{"an inline table", parameters.Get("in").Range, span(7, 8, 23)},
		{"a value in one", parameters.Get("in").Get("line").Range, span(7, 17, 21)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTOMLMistakes(t *testing.T) {
	tests := []struct{ name, src, at string }{
		{"no value", "a = 1\nb =\n", "f.toml:2:4"},
		{"a bare word", "é = yes\n", "f.toml:1:"},
		{"a key twice", "a = 1\na = 2\n", "f.toml:2:1"},
		{"a table twice", "[a]\n[b]\n[a]\n", "f.toml:3:2"},
		{"a value as a table", "a = 1\n[a.b]\n", "f.toml:2:"},
		{"never closed", "a = [1,\n", "f.toml:1:"},
		{"zero in front", "a = 010\n", "f.toml:1:"},
		{"not UTF-8", "a = \"\xff\"\n", "f.toml:1:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := ParseTOML([]byte(tt.src), "f.toml")
			if n != nil || len(diags) != 1 || diags[0].Code != "toml-syntax" {
				t.Fatalf("node %v, diagnostics %v", n, diags)
			}
			if got := diags[0].Error(); !strings.HasPrefix(got, tt.at) || strings.Contains(got, "toml: ") {
				t.Errorf("got %q, want it at %s", got, tt.at)
			}
		})
	}
}

func TestTOMLValuesAreSetInPlace(t *testing.T) {
	path := []string{"default", "local_invoke", "parameters"}
	const header = "[default.local_invoke.parameters]\n"
	tests := []struct {
		name, src, key string
		value          any
		want           string
	}{
		{"an empty document", "", "event", "e.json", header + "event = \"e.json\"\n"},
		{"no table", "version = 0.1\n", "debug", true, "version = 0.1\n\n" + header + "debug = true\n"},
		{"no line feed at the end", "version = 0.1", "debug", false, "version = 0.1\n\n" + header + "debug = false\n"},
		{"an empty table", header, "debug_port", []int{1, 2}, header + "debug_port = [1, 2]\n"},
		{"an empty table without a line feed", strings.TrimSpace(header), "n", 5, header + "n = 5\n"},
		{
			"behind the last key", "# top\n" + header + "  a = 1 # one\n\n# two\n[x]\nb = 2\n", "event", `a "b"\` + "\n\x7f",
			"# top\n" + header + "  a = 1 # one\nevent = \"a \\\"b\\\"\\\\\\n\\u007F\"\n\n# two\n[x]\nb = 2\n",
		},
		{
			"over an old value", header + "event  =  'old' # why\nb = 1\n", "event", "new",
			header + "event  =  \"new\" # why\nb = 1\n",
		},
		{
			"over a list on several lines", header + "add_host = [ # hosts\n  'a:1',\n]\nb = 1\n", "add_host",
			[]string{"c:2", "d:3"},
			header + "add_host = [\"c:2\", \"d:3\"]\nb = 1\n",
		},
		{
			"not the key of another table", "[x]\nevent = 'x'\n" + header + "a.event = 'y'\n", "event", "z",
			"[x]\nevent = 'x'\n" + header + "a.event = 'y'\nevent = \"z\"\n",
		},
		{
			"a table before its own sub-table", header + "[default.local_invoke.parameters.sub]\nevent = 1\n", "event", "z",
			header + "event = \"z\"\n[default.local_invoke.parameters.sub]\nevent = 1\n",
		},
		{"a byte order mark", "\ufeff" + header, "a", "b", header + "a = \"b\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := SetTOML([]byte(tt.src), path, tt.key, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			n, diags := ParseTOML(got, "")
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			for _, part := range path {
				n = n.Get(part)
			}
			if back := n.Get(tt.key); back.Is(String) && back.Text != fmt.Sprint(tt.value) {
				t.Errorf("reads back as %q", back.Text)
			}
		})
	}
}

func TestTOMLKeysAreQuotedWhereNeeded(t *testing.T) {
	got, err := SetTOML(nil, []string{"my env", "x.y", "z-1_a"}, "key", "v")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("[\"my env\".\"x.y\".z-1_a]\nkey = \"v\"\n", string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTOMLInOtherFormsIsLeftAlone(t *testing.T) {
	tests := []struct{ name, src string }{
		{"an inline table", "default = { local_invoke = { parameters = { a = 1 } } }\n"},
		{"dotted keys", "[default]\nlocal_invoke.parameters.a = 1\n"},
		{"lists of tables", "[[default]]\n[default.local_invoke.parameters]\na = 1\n"},
		{"the key as a table", "[default.local_invoke.parameters]\n[default.local_invoke.parameters.event]\na = 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := SetTOML([]byte(tt.src), []string{"default", "local_invoke", "parameters"}, "event", "e")
			if !errors.Is(err, ErrTOMLForm) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzTOML(f *testing.F) {
	f.Add([]byte("version = 0.1\n[a.b]\nc = [1, { d = 'e' }]\n[[f]]\n"))
	f.Add([]byte("a.b = \"\"\"\nx\"\"\"\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		n, diags := ParseTOML(src, "f.toml")
		if (n == nil) != diags.HasErrors() {
			t.Fatalf("node %v, diagnostics %v", n, diags)
		}
		if n == nil {
			return
		}
		out, err := SetTOML(src, []string{"a", "b"}, "c", "value")
		if err != nil {
			return
		}
		back, diags := ParseTOML(out, "")
		if got, _ := back.Get("a").Get("b").Get("c").Str(); diags.HasErrors() || got != "value" {
			t.Fatalf("%q was set to %q", src, out)
		}
	})
}
