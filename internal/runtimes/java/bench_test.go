package java

import (
	"slices"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// way is a way to run AWS's client.
type way struct {
	name string
	java Runtime
	// change makes another command line of lambkin's; nil keeps it.
	change func(*client, []string) []string
}

// ways are AWS's client started plainly, without an option of lambkin's, and
// lambkin's two ways.
func ways() []way {
	plain := func(c *client, args []string) []string {
		return append(c.options(), "-classpath", runtimes.JoinList(c.classPath()), main, args[len(args)-1])
	}
	return []way{{"plain", Runtime{}, plain}, {"native", Runtime{}, nil}, {"pure", Runtime{pure: true}, nil}}
}

// measure runs a function that way.
func (w way) measure(b *testing.B, j jvm, identifier string, events ...rapitest.Event) rapitest.Outcome {
	b.Helper()
	s := setup{runtime: identifier, handler: "demo.Pojo", java: w.java}
	if w.change != nil {
		c, _, err := w.java.client(machine(b), j)
		if err != nil {
			b.Skip(err)
		}
		s.change = func(args []string) []string { return w.change(c, args) }
	}
	return run(b, s, events...)
}

// BenchmarkStart measures a new process until it asks for its first event,
// beside Java doing nothing at all.
func BenchmarkStart(b *testing.B) {
	for _, j := range (Runtime{}).machines(machine(b)) {
		identifier := "java" + j.version[:1].String()
		if !slices.Contains(identifiers, identifier) {
			continue
		}
		for _, w := range ways() {
			b.Run(identifier+"-"+w.name, func(b *testing.B) {
				var times []time.Duration
				for b.Loop() {
					times = append(times, w.measure(b, j, identifier, rapitest.Event{Body: `{"count":1}`}).FirstNext)
				}
				rapitest.Median(b, times, "next-ms")
			})
		}
		b.Run(identifier+"-bare", func(b *testing.B) {
			rapitest.Bare(b, j.java, append(machineOptions(j, j.major()), "-version")...)
		})
	}
}

// BenchmarkInvoke measures from handing out an event to its answer.
func BenchmarkInvoke(b *testing.B) {
	events := slices.Repeat([]rapitest.Event{{Body: `{"item":"pear","count":1}`}}, 500)
	for _, j := range (Runtime{}).machines(machine(b)) {
		identifier := "java" + j.version[:1].String()
		if !slices.Contains(identifiers, identifier) {
			continue
		}
		for _, w := range ways() {
			b.Run(identifier+"-"+w.name, func(b *testing.B) {
				var times []time.Duration
				for b.Loop() {
					times = append(times, w.measure(b, j, identifier, events...).Events...)
				}
				rapitest.Median(b, times, "invoke-ms")
			})
		}
	}
}

// BenchmarkLaunch measures what is done before the process starts.
func BenchmarkLaunch(b *testing.B) {
	host := machine(b)
	fn := &lambda.Function{Runtime: "java17", Handler: "demo.Pojo"}
	launch := func() {
		if _, err := (Runtime{}).Launch(fn, runtimes.Paths{Task: classes()}, host); err != nil {
			b.Skip(err)
		}
	}
	launch() // which makes the archive of classes
	for b.Loop() {
		launch()
	}
}
