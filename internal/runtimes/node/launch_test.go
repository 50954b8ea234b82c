package node

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// fake is a machine with one Node.js, whose version its folder tells.
func fake(t *testing.T, version string) (*runtimes.Host, string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the interpreter of the test is a shell script")
	}
	lang, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	lang = filepath.Join(lang, "node", version)
	if err := os.MkdirAll(filepath.Join(lang, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(lang, "bin", "node"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &runtimes.Host{Env: map[string]string{"PATH": filepath.Join(lang, "bin")}}, lang
}

func TestLaunchGivesAWSsEnvironment(t *testing.T) {
	host, lang := fake(t, "v20.2.1")
	inside := runtimes.Paths{Task: "/var/task", Opt: "/opt", Runtime: "/var/runtime", Tmp: "/tmp"}
	tests := []struct {
		name       string
		fn         lambda.Function
		paths      runtimes.Paths
		serverless bool
		want       runtimes.Launch
	}{
		{"with layers", lambda.Function{Runtime: "nodejs20.x"}, inside, false, runtimes.Launch{
			Path: "/var/lang/bin/node", Args: []string{"/var/runtime/node/bootstrap.js"}, Uses: []string{"/var/lang"}, Version: "20.2.1",
			Env: []string{
				"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
				"LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
				"NODE_PATH=/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task",
				"AWS_EXECUTION_ENV=AWS_Lambda_nodejs20.x", "PWD=/var/task", "SHLVL=0",
			},
		}},
		{"in place", lambda.Function{Runtime: "nodejs20.x"}, runtimes.Paths{Task: "/home/me", Runtime: "/cache"}, true, runtimes.Launch{
			Path: "/var/lang/bin/node", Args: []string{"/cache/node/bootstrap.js"}, Uses: []string{"/var/lang"}, Version: "20.2.1",
			Env: []string{"NODE_PATH=/cache/node_modules:/cache:/home/me", "AWS_EXECUTION_ENV=AWS_Lambda_nodejs20.x", "_LAMBKIN_DIALECT=serverless", `_LAMBKIN_FUNCTION={"name":"","timeout":0}`},
		}},
		{"another version, wrapped", lambda.Function{Runtime: "nodejs24.x", Environment: []lambda.Variable{
			{Name: "AWS_LAMBDA_EXEC_WRAPPER", Value: "/opt/w"}, {Name: "NODE_PATH", Value: "/x"}, {Name: "PATH", Value: "/y"}, {Name: "LD_LIBRARY_PATH", Value: ""},
		}}, inside, false, runtimes.Launch{
			Path: "/opt/w", Args: []string{"/var/lang/bin/node", "/var/runtime/node/bootstrap.js"}, Uses: []string{"/var/lang"}, Version: "20.2.1",
			Env:     []string{"AWS_EXECUTION_ENV=AWS_Lambda_nodejs24.x", "PWD=/var/task", "SHLVL=0"},
			Notices: []string{"runtime nodejs24.x runs on Node.js 20.2.1, the nearest version found"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host.Serverless = tt.serverless
			got, err := Runtime{}.Launch(&tt.fn, tt.paths, host)
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range [][]string{got.Args, got.Env, got.Uses} {
				for i := range list {
					list[i] = strings.ReplaceAll(list[i], lang, "/var/lang")
				}
			}
			got.Path = strings.ReplaceAll(got.Path, lang, "/var/lang")
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("launch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSurveyHintsAtWhatIsMissing(t *testing.T) {
	host, lang := fake(t, "v20.2.1")
	got := Runtime{}.Survey(host)
	if len(got) != 3 {
		t.Fatalf("findings are %+v", got)
	}
	if got[0].Name != "Node.js 24" || !strings.Contains(got[0].Hint, "nvm install 24") {
		t.Errorf("first finding is %+v", got[0])
	}
	want := runtimes.Finding{Name: "Node.js 20", Version: "20.2.1", Path: filepath.Join(lang, "bin", "node")}
	if diff := cmp.Diff(want, got[2]); diff != "" {
		t.Errorf("last finding (-want +got):\n%s", diff)
	}
}

func TestEveryIdentifierNamesAVersion(t *testing.T) {
	for _, id := range (Runtime{}).Identifiers() {
		if v := runtimes.VersionOf(id, 1); len(v) != 1 {
			t.Errorf("the version of %s is %v", id, v)
		}
	}
}
