package dotnet

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
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// machine is a folder that stands for the root of a machine, with one or more
// installations of .NET in it.
type machine struct {
	t    *testing.T
	root string
	host *runtimes.Host
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: root}
	m.host = &runtimes.Host{Env: map[string]string{"HOME": m.path("home"), "PATH": m.path("bin")}, Cache: m.path("cache")}
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.root, filepath.FromSlash(name)) }

// dotnet makes an installation with versions of the base framework and further
// folders, such as "sdk/8.0.100". Its program says what it is started with.
func (m *machine) dotnet(dir string, versions []string, more ...string) string {
	m.t.Helper()
	for _, v := range versions {
		more = append(more, "shared/"+netCore+"/"+v)
	}
	for _, folder := range more {
		if err := os.MkdirAll(m.path(dir+"/"+folder), 0o755); err != nil {
			m.t.Fatal(err)
		}
	}
	m.program(dir, "#!/bin/sh\necho \"$@\"\n")
	return filepath.Join(m.path(dir), dotnetProgram())
}

// program replaces the program of an installation.
func (m *machine) program(dir, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.path(dir), dotnetProgram()), []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// client puts what the SDK would build into the cache.
func (m *machine) client(framework string) string {
	m.t.Helper()
	dll := built(m.host, framework)
	testenv.WriteFiles(m.t, filepath.Dir(dll), map[string]string{filepath.Base(dll): ""})
	return dll
}

// libraryFiles are those of a class library for a version of .NET.
func libraryFiles(name, version string) map[string]string {
	return map[string]string{
		name + ".dll": "", name + ".deps.json": "{}",
		name + ".runtimeconfig.json": `{"runtimeOptions":{"tfm":"x","framework":{"name":"Microsoft.NETCore.App","version":"` + version + `"}}}`,
	}
}

func (m *machine) code(files map[string]string) runtimes.Paths {
	m.t.Helper()
	testenv.WriteFiles(m.t, m.path("code"), files)
	return runtimes.Paths{Task: m.path("code"), Runtime: "/rt"}
}

// alone looks nowhere else but in the made-up machine.
func alone(places ...string) Runtime { return Runtime{places: append([]string{}, places...)} }

func TestClassLibrariesRunInTheClient(t *testing.T) {
	m := newMachine(t)
	program := m.dotnet("bin", []string{"8.0.11", "6.0.36", "10.0.0-preview.1"})
	dll := m.client("net8.0")
	paths := m.code(libraryFiles("App", "8.0.0"))
	fn := &lambda.Function{Runtime: "dotnet8", Handler: "App::App.Function::Handle"}
	l, err := alone().Launch(fn, paths, m.host)
	if err != nil {
		t.Fatal(err)
	}
	want := &runtimes.Launch{
		Path: program, Version: "8.0.11", Snapshots: true,
		Args: []string{
			"exec", "--depsfile", m.path("code/App.deps.json"), "--runtimeconfig", m.path("code/App.runtimeconfig.json"), dll, fn.Handler,
		},
		Uses: []string{m.path("bin"), filepath.Dir(dll)},
		Env: append(m.host.SearchPaths(runtimes.Interpreter{Path: program}, paths),
			"DOTNET_ROOT="+m.path("bin"), "LAMBDA_RUNTIME_NAME=dotnet8", "AWS_EXECUTION_ENV=AWS_Lambda_dotnet8",
			"SSL_CERT_FILE="+filepath.Join("/rt", "empty-certificates.crt"), "PWD="+m.path("code"), "SHLVL=0"),
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("launch (-want +got):\n%s", diff)
	}
}

