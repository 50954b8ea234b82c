package conformance

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/runtimes/python"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// nodeShared are rows of Node.js in an environment for two invocations at once.
// None ends the process: AWS's client ends a thread there, and the event's time
// runs out.
func nodeShared() []row {
	rows := shareable(slices.Concat(shared(), nodeFailures(), modernFailures(), modern(), nodeLoading(), modernLoading(), nodeLogs(), nodeContexts(), nodeStreams(), modernStreams()),
		"echo", "echo_unicode", "echo_long", "returns_null", "returns_largest", "returns_too_much", "sleeps", "counts",
		"fails", "fails_with_own_type", "fails_with_cause", "fails_deep", "fails_once", "fails_after_output", "throws_null", "throws_symbol",
		"times_out", "logs_each_level_as_json",
		"request_id", "arn_with_qualifier", "remaining_time", "client_context", "cognito_identity", "tenant_id", "context_members", "variables",
		"streams", "streams_nothing", "streams_much", "streams_bytes", "streams_http", "streams_and_fails", "has_three_parameters",
	)
	return append(rows, late("answers_late", "too late"))
}

// pythonShared are rows of Python, which has a process for each invocation. None
// ends one: AWS's client leaves the others alone then, and the event's time
// runs out.
func pythonShared(rows []row) []row {
	return append(shareable(append(shared(), rows...),
		"echo", "echo_unicode", "echo_long", "returns_null", "returns_largest", "sleeps",
		"fails", "fails_with_own_type", "fails_with_cause", "fails_deep", "fails_once", "fails_after_output",
		"prints", "prints_in_turn", "prints_much", "times_out", "prints_before_timeout",
		"request_id", "arn_with_qualifier", "remaining_time", "client_context", "cognito_identity", "tenant_id", "trace_id",
		"returns_too_much",
	), late("answers_late", "This won't kill the Runtime loop"), row{
		name: "logs_its_invocation", change: twoAtOnce, caller: blue, want: want{payload: "null"},
		says: []string{`"message": "logged", "logger": "root", "requestId": "` + id(0) + `", "tenantId": "blue"}`, `"requestId": "` + id(1) + `"`},
	})
}

// late is a row with two invocations at once, of which the first takes longer
// than it may. Its answer is refused, and the environment goes on.
func late(name string, says ...string) row {
	return row{
		name: name, together: true, change: both(short, twoAtOnce), pause: 500 * time.Millisecond, events: []string{`{"late":true}`, "{}"},
		want: want{payload: `"in time"`}, then: []want{{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}}, says: says,
	}
}

// capacity is lambkin's bootstrap alone, with functions for several invocations
// at once: what AWS's clients do otherwise, or cannot show.
func capacity(t *testing.T, l *language, files map[string]string) *language {
	t.Helper()
	l.code = t.TempDir()
	testenv.WriteFiles(t, l.code, files)
	l.write(t)
	l.handler = func(row string) string { return row }
	return l
}

// answers invokes a function once with each event, a step's all at once, and
// gives the payloads of each step.
func (l *language) answers(t *testing.T, handler string, change func(*lambda.Function), steps ...[]string) (payloads [][]string, log string) {
	t.Helper()
	var o observer
	fn := l.function(&row{name: handler, change: change})
	set(fn, "MEET", t.TempDir())
	f := l.open(l.bootstrap, &o, l.isolated)
	n := 0
	for _, events := range steps {
		got := make([]string, len(events))
		var all sync.WaitGroup
		for i, event := range events {
			inv := &lambda.Invocation{RequestID: id(n), Payload: []byte(event), TraceID: trace}
			n++
			all.Go(func() {
				res, err := f.Invoke(t.Context(), fn, inv)
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = string(res.Payload)
			})
		}
		all.Wait()
		payloads = append(payloads, got)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	return payloads, o.log.String()
}

func oneAtOnce(fn *lambda.Function) { fn.MaxConcurrency = 1 }

func fourAtOnce(fn *lambda.Function) { fn.MaxConcurrency = 4 }

// endOf is the answer to an invocation whose process has ended.
func endOf(n int, how string) string {
	return fmt.Sprintf(`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: %s Error: Runtime exited with error: %s"}`, id(n), how)
}

// timeUp is the answer to an invocation that has taken longer than a second.
func timeUp(n int) string {
	return fmt.Sprintf(`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %s Error: Task timed out after 1.00 seconds"}`, id(n))
}

func TestPythonWorkers(t *testing.T) {
	testenv.Python(t)
	if runtime.GOOS == "windows" {
		t.Skip("Python starts no processes there as it does elsewhere")
	}
	l := capacity(t, &language{runtime: "python3.13", bootstrap: python.Runtime{}, files: python.Files()}, map[string]string{
		"app.py": `
import os, signal, sys, time

def siblings():
    with open("/proc/%d/task/%d/children" % (os.getppid(), os.getppid())) as f:
        return len(f.read().split())

def meet(event):
    open(os.path.join(os.environ["MEET"], event["me"]), "w").close()
    while len(os.listdir(os.environ["MEET"])) < 2:
        time.sleep(0.005)

def ends(event, context):
    if not event:
        return "fine"
    meet(event)
    if event["me"] == "killed":
        os.kill(os.getpid(), signal.SIGTERM)
    if event["me"] == "exits":
        sys.exit(3)
    time.sleep(10)

first = siblings() if os.path.exists("/proc/self") else 0

def counts(event, context):
    time.sleep(0.3)
    return [first, siblings()]
`,
		"fails.py": "raise ValueError('not today')\n",
		"exits.py": "import sys\nsys.exit(4)\n",
	})
	for _, tt := range []struct {
		name, handler string
		steps, want   [][]string
	}{
		{
			"a process that exits ends the environment", "app.ends",
			[][]string{{`{"me":"exits"}`, `{"me":"sleeps"}`}, {"{}"}},
			[][]string{{endOf(0, "exit status 3"), endOf(1, "exit status 3")}, {`"fine"`}},
		},
		{
			"a process that is ended by a signal ends it likewise", "app.ends",
			[][]string{{`{"me":"killed"}`, `{"me":"sleeps"}`}, {"{}"}},
			[][]string{{endOf(0, "signal: terminated"), endOf(1, "signal: terminated")}, {`"fine"`}},
		},
		{"an exit at init", "exits.handler", [][]string{{"1"}, {"2"}}, [][]string{{endOf(0, "exit status 4")}, {endOf(1, "exit status 4")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, log := l.answers(t, tt.handler, twoAtOnce, tt.steps...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, log)
			}
		})
	}
	t.Run("a failure at init", func(t *testing.T) {
		t.Parallel()
		got, log := l.answers(t, "fails.handler", twoAtOnce, []string{"1", "2"})
		for _, one := range got[0] {
			if !strings.Contains(one, `"errorMessage": "not today", "errorType": "ValueError"`) {
				t.Errorf("got %s\n%s", one, log)
			}
		}
	})
	t.Run("processes are started when they are needed", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS != "linux" {
			t.Skip("processes are counted in /proc")
		}
		got, log := l.answers(t, "app.counts", fourAtOnce, []string{"1"})
		if diff := cmp.Diff([][]string{{"[1, 2]"}}, got); diff != "" {
			t.Errorf("processes before and after the first event, -want +got:\n%s\n%s", diff, log)
		}
	})
}

