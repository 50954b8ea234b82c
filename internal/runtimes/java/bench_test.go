package java

import (
	"slices"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// BenchmarkStart measures a new process until it asks for its first event,
// beside Java doing nothing at all.
func BenchmarkStart(b *testing.B) {
	host := machine(b)
	for _, j := range (Runtime{}).machines(host) {
		identifier := "java" + j.version[:1].String()
		if !slices.Contains(identifiers, identifier) {
			continue
		}
		b.Run(identifier, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				times = append(times, run(b, setup{runtime: identifier, handler: "demo.Pojo"}, rapitest.Event{Body: `{"count":1}`}).FirstNext)
			}
			rapitest.Median(b, times, "next-ms")
		})
		b.Run(identifier+"-bare", func(b *testing.B) {
			rapitest.Bare(b, j.java, append(machineOptions(j, j.major()), "-version")...)
		})
	}
}

// BenchmarkInvoke measures from handing out an event to its answer.
func BenchmarkInvoke(b *testing.B) {
	events := slices.Repeat([]rapitest.Event{{Body: `{"item":"pear","count":1}`}}, 500)
	for name, java := range map[string]Runtime{"native": {}, "pure": {pure: true}} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				times = append(times, run(b, setup{handler: "demo.Pojo", java: java}, events...).Events...)
			}
			rapitest.Median(b, times, "invoke-ms")
		})
	}
}

// BenchmarkLaunch measures what is done before the process starts.
func BenchmarkLaunch(b *testing.B) {
	host := machine(b)
	fn := &lambda.Function{Runtime: "java17", Handler: "demo.Pojo"}
	for b.Loop() {
		if _, err := (Runtime{}).Launch(fn, runtimes.Paths{Task: classes()}, host); err != nil {
			b.Skip(err)
		}
	}
}
