package doc

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// said writes diagnostics one a line: "1:2 severity code: summary | detail | hint".
func said(l diag.List) []string {
	out := []string{}
	for _, d := range l {
		text := strings.TrimPrefix(d.Range.String(), "f:") + " " + d.Severity.String() + " " + d.Code + ": " + d.Summary
		if d.Detail != "" {
			text += " | " + d.Detail
		}
		if d.Hint != "" {
			text += " | " + d.Hint
		}
		out = append(out, text)
	}
	return out
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestPlainScalarsMeanWhatTheirDialectSays(t *testing.T) {
	tests := []struct {
		text     string
		one, two any // YAML 1.1 and 1.2
	}{
		{"text", "text", "text"},
		{"true", true, true},
		{"False", false, false},
		{"tRUE", "tRUE", "tRUE"},
		{"yes", true, "yes"},
		{"Off", false, "Off"},
		{"y", "y", "y"},
		{"", nil, nil},
		{"~", nil, nil},
		{"Null", nil, nil},
		{"nULL", "nULL", "nULL"},
		{"0", int64(0), int64(0)},
		{"12", int64(12), int64(12)},
		{"-12", int64(-12), int64(-12)},
		{"+12", int64(12), int64(12)},
		{"010", int64(8), int64(10)},
		{"0o10", "0o10", int64(8)},
		{"0123456789", "0123456789", int64(123456789)},
		{"0x10", int64(16), int64(16)},
		{"-0x10", int64(-16), int64(-16)},
		{"0b11", int64(3), int64(3)},
		{"0b_", "0b_", "0b_"},
		{"1_000", int64(1000), "1_000"},
		{"1:30", int64(90), "1:30"},
		{"-1:30:05", int64(-5405), "-1:30:05"},
		{"1:99", "1:99", "1:99"},
		{"9223372036854775807", int64(math.MaxInt64), int64(math.MaxInt64)},
		{"9223372036854775808", 9223372036854775808.0, 9223372036854775808.0},
		{"0xfffffffffffffffff", "0xfffffffffffffffff", "0xfffffffffffffffff"},
		{"1.5", 1.5, 1.5},
		{"1.", 1.0, 1.0},
		{".5", .5, .5},
		{"1e3", "1e3", 1000.0},
		{"1.0e3", "1.0e3", 1000.0},
		{"1.0e+3", 1000.0, 1000.0},
		{"1.2.3", "1.2.3", "1.2.3"},
		{".inf", math.Inf(1), math.Inf(1)},
		{"-.INF", math.Inf(-1), math.Inf(-1)},
		{"-", "-", "-"},
		{".", ".", "."},
		{"2020-01-01", "2020-01-01", "2020-01-01"},
		{"=", "=", "="},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			_, one := YAML11.resolve(tt.text)
			_, two := YAML12.resolve(tt.text)
			diff(t, "1.1 and 1.2", []any{tt.one, tt.two}, []any{one, two})
		})
	}
	if _, v := YAML11.resolve(".nan"); !math.IsNaN(v.(float64)) {
		t.Errorf(".nan is %v", v)
	}
}

