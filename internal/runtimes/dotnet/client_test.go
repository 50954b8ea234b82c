package dotnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// library is a class library for .NET 8 on a machine.
func library(m *machine) (*lambda.Function, runtimes.Paths) {
	return &lambda.Function{Runtime: "dotnet8", Handler: "App::App.Function::Handle"}, m.code(libraryFiles("App", "8.0.0"))
}

// builder is an SDK that does what it is told and notes it: it copies what it
// is to publish to where it is to be published.
const builder = `#!/bin/sh
echo "$@" >>%[1]q/calls
while [ "$1" != -o ]; do last=$1; [ "$1" = publish ] && project=$2; shift; done
mkdir -p "$2"
cp "$project" "${project%%/*}/Program.cs" "$2"
touch "$2/lambkin-dotnet.dll"
env >%[1]q/environment
`

func needShell(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the test's SDK is a shell script")
	}
}

func TestTheSDKBuildsTheClientOnce(t *testing.T) {
	needShell(t)
	m := newMachine(t)
	m.dotnet("bin", []string{"8.0.11"}, "sdk/8.0.404")
	m.program("bin", fmt.Sprintf(builder, m.root))
	m.host.Env["PATH"] += ":/usr/bin:/bin"
	m.host.Env["NUGET_PACKAGES"] = "/packages"
	var said []string
	m.host.Tell = func(text string) { said = append(said, text) }
	fn, paths := library(m)
	l, err := alone().Launch(fn, paths, m.host)
	if err != nil {
		t.Fatal(err)
	}
	dll := l.Args[len(l.Args)-2]
	if filepath.Base(filepath.Dir(dll)) != "net8.0" || !isFile(dll) {
		t.Errorf("the client is %s", dll)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "building Amazon.Lambda.RuntimeSupport "+clientVersion+" for net8.0 with the SDK of .NET") {
		t.Errorf("said %q", said)
	}
	if len(l.Notices) != 1 || !strings.HasSuffix(l.Notices[0], "was built and is kept in "+filepath.Dir(dll)) {
		t.Errorf("notices %q", l.Notices)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(dll), "lambkin-dotnet.csproj"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<TargetFramework>net8.0</TargetFramework>", `Include="Amazon.Lambda.RuntimeSupport" Version="[` + clientVersion + `]"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the project lacks %s:\n%s", want, text)
		}
	}
	env, err := os.ReadFile(m.path("environment"))
	if err != nil || !strings.Contains(string(env), "NUGET_PACKAGES=/packages") || !strings.Contains(string(env), "DOTNET_CLI_TELEMETRY_OPTOUT=1") {
		t.Errorf("the SDK's environment: %s, %v", env, err)
	}
	// The next launch takes what is there.
	if l, err = alone().Launch(fn, paths, m.host); err != nil || len(l.Notices) != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	calls, err := os.ReadFile(m.path("calls"))
	if n := strings.Count(string(calls), "publish"); err != nil || n != 1 {
		t.Errorf("%d calls of the SDK: %s, %v", n, calls, err)
	}
	if left, _ := filepath.Glob(m.path("cache/dotnet/*/.build-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAnOlderSDKBuildsForItsOwnLine(t *testing.T) {
	needShell(t)
	m := newMachine(t)
	m.dotnet("bin", []string{"8.0.11"})
	m.dotnet("other", []string{"6.0.1"}, "sdk/6.0.400")
	m.program("other", fmt.Sprintf(builder, m.root))
	m.host.Env["PATH"] += ":/usr/bin:/bin"
	fn, paths := library(m)
	l, err := alone(m.path("other")).Launch(fn, paths, m.host)
	if err != nil {
		t.Fatal(err)
	}
	if got := filepath.Base(filepath.Dir(l.Args[len(l.Args)-2])); got != "net6.0" || l.Version != "8.0.11" {
		t.Errorf("the client is for %s, on %s", got, l.Version)
	}
}

func TestAClientThatCannotBeHadIsTold(t *testing.T) {
	needShell(t)
	tests := []struct {
		name, script string
		change       func(*machine)
		what, hint   string
	}{
		{"no SDK", "", func(m *machine) { _ = os.RemoveAll(m.path("bin/sdk")) }, "Amazon.Lambda.RuntimeSupport 1.", "and the machine has a runtime only: install the SDK of .NET 8"},
		{"no cache", "", func(m *machine) { m.host.Cache = "" }, "a cache folder for Amazon.Lambda.RuntimeSupport", "LAMBKIN_CACHE_DIR"},
		{
			"no network", "#!/bin/sh\necho Restoring\necho 'x.csproj : error NU1301: no source'\necho more\nexit 1\n", func(*machine) {},
			"Amazon.Lambda.RuntimeSupport 1.", "could not build it (exit status 1: x.csproj : error NU1301: no source); when that is mended",
		},
		{"nothing built", "#!/bin/sh\n", func(*machine) {}, "Amazon.Lambda.RuntimeSupport 1.", "could not build it (there is no lambkin-dotnet.dll)"},
		{"it hangs", "#!/bin/sh\nexec sleep 60\n", func(*machine) {}, "Amazon.Lambda.RuntimeSupport 1.", "could not build it (it was not done after 300ms)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			m.dotnet("bin", []string{"8.0.11"}, "sdk/8.0.404")
			m.program("bin", tt.script)
			m.host.Env["PATH"] += ":/usr/bin:/bin"
			tt.change(m)
			fn, paths := library(m)
			_, err := Runtime{places: []string{}, limit: 300 * time.Millisecond}.Launch(fn, paths, m.host)
			var missing *runtimes.Missing
			if !errors.As(err, &missing) || !strings.HasPrefix(missing.What, tt.what) || !strings.Contains(missing.Hint, tt.hint) {
				t.Errorf("error %+v", err)
			}
		})
	}
}

func TestTheTestToolHoldsTheClient(t *testing.T) {
	m := newMachine(t)
	m.dotnet("bin", []string{"9.0.11", "8.0.11"})
	tool := func(version, framework string) string {
		name := ".dotnet/tools/.store/amazon.lambda.testtool/" + version + "/amazon.lambda.testtool/" + version + "/content/Amazon.Lambda.RuntimeSupport/" + framework + "/Amazon.Lambda.RuntimeSupport.TestTool.dll"
		testenv.WriteFiles(t, m.path("home"), map[string]string{name: ""})
		return m.path("home/" + name)
	}
	tool("0.9.1", "net8.0")
	want := tool("0.12.0", "net8.0")
	tool("0.12.0", "net10.0")
	fn, paths := library(m)
	for _, identifier := range []string{"dotnet8", "dotnet9"} {
		fn.Runtime = identifier
		m.code(libraryFiles("App", strings.TrimPrefix(identifier, "dotnet")+".0.0"))
		l, err := alone().Launch(fn, paths, m.host)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Args[len(l.Args)-2]; got != want {
			t.Errorf("%s: the client is %s", identifier, got)
		}
	}
}
