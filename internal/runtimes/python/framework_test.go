package python

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// framework is a function as `serverless invoke local` runs it.
func framework(source string) setup {
	return setup{
		files: app(source), serverless: true,
		env: map[string]string{"_LAMBKIN_FUNCTION": `{"name":"svc-dev-f","timeout":9}`},
	}
}

func TestResultsAsTheFrameworkMakesThem(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"decimals", "import decimal\ndef handler(e, c): return [decimal.Decimal('1.0'), decimal.Decimal('1.25')]", "[1, 1.25]"},
		{"not ASCII", "def handler(e, c): return 'h\u00e9'", `"h\u00e9"`},
		{"nothing", "def handler(e, c): return None", "null"},
		{"requirements need no unpacking", "import unzip_requirements\ndef handler(e, c): return 1", "1"},
		{"stdin is empty", "import sys\ndef handler(e, c): return sys.stdin.read()", `""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, framework(tt.source), rapitest.Event{Body: `{}`})
			if path, body, _ := out.First(); path != "invocation/{id}/response" || body != tt.want {
				t.Errorf("got %s %s, want %s; standard error: %s", path, body, tt.want, out.Stderr)
			}
		})
	}
}

func TestFailuresAreShownOnStandardError(t *testing.T) {
	tests := []struct{ name, source, body, shown string }{
		{"raises", "def handler(e, c): raise ValueError('boom')", `"errorMessage": "boom", "errorType": "ValueError"`, "Traceback (most recent call last):\n  File \"/var/task/app.py\", line 1, in handler"},
		{"no JSON", "def handler(e, c): return {1, 2}", `"errorType": "Runtime.MarshalError"`, "TypeError: Object of type set is not JSON serializable"},
		{"raises when loaded", "raise RuntimeError('init')", `"errorMessage": "init", "errorType": "RuntimeError"`, "RuntimeError: init"},
		{"no such module", "import nope", `"errorType": "Runtime.ImportModuleError"`, "ModuleNotFoundError: No module named 'nope'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, framework(tt.source), rapitest.Event{Body: `{}`})
			_, body, _ := out.First()
			shown := out.Stderr
			for _, post := range []string{"/var/task"} {
				shown = replaceTask(shown, post)
			}
			if !strings.Contains(body, tt.body) || !strings.Contains(shown, tt.shown) || out.Stdout != "" {
				t.Errorf("posted %s, shown %s, printed %q", body, shown, out.Stdout)
			}
		})
	}
}

// replaceTask puts name in place of the temporary folder of the code.
func replaceTask(text, name string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if before, after, ok := strings.Cut(line, `/app.py"`); ok && strings.HasPrefix(before, `  File "`) {
			lines[i] = `  File "` + name + `/app.py"` + after
		}
	}
	return strings.Join(lines, "\n")
}

func TestContextAsTheFrameworkMakesIt(t *testing.T) {
	const source = `
def handler(e, c):
    shown = {k: getattr(c, k) for k in dir(c) if not k.startswith('_') and isinstance(getattr(c, k), (str, int))}
    shown.pop('log_stream_name', None)
    return shown, c.get_remaining_time_in_millis() > 8000, c.client_context, c.identity is None`
	tests := []struct{ name, custom, want string }{
		{
			"its own", "",
			`[{"aws_request_id": "1234567890", "function_name": "svc-dev-f", "function_version": "LATEST", "invoked_function_arn": "arn:aws:lambda:serverless:svc-dev-f", ` +
				`"logGroupName": "/aws/lambda/svc-dev-f", "log_group_name": "/aws/lambda/svc-dev-f", "memory_limit_in_mb": "1024", "name": "svc-dev-f", "timeout": 9, "version": "LATEST"}, true, null, false]`,
		},
		{
			"members over it", `{"x": 1, "function_name": "mine", "aws_request_id": null}`,
			`[{"function_name": "mine", "function_version": "LATEST", "invoked_function_arn": "arn:aws:lambda:serverless:svc-dev-f", ` +
				`"logGroupName": "/aws/lambda/svc-dev-f", "log_group_name": "/aws/lambda/svc-dev-f", "memory_limit_in_mb": "1024", "name": "svc-dev-f", "timeout": 9, "version": "LATEST", "x": 1}, true, null, false]`,
		},
		{
			"a text", `"ab"`,
			`[{"0": "a", "1": "b", "aws_request_id": "1234567890", "function_name": "svc-dev-f", "function_version": "LATEST", "invoked_function_arn": "arn:aws:lambda:serverless:svc-dev-f", ` +
				`"logGroupName": "/aws/lambda/svc-dev-f", "log_group_name": "/aws/lambda/svc-dev-f", "memory_limit_in_mb": "1024", "name": "svc-dev-f", "timeout": 9, "version": "LATEST"}, true, null, false]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := rapitest.Event{Body: `{}`, Headers: map[string]string{}}
			if tt.custom != "" {
				event.Headers["Lambkin-Context"] = tt.custom
			}
			_, body, _ := run(t, framework(source), event).First()
			if diff := cmp.Diff(tt.want, body); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvironmentAsTheFrameworkMakesIt(t *testing.T) {
	s := framework("import os\nloaded = os.environ['GIVEN']\ndef handler(e, c): return [loaded, sorted(k for k in os.environ if k.startswith(('_', 'AWS_LAMBDA_R', 'GIVEN', 'LATE')))]")
	s.env["GIVEN"] = "old"
	s.env["_LAMBKIN_SHELL"] = `{"unset": ["AWS_LAMBDA_RUNTIME_API", "_HANDLER", "GIVEN"], "set": [["GIVEN", "new"], ["LATE", "1"]]}`
	if _, body, _ := run(t, s, rapitest.Event{Body: `{}`}).First(); body != `["new", ["GIVEN", "LATE"]]` {
		t.Errorf("got %s", body)
	}
}