func TestYAMLBecomesATree(t *testing.T) {
	tests := []struct{ name, yaml, json string }{
		{"nothing", "", `null`},
		{"a comment", "# c\n", `null`},
		{"map in order", "b: 1\na: [x, 2, ~]\n", `{"b":1,"a":["x",2,null]}`},
		{"keys as written", "~: 1\nyes: 2\n010: 3\n", `{"~":1,"yes":2,"010":3}`},
		{"quotes make text", "a: '1'\nb: \"true\"\nc: |\n  2\n", `{"a":"1","b":"true","c":"2\n"}`},
		{"explicit tags", "a: !!str 1\nb: !!binary aGk=\n", `{"a":"1","b":"hi"}`},
		{"byte order mark", "\ufeffa: 1\n", `{"a":1}`},
		{"carriage returns", "a: x\r\nb: y\r\n", `{"a":"x","b":"y"}`},
		{"alias", "a: &x {k: 1}\nb: *x\n", `{"a":{"k":1},"b":{"k":1}}`},
		{"alias as a key", "a: &x k\n*x : 1\n", `{"a":"k","k":1}`},
		{"merge", "a: &x {k: 1, l: 2}\nb: {l: 3, <<: *x}\n", `{"a":{"k":1,"l":2},"b":{"l":3,"k":1}}`},
		{"merge of several", "a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc: {<<: [*x, *y]}\n", `{"a":{"k":1},"b":{"k":2,"l":3},"c":{"k":1,"l":3}}`},
		{"quoted merge is a key", "'<<': 1\n", `{"<<":1}`},
		{"Ref", "!Ref X", `{"Ref":"X"}`},
		{"Condition", "!Condition X", `{"Condition":"X"}`},
		{"Sub", "!Sub '${X}'", `{"Fn::Sub":"${X}"}`},
		{"Sub of a number", "!Sub 010", `{"Fn::Sub":"010"}`},
		{"Join", "!Join [a, [b, !Ref C]]", `{"Fn::Join":["a",["b",{"Ref":"C"}]]}`},
		{"GetAtt parts at the first dot", "!GetAtt A.B.C", `{"Fn::GetAtt":["A","B.C"]}`},
		{"GetAtt without a dot", "!GetAtt A", `{"Fn::GetAtt":"A"}`},
		{"GetAtt of a list", "!GetAtt [A, !Ref B]", `{"Fn::GetAtt":["A",{"Ref":"B"}]}`},
		{"function with its prefix", "!Fn::Sub x", `{"Fn::Sub":"x"}`},
		{"anchored short form", "a: &x !Ref Y\nb: *x\n", `{"a":{"Ref":"Y"},"b":{"Ref":"Y"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := ParseYAML([]byte(tt.yaml), "f", YAML11)
			diff(t, "diagnostics", []string{}, said(diags))
			diff(t, "tree", tt.json, n.JSON())
		})
	}
}

func TestYAMLProblemsPointIntoTheFile(t *testing.T) {
	tests := []struct {
		name, yaml string
		dialect    Dialect
		usable     bool
		want       []string
	}{
		{"tab", "a:\n\tb: 1\n", YAML11, false, []string{"2:1 error yaml-syntax: found character that cannot start any token | indent with spaces: YAML does not allow tabs"}},
		{"two colons", "a: b: c\n", YAML11, false, []string{"1:5 error yaml-syntax: mapping values are not allowed in this context | put quotes around a value that contains a colon, or give each key a line of its own"}},
		{"unknown anchor", "a: *x\n", YAML11, false, []string{"1:4 error yaml-syntax: unknown anchor 'x' referenced | put quotes around a value that starts with *"}},
		{"wrong indentation", "a:\n    b: 1\n   c: 2\n", YAML11, false, []string{"3:4 error yaml-syntax: did not find expected key | while parsing a block mapping that starts in line 1 | indent this line like those that it belongs to"}},
		{"key among items", "a:\n  - 1\n  b: 2\n", YAML11, false, []string{"3:3 error yaml-syntax: did not find expected '-' indicator | while parsing a block collection that starts in line 2 | start this line with - like the items above it, or indent it like the key that it belongs to"}},
		{"item behind a key", "a: - 1\n", YAML11, false, []string{"1:4 error yaml-syntax: block sequence entries are not allowed in this context | give each item of a list a line of its own"}},
		{"open bracket", "a: [1\nb: 2\n", YAML11, false, []string{"2:2 error yaml-syntax: did not find expected ',' or ']' | while parsing a flow sequence that starts in line 1 | close the bracket that is open, or put a comma between its elements"}},
		{"open bracket at the end", "a: {b: [1,\n# c ]\n", YAML11, false, []string{"1:8 error yaml-syntax: did not find expected node content | close the bracket that is open here"}},
		{"open bracket behind quotes", "a: ['[', \"]\", it's,\n", YAML11, false, []string{"1:4 error yaml-syntax: did not find expected node content | close the bracket that is open here"}},
		{"bare star", "a: *\n", YAML11, false, []string{"1:5 error yaml-syntax: did not find expected alphabetic or numeric character | put quotes around a value that starts with * or &"}},
		{"bare at sign", "a: @x\n", YAML11, false, []string{"1:4 error yaml-syntax: found character that cannot start any token | put quotes around a value that starts with @, % or `"}},
		{"open quotes", "a: \"x\nb: 1\n", YAML11, false, []string{"1:4 error yaml-syntax: found unexpected end of stream | while scanning a quoted scalar that starts here and goes on to line 3 | close the quotes"}},
		{"two documents", "a: 1\n---\nb: 2\n", YAML11, false, []string{"1:1 error yaml-syntax: more than one YAML document in the file | remove the line with --- and what follows it"}},
		{"not UTF-8", "a: \xff\n", YAML11, false, []string{"f error encoding: not a UTF-8 text | save the file as UTF-8"}},
		{"alias in itself", "a: &x [*x]\n", YAML11, false, []string{`1:4 error yaml-alias: this value contains itself through the alias "x"`}},
		{"alias in itself further down", "a: &x {b: {c: *x}}\n", YAML11, false, []string{`1:4 error yaml-alias: this value contains itself through the alias "x"`}},
		{"key that is a list", "? [a]\n: 1\nb: 2\n", YAML11, true, []string{"1:3 error yaml-key: a key must be text, not a map or a list | put quotes around a value that starts with { or ["}},
		{"merge of a number", "a: {<<: 3}\n", YAML11, true, []string{"1:9 error yaml-merge: a merge key (<<) needs a map or a list of maps, not a number"}},
		{"key twice in 1.1", "a: 1\na: 2\n", YAML11, true, []string{`2:1 warning duplicate-key: "a" stands in this map twice, first in line 1 | the first one is ignored; remove one of the two`}},
		{"key twice in 1.2", "a: 1\na: 2\n", YAML12, true, []string{`2:1 error duplicate-key: "a" stands in this map twice, first in line 1 | remove one of the two`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := ParseYAML([]byte(tt.yaml), "f", tt.dialect)
			diff(t, "diagnostics", tt.want, said(diags))
			if (n != nil) != tt.usable {
				t.Errorf("the tree is %v", n.JSON())
			}
		})
	}
}

func TestAliasesThatMultiplyAreRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		from, to := string(rune('0'+i)), string(rune('1'+i))
		b.WriteString("a" + to + ": &a" + to + " [" + strings.TrimSuffix(strings.Repeat("*a"+from+", ", 10), ", ") + "]\n")
	}
	n, diags := ParseYAML([]byte(b.String()), "f", YAML11)
	if n != nil {
		t.Error("there is a tree")
	}
	diff(t, "diagnostics", []string{"1:1 error yaml-alias: the file grows beyond 1000000 values when its aliases are followed"}, said(diags))
}

