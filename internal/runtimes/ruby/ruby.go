// Package ruby runs functions written for AWS's Ruby runtimes: it finds Ruby on
// the machine and brings the bootstrap, in Ruby, that loads the handler and
// speaks the Runtime API. The bootstrap behaves as AWS's runtime does, on
// whatever Ruby it runs.
package ruby

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

//go:embed bootstrap/*.rb bootstrap/lib/*.rb
var bootstrap embed.FS

// Files is the bootstrap, by names below Paths.Runtime.
func Files() map[string][]byte { return fsx.Embedded(bootstrap, "bootstrap", "ruby") }

// identifiers are AWS's, the retired ones too: their functions still run.
var identifiers = []string{"ruby4.0", "ruby3.4", "ruby3.3", "ruby3.2", "ruby2.7", "ruby2.5"}

// The versions that AWS lets functions be made for.
var oldest, newest = runtimes.Version{3, 3}, runtimes.Version{4, 0}

// language is where Ruby is looked for.
var language = &runtimes.Language{
	Name:    "Ruby",
	Program: "ruby",
	Depth:   2,
	Plain:   []string{"ruby"},
	Known: []runtimes.Version{
		{4, 0}, {3, 4}, {3, 3}, {3, 2}, {3, 1}, {3, 0}, {2, 7}, {2, 6}, {2, 5},
	},
	Managers: []runtimes.Manager{
		{Roots: []string{"$RBENV_ROOT", "$HOME/.rbenv"}, Versions: "versions", Program: []string{"bin/ruby"}},
		{Roots: []string{"$ASDF_DATA_DIR", "$HOME/.asdf"}, Versions: "installs/ruby", Program: []string{"bin/ruby"}},
		{Roots: []string{"$MISE_DATA_DIR", "$XDG_DATA_HOME/mise", "$HOME/.local/share/mise"}, Versions: "installs/ruby", Program: []string{"bin/ruby"}},
		{Roots: []string{"$rvm_path", "$HOME/.rvm", "/usr/local/rvm"}, Versions: "rubies", Program: []string{"bin/ruby"}},
		{Roots: []string{"$HOME/.rubies"}, Versions: ".", Program: []string{"bin/ruby"}},
		{Roots: []string{"/opt/rubies"}, Versions: ".", Program: []string{"bin/ruby"}},
	},
	Install: "install Ruby %s, for instance with \"rbenv install %[1]s\", \"asdf install ruby latest:%[1]s\" or \"mise use -g ruby@%[1]s\"",
}

// Runtime runs Ruby functions. Its zero value is ready.
type Runtime struct{}

// Name is "ruby".
func (Runtime) Name() string { return "ruby" }

// Identifiers are AWS's identifiers for Ruby, newest first.
func (Runtime) Identifiers() []string { return identifiers }

// Launch starts the bootstrap with the Ruby that the function's runtime asks
// for, or the nearest.
func (Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	want := runtimes.VersionOf(fn.Runtime, 2)
	if len(want) < 2 {
		return nil, fmt.Errorf("%q is not a Ruby runtime", fn.Runtime)
	}
	found, notices, err := find(host, want, fn.Runtime)
	if err != nil {
		return nil, err
	}
	l := &runtimes.Launch{
		Path:    found.Path,
		Uses:    found.Folders(),
		Version: found.Version.String(),
		Notices: notices,
	}
	main := filepath.Join(paths.Runtime, "ruby", "main.rb")
	l.Args = append(options(found.Version, bundled(paths)), main)
	l.Add(fn, host.SearchPaths(found, paths)...)
	l.Add(fn, searchPaths(want, found, paths, host)...)
	if runtime.GOOS == "linux" && !(host.Serverless && host.Env["LC_CTYPE"]+host.Env["LC_ALL"] != "") {
		// Ruby takes the environment's variables for ASCII where the system
		// lacks AWS's locale, en_US.UTF-8. All have this one.
		l.Add(fn, "LC_CTYPE=C.UTF-8")
	}
	if d := host.Debug; d != nil {
		if err := debug(l, d, paths, main); err != nil {
			return nil, err
		}
	}
	l.Identify(fn, paths, host)
	l.Wrap(fn, paths)
	return l, nil
}

