package samcli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
)

const twoFunctions = `Resources:
  Orders: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs20.x, Handler: a.b, Code: .}}
  Items: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs20.x, Handler: a.b, Code: .}}
`

func TestFailuresAreInSAMsWords(t *testing.T) {
	const given = "Possible options in your template: ['Orders', 'Items']\n"
	tests := []struct {
		name, template, args string
		status               int
		want                 string
	}{
		{"no function named", twoFunctions, "", 1, "Error: You must provide a function logical ID when there are more than one functions in your template. " + given},
		{"no functions at all", "Resources: {T: {Type: AWS::SNS::Topic}}\n", "", 1, "Possible options in your template: []\n"},
		{"an unknown function", twoFunctions, "Queue", 1, "Queue not found. " + given + "Error: Function Queue not found in template\n"},
		{"the nearest one", twoFunctions, "Order", 1, "hint: did you mean \"Orders\"?\n"},
		{"broken YAML", "Resources: [\n", "", 1, "Error: template.yaml:"},
		{"an event that is not JSON", twoFunctions, "Orders -e bad.json", 2, "Error: bad.json:1:2: the event is not JSON: "},
		{"an event that is not there", twoFunctions, "Orders -e none.json", 1, "Error: [Errno 2] No such file or directory: 'none.json'\n"},
		{"too many arguments", twoFunctions, "Orders Items", 2, "Error: Got unexpected extra argument (Items)\n"},
		{"far too many", twoFunctions, "Orders Items Queue", 2, "Error: Got unexpected extra arguments (Items Queue)\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"template.yaml": tt.template, "bad.json": "{x"})
			env := map[string]string{"LAMBKIN_CACHE_DIR": filepath.Join(dir, "cache")}
			out, err, status := sam(t, dir, env, append([]string{"local", "invoke"}, strings.Fields(tt.args)...)...)
			if out != "" || status != tt.status || !strings.Contains(err, tt.want) {
				t.Errorf("status %d, output %q, errors %q; want status %d and %q", status, out, err, tt.status, tt.want)
			}
		})
	}
}

func TestErrorsHaveTheirStatus(t *testing.T) {
	problem := func(kind app.ProblemKind) error {
		return &app.Problem{Kind: kind, List: diag.List{
			{Summary: "it is wrong", Hint: "mend it"},
			{Severity: diag.Warning, Summary: "careful"},
		}}
	}
	tests := []struct {
		name   string
		err    error
		status int
		want   string
	}{
		{"any error", errors.New("broken"), 1, "Error: broken\n"},
		{"the command line", &cli.UsageError{Err: errors.New("no")}, 2, "Usage: c\nTry 'c --help' for help.\n\nError: no\n"},
		{"the call", problem(app.InCall), 2, "Usage: c\nTry 'c --help' for help.\n\nError: it is wrong (mend it)\nlambkin: warning: careful\n"},
		{"the project", problem(app.InProject), 1, "Error: it is wrong\nhint: mend it\nlambkin: warning: careful\n"},
		{"the machine", problem(app.InMachine), 1, "Error: it is wrong\nhint: mend it\nlambkin: warning: careful\n"},
		{"an interrupt", fmt.Errorf("invoking: %w", context.Canceled), 130, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			status := fail(&cli.Streams{Err: &b}, &cobra.Command{Use: "c"}, tt.err)
			if status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestResultsAreWrittenAsSAMWritesThem(t *testing.T) {
	fn := &lambda.Function{LogicalID: "F", Path: "Stack/F", Timeout: 2e9}
	failure := &lambda.Result{FunctionError: lambda.Unhandled, Payload: []byte(`{"errorMessage":"m","errorType":"T"}`)}
	timeout := &lambda.Result{FunctionError: lambda.Unhandled, ErrorType: lambda.TimedOut, Payload: []byte(`{}`)}
	tests := []struct {
		name            string
		res             *lambda.Result
		strict          bool
		out, errs, logs string
		wantExit        bool
	}{
		{"a result", &lambda.Result{Payload: []byte(`{"a":1}`)}, true, `{"a": 1}`, "", "\n", false},
		{"no JSON", &lambda.Result{Payload: []byte("\x89PNG")}, false, "\x89PNG", "", "\n", false},
		{"a failure", failure, false, `{"errorMessage": "m", "errorType": "T"}`, "lambkin: error: function Stack/F failed: T: m\n", "\n", false},
		{"a failure that counts", failure, true, `{"errorMessage": "m", "errorType": "T"}`, "lambkin: error: function Stack/F failed: T: m\n", "\n", true},
		{"a timeout", timeout, false, "", "Function 'Stack/F' timed out after 2 seconds\nNo response from invoke container for F\n", "", false},
		{"a timeout that counts", timeout, true, "", "Function 'Stack/F' timed out after 2 seconds\nNo response from invoke container for F\n", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, logs, errs strings.Builder
			o := &invokeOptions{localOptions: localOptions{streams: &cli.Streams{Err: &errs}}, failOnError: tt.strict}
			err := o.print(&out, &logs, fn, tt.res)
			var exit cli.Exit
			if errors.As(err, &exit) != tt.wantExit || tt.wantExit && exit != 1 || !tt.wantExit && err != nil {
				t.Errorf("error %v", err)
			}
			got := []string{out.String(), errs.String(), logs.String()}
			if diff := cmp.Diff([]string{tt.out, tt.errs, tt.logs}, got); diff != "" {
				t.Errorf("result, errors, logs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAResultThatNobodyTakesIsAnError(t *testing.T) {
	o := &invokeOptions{localOptions: localOptions{streams: &cli.Streams{Err: &strings.Builder{}}}}
	err := o.print(brokenPipe{}, &strings.Builder{}, &lambda.Function{}, &lambda.Result{Payload: []byte("1")})
	if err == nil || !strings.Contains(err.Error(), "writing the result: gone") {
		t.Errorf("error %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("gone") }