func TestYAMLScalarsKnowTheirEnds(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       diag.Range
	}{
		{"plain", "a: text # c\n", span(4, 8)},
		{"behind a comma", "{a: x, b: y}\n", span(5, 6)},
		{"single quotes", "a: 'it''s' # c\n", span(4, 11)},
		{"double quotes", `a: "q\"x" # c` + "\n", span(4, 10)},
		{"short form", "a: !Ref X\n", span(4, 10)},
		{"short form in quotes", "a: !Sub 'x y'\n", span(4, 14)},
		{"letters beyond ASCII", "a: éö\n", span(4, 6)},
		{"several lines", "a: x\n  y\n", diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: 4}}},
		{"block", "a: |\n  x\n", diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: 4}}},
		{"a map", "a: {b: c}\n", diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: 4}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, _ := ParseYAML([]byte(tt.yaml), "f", YAML11)
			diff(t, "range", tt.want, n.Get("a").At())
		})
	}
}

func span(from, to int) diag.Range {
	return diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: from}, End: diag.Pos{Line: 1, Column: to}}
}

func TestJSONBecomesATree(t *testing.T) {
	src := "\ufeff{\n  \"é\": [1, -2.5, 1e400, true, null],\n  \"s\": \"\\ud83d\\ude00<\",\n  \"big\": 9223372036854775808\n}"
	n, diags := ParseJSON([]byte(src), "f")
	diff(t, "diagnostics", []string{}, said(diags))
	diff(t, "tree", `{"é":[1,-2.5,null,true,null],"s":"😀<","big":9223372036854776000}`, n.JSON())
	list := n.Get("é")
	diff(t, "list", diag.Range{File: "f", Start: diag.Pos{Line: 2, Column: 8}}, list.At())
	diff(t, "element", diag.Range{File: "f", Start: diag.Pos{Line: 2, Column: 12}, End: diag.Pos{Line: 2, Column: 16}}, list.Items[1].At())
	diff(t, "key", diag.Pos{Line: 3, Column: 3}, n.Pair("s").KeyRange.Start)
}

func TestJSONProblemsPointIntoTheFile(t *testing.T) {
	tests := []struct {
		name, json string
		want       string
	}{
		{"empty", " \n", "1:1 error json-syntax: the file is empty, which is not JSON"},
		{"trailing comma", `{"a":1,}`, "1:8 error json-syntax: invalid character '}' looking for beginning of object key string | remove the comma before it: JSON allows none after the last element"},
		{"trailing comma in a list", "[1,\n]", "2:1 error json-syntax: invalid character ']' looking for beginning of value | remove the comma before it: JSON allows none after the last element"},
		{"no comma", "[1 2]", "1:4 error json-syntax: invalid character '2' after array element"},
		{"no colon", `{"a" 1}`, "1:6 error json-syntax: invalid character '1' after object key"},
		{"bad word", "{\"a\":\n\n  tru}", "3:6 error json-syntax: invalid character '}' in literal true (expecting 'e')"},
		{"bad escape", `["é\x"]`, "1:5 error json-syntax: invalid character 'x' in string escape code"},
		{"end", `{"a": 1`, "1:8 error json-syntax: the JSON text ends too early"},
		{"more", "{}\n x", "2:2 error json-syntax: text after the end of the JSON value"},
		{"too deep", strings.Repeat("[", 20_000), "1:10001 error json-syntax: invalid character '[' exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := ParseJSON([]byte(tt.json), "f")
			if n != nil {
				t.Error("there is a tree")
			}
			diff(t, "diagnostics", []string{tt.want}, said(diags))
		})
	}
}

