package node

import (
	"os/exec"
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
			b.ReportMetric(median(times), "next-ms")
		})
	}
	b.Run("bare", func(b *testing.B) {
		var times []time.Duration
		for b.Loop() {
			start := time.Now()
			if err := exec.Command(found.Path, "-e", "").Run(); err != nil {
				b.Fatal(err)
			}
			times = append(times, time.Since(start))
		}
		b.ReportMetric(median(times), "exit-ms")
	})
}

// BenchmarkInvoke measures from handing out an event to its answer.
func BenchmarkInvoke(b *testing.B) {
	events := make([]rapitest.Event, 500)
	for i := range events {
		events[i].Body = `{"key":"value","n":1}`
	}
	for _, runtime := range []string{"nodejs22.x", "nodejs24.x"} {
		b.Run(runtime, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				times = append(times, run(b, setup{runtime: runtime, files: index("exports.handler = async (e) => e")}, events...).Events...)
			}
			b.ReportMetric(median(times), "invoke-ms")
		})
	}
}

// median is the middle one of the times, in milliseconds.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds() * 1000
}
