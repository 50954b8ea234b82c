package samcli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPresentWritesAsPythonDoes: the wanted texts are what
// json.dumps(json.loads(x), ensure_ascii=False) gives.
func TestPresentWritesAsPythonDoes(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"separators", `{"a":1,"b":[1,2,{"c":null}]}`, `{"a": 1, "b": [1, 2, {"c": null}]}`},
		{"empty", `{ }`, `{}`},
		{"white space", "\n[ ]\n", `[]`},
		{"unicode stays", `"h\u00e9 \ud83d\ude00 é"`, `"hé 😀 é"`},
		{"escapes", `"a\/b\u0001\n\t\"\\\b\f\r\u007f"`, "\"a/b\\u0001\\n\\t\\\"\\\\\\b\\f\\r\x7f\""},
		{"floats", `[1.10, 1e3, 1E+2, 1.5e300, 1e-7, 0.00001, 123456789012345680.0, -0.0, 1e16]`, `[1.1, 1000.0, 100.0, 1.5e+300, 1e-07, 1e-05, 1.2345678901234568e+17, -0.0, 1e+16]`},
		{"integers of any size", `[123456789012345678901234567890, -0]`, `[123456789012345678901234567890, 0]`},
		{"last key wins at the first's place", `{"a":1,"b":2,"a":3}`, `{"a": 3, "b": 2}`},
		{"literals", `[true,false,null]`, `[true, false, null]`},
		{"not JSON", `<html>`, `<html>`},
		{"nothing", ``, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, string(present([]byte(tt.in)))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
