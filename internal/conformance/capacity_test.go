package conformance

import (
	"slices"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
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
	stream := late("streams_late", "")
	stream.want = want{raw: true, payload: "something"}
	return append(rows, late("answers_late", "too late"), stream)
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
		"returns_too_much", "logs.root_levels tenant JSON", "logs.fails JSON",
	), late("answers_late", "This won't kill the Runtime loop"))
}

// late is a row with two invocations at once, of which the first takes longer
// than it may. Its answer is refused, and the environment goes on.
func late(name string, says ...string) row {
	return row{
		name: name, together: true, change: both(short, twoAtOnce), pause: 500 * time.Millisecond, events: []string{`{"late":true}`, "{}"},
		want: want{payload: `"in time"`}, then: []want{{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}}, says: says,
	}
}
