// Package node runs functions written for AWS's Node.js runtimes: it finds
// Node.js on the machine and brings the bootstrap, in JavaScript, that loads the
// handler and speaks the Runtime API. The bootstrap behaves as the runtime
// that the function names does on AWS, on whatever Node.js it runs.
package node

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

//go:embed bootstrap/*.js
var bootstrap embed.FS

// main is the module that starts the others.
const main = "bootstrap.js"

// Files is the bootstrap, by its name below Paths.Runtime. It is one file,
// which Node.js loads some milliseconds sooner than as many as there are
// modules.
func Files() map[string][]byte {
	names, err := fs.Glob(bootstrap, "bootstrap/*.js")
	if err != nil {
		panic(err) // the pattern is right
	}
	var b bytes.Buffer
	b.WriteString("'use strict';\nconst modules = {\n")
	for _, name := range names {
		source, err := bootstrap.ReadFile(name)
		if err != nil {
			panic(err) // the file is in the program
		}
		fmt.Fprintf(&b, "%q(module, require) {\n%s},\n", "./"+path.Base(name), source)
	}
	fmt.Fprintf(&b, `};
const loaded = {};
function load(name) {
  if (!Object.prototype.hasOwnProperty.call(modules, name)) {
    return require(name);
  }
  if (!loaded[name]) {
    loaded[name] = { exports: {} };
    modules[name](loaded[name], load);
  }
  return loaded[name].exports;
}
load(%q);
`, "./"+main)
	return map[string][]byte{"node/" + main: b.Bytes()}
}

// identifiers are AWS's, the retired ones too: their functions still run.
var identifiers = []string{
	"nodejs26.x", "nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x",
	"nodejs16.x", "nodejs14.x", "nodejs12.x", "nodejs10.x", "nodejs8.10", "nodejs6.10",
}

// oldest is the oldest version that AWS still lets functions be made for.
const oldest = 22

// language is where Node.js is looked for.
var language = &runtimes.Language{
	Name:    "Node.js",
	Program: "node",
	Depth:   1,
	Plain:   []string{"node", "nodejs"},
	Known:   []runtimes.Version{{26}, {25}, {24}, {23}, {22}, {21}, {20}, {18}, {16}, {14}, {12}},
	Managers: []runtimes.Manager{
		{Roots: []string{"$NVM_DIR", "$XDG_CONFIG_HOME/nvm", "$HOME/.nvm"}, Versions: "versions/node", Program: []string{"bin/node"}},
		{
			Roots:    []string{"$FNM_DIR", "$XDG_DATA_HOME/fnm", "$HOME/.local/share/fnm", "$HOME/.fnm", "$HOME/Library/Application Support/fnm", "$APPDATA/fnm"},
			Versions: "node-versions", Program: []string{"installation/bin/node", "installation/node"},
		},
		{Roots: []string{"$VOLTA_HOME", "$HOME/.volta", "$LOCALAPPDATA/Volta"}, Versions: "tools/image/node", Program: []string{"bin/node"}},
		{Roots: []string{"$N_PREFIX", "/usr/local"}, Versions: "n/versions/node", Program: []string{"bin/node"}},
		{Roots: []string{"$ASDF_DATA_DIR", "$HOME/.asdf"}, Versions: "installs/nodejs", Program: []string{"bin/node"}},
		{Roots: []string{"$MISE_DATA_DIR", "$XDG_DATA_HOME/mise", "$HOME/.local/share/mise"}, Versions: "installs/node", Program: []string{"bin/node"}},
		{Roots: []string{"$NVM_HOME"}, Versions: ".", Program: []string{"bin/node"}},
	},
	Install: "install Node.js %s, for instance with \"nvm install %[1]s\", \"fnm install %[1]s\" or \"mise use -g node@%[1]s\"",
}

// Runtime runs Node.js functions. Its zero value is ready.
type Runtime struct{}

// Name is "node".
func (Runtime) Name() string { return "node" }

// Identifiers are AWS's identifiers for Node.js, newest first.
func (Runtime) Identifiers() []string { return identifiers }

// Launch starts the bootstrap with the Node.js that the function's runtime
// asks for, or the nearest.
func (Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	want := runtimes.VersionOf(fn.Runtime, 1)
	if want == nil {
		return nil, fmt.Errorf("%q is not a Node.js runtime", fn.Runtime)
	}
	found, notices, err := host.Find(language, want, fn.Runtime)
	if err != nil {
		return nil, err
	}
	l := &runtimes.Launch{
		Path:    found.Path,
		Args:    []string{filepath.Join(paths.Runtime, "node", main)},
		Uses:    found.Folders(),
		Version: found.Version.String(),
		Notices: notices,
	}
	if d := host.Debug; d != nil {
		l.Args = append(inspector(d), l.Args...)
		l.Notices = append(l.Notices, d.Notice("open chrome://inspect, or attach an editor to the port"))
		if d.Path != "" && !strings.Contains(strings.Join(d.Arguments(), " "), filepath.Clean(d.Path)) {
			l.Notices = append(l.Notices, "the debugger's folder is not used: Node.js has its own debugger")
		}
	}
	l.Add(fn, host.SearchPaths(found, paths)...)
	l.Add(fn, "NODE_PATH="+nodePath(want, paths))
	if fn.Code.Built != "" {
		l.Env = append(l.Env, runtimes.Code+"="+fn.Code.Built)
		l.Uses = append(l.Uses, fn.Code.Built)
		// What is not bundled is named by its place on the host.
		if paths.HostTask != "" {
			l.Uses = append(l.Uses, paths.HostTask)
		}
	}
	if fn.Code.SourceMaps {
		l.Args = append([]string{"--enable-source-maps"}, l.Args...)
	}
	l.Identify(fn, paths, host)
	l.Wrap(fn, paths)
	return l, nil
}

// Interpreter gives the path of the Node.js that the user's shell would run,
// for programs that are not functions. It returns a *[runtimes.Missing] when
// there is none.
func Interpreter(host *runtimes.Host) (string, error) {
	found, ok := host.Any(language)
	if !ok {
		return "", &runtimes.Missing{What: "Node.js", Hint: fmt.Sprintf(language.Install, strconv.Itoa(newest))}
	}
	return found.Path, nil
}

// inspector are the arguments that make Node.js wait for a debugger before it
// runs anything, besides those that the user gives. They are no NODE_OPTIONS:
// processes that the function starts would wait, too.
func inspector(d *runtimes.Debug) []string {
	args := d.Arguments()
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--inspect") }) {
		return args
	}
	return append([]string{"--inspect-brk=" + d.Addr()}, args...)
}

// nodePath is where modules are looked for besides the function's own folders:
// those of layers, then what AWS's runtime has.
func nodePath(version runtimes.Version, paths runtimes.Paths) string {
	var dirs []string
	if paths.Opt != "" {
		dirs = append(dirs,
			filepath.Join(paths.Opt, "nodejs", "node"+version.String(), "node_modules"),
			filepath.Join(paths.Opt, "nodejs", "node_modules"))
	}
	return runtimes.JoinList(append(dirs, filepath.Join(paths.Runtime, "node_modules"), paths.Runtime, paths.Task))
}

// Survey lists the versions of Node.js on the machine.
func (Runtime) Survey(host *runtimes.Host) []runtimes.Finding {
	var versions []runtimes.Version
	for _, id := range identifiers {
		versions = append(versions, runtimes.VersionOf(id, 1))
	}
	return host.Survey(language, versions, func(v runtimes.Version) bool { return v[0] >= oldest && v[0] <= newest })
}

// newest is the newest version that AWS's runtimes have left preview with.
const newest = 24
