package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestFailure(t *testing.T) {
	dir := t.TempDir()
	const node, python = "nodejs22.x", "python3.13"
	tests := []struct {
		name, runtime, handler, errorType, message, platform string
		summary, hint                                        string
		line                                                 int
	}{
		{"exception", node, "a.b", "TypeError", "boom\nsecond line", "", "function F failed: TypeError: boom", "", 0},
		{"exit", node, "a.b", "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3", "Runtime.ExitError", "function F failed: Runtime.ExitError: Runtime exited with error: exit status 3", "", 0},
		{"read-only folder", node, "a.b", "Error", "EROFS: read-only file system, open 'x'", "", "function F failed: Error: EROFS", "as on AWS, a function can write to /tmp and nowhere else", 0},
		{"timeout", node, "a.b", "Sandbox.Timedout", "x", lambda.TimedOut, "function F timed out after 3.00 s", "raise its timeout", 20},
		{"no such export", node, "a.b", "Runtime.HandlerNotFound", "a.b is undefined or not exported", "", "function F failed: Runtime.HandlerNotFound", "", 10},
		{"no such file", node, "src/a.b", "Runtime.ImportModuleError", "Error: Cannot find module 'a'\nRequire stack:", "", "function F failed: Runtime.ImportModuleError: Error: Cannot find module 'a'", "there is no " + filepath.Join(dir, "src", "a") + ".js", 10},
		{"no such package", node, "a.b", "Runtime.ImportModuleError", "Error: Cannot find module 'express'", "", "function F failed", "install the function's dependencies in " + dir, 0},
		{"AWS's own package", node, "a.b", "Runtime.ImportModuleError", "Error: Cannot find module '@aws-sdk/client-s3'", "", "function F failed", "AWS's runtime brings @aws-sdk/client-s3, this machine does not: npm install @aws-sdk/client-s3", 0},
		{"a file of the function's", node, "a.b", "Runtime.ImportModuleError", "Error: Cannot find module './lib'", "", "function F failed", "", 0},
		{"Python: no such module", python, "src/a.b", "Runtime.ImportModuleError", "Unable to import module 'src/a': No module named 'src'", "", "function F failed", "the code in " + dir + " has no such module", 10},
		{"Python: no such package", python, "a.b", "Runtime.ImportModuleError", "Unable to import module 'a': No module named 'requests.auth'", "", "function F failed", "pip install requests in the virtual environment", 0},
		{"Python: AWS's own package", python, "a.b", "Runtime.ImportModuleError", "Unable to import module 'a': No module named 'boto3'", "", "function F failed", "AWS's runtime brings boto3", 0},
		{"Python: another import error", python, "a.b", "Runtime.ImportModuleError", "Unable to import module 'a': cannot import name 'x'", "", "function F failed", "", 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fn := &lambda.Function{
				Path: "F", Runtime: tt.runtime, Handler: tt.handler, Timeout: 3 * time.Second, Code: lambda.Code{Dir: dir},
				Sources: map[string]lambda.Source{"Handler": {File: "t.yaml", Line: 10, Column: 1}, "Timeout": {File: "t.yaml", Line: 20, Column: 1}},
			}
			payload, err := json.Marshal(failed{tt.errorType, tt.message})
			if err != nil {
				t.Fatal(err)
			}
			d := failure(fn, &lambda.Result{RequestID: "ID", Payload: payload, ErrorType: tt.platform})
			if !strings.HasPrefix(d.Summary, tt.summary) || !strings.HasPrefix(d.Hint, tt.hint) || tt.hint == "" && d.Hint != "" {
				t.Errorf("summary %q, hint %q", d.Summary, d.Hint)
			}
			if d.Range.Start.Line != tt.line {
				t.Errorf("points to line %d, want %d", d.Range.Start.Line, tt.line)
			}
		})
	}
}

func TestFailureWithoutAnObject(t *testing.T) {
	d := failure(&lambda.Function{Path: "F"}, &lambda.Result{Payload: []byte("oops")})
	if d.Summary != "function F failed" || d.Severity != diag.Error {
		t.Errorf("%+v", d)
	}
}
