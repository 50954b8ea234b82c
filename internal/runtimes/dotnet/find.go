package dotnet

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// netCore is the framework that all programs need; what web programs need
// besides comes in the same version.
const netCore = "Microsoft.NETCore.App"

// installation is a folder with a dotnet program and the frameworks that it
// runs programs on.
type installation struct {
	dir        string                        // without symbolic links
	dotnet     string                        // its program
	frameworks map[string][]runtimes.Version // by name, newest first
	sdks       []runtimes.Version            // newest first
}

// usualPlaces are folders of .NET, with variables and patterns in them: the
// install script's, packages of Linux and macOS, version managers, Windows.
var usualPlaces = []string{
	"$HOME/.dotnet",
	"$ASDF_DATA_DIR/installs/dotnet*/*", "$HOME/.asdf/installs/dotnet*/*",
	"$MISE_DATA_DIR/installs/dotnet*/*", "$MISE_DATA_DIR/dotnet-root", "$XDG_DATA_HOME/mise/installs/dotnet*/*", "$XDG_DATA_HOME/mise/dotnet-root",
	"$HOME/.local/share/mise/installs/dotnet*/*", "$HOME/.local/share/mise/dotnet-root",
	"/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/usr/local/share/dotnet", "/opt/dotnet",
	"/snap/dotnet*/current", "/snap/dotnet*/current/usr/lib/dotnet",
	"/opt/homebrew/opt/dotnet*/libexec", "/usr/local/opt/dotnet*/libexec", "/home/linuxbrew/.linuxbrew/opt/dotnet*/libexec",
	"$ProgramFiles/dotnet",
}

func dotnetProgram() string {
	if runtime.GOOS == "windows" {
		return "dotnet.exe"
	}
	return "dotnet"
}

// installations lists the machine's: that of DOTNET_ROOT, those of PATH, then
// the others. None is started. A version manager's shim has no frameworks
// beside it and so is none.
func (r Runtime) installations(host *runtimes.Host) []installation {
	var all []installation
	add := func(dir string) {
		i, ok := inspect(dir)
		if ok && !slices.ContainsFunc(all, func(other installation) bool { return other.dir == i.dir }) {
			all = append(all, i)
		}
	}
	if dir := host.Env["DOTNET_ROOT"]; filepath.IsAbs(dir) {
		add(dir)
	}
	for _, dir := range filepath.SplitList(host.Env["PATH"]) {
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, dotnetProgram())); err == nil && filepath.IsAbs(dir) {
			add(filepath.Dir(real))
		}
	}
	places := r.places
	if places == nil {
		places = usualPlaces
	}
	for _, place := range places {
		for _, dir := range runtimes.Folders(place, host.Env) {
			add(dir)
		}
	}
	return all
}

// inspect looks at a folder that may be an installation.
func inspect(dir string) (installation, bool) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return installation{}, false
	}
	i := installation{dir: real, dotnet: filepath.Join(real, dotnetProgram()), frameworks: map[string][]runtimes.Version{}}
	st, err := os.Stat(i.dotnet)
	if err != nil || !st.Mode().IsRegular() || runtime.GOOS != "windows" && st.Mode().Perm()&0o111 == 0 {
		return installation{}, false
	}
	shared := filepath.Join(real, "shared")
	entries, err := os.ReadDir(shared)
	if err != nil {
		return installation{}, false
	}
	for _, e := range entries {
		i.frameworks[e.Name()] = versionsIn(filepath.Join(shared, e.Name()))
	}
	i.sdks = versionsIn(filepath.Join(real, "sdk"))
	return i, len(i.frameworks[netCore]) > 0
}

// versionsIn are the versions that folders are named for, newest first.
// Previews are left out: nothing is run on one that does not ask for it.
func versionsIn(dir string) []runtimes.Version {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // a runtime without an SDK, or a file among the folders
	}
	var all []runtimes.Version
	for _, e := range entries {
		if v := runtimes.ParseVersion(e.Name()); len(v) == 3 {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b runtimes.Version) int { return b.Compare(a) })
	return all
}

