package node

import (
	"slices"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// BenchmarkStart measures a new process until it asks for its first event,
// beside Node.js doing nothing at all.
func BenchmarkStart(b *testing.B) {
	found, _, err := (&runtimes.Host{Env: testenv.Environ()}).Find(language, runtimes.Version{22}, "nodejs22.x")
	if err != nil {
		b.Skip(err)
	}
	for _, runtime := range []string{"nodejs22.x", "nodejs24.x"} {
		b.Run(runtime, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				times = append(times, run(b, setup{runtime: runtime, files: index("exports.handler = async () => 1")}).FirstNext)
			}
			rapitest.Median(b, times, "next-ms")
		})
	}
	b.Run("bare", func(b *testing.B) { rapitest.Bare(b, found.Path, "-e", "") })
}

// BenchmarkInvoke measures from handing out an event to its answer.
func BenchmarkInvoke(b *testing.B) {
	events := slices.Repeat([]rapitest.Event{{Body: `{"key":"value","n":1}`}}, 500)
	for _, runtime := range []string{"nodejs22.x", "nodejs24.x"} {
		b.Run(runtime, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				times = append(times, run(b, setup{runtime: runtime, files: index("exports.handler = async (e) => e")}, events...).Events...)
			}
			rapitest.Median(b, times, "invoke-ms")
		})
	}
}
