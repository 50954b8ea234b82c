package runtimes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snake is a made-up language with two numbers in its versions.
var snake = &Language{
	Name: "Snake", Program: "python", Depth: 2, Plain: []string{"python3", "python"},
	Known: []Version{{3, 14}, {3, 13}, {3, 12}, {3, 11}, {3, 10}, {3, 9}, {3, 8}},
	Home:  "VIRTUAL_ENV",
	Managers: []Manager{
		{Roots: []string{"$PYENV_ROOT", "$HOME/.pyenv"}, Versions: "versions", Program: []string{"bin/python"}},
		{Roots: []string{"$HOME/.local/share/uv"}, Versions: "python", Program: []string{"bin/python3"}},
	},
	Install: "install %s",
}

// whistle is a made-up language with one number.
var whistle = &Language{
	Name: "Whistle", Program: "node", Depth: 1, Plain: []string{"node"},
	Known:    []Version{{24}, {22}, {20}},
	Managers: []Manager{{Roots: []string{"$HOME/.nvm"}, Versions: "versions/node", Program: []string{"bin/node"}}},
	Install:  "install %s",
}

// machine is a folder that stands for the root of a machine.
type machine struct {
	t    *testing.T
	root string
	env  map[string]string
}

func newMachine(t *testing.T, path ...string) *machine {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the test makes its interpreters as shell scripts")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: root, env: map[string]string{"HOME": filepath.Join(root, "home")}}
	for i, dir := range path {
		path[i] = filepath.Join(root, dir)
	}
	m.env["PATH"] = JoinList(path)
	return m
}

// file writes a file; programs print what they are told and count their runs.
func (m *machine) file(name, text string, perm os.FileMode) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) program(name, says string) {
	m.t.Helper()
	m.file(name, fmt.Sprintf("#!/bin/sh\necho run >>%s\necho %s\n", filepath.Join(m.root, "runs"), says), 0o755)
}

func (m *machine) link(name, target string) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(m.root, target), path); err != nil {
		m.t.Fatal(err)
	}
}

// runs is how many programs have been run.
func (m *machine) runs() int {
	data, err := os.ReadFile(filepath.Join(m.root, "runs"))
	if err != nil {
		return 0
	}
	return strings.Count(string(data), "\n")
}

func (m *machine) host() *Host {
	return &Host{Env: m.env, Cache: filepath.Join(m.root, "cache")}
}

