// Package python runs functions written for AWS's Python runtimes: it finds
// Python on the machine and brings the bootstrap, in Python, that loads the
// handler and speaks the Runtime API. The bootstrap behaves as the runtime
// that the function names does on AWS, on whatever Python it runs.
package python

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

//go:embed bootstrap/*.py bootstrap/_lambkin/*.py bootstrap/serverless/*.py
var bootstrap embed.FS

// hooks is a module that AWS's runtimes bring and functions import.
//
//go:embed bootstrap/shared/snapshot_restore_py.py
var hooks []byte

// Files is the bootstrap, by names below Paths.Runtime.
func Files() map[string][]byte {
	files := fsx.Embedded(bootstrap, "bootstrap", "python")
	files["snapshot_restore_py.py"] = hooks
	return files
}

// identifiers are AWS's, the retired ones too: their functions still run.
var identifiers = []string{
	"python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10",
	"python3.9", "python3.8", "python3.7", "python3.6", python2,
}

// python2 cannot be run: its programs are not Python 3's.
const python2 = "python2.7"

// The versions that AWS lets functions be made for, by their second number.
const oldest, newest = 10, 14

// withSnapshots is the first version that AWS starts from snapshots.
var withSnapshots = runtimes.Version{3, 12}

// withCType is the first version whose runtime sets LC_CTYPE on AWS.
var withCType = runtimes.Version{3, 12}

// language is where Python is looked for.
var language = &runtimes.Language{
	Name:    "Python",
	Program: "python",
	Depth:   2,
	Plain:   []string{"python3", "python"},
	Known: []runtimes.Version{
		{3, 15}, {3, 14}, {3, 13}, {3, 12}, {3, 11}, {3, 10}, {3, 9}, {3, 8}, {3, 7}, {3, 6},
	},
	Home: "VIRTUAL_ENV",
	Managers: []runtimes.Manager{
		{Roots: []string{"$PYENV_ROOT", "$HOME/.pyenv", "$HOME/.pyenv/pyenv-win"}, Versions: "versions", Program: []string{"bin/python"}},
		{Roots: []string{"$ASDF_DATA_DIR", "$HOME/.asdf"}, Versions: "installs/python", Program: []string{"bin/python"}},
		{Roots: []string{"$MISE_DATA_DIR", "$XDG_DATA_HOME/mise", "$HOME/.local/share/mise"}, Versions: "installs/python", Program: []string{"bin/python"}},
		{Roots: []string{"$UV_PYTHON_INSTALL_DIR"}, Versions: ".", Program: []string{"bin/python3", "bin/python"}},
		{Roots: []string{"$XDG_DATA_HOME/uv", "$HOME/.local/share/uv", "$APPDATA/uv"}, Versions: "python", Program: []string{"bin/python3", "bin/python"}},
		{Roots: []string{"$RYE_HOME", "$HOME/.rye"}, Versions: "py", Program: []string{"bin/python3", "install/bin/python3"}},
	},
	Install: "install Python %s, for instance with \"uv python install %[1]s\", \"pyenv install %[1]s\" or \"mise use -g python@%[1]s\"",
}

// Runtime runs Python functions. Its zero value is ready.
type Runtime struct{}

// Name is "python".
func (Runtime) Name() string { return "python" }

// Identifiers are AWS's identifiers for Python, newest first.
func (Runtime) Identifiers() []string { return identifiers }

// Launch starts the bootstrap with the Python that the function's runtime asks
// for, or the nearest.
func (Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	if fn.Runtime == python2 {
		return nil, &runtimes.Missing{
			What: "a runtime for " + python2,
			Hint: "AWS has retired python2.7; make the function a Python 3 one and say Runtime: python3.13",
		}
	}
	want := runtimes.VersionOf(fn.Runtime, 2)
	if want == nil {
		return nil, fmt.Errorf("%q is not a Python runtime", fn.Runtime)
	}
	found, notices, err := host.Find(language, want, fn.Runtime)
	if err != nil {
		return nil, err
	}
	main := filepath.Join(paths.Runtime, "python", "main.py")
	// -S leaves site packages to the bootstrap, which adds them faster.
	l := &runtimes.Launch{
		Path:    found.Path,
		Args:    []string{"-S", "-X", "utf8", main},
		Uses:    found.Folders(),
		Version: found.Version.String(),
		Notices: notices, Snapshots: want.Compare(withSnapshots) >= 0 && !host.Serverless,
	}
	l.Add(fn, host.SearchPaths(found, paths)...)
	if !host.Serverless {
		l.Add(fn, "PYTHONPATH="+paths.Runtime)
	} else {
		l.Args = append([]string{"-u"}, l.Args...) // as the framework does
	}
	if d := host.Debug; d != nil {
		if err := debug(l, d, paths, main); err != nil {
			return nil, err
		}
	}
	if want.Compare(withCType) >= 0 {
		l.Add(fn, "LC_CTYPE=C.UTF-8")
	}
	l.Identify(fn, paths, host)
	l.Env = append(l.Env, private(paths, host)...)
	if dir := compiled(paths, host); dir != "" {
		l.Keeps = append(l.Keeps, dir)
	}
	l.Wrap(fn, paths)
	return l, nil
}

// private is what the bootstrap needs to know; it takes the variables away
// before user code runs.
func private(paths runtimes.Paths, host *runtimes.Host) []string {
	var env []string
	if paths.Opt != "" {
		env = append(env, "_LAMBKIN_OPT="+paths.Opt)
	}
	if dir := compiled(paths, host); dir != "" {
		env = append(env, "_LAMBKIN_PYCACHE="+dir)
	}
	return env
}

// compiled is the folder of the function's compiled modules, "" without a
// cache. Inside a sandbox every function's code has the same path, so each has
// a folder of its own, and a further one where it is isolated: what it writes
// there is never run outside.
func compiled(paths runtimes.Paths, host *runtimes.Host) string {
	if host.Cache == "" {
		return ""
	}
	code := paths.Task
	if paths.HostTask != "" {
		code = paths.HostTask + "\x00" + paths.Task
	}
	sum := sha256.Sum256([]byte(code))
	return filepath.Join(host.Cache, "pycache", hex.EncodeToString(sum[:6]))
}

// Survey lists the versions of Python on the machine.
func (Runtime) Survey(host *runtimes.Host) []runtimes.Finding {
	var versions []runtimes.Version
	for _, id := range identifiers {
		if id != python2 {
			versions = append(versions, runtimes.VersionOf(id, 2))
		}
	}
	return host.Survey(language, versions, func(v runtimes.Version) bool {
		return v[0] == 3 && v[1] >= oldest && v[1] <= newest
	})
}
