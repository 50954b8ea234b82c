package dotnet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// workshop is a real .NET and what compiles C# for it.
type workshop struct {
	t              *testing.T
	root, compiler string
}

// compile makes an assembly of a source, for the frameworks of the machine.
func (w workshop) compile(to, source string, more ...string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		w.t.Fatal(err)
	}
	args := []string{"-nologo", "-nostdlib", "-noconfig", "-out:" + to}
	for _, name := range []string{
		"System.Private.CoreLib", "System.Runtime", "System.Runtime.Extensions", "System.Runtime.Loader", "System.Console",
		"System.IO.FileSystem", "System.Net.Sockets", "System.Net.Primitives", "System.ComponentModel.Primitives",
	} {
		found, _ := filepath.Glob(filepath.Join(w.root, "shared", netCore, "*", name+".dll")) // the pattern is well formed
		if len(found) == 0 {
			w.t.Fatalf("%s has no %s", w.root, name)
		}
		args = append(args, "-r:"+found[0])
	}
	if out, err := exec.Command(w.compiler, append(append(args, more...), source)...).CombinedOutput(); err != nil {
		w.t.Fatalf("compiling %s: %v\n%s", source, err, out)
	}
}

// deps describes a published class library, and the client if it brings one.
func deps(client string) string {
	text := `{"runtimeTarget":{"name":"x"},"targets":{"x":{"Demo/1.0.0":{"runtime":{"Demo.dll":{}}}CLIENT}},
		"libraries":{"Demo/1.0.0":{"type":"project","serviceable":false,"sha512":""}LIBRARY}}`
	one, two := "", ""
	if client != "" {
		one = `,"Amazon.Lambda.RuntimeSupport/1.0.0":{"runtime":{"lib/net6.0/Amazon.Lambda.RuntimeSupport.dll":{}}}`
		two = `,"Amazon.Lambda.RuntimeSupport/1.0.0":{"type":"package","serviceable":true,"sha512":"","path":"a","hashPath":"b"}`
	}
	return strings.NewReplacer("CLIENT", one, "LIBRARY", two).Replace(text)
}

// TestARealDotnetRunsClassLibrariesAndPrograms runs the program around the client in a
// real .NET, with a stand-in for the client itself.
func TestARealDotnetRunsClassLibrariesAndPrograms(t *testing.T) {
	root, compiler := testenv.DotNet(t)
	w := workshop{t, root, compiler}
	host := &runtimes.Host{Env: map[string]string{"PATH": root}, Cache: t.TempDir()}
	installed := Runtime{places: []string{}}.installations(host)
	if len(installed) != 1 {
		t.Fatalf("found %+v", installed)
	}
	version := installed[0].frameworks[netCore][0]
	dll := built(host, framework(version))
	client := filepath.Join(filepath.Dir(dll), clientName+".dll")
	w.compile(client, "testdata/client/RuntimeSupport.cs", "-target:library")
	w.compile(dll, "host/Program.cs")

	asked := line(version)
	older := runtimes.Version{asked[0] - 1, 0}
	tests := []struct {
		name, handler, built string
		own                  bool // the function brings a client
		notice               string
	}{
		{"a class library", "Demo::Demo.Function::Where", asked.String() + ".0", false, ""},
		{"a class library with its own client", "Demo::Demo.Function::Where", asked.String() + ".0", true, ""},
		{"built for an older line", "Demo::Demo.Function::Where", older.String() + ".0", false, "the nearest version found"},
		{"a program", "Demo", asked.String() + ".0", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			w.compile(filepath.Join(code, "Demo.dll"), "testdata/function/Function.cs")
			files := map[string]string{"Demo.runtimeconfig.json": `{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"` + tt.built + `"}}}`}
			want := client
			if tt.own {
				want = filepath.Join(code, clientName+".dll")
				w.compile(want, "testdata/client/RuntimeSupport.cs", "-target:library")
				files["Demo.deps.json"] = deps(want)
			} else {
				files["Demo.deps.json"] = deps("")
			}
			testenv.WriteFiles(t, code, files)
			fn := &lambda.Function{Runtime: "dotnetcore" + asked.String(), Handler: tt.handler}
			l, err := Runtime{places: []string{}}.Launch(fn, runtimes.Paths{Task: code, Runtime: "/rt"}, host)
			if err != nil {
				t.Fatal(err)
			}
			if notices := strings.Join(l.Notices, "\n"); !strings.HasSuffix(notices, tt.notice) {
				t.Errorf("notices %q", notices)
			}
			// A machine without ICU would start nothing else.
			out := rapitest.Run(t, l.Path, l.Args, code, append(l.Env, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"), rapitest.Event{Body: "ü"}, rapitest.Event{Body: "b"})
			if tt.handler == "Demo" {
				if out.ExitCode != 3 || out.Stdout != "program 0\n" {
					t.Errorf("exit %d, output %q %q", out.ExitCode, out.Stdout, out.Stderr)
				}
				return
			}
			_, body, _ := out.First()
			if answer := strings.Join([]string{"ü", version.String(), code + "/", want, root}, "|"); body != answer || len(out.Posts) != 2 {
				t.Errorf("%d answers, %q, want %q; output %s%s", len(out.Posts), body, answer, out.Stdout, out.Stderr)
			}
		})
	}
}
