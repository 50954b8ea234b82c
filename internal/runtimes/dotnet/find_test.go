package dotnet

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestDotnetIsFoundWhereItIsKept(t *testing.T) {
	m := newMachine(t)
	m.dotnet("chosen", []string{"6.0.1"})
	m.dotnet("opt/dotnet", []string{"8.0.1"})
	m.dotnet("home/.dotnet", []string{"9.0.1"}, "sdk/9.0.100")
	m.dotnet("asdf/installs/dotnet-core/8.0.100", []string{"8.0.2"})
	m.dotnet("empty", nil, "sdk")
	// A link on PATH, and a shim, which has nothing beside it.
	testenv.WriteFiles(t, m.root, map[string]string{"shims/" + dotnetProgram(): "", "usr/bin/x": ""})
	if err := os.Symlink(filepath.Join(m.path("opt/dotnet"), dotnetProgram()), filepath.Join(m.path("usr/bin"), dotnetProgram())); err != nil {
		t.Skip(err)
	}
	m.host.Env["DOTNET_ROOT"] = m.path("chosen")
	m.host.Env["PATH"] = runtimes.JoinList([]string{"relative", m.path("shims"), m.path("empty"), m.path("usr/bin"), m.path("chosen")})
	m.host.Env["ASDF_DATA_DIR"] = m.path("asdf")
	var got []string
	for _, i := range alone("$HOME/.dotnet", "$ASDF_DATA_DIR/installs/dotnet*/*", "$NOT_SET/*").installations(m.host) {
		got = append(got, strings.TrimPrefix(filepath.ToSlash(i.dir), filepath.ToSlash(m.root)+"/")+" "+i.frameworks[netCore][0].String())
	}
	want := []string{"chosen 6.0.1", "opt/dotnet 8.0.1", "home/.dotnet 9.0.1", "asdf/installs/dotnet-core/8.0.100 8.0.2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("installations (-want +got):\n%s", diff)
	}
}

