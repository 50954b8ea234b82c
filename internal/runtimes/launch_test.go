package runtimes

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestVersionsAreReadFromIdentifiers(t *testing.T) {
	tests := []struct {
		identifier string
		depth      int
		want       string
	}{
		{"python3.13", 2, "3.13"},
		{"nodejs22.x", 1, "22"},
		{"nodejs8.10", 1, "8"},
		{"provided.al2023", 2, ""},
		{"nodejs", 1, ""},
		{"", 1, ""},
	}
	for _, tt := range tests {
		if got := VersionOf(tt.identifier, tt.depth).String(); got != tt.want {
			t.Errorf("the version of %q is %q, want %q", tt.identifier, got, tt.want)
		}
	}
}

func TestVersionsOfFolders(t *testing.T) {
	tests := map[string]string{
		"3.13.0": "3.13.0", "v20.1.0": "20.1.0", "cpython-3.12.1-linux-x86_64-gnu": "3.12.1", "cpython@3.11.2": "3.11.2", "ruby-3.3.5": "3.3.5", "3.12.1_1": "3.12.1",
		"3.13": "", "3.13.0t": "", "cpython-3.13.0+freethreaded-linux": "", "pypy3.10-7.3.12": "", "latest": "", "": "", "99999999999999999999.1.1": "",
	}
	for name, want := range tests {
		if got := versionOfFolder(name).String(); got != want {
			t.Errorf("the version of %q is %q, want %q", name, got, want)
		}
	}
}

func TestConfiguredVariablesStay(t *testing.T) {
	fn := &lambda.Function{Runtime: "nodejs22.x", Environment: []lambda.Variable{{Name: "PATH", Value: "/mine"}, {Name: "AWS_EXECUTION_ENV", Value: "x"}}}
	l := &Launch{}
	l.Add(fn, "PATH=/theirs", "NODE_PATH=/n=1")
	l.Identify(fn, Paths{}, &Host{Serverless: true})
	want := []string{"NODE_PATH=/n=1", "AWS_EXECUTION_ENV=AWS_Lambda_nodejs22.x", "_LAMBKIN_DIALECT=serverless", `_LAMBKIN_FUNCTION={"name":"","timeout":0}`}
	if diff := cmp.Diff(want, l.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestWrapperGetsTheCommandLine(t *testing.T) {
	paths := Paths{Task: "/home/me/code", Opt: "/cache/layers", Runtime: "/cache/runtime"}
	tests := []struct{ name, wrapper, path string }{
		{"layer", "/opt/wrapper", "/cache/layers/wrapper"},
		{"code", "/var/task/run.sh", "/home/me/code/run.sh"},
		{"elsewhere", "/optional/wrapper", "/optional/wrapper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fn := &lambda.Function{Environment: []lambda.Variable{{Name: "AWS_LAMBDA_EXEC_WRAPPER", Value: tt.wrapper}}}
			l := &Launch{Path: "/bin/node", Args: []string{"bootstrap.js"}}
			l.Wrap(fn, paths)
			want := &Launch{Path: tt.path, Args: []string{"/bin/node", "bootstrap.js"}}
			if diff := cmp.Diff(want, l); diff != "" {
				t.Errorf("launch (-want +got):\n%s", diff)
			}
		})
	}
	l := &Launch{Path: "/bin/node"}
	l.Wrap(&lambda.Function{}, paths)
	if l.Path != "/bin/node" {
		t.Errorf("without a wrapper the program is %s", l.Path)
	}
}

func TestSearchPathsAreAWSs(t *testing.T) {
	i := Interpreter{Path: "/var/lang/bin/node"}
	got := (&Host{}).SearchPaths(i, Paths{Task: "/var/task", Opt: "/opt", Runtime: "/var/runtime"})
	want := []string{
		"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if got := (&Host{Serverless: true}).SearchPaths(i, Paths{}); got != nil {
		t.Errorf("in the Serverless dialect the variables are %v", got)
	}
}