func TestTheEnvironmentFollowsTheRuntimeAndTheFunction(t *testing.T) {
	m := newMachine(t)
	m.dotnet("bin", []string{"8.0.11", "6.0.36"})
	m.client("net8.0")
	m.client("net6.0")
	paths := m.code(libraryFiles("App", "8.0.0"))
	has := func(l *runtimes.Launch, name string) (value string, there bool) {
		for _, v := range l.Env {
			if n, v, _ := strings.Cut(v, "="); n == name {
				return v, true
			}
		}
		return "", false
	}
	fn := &lambda.Function{Runtime: "dotnet8", Handler: "App::App.Function::Handle", Environment: []lambda.Variable{
		{Name: "SSL_CERT_FILE", Value: "mine"}, {Name: "DOTNET_ROOT", Value: "mine"},
	}}
	l, err := alone().Launch(fn, paths, m.host)
	if err != nil {
		t.Fatal(err)
	}
	if v, there := has(l, "SSL_CERT_FILE"); there {
		t.Errorf("the function's own SSL_CERT_FILE is set to %q", v)
	}
	m.code(libraryFiles("App", "6.0.0"))
	fn = &lambda.Function{Runtime: "dotnet6", Handler: "App::App.Function::Handle"}
	if l, err = alone().Launch(fn, paths, m.host); err != nil {
		t.Fatal(err)
	}
	if v, there := has(l, "SSL_CERT_FILE"); there {
		t.Errorf("dotnet6 has SSL_CERT_FILE %q", v)
	}
	m.host.Serverless = true
	if l, err = alone().Launch(fn, paths, m.host); err != nil {
		t.Fatal(err)
	}
	want := []string{"DOTNET_ROOT=" + m.path("bin"), "LAMBDA_RUNTIME_NAME=dotnet6", "AWS_EXECUTION_ENV=AWS_Lambda_dotnet6"}
	if diff := cmp.Diff(want, l.Env); diff != "" {
		t.Errorf("in the Serverless dialect (-want +got):\n%s", diff)
	}
}

