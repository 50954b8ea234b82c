package instance

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestLinesBelowTheLevelAreLeftOut(t *testing.T) {
	const debug, warn = `{"level":"debug","message":"d"}` + "\n", `{"timestamp":"t","level":"WARN","message":"w"}` + "\n"
	long := `{"level":"DEBUG","message":"` + strings.Repeat("x", maxLeveled) + `"}` + "\n"
	tests := []struct{ name, level, printed, want string }{
		{"the default", "", debug + warn, warn},
		{"debug", "DEBUG", debug + warn, debug + warn},
		{"error", "ERROR", debug + warn, ""},
		{"not an object", "ERROR", "text\n[1]\n", "text\n[1]\n"},
		{"an object without a level", "ERROR", `{"a":1}` + "\n", `{"a":1}` + "\n"},
		{"a level that AWS does not know", "ERROR", `{"level":"loud"}` + "\n", `{"level":"loud"}` + "\n"},
		{"no object after all", "ERROR", "{ level: debug\n", "{ level: debug\n"},
		{"between other lines", "WARN", "a\n" + debug + "b\n" + warn, "a\nb\n" + warn},
		{"behind half a line", "WARN", "half " + debug, "half " + debug},
		{"without an end", "WARN", "a\n" + strings.TrimSuffix(debug, "\n"), "a\n" + strings.TrimSuffix(debug, "\n")},
		{"too long", "ERROR", long + "a\n", long + "a\n"},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 7, 1 << 20} {
			var b bytes.Buffer
			w := levels(&lambda.Function{LogFormat: lambda.JSONLogs, LogLevel: tt.level}, &b).(*leveled)
			for rest := []byte(tt.printed); len(rest) > 0; {
				n := min(size, len(rest))
				if _, err := w.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			w.flush()
			if b.String() != tt.want {
				t.Errorf("%s, %d bytes at a time: %.200q, want %.200q", tt.name, size, b.String(), tt.want)
			}
		}
	}
	var b bytes.Buffer
	if w := levels(&lambda.Function{LogFormat: lambda.TextLogs}, &b); w != &b {
		t.Errorf("a function that logs in text has its lines filtered: %T", w)
	}
}
