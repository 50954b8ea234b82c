package python

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// fake is a machine with one Python.
func fake(t *testing.T, name string) (*runtimes.Host, string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the interpreter of the test is a shell script")
	}
	dir := filepath.Join(t.TempDir(), "lang", "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &runtimes.Host{Env: map[string]string{"PATH": dir}, Cache: "/cache"}, filepath.Dir(dir)
}

func TestLaunchGivesAWSsEnvironment(t *testing.T) {
	paths := runtimes.Paths{Task: "/var/task", Opt: "/opt", Runtime: "/var/runtime", Tmp: "/tmp", HostTask: "/home/me/code"}
	const searchPaths = "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib "
	const private = " _LAMBKIN_OPT=/opt _LAMBKIN_PYCACHE=/cache/pycache/CODE"
	tests := []struct {
		name, runtime string
		serverless    bool
		want          string
	}{
		{"old", "python3.11", false, searchPaths + "PYTHONPATH=/var/runtime AWS_EXECUTION_ENV=AWS_Lambda_python3.11 PWD=/var/task SHLVL=0" + private},
		{"new", "python3.12", false, searchPaths + "PYTHONPATH=/var/runtime LC_CTYPE=C.UTF-8 AWS_EXECUTION_ENV=AWS_Lambda_python3.12 PWD=/var/task SHLVL=0" + private},
		{"Serverless", "python3.11", true, "AWS_EXECUTION_ENV=AWS_Lambda_python3.11 _LAMBKIN_DIALECT=serverless " + `_LAMBKIN_FUNCTION={"name":"","timeout":0}` + private},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, lang := fake(t, tt.runtime)
			host.Serverless = tt.serverless
			got, err := Runtime{}.Launch(&lambda.Function{Runtime: tt.runtime}, paths, host)
			if err != nil {
				t.Fatal(err)
			}
			env := strings.ReplaceAll(strings.Join(got.Env, " "), lang, "/var/lang")
			before, after, _ := strings.Cut(env, "/cache/pycache/")
			if len(after) != 12 {
				t.Errorf("the folder of compiled code is named %q", after)
			}
			if diff := cmp.Diff(tt.want, before+"/cache/pycache/CODE"); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			if got.Version == "" || got.Notices != nil || !cmp.Equal(got.Uses, []string{lang}) {
				t.Errorf("launch is %+v", got)
			}
		})
	}
}

func TestEachFunctionHasItsOwnCompiledCode(t *testing.T) {
	host := &runtimes.Host{Cache: "/cache"}
	a := private(runtimes.Paths{Task: "/var/task", HostTask: "/a"}, host)
	b := private(runtimes.Paths{Task: "/var/task", HostTask: "/b"}, host)
	if cmp.Equal(a, b) {
		t.Errorf("two functions share %v", a)
	}
	if got := private(runtimes.Paths{Task: "/a"}, &runtimes.Host{}); got != nil {
		t.Errorf("without a cache the bootstrap is told %v", got)
	}
}

func TestLaunchSaysWhatItCannotRun(t *testing.T) {
	host, _ := fake(t, "python2.7")
	for _, identifier := range []string{"python2.7", "python3.13"} {
		_, err := Runtime{}.Launch(&lambda.Function{Runtime: identifier}, runtimes.Paths{}, host)
		var m *runtimes.Missing
		if !errors.As(err, &m) || m.Hint == "" {
			t.Errorf("error for %s is %v", identifier, err)
		}
	}
	if _, err := (Runtime{}).Launch(&lambda.Function{Runtime: "ruby3.3x"}, runtimes.Paths{}, host); err == nil {
		t.Error("a runtime of another language is launched")
	}
}

func TestSurveyLeavesOutRetiredVersions(t *testing.T) {
	host, _ := fake(t, "python3.9")
	var names []string
	for _, f := range (Runtime{}).Survey(host) {
		name := f.Name
		if f.Path == "" {
			name += " missing"
		}
		names = append(names, name)
	}
	want := []string{"Python 3.14 missing", "Python 3.13 missing", "Python 3.12 missing", "Python 3.11 missing", "Python 3.10 missing", "Python 3.9"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
