package event

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func unquote(t *testing.T, s string) string {
	t.Helper()
	text, err := url.PathUnescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTreesAreWrittenAsPythonDoes: the wanted texts are what json.dumps with
// indent=2 gives, with ensure_ascii and without.
func TestTreesAreWrittenAsPythonDoes(t *testing.T) {
	tests := []struct{ name, in, ascii, utf8 string }{
		{"nothing", `null`, `null`, `null`},
		{"literals", `[true,false]`, "[\n  true,\n  false\n]", "[\n  true,\n  false\n]"},
		{"empty", `{"a":{},"b":[]}`, "{\n  \"a\": {},\n  \"b\": []\n}", "{\n  \"a\": {},\n  \"b\": []\n}"},
		{"nested", `{"a":[{"b":1}]}`, "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}", "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}"},
		{"the order stays", `{"z":1,"a":2}`, "{\n  \"z\": 1,\n  \"a\": 2\n}", "{\n  \"z\": 1,\n  \"a\": 2\n}"},
		{"the last of two keys counts, at the first's place", `{"a":1,"b":2,"a":3}`, "{\n  \"a\": 3,\n  \"b\": 2\n}", "{\n  \"a\": 3,\n  \"b\": 2\n}"},
		{"numbers", `[12345678901234567890, 1.50]`, "[\n  12345678901234567890,\n  1.50\n]", "[\n  12345678901234567890,\n  1.50\n]"},
		{"escapes", `"\"\\\/\n\r\t\b\f\u0001<&"`, `"\"\\/\n\r\t\b\f\u0001<&"`, `"\"\\/\n\r\t\b\f\u0001<&"`},
		{"delete", `"\u007f"`, `"\u007f"`, "\"\x7f\""},
		{"unicode", `"é€😀"`, `"\u00e9\u20ac\ud83d\ude00"`, `"é€😀"`},
		{"unicode in keys", `{"é":1}`, "{\n  \"\\u00e9\": 1\n}", "{\n  \"é\": 1\n}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			ascii, utf8 := printer{indent: "  ", ascii: true}, printer{indent: "  "}
			ascii.value(tree, "\n")
			utf8.value(tree, "\n")
			if diff := cmp.Diff([]string{tt.ascii, tt.utf8}, []string{string(ascii.out), string(utf8.out)}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCompactTextHasNoBlanks(t *testing.T) {
	const want = `{"a":[1,{"b":null},[]],"c":{},"d":"x y"}`
	tree, err := parse([]byte(`{ "a": [1, {"b": null}, []], "c": {}, "d": "x y" }`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, compact(tree)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTextThatIsNoUTF8IsReplaced(t *testing.T) {
	p := printer{ascii: true}
	p.text("a\xffb")
	if diff := cmp.Diff(`"a\ufffdb"`, string(p.out)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTextThatIsNoJSONIsNotParsed(t *testing.T) {
	for _, text := range []string{``, `{`, `[1,]`, `{"a":1,}`, `{a:1}`, `1 2`, `nul`, `"`} {
		if tree, err := parse([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, tree)
		}
	}
}

func TestWrongTemplatesAreRefused(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"unknown option", `{"a":"{{nothing}}"}`, `rendering the template: "{{nothing}}" names no option`},
		{"unknown filter", `["{{name|nothing}}"]`, `rendering the template: no filter fits "{{name|nothing}}"`},
		{"filter that makes a tree, within a text", `"x{{name|json}}"`, `rendering the template: no filter fits "x{{name|json}}"`},
		{"wrong key", `{"{{nothing}}":1,"b":2}`, `rendering the template: "{{nothing}}" names no option`},
		{"merging what is no object", `{"{{merge}}":[1]}`, "rendering the template: 1 cannot be merged"},
		{"within a directive", `{"{{text}}":"{{nothing}}"}`, `rendering the template: "{{nothing}}" names no option`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			_, err = renderer{values: map[string]string{"name": "{}"}}.render(tree)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzValues(f *testing.F) {
	f.Add(`{"a":"b"}`, "text")
	f.Add(`{"a":[1,{"b":null}],"a":2}`, "\"\\\n\x00\xff😀")
	f.Fuzz(func(t *testing.T, object, text string) {
		values := map[string]string{"querystringparameters": object, "body": text, "stage": text}
		out, err := find(t, "apigateway", "aws-proxy").Generate(values, ASCII)
		if err == nil && !json.Valid(out) {
			t.Errorf("no JSON: %s", out)
		}
	})
}