// line is the part of a version that programs are built for: {8} or {3, 1}.
// Programs of one line run on all of its later versions.
func line(v runtimes.Version) runtimes.Version {
	const core = 3 // the last that was told apart by two numbers
	if len(v) > 1 && v[0] > core {
		return v[:1]
	}
	return v[:min(len(v), 2)]
}

// best returns the version that the installation runs a program for the line
// want on: the newest of it, else one of the nearest newer line. All named
// frameworks have to be there in one line.
func (i installation) best(names []string, want runtimes.Version) (v runtimes.Version, exact bool) {
	for _, have := range i.frameworks[netCore] {
		complete := !slices.ContainsFunc(names, func(name string) bool {
			return !slices.ContainsFunc(i.frameworks[name], func(other runtimes.Version) bool { return other.Matches(line(have)) })
		})
		switch {
		case !complete:
		case have.Matches(want):
			return have, true
		case have.Compare(want) > 0 && (v == nil || line(have).Compare(line(v)) < 0):
			v = have
		}
	}
	return v, false
}

// found is the .NET that a function runs on.
type found struct {
	installation
	version     runtimes.Version
	rollForward bool // .NET has to be told that a newer line will do
	notices     []string
}

// find returns the .NET for a runtime of version want. What counts is the line
// that the code is built for, else the runtime's. Where it is missing the
// nearest newer one takes its place, as .NET offers it.
func (r Runtime) find(host *runtimes.Host, identifier string, want runtimes.Version, n needs) (*found, error) {
	need := want
	if n.version != nil {
		need = line(n.version)
	}
	f := &found{}
	if !slices.Equal(need, want) && (!n.anyNewer || need.Compare(want) > 0) {
		f.notices = append(f.notices, fmt.Sprintf("the code is built for %s, which AWS's %s does not have", name(need), identifier))
	}
	all := r.installations(host)
	for _, i := range all {
		v, exact := i.best(n.names(), need)
		if exact {
			f.installation, f.version, f.rollForward = i, v, false
			return f, nil
		}
		if v != nil && (f.version == nil || line(v).Compare(line(f.version)) < 0) {
			f.installation, f.version, f.rollForward = i, v, !n.anyNewer
		}
	}
	missing := &runtimes.Missing{What: fmt.Sprintf("%s for runtime %s", name(need), identifier), Hint: install(need)}
	switch {
	case f.version != nil && !host.Strict:
		f.notices = append(f.notices, fmt.Sprintf("runtime %s runs on .NET %s, the nearest version found", identifier, f.version))
		return f, nil
	case f.version != nil:
		missing.Hint += fmt.Sprintf("; the nearest version is %s, at %s", f.version, f.dotnet)
	case len(all) > 0:
		missing.What = lacking(all, n.names(), need) + fmt.Sprintf(" for runtime %s", identifier)
		missing.Hint += fmt.Sprintf("; the newest version found is %s, at %s", all[0].frameworks[netCore][0], all[0].dotnet)
	}
	return nil, missing
}

// lacking names what a machine with some .NET has not: the line itself, or a
// further framework of it.
func lacking(all []installation, names []string, want runtimes.Version) string {
	for _, i := range all {
		if _, has := i.best([]string{netCore}, want); !has {
			continue
		}
		for _, n := range names {
			if _, has := i.best([]string{netCore, n}, want); !has {
				return fmt.Sprintf("%s %s", n, want)
			}
		}
	}
	return name(want)
}

// anyRoot is the folder of the .NET that the user's shell would run, "" when
// the machine has none.
func (r Runtime) anyRoot(host *runtimes.Host) string {
	if all := r.installations(host); len(all) > 0 {
		return all[0].dir
	}
	return ""
}

// name is what people call a line.
func name(v runtimes.Version) string {
	if v[0] < 5 {
		return ".NET Core " + v.String()
	}
	return ".NET " + v.String()
}

func install(v runtimes.Version) string {
	full := v.String()
	if len(v) == 1 {
		full += ".0"
	}
	return fmt.Sprintf("install the SDK of %s, for instance with \"mise use -g dotnet@%s\", \"brew install dotnet@%[2]s\" or \"apt-get install dotnet-sdk-%[3]s\"", name(v), strings.TrimSuffix(full, ".0"), full)
}
