package python

import (
	"slices"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// BenchmarkStart measures a new process until it asks for its first event,
// beside Python doing nothing at all.
func BenchmarkStart(b *testing.B) {
	found, _, err := (&runtimes.Host{Env: testenv.Environ()}).Find(language, runtimes.Version{3, 11}, "python3.11")
	if err != nil {
		b.Skip(err)
	}
	for _, runtime := range []string{"python3.11", "python3.13"} {
		b.Run(runtime, func(b *testing.B) {
			var times []time.Duration
			cache := b.TempDir()
			for b.Loop() {
				times = append(times, run(b, setup{runtime: runtime, cache: cache, files: app("def handler(e, c): return 1")}).FirstNext)
			}
			rapitest.Median(b, times, "next-ms")
		})
	}
	b.Run("bare", func(b *testing.B) { rapitest.Bare(b, found.Path, "-c", "") })
}

// BenchmarkInvoke measures from handing out an event to its answer.
func BenchmarkInvoke(b *testing.B) {
	events := slices.Repeat([]rapitest.Event{{Body: `{"key":"value","n":1}`}}, 500)
	for _, runtime := range []string{"python3.11", "python3.13"} {
		b.Run(runtime, func(b *testing.B) {
			var times []time.Duration
			cache := b.TempDir()
			for b.Loop() {
				times = append(times, run(b, setup{runtime: runtime, cache: cache, files: app("def handler(e, c): return e")}, events...).Events...)
			}
			rapitest.Median(b, times, "invoke-ms")
		})
	}
}
