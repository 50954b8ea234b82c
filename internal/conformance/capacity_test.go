package conformance

import (
	"slices"
	"strings"
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
	// What is refused is told behind the answer, before or after the platform's lines.
	for i := range rows {
		if strings.HasPrefix(rows[i].name, "returns_too_much") {
			rows[i].together, rows[i].pause = true, 200*time.Millisecond
		}
	}
	late := row{
		together: true, change: both(short, twoAtOnce), pause: 500 * time.Millisecond, events: []string{`{"late":true}`, "{}"},
		then: []want{{message: "Task timed out after 1.00 seconds", platform: lambda.TimedOut}},
	}
	answer, stream := late, late
	answer.name, answer.want = "answers_late", want{payload: `"in time"`}
	stream.name, stream.want = "streams_late", want{raw: true, payload: "something"}
	return append(rows, answer, stream)
}
