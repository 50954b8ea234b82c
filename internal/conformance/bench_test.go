package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/java"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/runtimes/python"
	"github.com/lambkin-dev/lambkin/internal/runtimes/ruby"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// BenchmarkClients measures lambkin's bootstraps, AWS's clients, and a loop in
// the same language that does nothing but to give each event back: the time
// from the start of the process to its first request for an event, and that
// from an event to its answer, of a process that has had some. They take
// turns, so that what else the machine does slows down all of them alike.
// Figures of one run only are to be compared.
func BenchmarkClients(b *testing.B) {
	for _, c := range []func(*testing.B) *contest{classicNode, modernNode, pythonContest, rubyContest, javaContest} {
		contest := c(b)
		b.Run(contest.runtime, contest.run)
	}
}

// contest is a language, and the ways in which its functions are run.
type contest struct {
	*language
	handler string
	// raw is the loop: what comes behind the interpreter.
	raw []string
}

// way is one of them.
type way struct {
	name        string
	launch      *runtimes.Launch
	start, warm []time.Duration
}

// Each way is started often; of the events that a process then gets, the first ones do not count.
const (
	startsPerWay = 15
	cold         = 300
	events       = 1300
)

func (c *contest) run(b *testing.B) {
	c.write(b)
	fn := &lambda.Function{Runtime: c.runtime, Handler: c.handler, MemoryMB: 512, Code: lambda.Code{Dir: c.code}}
	env := testenv.Environ()
	paths := runtimes.Paths{Task: c.code, Runtime: c.dir, Tmp: os.TempDir()}
	var ways []*way
	add := func(name string, rt runtimes.Runtime) {
		if rt == nil {
			return
		}
		l, err := rt.Launch(fn, paths, &runtimes.Host{Env: env, Cache: fsx.CacheDir(env)})
		if err != nil {
			b.Skip(err)
		}
		ways = append(ways, &way{name: name, launch: l})
	}
	add("raw", c.bootstrap)
	ways[0].launch.Args = c.raw
	add("bootstrap", c.bootstrap)
	add("other", c.other)
	add("client", c.client)
	some := slices.Repeat([]rapitest.Event{{Body: `{"key":"value","n":1}`}}, events)
	for range startsPerWay {
		for _, w := range ways {
			out := rapitest.Run(b, w.launch.Path, w.launch.Args, c.code, append(c.environment(fn), w.launch.Env...), some...)
			if len(out.Events) != events {
				b.Fatalf("%s: %d answers to %d events: %s", w.name, len(out.Events), events, out.Stderr)
			}
			w.start, w.warm = append(w.start, out.FirstNext), append(w.warm, out.Events[cold:]...)
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, w := range ways {
		b.ReportMetric(float64(median(w.start))/1e6, w.name+"-start-ms")
		b.ReportMetric(float64(median(w.warm))/1e3, w.name+"-warm-µs")
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// environment is what a runtime needs besides what it sets itself.
func (c *contest) environment(fn *lambda.Function) []string {
	return []string{
		"LANG=en_US.UTF-8", "TZ=:UTC", "_HANDLER=" + fn.Handler, "LAMBDA_TASK_ROOT=" + c.code, "LAMBDA_RUNTIME_DIR=" + c.dir,
		"AWS_LAMBDA_FUNCTION_NAME=fn", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + fmt.Sprint(fn.MemoryMB), "AWS_REGION=eu-west-1",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME=stream",
	}
}

func raw(b *testing.B, name string) string {
	b.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", "raw", name))
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func nodeContest(b *testing.B, identifier, client, bin string) *contest {
	clients := nodeClients(b)
	l := nodeLanguage(b, identifier, clients, filepath.Join(clients, client), bin)
	l.code = b.TempDir()
	testenv.WriteFiles(b, l.code, map[string]string{"app.js": "exports.echo = async (event) => event;\n", "blocking.cjs": ""})
	l.files = node.Files()
	return &contest{language: l, handler: "app.echo", raw: []string{raw(b, "loop.js")}}
}

func classicNode(b *testing.B) *contest {
	return nodeContest(b, "nodejs22.x", filepath.Join("aws-lambda-ric-classic", "bin", "index.mjs"), "")
}

func modernNode(b *testing.B) *contest {
	return nodeContest(b, "nodejs24.x", filepath.Join("aws-lambda-ric", "index.mjs"), filepath.Join(nodeClients(b), "bin"))
}

func pythonContest(b *testing.B) *contest {
	testenv.Python(b)
	own := pythonBootstrap{cache: b.TempDir()}
	l := &language{
		runtime: "python3.13", files: python.Files(), code: b.TempDir(),
		client: pythonClient{own, cached(b, "ric-python", "AWS's client is measured beside lambkin's bootstrap")}, bootstrap: own,
	}
	testenv.WriteFiles(b, l.code, map[string]string{"app.py": "def echo(event, context):\n    return event\n"})
	return &contest{language: l, handler: "app.echo", raw: []string{raw(b, "loop.py")}}
}

func rubyContest(b *testing.B) *contest {
	testenv.Ruby(b)
	l := &language{runtime: "ruby3.3", files: ruby.Files(), code: b.TempDir(), bootstrap: ruby.Runtime{}}
	testenv.WriteFiles(b, l.code, map[string]string{"app.rb": "def echo(event:, context:)\n  event\nend\n"})
	return &contest{language: l, handler: "app.echo", raw: []string{raw(b, "loop.rb")}}
}

func javaContest(b *testing.B) *contest {
	w := javaWorkshop(b)
	loop := b.TempDir()
	if out, err := exec.CommandContext(b.Context(), w.javac, "-XDstringConcat=inline", "-d", loop, raw(b, "Loop.java")).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	l := &language{
		runtime: "java17", code: w.code, bootstrap: java.Runtime{}, other: pureJava{home: w.elsewhere(b)},
		client: plainJava{jars: w.client, library: w.library(b)},
	}
	return &contest{language: l, handler: "rows.Shared::echo", raw: []string{"-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", loop, "Loop"}}
}