func TestNodeInterleaves(t *testing.T) {
	testenv.Node(t)
	l := capacity(t, &language{runtime: "nodejs24.x", bootstrap: node.Runtime{}, files: node.Files()}, map[string]string{
		"index.js": `
const fs = require('fs');
const path = require('path');
const meet = async (event) => {
  fs.writeFileSync(path.join(process.env.MEET, event.me), '');
  while (fs.readdirSync(process.env.MEET).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
};
exports.store = async (event, context) => {
  const { InvokeStore } = awslambda;
  InvokeStore.set('mine', event.me);
  await meet(event);
  return [InvokeStore.getRequestId() === context.awsRequestId, InvokeStore.get('mine') === event.me, InvokeStore.getXRayTraceId() === context.xRayTraceId,
    '_X_AMZN_TRACE_ID' in process.env];
};
exports.streams = awslambda.streamifyResponse(async (event, stream) => {
  await new Promise((resolve) => stream.write(event.me + ',', resolve));
  await meet(event);
  stream.end(event.me);
});
exports.streamsLate = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('some');
  if (event.late) await new Promise((resolve) => setTimeout(resolve, 1200));
  stream.write('thing');
  stream.end();
  await new Promise((resolve) => stream.on('close', resolve));
});
exports.ends = async (event) => {
  if (!event.me) return 'fine';
  await meet(event);
  if (event.me === 'exits') process.exit(3);
  if (event.me === 'throws') setImmediate(() => { throw new Error('out of reach'); });
  await new Promise((resolve) => setTimeout(resolve, 10000));
};
exports.waits = () => new Promise(() => {});
exports.connections = async () => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return process.getActiveResourcesInfo ? process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length : 1;
};
exports.calls = (event, context, callback) => callback(null, 1);
`,
	})
	pair := []string{`{"me":"one"}`, `{"me":"two"}`}
	for _, tt := range []struct {
		name, handler string
		change        func(*lambda.Function)
		steps, want   [][]string
	}{
		{"InvokeStore", "index.store", twoAtOnce, [][]string{pair}, [][]string{{"[true,true,true,false]", "[true,true,true,false]"}}},
		{"streams", "index.streams", twoAtOnce, [][]string{pair}, [][]string{{"one,one", "two,two"}}},
		{
			"a stream that is late", "index.streamsLate", both(short, twoAtOnce),
			[][]string{{`{"late":true}`, "{}"}, {"{}"}},
			[][]string{{timeUp(0), "something"}, {"something"}},
		},
		{
			"an exit ends the environment", "index.ends", twoAtOnce,
			[][]string{{`{"me":"exits"}`, `{"me":"sleeps"}`}, {"{}"}},
			[][]string{{endOf(0, "exit status 3"), endOf(1, "exit status 3")}, {`"fine"`}},
		},
		{
			"so does what nobody catches", "index.ends", twoAtOnce,
			[][]string{{`{"me":"throws"}`, `{"me":"sleeps"}`}, {"{}"}},
			[][]string{{endOf(0, "exit status 1"), endOf(1, "exit status 1")}, {`"fine"`}},
		},
		{
			"functions that wait for nothing are waited for", "index.waits", both(short, oneAtOnce),
			[][]string{{"{}"}},
			[][]string{{timeUp(0)}},
		},
		{"connections are opened when they are needed", "index.connections", fourAtOnce, [][]string{{"{}"}}, [][]string{{"1"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, log := l.answers(t, tt.handler, tt.change, tt.steps...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, log)
			}
		})
	}
	t.Run("Node.js 22 has no callbacks there", func(t *testing.T) {
		t.Parallel()
		older := *l
		older.runtime = "nodejs22.x"
		got, log := older.answers(t, "index.calls", twoAtOnce, []string{"{}"})
		if !strings.Contains(got[0][0], "does not support callback-based function handlers when using Node.js 22 with Managed Instances") {
			t.Errorf("got %s\n%s", got, log)
		}
	})
}