func TestJSONKeysThatStandTwiceWarn(t *testing.T) {
	n, diags := ParseJSON([]byte(`{"a": 1, "a": 2}`), "f")
	diff(t, "tree", `{"a":2}`, n.JSON())
	if len(diags) != 1 || diags[0].Severity != diag.Warning || diags[0].Range.Start.Column != 10 {
		t.Errorf("got %q", said(diags))
	}
}

func TestParseTakesYAMLAndJSON(t *testing.T) {
	tests := []struct{ name, file, src, json, code string }{
		{"YAML", "f.yaml", "a: 1\n", `{"a":1}`, ""},
		{"JSON in a YAML file", "f.yaml", `{"a": "\ud83d\ude00"}`, `{"a":"😀"}`, ""},
		{"flow map that is no JSON", "f.yaml", `{a: 1,}`, `{"a":1}`, ""},
		{"JSON file", "f.JSON", ` [1]`, `[1]`, ""},
		{"broken JSON file", "f.json", `{a: 1}`, `null`, "json-syntax"},
		{"broken YAML file", "f.yaml", `{a: [}`, `null`, "yaml-syntax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, diags := Parse([]byte(tt.src), tt.file, YAML11)
			code := ""
			if len(diags) > 0 {
				code = diags[0].Code
			}
			diff(t, "tree and problem", []string{tt.json, tt.code}, []string{n.JSON(), code})
		})
	}
}

func TestTheNilNodeIsNothing(t *testing.T) {
	var n *Node
	if n.Get("a") != nil || n.Pair("a") != nil || n.Keys() != nil || n.Is(Null) || n.IsScalar() || n.At() != (diag.Range{}) {
		t.Error("the nil node is something")
	}
	if s, ok := n.Str(); s != "" || ok {
		t.Error("the nil node is a string")
	}
	diff(t, "JSON", "null", n.JSON())
}

func TestNodesAreMade(t *testing.T) {
	r := span(1, 2)
	n := NewMap("k", NewString("v", r), r)
	b, err := n.MarshalJSON()
	diff(t, "JSON", `{"k":"v"}`, string(b))
	if err != nil || n.At() != r || n.Pair("k").KeyRange != r {
		t.Errorf("%v, %v", err, n.At())
	}
	for kind, want := range map[Kind]string{Null: "null", Bool: "a boolean", Int: "a number", Float: "a number", String: "a string", List: "a list", Map: "a map"} {
		diff(t, "kind", want, kind.String())
	}
}

func TestNumbersAreWrittenAsJavaScriptDoes(t *testing.T) {
	tests := map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 1: "1", 1.5: "1.5", -0.25: "-0.25", 1e20: "100000000000000000000",
		1e21: "1e+21", 1.5e300: "1.5e+300", 1e-6: "0.000001", 1e-7: "1e-7", 1.25e-10: "1.25e-10", 123456789012: "123456789012",
	}
	for v, want := range tests {
		if got := FormatFloat(v); got != want {
			t.Errorf("%g is written %q, want %q", v, got, want)
		}
	}
}

// FuzzParse holds both parsers to their contract on any bytes.
// TestLongLinesTakeNoLonger reads a file of which all stands on one line. Where
// the columns of each node were counted from the line's start, it took minutes.
func TestLongLinesTakeNoLonger(t *testing.T) {
	src := []byte("[" + strings.Repeat(`{"é":1},`, 200_000) + "{}]")
	n, diags := ParseJSON(src, "one-line.json")
	if diags.HasErrors() || len(n.Items) != 200_001 {
		t.Fatalf("got %v", diags)
	}
	if got := n.Items[200_000].Range.Start; got != (diag.Pos{Line: 1, Column: 2 + 8*200_000}) {
		t.Errorf("the last element is at %v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: &x [1, 'y', !Ref z]\nb: *x\n", `{"a": [1, true, "\ud83d"]}`, "a: {<<: {b: 1}}\n? [k]\n: v\n", "- |\n  x\n- >-\n  y\n"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, src []byte, asJSON bool) {
		file := "f.yaml"
		if asJSON {
			file = "f.json"
		}
		n, diags := Parse(src, file, YAML12)
		if n == nil && !diags.HasErrors() {
			t.Error("neither a tree nor an error")
		}
		if asJSON && n != nil && !diags.HasErrors() {
			if again, problems := ParseJSON([]byte(n.JSON()), file); problems.HasErrors() {
				t.Errorf("%s reads back as %s: %v", n.JSON(), again.JSON(), problems)
			}
		}
	})
}