// find looks for the version, then for one of the lines of Ruby that can stand
// in for it. AWS went from 2.7 to 3.2, and Ruby from 3.4 to 4.0.
func find(host *runtimes.Host, want runtimes.Version, identifier string) (runtimes.Interpreter, []string, error) {
	found, notices, err := host.Find(language, want, identifier)
	var missing *runtimes.Missing
	if !errors.As(err, &missing) || host.Strict {
		return found, notices, err
	}
	for _, near := range standIns[want[0]] {
		if found, _, again := host.Find(language, near, identifier); again == nil {
			return found, []string{fmt.Sprintf("runtime %s runs on %s %s, the nearest version found", identifier, language.Name, found.Version)}, nil
		}
	}
	return found, nil, err
}

// standIns are the versions of other lines to start from, by the first number
// of the one that is missing.
var standIns = map[int][]runtimes.Version{
	2: {{3, 0}, {4, 0}},
	3: {{4, 0}},
	4: {{3, 99}},
}

// options are Ruby's own options. RubyGems take longer to load than all the
// rest, so that the bootstrap brings them when they are asked for; a function
// that comes with gems will ask at once. What helps a person who reads messages
// in a terminal would become part of the error object.
func options(version runtimes.Version, gems bool) []string {
	args := []string{"-EUTF-8"}
	if !gems {
		return append(args, "--disable-gems")
	}
	args = append(args, "--disable-did_you_mean")
	if version.Compare(runtimes.Version{3, 1}) >= 0 {
		args = append(args, "--disable-error_highlight")
	}
	if version.Compare(runtimes.Version{3, 2}) >= 0 {
		args = append(args, "--disable-syntax_suggest")
	}
	return args
}

// bundled reports whether the function or its layers come with gems.
func bundled(paths runtimes.Paths) bool {
	task, layers := paths.Task, []string{paths.Opt}
	if paths.HostTask != "" {
		task, layers = paths.HostTask, paths.HostLayers
	}
	dirs := []string{filepath.Join(task, "vendor", "bundle", "ruby")}
	for _, opt := range layers {
		if opt != "" {
			dirs = append(dirs, filepath.Join(opt, "ruby", "gems"))
		}
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		_, err := os.Stat(dir)
		return err == nil
	})
}

// searchPaths are the variables that say where features and gems are looked
// for: AWS's, then the shell's and, by the empty end of GEM_PATH, Ruby's own:
// AWS has its SDK among the runtime's gems, a developer among those of Ruby.
func searchPaths(want runtimes.Version, found runtimes.Interpreter, paths runtimes.Paths, host *runtimes.Host) []string {
	var gems []string
	for _, abi := range slices.Compact([]string{abi(want), abi(found.Version)}) {
		gems = append(gems, filepath.Join(paths.Task, "vendor", "bundle", "ruby", abi))
		if paths.Opt != "" {
			gems = append(gems, filepath.Join(paths.Opt, "ruby", "gems", abi))
		}
	}
	var lib []string
	if paths.Opt != "" {
		lib = []string{filepath.Join(paths.Opt, "ruby", "lib")}
	}
	if host.Serverless {
		vars := []string{"GEM_PATH=" + runtimes.JoinList(append(append(gems, shellGems(found, host)...), ""))}
		if lib = append(lib, nonEmpty(filepath.SplitList(host.Env["RUBYLIB"]))...); len(lib) > 0 {
			vars = append(vars, "RUBYLIB="+runtimes.JoinList(lib))
		}
		return vars
	}
	gems = append(gems, paths.Runtime, filepath.Join(paths.Runtime, "ruby", abi(want)))
	return []string{
		"GEM_HOME=" + paths.Runtime,
		"GEM_PATH=" + runtimes.JoinList(append(append(gems, shellGems(found, host)...), "")),
		"RUBYLIB=" + runtimes.JoinList(append([]string{paths.Task, filepath.Join(paths.Runtime, "lib")}, lib...)),
	}
}

// abi names the folders of gems for a version: 3.3.0 for each 3.3.
func abi(v runtimes.Version) string { return v[:2].String() + ".0" }

// shellGems are the folders with gems that version managers set for the Ruby
// that the user's shell runs, if that is the one found.
func shellGems(found runtimes.Interpreter, host *runtimes.Host) []string {
	if !slices.Contains(filepath.SplitList(host.Env["PATH"]), filepath.Dir(found.Path)) {
		return nil
	}
	return nonEmpty(append(filepath.SplitList(host.Env["GEM_HOME"]), filepath.SplitList(host.Env["GEM_PATH"])...))
}

func nonEmpty(dirs []string) []string {
	return slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" })
}

// Survey lists the versions of Ruby on the machine.
func (Runtime) Survey(host *runtimes.Host) []runtimes.Finding {
	return host.Survey(language, language.Known, func(v runtimes.Version) bool {
		return v.Compare(oldest) >= 0 && v.Compare(newest) <= 0
	})
}