func TestFindPrefersTheExactVersionOnPath(t *testing.T) {
	tests := []struct {
		name    string
		make    func(m *machine)
		path    []string
		lang    *Language
		want    Version
		found   string // below the machine's root
		version string
		notice  bool
		runs    int
	}{
		{"by its name", func(m *machine) { m.program("bin/python3.13", "Python 3.13.1") }, []string{"bin"}, snake, Version{3, 13}, "bin/python3.13", "3.13", false, 0},
		{"by what a link leads to", func(m *machine) { m.program("bin/python3.12", ""); m.link("usr/python3", "bin/python3.12") }, []string{"usr"}, snake, Version{3, 12}, "usr/python3", "3.12", false, 0},
		{"by its folder", func(m *machine) { m.program("x/versions/3.11.7/bin/python3", "") }, []string{"x/versions/3.11.7/bin"}, snake, Version{3, 11}, "x/versions/3.11.7/bin/python3", "3.11.7", false, 0},
		{"by the environment's configuration", func(m *machine) {
			m.program("venv/bin/python3", "")
			m.file("venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.10.4\n", 0o644)
		}, []string{"venv/bin"}, snake, Version{3, 10}, "venv/bin/python3", "3.10.4", false, 0},
		{"by the header of Node.js", func(m *machine) {
			m.program("usr/bin/node", "")
			m.file("usr/include/node/node_version.h", "#define NODE_MAJOR_VERSION 20\n#define NODE_MINOR_VERSION 1\n#define NODE_PATCH_VERSION 0\n", 0o644)
		}, []string{"usr/bin"}, whistle, Version{20}, "usr/bin/node", "20.1.0", false, 0},
		{"by asking", func(m *machine) { m.program("bin/node", "v22.3.1") }, []string{"bin"}, whistle, Version{22}, "bin/node", "22.3.1", false, 1},
		{"later on PATH", func(m *machine) { m.program("a/python3.9", ""); m.program("b/python3.13", "") }, []string{"a", "b"}, snake, Version{3, 13}, "b/python3.13", "3.13", false, 0},
		{"PATH before a manager", func(m *machine) {
			m.program("bin/python3.13", "")
			m.program("home/.pyenv/versions/3.13.9/bin/python", "")
		}, []string{"bin"}, snake, Version{3, 13}, "bin/python3.13", "3.13", false, 0},
		{"a manager's newest of the version", func(m *machine) {
			m.program("bin/python3.9", "")
			for _, v := range []string{"3.13.2", "3.13.10", "3.13.0t", "pypy3.13-7.3"} {
				m.program("home/.pyenv/versions/"+v+"/bin/python", "")
			}
		}, []string{"bin"}, snake, Version{3, 13}, "home/.pyenv/versions/3.13.10/bin/python", "3.13.10", false, 0},
		{"names of uv", func(m *machine) {
			m.program("home/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin/python3", "")
		}, nil, snake, Version{3, 12}, "home/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin/python3", "3.12.4", false, 0},
		{"names of nvm", func(m *machine) { m.program("home/.nvm/versions/node/v24.0.1/bin/node", "") }, nil, whistle, Version{24}, "home/.nvm/versions/node/v24.0.1/bin/node", "24.0.1", false, 0},
		{"shims are passed over", func(m *machine) {
			m.program("home/.pyenv/shims/python3.13", "Python 3.13.0")
			m.program("home/.pyenv/versions/3.13.0/bin/python", "")
		}, []string{"home/.pyenv/shims"}, snake, Version{3, 13}, "home/.pyenv/versions/3.13.0/bin/python", "3.13.0", false, 0},
		{"what a shim stands for, before what comes later on PATH", func(m *machine) {
			m.program("home/.pyenv/shims/python3.13", "Python 3.13.0")
			m.program("home/.pyenv/versions/3.13.0/bin/python", "")
			m.program("home/.local/share/uv/python/cpython-3.13.9-linux-x86_64-gnu/bin/python3", "")
			m.program("bin/python3.13", "")
		}, []string{"home/.pyenv/shims", "bin"}, snake, Version{3, 13}, "home/.pyenv/versions/3.13.0/bin/python", "3.13.0", false, 0},
		{"links to a shim are passed over", func(m *machine) {
			m.program("opt/volta-shim", "v20.0.0")
			m.link("bin/node", "opt/volta-shim")
			m.program("home/.nvm/versions/node/v20.1.0/bin/node", "")
		}, []string{"bin"}, whistle, Version{20}, "home/.nvm/versions/node/v20.1.0/bin/node", "20.1.0", false, 0},
		{"a file that cannot be run", func(m *machine) { m.file("a/python3.13", "", 0o644); m.program("b/python3.13", "") }, []string{"a", "b"}, snake, Version{3, 13}, "b/python3.13", "3.13", false, 0},
		{"the nearest", func(m *machine) { m.program("bin/python3.9", ""); m.program("bin/python3.11", "") }, []string{"bin"}, snake, Version{3, 14}, "bin/python3.11", "3.11", true, 0},
		{"the newer of two as near", func(m *machine) { m.program("bin/python3.12", ""); m.program("bin/python3.14", "") }, []string{"bin"}, snake, Version{3, 13}, "bin/python3.14", "3.14", true, 0},
		{"the nearest of a manager", func(m *machine) {
			m.program("bin/python3.8", "")
			m.program("home/.pyenv/versions/3.12.0/bin/python", "")
			m.program("home/.pyenv/versions/2.7.18/bin/python", "")
		}, []string{"bin"}, snake, Version{3, 13}, "home/.pyenv/versions/3.12.0/bin/python", "3.12.0", true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, tt.path...)
			tt.make(m)
			got, notices, err := m.host().Find(tt.lang, tt.want, "some3.x")
			if err != nil {
				t.Fatal(err)
			}
			want := Interpreter{Path: filepath.Join(m.root, tt.found), Version: ParseVersion(tt.version)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("interpreter (-want +got):\n%s", diff)
			}
			if m.runs() != tt.runs {
				t.Errorf("%d interpreters were run, want %d", m.runs(), tt.runs)
			}
			var remarks []string
			if tt.notice {
				remarks = []string{fmt.Sprintf("runtime some3.x runs on %s %s, the nearest version found", tt.lang.Name, tt.version)}
			}
			if diff := cmp.Diff(remarks, notices); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindTakesTheActiveEnvironmentFirst(t *testing.T) {
	m := newMachine(t, "bin")
	m.program("bin/python3.13", "")
	m.program("venv/bin/python3", "")
	m.file("venv/pyvenv.cfg", "version_info = 3.13.1.final.0\n", 0o644)
	m.env["VIRTUAL_ENV"] = filepath.Join(m.root, "venv")
	got, _, err := m.host().Find(snake, Version{3, 13}, "r")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(m.root, "venv/bin/python3"); got.Path != want || got.Version.String() != "3.13.1" {
		t.Errorf("found %v, want %s", got, want)
	}
}

func TestFindSaysWhatIsMissing(t *testing.T) {
	m := newMachine(t, "bin")
	host := m.host()
	_, _, err := host.Find(snake, Version{3, 13}, "python3.13")
	want := &Missing{What: "Snake 3.13 for runtime python3.13", Hint: "install 3.13"}
	var got *Missing
	if !errors.As(err, &got) || !cmp.Equal(want, got) {
		t.Errorf("error is %v, want %v", err, want)
	}
	m.program("bin/python2.7", "")
	if _, _, err := host.Find(snake, Version{3, 13}, "python3.13"); err == nil {
		t.Error("Snake 2.7 stands in for 3.13")
	}
	m.program("bin/python3.12", "")
	host.Strict = true
	_, _, err = host.Find(snake, Version{3, 13}, "python3.13")
	if !errors.As(err, &got) || !strings.Contains(got.Hint, "the nearest version is 3.12, at "+m.root) {
		t.Errorf("strict error is %v, hint %q", err, got.Hint)
	}
}

func TestInterpretersAreAskedOnce(t *testing.T) {
	m := newMachine(t, "bin")
	m.program("bin/node", "v20.5.0")
	find := func() string {
		t.Helper()
		got, _, err := m.host().Find(whistle, Version{20}, "r")
		if err != nil {
			t.Fatal(err)
		}
		return got.Version.String()
	}
	for range 3 {
		if v := find(); v != "20.5.0" {
			t.Fatalf("version is %s", v)
		}
	}
	if m.runs() != 1 {
		t.Errorf("the interpreter was run %d times", m.runs())
	}
	m.program("bin/node", "v20.5.11") // another size
	if v := find(); v != "20.5.11" || m.runs() != 2 {
		t.Errorf("after an update the version is %s, with %d runs", v, m.runs())
	}
	for _, broken := range []string{"{", "null", `{"a":1}`, "[]"} {
		m.file("cache/interpreters.json", broken, 0o644)
		if v := find(); v != "20.5.11" {
			t.Errorf("with the cache %q the version is %s", broken, v)
		}
	}
}

func TestSurveyListsWhatIsThereAndWhatShouldBe(t *testing.T) {
	m := newMachine(t, "bin")
	m.program("bin/python3.13", "")
	m.program("home/.pyenv/versions/3.8.1/bin/python", "")
	versions := []Version{{3, 14}, {3, 13}, {3, 9}, {3, 8}}
	got := m.host().Survey(snake, versions, func(v Version) bool { return v[1] > 10 })
	want := []Finding{
		{Name: "Snake 3.14", Hint: "install 3.14"},
		{Name: "Snake 3.13", Version: "3.13", Path: filepath.Join(m.root, "bin/python3.13")},
		{Name: "Snake 3.8", Version: "3.8.1", Path: filepath.Join(m.root, "home/.pyenv/versions/3.8.1/bin/python")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestFoldersLeadToWhatTheInterpreterNeeds(t *testing.T) {
	m := newMachine(t)
	m.program("base/bin/python3.13", "")
	m.link("venv/bin/python", "base/bin/python3.13")
	got := Interpreter{Path: filepath.Join(m.root, "venv/bin/python")}.Folders()
	if diff := cmp.Diff([]string{filepath.Join(m.root, "venv"), filepath.Join(m.root, "base")}, got); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
	if got := (Interpreter{Path: "/usr/bin/no-such-program"}).Folders(); len(got) != 0 {
		t.Errorf("a program of the system needs %v", got)
	}
}

// TestFoldersOfAnInterpreterBehindLinks has them as version managers make them.
func TestFoldersOfAnInterpreterBehindLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links are for Unix")
	}
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"kept/v1.2.3/bin", "venv/bin", "local/bin", "other/bin", "brew/Cellar/tool/1/bin"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"kept/v1.2.3/bin/tool", "brew/Cellar/tool/1/bin/tool"} {
		if err := os.WriteFile(filepath.Join(base, file), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"kept/v1":        "v1.2.3",
		"venv/bin/tool":  filepath.Join(base, "kept/v1/bin/tool"),
		"local/bin/tool": "../../venv/bin/tool",
		"other/bin/tool": filepath.Join(base, "local/bin/tool"),
	} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string][]string{
		"kept/v1.2.3/bin/tool":        {"kept/v1.2.3"},
		"kept/v1/bin/tool":            {"kept/v1", "kept/v1.2.3"},
		"venv/bin/tool":               {"venv", "kept/v1.2.3", "kept/v1"},
		"other/bin/tool":              {"other", "kept/v1.2.3", "local/bin", "venv/bin", "kept/v1"},
		"brew/Cellar/tool/1/bin/tool": {"brew"},
	} {
		var got []string
		for _, dir := range (Interpreter{Path: filepath.Join(base, path)}).Folders() {
			got = append(got, strings.TrimPrefix(dir, base+"/"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
