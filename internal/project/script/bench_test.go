package script

import (
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// BenchmarkValue measures one question to a new engine until it is closed,
// beside Node.js doing nothing at all.
func BenchmarkValue(b *testing.B) {
	files := map[string]string{
		"f.js":     "exports.f = async () => ({ a: 1 })",
		"f.mjs":    "export const f = async () => ({ a: 1 })",
		"f.ts":     "export const f = async (): Promise<object> => ({ a: 1 })",
		"await.ts": "await null; export const f = async (): Promise<object> => ({ a: 1 })",
	}
	for _, file := range []string{"f.js", "f.mjs", "f.ts", "await.ts"} {
		b.Run(file, func(b *testing.B) {
			first := service(b, files)
			var times []time.Duration
			for b.Loop() {
				start := time.Now()
				e := New(first.opts)
				if _, err := e.Value(b.Context(), "svc/"+file, []string{"f", "a"}, Resolver{}); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			rapitest.Median(b, times, "value-ms")
		})
	}
	b.Run("bare", func(b *testing.B) { rapitest.Bare(b, testenv.Node(b), "-e", "0") })
}