func TestProgramsAreStartedAsTheyAre(t *testing.T) {
	m := newMachine(t)
	program := m.dotnet("bin", []string{"8.0.11"})
	m.code(libraryFiles("App", "8.0.0"))
	paths := m.code(map[string]string{"native": "\x7fELF"})
	for _, handler := range []string{"App", "App.dll"} {
		l, err := alone().Launch(&lambda.Function{Runtime: "dotnet8", Handler: handler}, paths, m.host)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{program, "exec", m.path("code/App.dll")}, append([]string{l.Path}, l.Args...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", handler, diff)
		}
	}
	// A wrapper script gets the whole command line.
	fn := &lambda.Function{Runtime: "dotnet8", Handler: "App", Environment: []lambda.Variable{{Name: "AWS_LAMBDA_EXEC_WRAPPER", Value: "/var/task/wrap"}}}
	l, err := alone().Launch(fn, paths, m.host)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{m.path("code/wrap"), program, "exec", m.path("code/App.dll")}, append([]string{l.Path}, l.Args...)); diff != "" {
		t.Errorf("wrapped (-want +got):\n%s", diff)
	}
	if runtime.GOOS != "windows" {
		_, err = alone().Launch(&lambda.Function{Runtime: "dotnet8", Handler: "native"}, paths, m.host)
		var missing *runtimes.Missing
		if !errors.As(err, &missing) || !strings.Contains(missing.Hint, "chmod +x") {
			t.Errorf("a program without permission: %v", err)
		}
	}
	if err := os.Chmod(m.path("code/native"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.host.Env["PATH"] = "" // it needs no .NET
	l, err = alone().Launch(&lambda.Function{Runtime: "dotnet8", Handler: "native"}, paths, m.host)
	if err != nil || l.Path != m.path("code/native") || len(l.Args) != 0 {
		t.Errorf("a native program: %+v, %v", l, err)
	}
}

func TestTheMainAssemblyMayHaveAnotherName(t *testing.T) {
	m := newMachine(t)
	m.dotnet("bin", []string{"8.0.11"})
	m.client("net8.0")
	paths := m.code(libraryFiles("Other", "8.0.0"))
	fn := &lambda.Function{Runtime: "dotnet8", Handler: "App::App.Function::Handle"}
	l, err := alone().Launch(fn, paths, m.host)
	if err != nil || l.Args[2] != m.path("code/Other.deps.json") || l.Args[4] != m.path("code/Other.runtimeconfig.json") {
		t.Errorf("the only one is not taken: %+v, %v", l, err)
	}
	m.code(libraryFiles("Third", "8.0.0"))
	_, err = alone().Launch(fn, paths, m.host)
	var missing *runtimes.Missing
	if !errors.As(err, &missing) || !strings.HasPrefix(missing.Hint, "there are Other.deps.json, Third.deps.json: ") {
		t.Errorf("of two: %+v", err)
	}
	for _, name := range []string{"Third", "Third.dll"} {
		fn.Environment = []lambda.Variable{{Name: "LAMBDA_DOTNET_MAIN_ASSEMBLY", Value: name}}
		if l, err = alone().Launch(fn, paths, m.host); err != nil || l.Args[2] != m.path("code/Third.deps.json") {
			t.Errorf("the named one is not taken: %+v, %v", l, err)
		}
	}
}

func TestCodeThatIsNotPublishedIsTold(t *testing.T) {
	library := "App::App.Function::Handle"
	tests := []struct {
		name, handler string
		files         map[string]string
		what, hint    string // how they begin
	}{
		{"nothing", library, nil, "the function's code in CODE", "publish the function"},
		{"no handler", "", map[string]string{"a": ""}, "a handler of function F", "name it: "},
		{"no description", library, map[string]string{"App.dll": ""}, "App.deps.json in CODE", "publish the function"},
		{"half a description", library, map[string]string{"App.deps.json": ""}, "App.runtimeconfig.json in CODE", "publish the function"},
		{"no program", "App", map[string]string{"Other.dll": ""}, "App.dll, or a program App, in CODE", "publish the function"},
		{"source", library, map[string]string{"App.csproj": "", "Function.cs": ""}, "App.deps.json in CODE", "CODE is a project's source (it has a App.csproj): build it"},
		{
			"published source", library,
			map[string]string{"App.fsproj": "", "bin/Release/net8.0/publish/App.runtimeconfig.json": ""},
			"App.deps.json in CODE", "CODE is a project's source (it has a App.fsproj): build it, for instance with sam build or dotnet publish -c Release, " +
				"and let the function's code be what was built; it has been published to CODE/bin/Release/net8.0/publish",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			_, err := alone().Launch(&lambda.Function{Path: "F", Runtime: "dotnet8", Handler: tt.handler}, m.code(tt.files), m.host)
			var missing *runtimes.Missing
			if !errors.As(err, &missing) {
				t.Fatalf("error %v", err)
			}
			plain := strings.NewReplacer(m.path("code"), "CODE", `\`, "/")
			if what := plain.Replace(missing.What); what != tt.what {
				t.Errorf("missing %q, want %q", what, tt.what)
			}
			if hint := plain.Replace(missing.Hint); !strings.HasPrefix(hint, tt.hint) {
				t.Errorf("hint %q, want %q", hint, tt.hint)
			}
		})
	}
}

func TestLaunchRefusesOtherLanguages(t *testing.T) {
	for _, identifier := range []string{"java21", "dotnet", "provided.al2023"} {
		if _, err := alone().Launch(&lambda.Function{Runtime: identifier, Handler: "A"}, runtimes.Paths{}, &runtimes.Host{}); err == nil {
			t.Errorf("%s is launched", identifier)
		}
	}
}

func TestDebuggersAttachToTheProcess(t *testing.T) {
	m := newMachine(t)
	m.dotnet("bin", []string{"8.0.11"})
	m.client("net8.0")
	paths := m.code(libraryFiles("App", "8.0.0"))
	m.host.Debug = &runtimes.Debug{Ports: []int{5858}, Path: "/vsdbg"}
	for handler, says := range map[string]string{
		"App::App.Function::Handle": "the function waits ten minutes for a debugger to attach to its process, dotnet exec (",
		"App":                       "the function waits for no debugger: attach one to its process, dotnet exec App.dll (",
	} {
		l, err := alone().Launch(&lambda.Function{Runtime: "dotnet8", Handler: handler}, paths, m.host)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(l.Env, "\n"), "_AWS_LAMBDA_DOTNET_DEBUGGING=1") {
			t.Errorf("%s: the client is not told to wait: %q", handler, l.Env)
		}
		if len(l.Notices) != 2 || !strings.HasPrefix(l.Notices[0], says) || !strings.Contains(l.Notices[1], "are not used") {
			t.Errorf("%s: notices %q", handler, l.Notices)
		}
	}
}