func TestTheLineThatTheCodeIsBuiltForIsTaken(t *testing.T) {
	web := `,{"name":"Microsoft.AspNetCore.App","version":"8.0.0"}`
	tests := []struct {
		name       string
		have       []string
		more       []string
		identifier string
		config     string // of runtimeOptions
		strict     bool
		args       string // before the program
		notice     string
		hint, what string
	}{
		{name: "the same", have: []string{"8.0.1", "8.0.11", "9.0.1"}, identifier: "dotnet8", config: `"framework":{"name":"Microsoft.NETCore.App","version":"8.0.0"}`, args: "8.0.11 exec"},
		{name: "of .NET Core", have: []string{"3.0.3", "3.1.32"}, identifier: "dotnetcore3.1", config: `"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}`, args: "3.1.32 exec"},
		{name: "it does not say", have: []string{"8.0.1", "9.0.1"}, identifier: "dotnet8", args: "8.0.1 exec"},
		{
			name: "newer", have: []string{"6.0.1", "10.0.1", "9.0.7", "9.0.1"}, identifier: "dotnet8", config: `"framework":{"name":"Microsoft.NETCore.App","version":"8.0.0"}`,
			args: "9.0.7 exec --roll-forward Major", notice: "runtime dotnet8 runs on .NET 9.0.7, the nearest version found",
		},
		{
			name: "newer, and it asks for that itself", have: []string{"10.0.1"}, identifier: "dotnet8",
			config: `"rollForward":"LatestMajor","framework":{"name":"Microsoft.NETCore.App","version":"6.0.0"}`,
			args:   "10.0.1 exec", notice: "runtime dotnet8 runs on .NET 10.0.1, the nearest version found",
		},
		{
			name: "strict", have: []string{"9.0.7"}, identifier: "dotnet8", strict: true,
			what: ".NET 8 for runtime dotnet8", hint: "; the nearest version is 9.0.7, at DOTNET",
		},
		{
			name: "older", have: []string{"6.0.1"}, identifier: "dotnet8",
			what: ".NET 8 for runtime dotnet8", hint: "; the newest version found is 6.0.1, at DOTNET",
		},
		{
			name: "built for another", have: []string{"6.0.1", "8.0.1"}, identifier: "dotnet8", config: `"framework":{"name":"Microsoft.NETCore.App","version":"6.0.0"}`,
			args: "6.0.1 exec", notice: "the code is built for .NET 6, which AWS's dotnet8 does not have",
		},
		{
			name: "of the web", have: []string{"8.0.1"}, more: []string{"shared/Microsoft.AspNetCore.App/8.0.1"}, identifier: "dotnet8",
			config: `"frameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.0"}` + web + `]`, args: "8.0.1 exec",
		},
		{
			name: "without the web's", have: []string{"8.0.1"}, identifier: "dotnet8",
			config: `"frameworks":[{"name":"Microsoft.NETCore.App","version":"8.0.0"}` + web + `]`,
			what:   "Microsoft.AspNetCore.App 8 for runtime dotnet8", hint: "; the newest version found is 8.0.1, at DOTNET",
		},
		{name: "images", have: []string{"9.0.1"}, identifier: "dotnet9", args: "9.0.1 exec", notice: "AWS has dotnet9 as a container's base image only, and refuses it for uploaded code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			program := m.dotnet("bin", tt.have, tt.more...)
			m.host.Strict = tt.strict
			paths := m.code(map[string]string{"App.dll": "", "App.runtimeconfig.json": "\xEF\xBB\xBF{\"runtimeOptions\":{" + tt.config + "}}"})
			l, err := alone().Launch(&lambda.Function{Runtime: tt.identifier, Handler: "App"}, paths, m.host)
			if tt.what != "" {
				var missing *runtimes.Missing
				if !errors.As(err, &missing) || missing.What != tt.what || !strings.HasSuffix(strings.ReplaceAll(missing.Hint, program, "DOTNET"), tt.hint) {
					t.Errorf("error %+v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			args := strings.TrimSuffix(l.Version+" "+strings.Join(l.Args, " "), " "+m.path("code/App.dll"))
			if args != tt.args || strings.Join(l.Notices, "\n") != tt.notice {
				t.Errorf("%q, notices %q", args, l.Notices)
			}
		})
	}
}

func TestTheNearestOfAllInstallationsIsTaken(t *testing.T) {
	m := newMachine(t)
	m.dotnet("bin", []string{"10.0.1"})
	near := m.dotnet("other", []string{"9.0.1"})
	paths := m.code(map[string]string{"App.dll": ""})
	fn := &lambda.Function{Runtime: "dotnet8", Handler: "App"}
	if l, err := alone(m.path("other")).Launch(fn, paths, m.host); err != nil || l.Path != near {
		t.Errorf("%+v, %v", l, err)
	}
	exact := m.dotnet("third", []string{"8.0.1"})
	l, err := alone(m.path("other"), m.path("third")).Launch(fn, paths, m.host)
	if err != nil || l.Path != exact || len(l.Notices) != 0 || strings.Contains(strings.Join(l.Args, " "), "roll-forward") {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestHintsNameTheVersion(t *testing.T) {
	for identifier, want := range map[string]string{
		"dotnet8":       `install the SDK of .NET 8, for instance with "mise use -g dotnet@8", "brew install dotnet@8" or "apt-get install dotnet-sdk-8.0"`,
		"dotnet5.0":     `install the SDK of .NET 5, for instance with "mise use -g dotnet@5", "brew install dotnet@5" or "apt-get install dotnet-sdk-5.0"`,
		"dotnetcore3.1": `install the SDK of .NET Core 3.1, for instance with "mise use -g dotnet@3.1", "brew install dotnet@3.1" or "apt-get install dotnet-sdk-3.1"`,
	} {
		if got := install(versionOf(identifier)); got != want {
			t.Errorf("%s: %s", identifier, got)
		}
	}
}

func TestSurveyTellsWhatThereIs(t *testing.T) {
	survey := func(m *machine) (got []string) {
		for _, f := range alone().Survey(m.host) {
			got = append(got, f.Name+" "+f.Version)
			if (f.Path == "") != (f.Hint != "") {
				t.Errorf("finding %+v", f)
			}
		}
		return got
	}
	m := newMachine(t)
	want := []string{".NET 10 (untested) ", ".NET 8 (untested) ", ".NET's client Amazon.Lambda.RuntimeSupport "}
	if diff := cmp.Diff(want, survey(m)); diff != "" {
		t.Errorf("without .NET (-want +got):\n%s", diff)
	}
	m.dotnet("bin", []string{"8.0.11", "3.1.32"})
	m.client("net8.0")
	want = []string{".NET 10 (untested) ", ".NET 8 (untested) 8.0.11", ".NET Core 3.1 (untested) 3.1.32", ".NET's client Amazon.Lambda.RuntimeSupport " + clientVersion}
	if diff := cmp.Diff(want, survey(m)); diff != "" {
		t.Errorf("with .NET (-want +got):\n%s", diff)
	}
}
