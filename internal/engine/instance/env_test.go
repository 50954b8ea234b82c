package instance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/fake"
)

// described is an environment, by name, "from: value".
func described(t *testing.T, o instance.Options) map[string]string {
	t.Helper()
	testenv.Leaks(t)
	o.Host, o.Sandbox, o.Code, o.RuntimeDir = &runtimes.Host{}, process.Sandbox{}, "/code", "/runtime"
	all, err := instance.Describe(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i, v := range all {
		if i > 0 && all[i-1].Name >= v.Name {
			t.Errorf("%s stands before %s", all[i-1].Name, v.Name)
		}
		out[v.Name] = v.From + ": " + v.Value
	}
	return out
}

func TestDescriptionOfTheEnvironment(t *testing.T) {
	fn := function("h")
	fn.LogFormat, fn.LogLevel, fn.LogGroup = "JSON", "DEBUG", "/my/group"
	fn.Environment = []lambda.Variable{
		{Name: "TABLE", Value: "t", Source: lambda.Source{File: "template.yaml", Line: 12}},
		{Name: "SHELL", Value: "s", Source: lambda.Source{File: "template.yaml", Line: 13}, Origin: "shell"},
		{Name: "AWS_REGION", Value: "own", Source: lambda.Source{File: "template.yaml", Line: 14}},
		{Name: "_HANDLER", Value: "stolen"},
		{Name: "OVER", Value: "weak"},
	}
	got := described(t, instance.Options{Function: fn, Runtime: fake.Runtime{}, Environ: instance.Environ{
		Inherit: []instance.Variable{{Name: "HOME", Value: "/h", From: "shell"}, {Name: "_LAMBKIN_X", Value: "private"}},
		Region:  "eu-west-1", RegionFrom: "profile dev", AccessKeyID: "AK", SecretAccessKey: "SK",
		Extra:    func(*lambda.Function) []string { return []string{"EXTRA=x=y"} },
		Override: []instance.Variable{{Name: "OVER", Value: "strong", From: "--env"}},
	}})
	delete(got, "LAMBKIN_FAKE_RUNTIME")
	want := map[string]string{
		"TABLE": "template.yaml:12: t", "SHELL": "shell: s", "OVER": "--env: strong", "HOME": "shell: /h", "EXTRA": "lambkin: x=y",
		"AWS_REGION": "template.yaml:14: own", "AWS_DEFAULT_REGION": "profile dev: eu-west-1",
		"AWS_ACCESS_KEY_ID": "lambkin: AK", "AWS_SECRET_ACCESS_KEY": "lambkin: SK",
		"_HANDLER": "lambkin: h", "LAMBDA_TASK_ROOT": "lambkin: /code", "LAMBDA_RUNTIME_DIR": "lambkin: /runtime",
		"AWS_LAMBDA_RUNTIME_API": "lambkin: 127.0.0.1:…", "AWS_LAMBDA_LOG_STREAM_NAME": "lambkin: YYYY/MM/DD/[$LATEST]…",
		"_X_AMZN_TRACE_ID": "lambkin: Root=1-…", "AWS_LAMBDA_LOG_GROUP_NAME": "lambkin: /my/group",
		"AWS_LAMBDA_LOG_FORMAT": "lambkin: JSON", "AWS_LAMBDA_LOG_LEVEL": "lambkin: DEBUG",
		"AWS_EXECUTION_ENV": "lambkin: AWS_Lambda_fake", "AWS_LAMBDA_FUNCTION_NAME": "lambkin: deployed-f",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "lambkin: 256", "AWS_LAMBDA_FUNCTION_VERSION": "lambkin: $LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "lambkin: on-demand", "LANG": "lambkin: en_US.UTF-8", "TZ": "lambkin: :UTC",
		"PATH": "lambkin: /usr/local/bin:/usr/bin/:/bin", "AWS_XRAY_CONTEXT_MISSING": "lambkin: LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS": "lambkin: 169.254.100.1:2000", "_AWS_XRAY_DAEMON_ADDRESS": "lambkin: 169.254.100.1",
		"_AWS_XRAY_DAEMON_PORT": "lambkin: 2000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestDescriptionWithoutALanguage(t *testing.T) {
	got := described(t, instance.Options{Function: function("h")})
	if got["_HANDLER"] != "lambkin: h" || got["AWS_EXECUTION_ENV"] != "" {
		t.Errorf("got %v", got)
	}
}

// lacking is a runtime whose interpreter is not there.
type lacking struct{ fake.Runtime }

func (lacking) Launch(*lambda.Function, runtimes.Paths, *runtimes.Host) (*runtimes.Launch, error) {
	return nil, &runtimes.Missing{What: "Fake 1"}
}

func TestDescriptionSaysWhatTheMachineLacks(t *testing.T) {
	all, err := instance.Describe(t.Context(), instance.Options{
		Function: function("h"), Runtime: lacking{}, Host: &runtimes.Host{}, Sandbox: process.Sandbox{},
	})
	if _, ok := errors.AsType[*runtimes.Missing](err); !ok || len(all) == 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

// closed is a sandbox that opens nothing.
type closed struct{}

func (closed) Name() string { return "closed" }
func (closed) Open(context.Context, sandbox.Spec) (sandbox.Environment, error) {
	return nil, sandbox.ErrClosed
}

func TestDescriptionNeedsASandbox(t *testing.T) {
	_, err := instance.Describe(t.Context(), instance.Options{Function: function("h"), Sandbox: closed{}})
	if !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
