package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestTheEnvironmentOfDotnetIsTheRecordedOne compares what `lambkin env` says
// of a .NET function with what one has seen on AWS. No .NET is started: that the
// machine seems to have one is enough.
func TestTheEnvironmentOfDotnetIsTheRecordedOne(t *testing.T) {
	dir := os.Getenv("LAMBKIN_RECORDED")
	if dir == "" {
		t.Skip("LAMBKIN_RECORDED names no folder with recorded answers")
	}
	data, err := os.ReadFile(filepath.Join(dir, "introspection.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Runtimes map[string]struct {
			Environment map[string]any
			Handler     string
		}
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for identifier, want := range recorded.Runtimes {
		version, ok := strings.CutPrefix(identifier, "dotnet")
		if !ok {
			continue
		}
		seen++
		env := map[string]string{
			"LAMBKIN_CACHE_DIR": t.TempDir(), "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
			"DOTNET_ROOT": t.TempDir(),
		}
		project := t.TempDir()
		assembly, _, _ := strings.Cut(want.Handler, ":")
		testenv.WriteFiles(t, project, map[string]string{
			"template.yaml": "Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: code, Handler: \"" +
				want.Handler + "\", Runtime: " + identifier + ", MemorySize: 1024, Environment: {Variables: {TEST_KEY: TEST_VAL}}}}\n",
			"code/" + assembly + ".deps.json": "{}", "code/" + assembly + ".runtimeconfig.json": "{}",
		})
		program := "dotnet"
		if runtime.GOOS == "windows" {
			program += ".exe"
		}
		testenv.WriteFiles(t, env["DOTNET_ROOT"], map[string]string{program: "", "shared/Microsoft.NETCore.App/" + version + ".0.1/x": ""})
		if err := os.Chmod(filepath.Join(env["DOTNET_ROOT"], program), 0o755); err != nil {
			t.Fatal(err)
		}
		e, err := app.Describe(t.Context(), app.Options{Env: env, File: filepath.Join(project, "template.yaml"), Notice: func(string) {}})
		if err != nil || len(e.Diags) > 0 {
			t.Fatalf("%v, %v", e.Diags, err)
		}
		got, drawn := map[string]any{}, map[string]any{}
		for _, v := range e.Variables {
			got[v.Name] = v.Value
			// What differs from run to run is only known to be there.
			if strings.Contains(v.Value, "…") && v.Name != "AWS_LAMBDA_RUNTIME_API" {
				got[v.Name], drawn[v.Name] = nil, true
			}
		}
		m := newMatcher(project)
		m.environment(got)
		for name, value := range want.Environment {
			switch {
			case drawn[name] != nil:
				delete(got, name)
			default:
				m.match("environment."+name, value, got[name])
				delete(got, name)
			}
		}
		for name, value := range got {
			m.differ("environment."+name, nil, value)
		}
		for _, f := range m.findings {
			if f.row == "" && !f.note {
				t.Errorf("%s: %s", identifier, f.text)
			}
		}
	}
	if seen == 0 {
		t.Error("nothing is recorded of .NET")
	}
}
