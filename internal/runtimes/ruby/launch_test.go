package ruby

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// machine has Rubies at these places that can tell their version, and nothing else.
func machine(t *testing.T, places ...string) (*runtimes.Host, string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the interpreter of the test is a shell script")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range places {
		path := filepath.Join(root, place)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n[ \"$*\" = --version ] && echo 'ruby 3.3.5 (2024-09-03 revision ef084cc8f4) [x86_64-linux]'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &runtimes.Host{Env: map[string]string{"HOME": filepath.Join(root, "home"), "PATH": filepath.Join(root, "lang", "bin")}}, root
}

// recorded is the environment of AWS's ruby3.3, as recorded in January 2026,
// without its own client among the folders, and with /var/lang once.
var recorded = []string{
	"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
	"LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	"GEM_HOME=/var/runtime",
	"GEM_PATH=/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0:/var/runtime:/var/runtime/ruby/3.3.0:",
	"RUBYLIB=/var/task:/var/runtime/lib:/opt/ruby/lib",
	"AWS_EXECUTION_ENV=AWS_Lambda_ruby3.3", "PWD=/var/task", "SHLVL=0",
}

func TestLaunchGivesAWSsEnvironment(t *testing.T) {
	paths := runtimes.Paths{Task: "/var/task", Opt: "/opt", Runtime: "/var/runtime", Tmp: "/tmp", HostTask: "/home/me/code", HostLayers: []string{"/home/me/opt"}}
	bare := runtimes.Paths{Task: "/var/task", Runtime: "/var/runtime"}
	with := func(name, value string) []string {
		out := slices.Clone(recorded)
		i := slices.IndexFunc(out, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		out[i] = name + "=" + value
		return out
	}
	tests := []struct {
		name, ruby string
		paths      runtimes.Paths
		shell      map[string]string
		serverless bool
		want       []string
	}{
		{"as on AWS", "ruby3.3", paths, nil, false, recorded},
		{
			"another version", "ruby3.1", paths, nil, false,
			with("GEM_PATH", "/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0:/var/task/vendor/bundle/ruby/3.1.0:/opt/ruby/gems/3.1.0:/var/runtime:/var/runtime/ruby/3.3.0:"),
		},
		{
			"the shell's gems", "ruby3.3", paths,
			map[string]string{"GEM_HOME": "/a", "GEM_PATH": "/a:/b"},
			false,
			with("GEM_PATH", "/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0:/var/runtime:/var/runtime/ruby/3.3.0:/a:/a:/b:"),
		},
		{"Serverless", "ruby3.3", bare, nil, true, []string{
			"GEM_PATH=/var/task/vendor/bundle/ruby/3.3.0:", "AWS_EXECUTION_ENV=AWS_Lambda_ruby3.3", "_LAMBKIN_DIALECT=serverless", `_LAMBKIN_FUNCTION={"name":"","timeout":0}`,
		}},
		{"Serverless with a layer", "ruby3.3", paths, map[string]string{"RUBYLIB": "/c", "GEM_PATH": "/b"}, true, []string{
			"GEM_PATH=/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0:/b:", "RUBYLIB=/opt/ruby/lib:/c",
			"AWS_EXECUTION_ENV=AWS_Lambda_ruby3.3", "_LAMBKIN_DIALECT=serverless", `_LAMBKIN_FUNCTION={"name":"","timeout":0}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, root := machine(t, "lang/bin/"+tt.ruby)
			host.Serverless = tt.serverless
			for name, value := range tt.shell {
				host.Env[name] = value
			}
			got, err := Runtime{}.Launch(&lambda.Function{Runtime: "ruby3.3"}, tt.paths, host)
			if err != nil {
				t.Fatal(err)
			}
			env := slices.DeleteFunc(slices.Clone(got.Env), func(v string) bool { return v == "LC_CTYPE=C.UTF-8" && runtime.GOOS == "linux" })
			for i := range env {
				env[i] = strings.ReplaceAll(env[i], filepath.Join(root, "lang"), "/var/lang")
			}
			if diff := cmp.Diff(tt.want, env); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			want := []string{"-EUTF-8", "--disable-gems", "/var/runtime/ruby/main.rb"}
			if !slices.Equal(got.Args, want) || !slices.Equal(got.Uses, []string{filepath.Join(root, "lang")}) {
				t.Errorf("launch is %+v, want the arguments %v", got, want)
			}
		})
	}
}

func TestTheShellsLocaleStays(t *testing.T) {
	host, _ := machine(t, "lang/bin/ruby3.3")
	host.Serverless = true
	host.Env["LC_ALL"] = "de_DE.UTF-8"
	got, err := Runtime{}.Launch(&lambda.Function{Runtime: "ruby3.3"}, runtimes.Paths{}, host)
	if err != nil || slices.Contains(got.Env, "LC_CTYPE=C.UTF-8") {
		t.Errorf("launch is %+v, %v", got, err)
	}
}

func TestFunctionsWithGemsStartWithThem(t *testing.T) {
	for _, tt := range []struct{ version, want string }{
		{"3.3.1", "-EUTF-8 --disable-did_you_mean --disable-error_highlight --disable-syntax_suggest"},
		{"3.1", "-EUTF-8 --disable-did_you_mean --disable-error_highlight"},
		{"2.7", "-EUTF-8 --disable-did_you_mean"},
	} {
		if got := strings.Join(options(runtimes.ParseVersion(tt.version), true), " "); got != tt.want {
			t.Errorf("Ruby %s is started with %s, want %s", tt.version, got, tt.want)
		}
	}
	dir := t.TempDir()
	if bundled(runtimes.Paths{Task: "/var/task", HostTask: dir, Opt: "/opt", HostLayers: []string{dir}}) {
		t.Error("an empty folder has gems")
	}
	if err := os.MkdirAll(filepath.Join(dir, "ruby", "gems", "3.3.0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if !bundled(runtimes.Paths{Task: "/var/task", HostTask: "/home/me/code", Opt: "/opt", HostLayers: []string{dir}}) {
		t.Error("a layer's gems are not seen")
	}
}

func TestRubyIsFoundWhereVersionManagersKeepIt(t *testing.T) {
	tests := []struct{ name, place, env, value string }{
		{"rbenv", "home/.rbenv/versions/3.3.5/bin/ruby", "", ""},
		{"rbenv elsewhere", "x/versions/3.3.5/bin/ruby", "RBENV_ROOT", "x"},
		{"asdf", "home/.asdf/installs/ruby/3.3.5/bin/ruby", "", ""},
		{"mise", "home/.local/share/mise/installs/ruby/3.3.5/bin/ruby", "", ""},
		{"RVM", "home/.rvm/rubies/ruby-3.3.5/bin/ruby", "", ""},
		{"RVM elsewhere", "x/rubies/ruby-3.3.5/bin/ruby", "rvm_path", "x"},
		{"chruby", "home/.rubies/ruby-3.3.5/bin/ruby", "", ""},
		{"asking", "lang/bin/ruby", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, root := machine(t, tt.place, "lang/bin/ruby2.7")
			if tt.env != "" {
				host.Env[tt.env] = filepath.Join(root, tt.value)
			}
			got, err := Runtime{}.Launch(&lambda.Function{Runtime: "ruby3.3"}, runtimes.Paths{}, host)
			if err != nil {
				t.Fatal(err)
			}
			if got.Path != filepath.Join(root, tt.place) || got.Version != "3.3.5" || got.Notices != nil {
				t.Errorf("launch is %+v", got)
			}
		})
	}
}

func TestOtherLinesOfRubyStandIn(t *testing.T) {
	tests := []struct {
		want   string
		have   []string
		found  string // "" for none
		strict bool
	}{
		{"ruby3.3", []string{"ruby3.1", "ruby2.7"}, "3.1", false},
		{"ruby2.7", []string{"ruby3.1", "ruby3.4"}, "3.1", false},
		{"ruby2.7", []string{"ruby4.0"}, "4.0", false},
		{"ruby4.0", []string{"ruby3.1", "ruby3.4"}, "3.4", false},
		{"ruby3.4", []string{"ruby4.0"}, "4.0", false},
		{"ruby3.4", []string{"ruby2.7"}, "", false},
		{"ruby4.0", []string{"ruby3.4"}, "", true},
		{"ruby3.3", nil, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.want+" on "+strings.Join(tt.have, ", "), func(t *testing.T) {
			var places []string
			for _, name := range tt.have {
				places = append(places, "lang/bin/"+name)
			}
			host, _ := machine(t, places...)
			host.Strict = tt.strict
			got, err := Runtime{}.Launch(&lambda.Function{Runtime: tt.want}, runtimes.Paths{}, host)
			if tt.found == "" {
				var m *runtimes.Missing
				if !errors.As(err, &m) || m.What != "Ruby "+strings.TrimPrefix(tt.want, "ruby")+" for runtime "+tt.want || !strings.Contains(m.Hint, "rbenv install") {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			notice := "runtime " + tt.want + " runs on Ruby " + tt.found + ", the nearest version found"
			if got.Version != tt.found || !slices.Equal(got.Notices, []string{notice}) {
				t.Errorf("launch is %+v", got)
			}
		})
	}
}

func TestLaunchRefusesOtherLanguages(t *testing.T) {
	host, _ := machine(t, "lang/bin/ruby3.3")
	for _, identifier := range []string{"python3.13x", "ruby", "ruby3"} {
		if _, err := (Runtime{}).Launch(&lambda.Function{Runtime: identifier}, runtimes.Paths{}, host); err == nil {
			t.Errorf("%s is launched", identifier)
		}
	}
}

func TestSurveyLeavesOutRetiredVersions(t *testing.T) {
	host, _ := machine(t, "lang/bin/ruby3.1")
	var names []string
	for _, f := range (Runtime{}).Survey(host) {
		name := f.Name
		if f.Path == "" {
			name += " missing"
		}
		names = append(names, name)
	}
	want := []string{"Ruby 4.0 missing", "Ruby 3.4 missing", "Ruby 3.3 missing", "Ruby 3.1"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
