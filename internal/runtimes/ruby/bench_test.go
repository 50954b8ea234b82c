package ruby

import (
	"slices"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// BenchmarkStart measures a new process until it asks for its first event,
// beside Ruby doing nothing at all, with and without RubyGems.
func BenchmarkStart(b *testing.B) {
	found, _, err := (&runtimes.Host{Env: testenv.Environ()}).Find(language, runtimes.Version{3, 3}, "ruby3.3")
	if err != nil {
		b.Skip(err)
	}
	functions := map[string]setup{
		"plain":      {files: app("def handler(**) 1 end")},
		"logger":     {files: app("require 'logger'\ndef handler(**) 1 end")},
		"gem":        {files: app("require 'minitest'\ndef handler(**) 1 end")},
		"Serverless": {files: app("def handler(**) 1 end"), serverless: true},
	}
	for _, name := range []string{"plain", "logger", "gem", "Serverless"} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				times = append(times, run(b, functions[name]).FirstNext)
			}
			rapitest.Median(b, times, "next-ms")
		})
	}
	b.Run("bare", func(b *testing.B) { rapitest.Bare(b, found.Path, "-e", "") })
	b.Run("bare without gems", func(b *testing.B) { rapitest.Bare(b, found.Path, "--disable-gems", "-e", "") })
}

// BenchmarkInvoke measures from handing out an event to its answer.
func BenchmarkInvoke(b *testing.B) {
	events := slices.Repeat([]rapitest.Event{{Body: `{"key":"value","n":1}`}}, 500)
	var times []time.Duration
	for b.Loop() {
		times = append(times, run(b, setup{files: app("def handler(event:, context:) event end")}, events...).Events...)
	}
	rapitest.Median(b, times, "invoke-ms")
}
