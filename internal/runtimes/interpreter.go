package runtimes

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Interpreter is a language's program on this machine.
type Interpreter struct {
	Path    string  // absolute, symbolic links as found
	Version Version // as precisely as it shows
}

// Find returns the interpreter for a version: one of exactly that version,
// from PATH before the version managers, else the nearest version and a remark
// for the user. It returns a *[Missing] when there is none, or none of that
// version and the host is strict. runtime is AWS's identifier, for messages.
func (h *Host) Find(l *Language, want Version, runtime string) (Interpreter, []string, error) {
	probe := &prober{host: h, lang: l}
	defer probe.remember()
	if found, ok := h.onPath(probe, want); ok {
		return found, nil, nil
	}
	managed := h.managed(l)
	if found, ok := newest(managed, want); ok {
		return found, nil, nil
	}
	missing := &Missing{
		What: fmt.Sprintf("%s %s for runtime %s", l.Name, want, runtime),
		Hint: fmt.Sprintf(l.Install, want),
	}
	found, ok := nearest(append(h.allOnPath(probe), managed...), want)
	switch {
	case !ok:
		return Interpreter{}, nil, missing
	case h.Strict:
		missing.Hint += fmt.Sprintf("; the nearest version is %s, at %s", found.Version, found.Path)
		return Interpreter{}, nil, missing
	}
	notice := fmt.Sprintf("runtime %s runs on %s %s, the nearest version found", runtime, l.Name, found.Version)
	return found, []string{notice}, nil
}

// Any returns the interpreter that the user's shell would run, whatever its
// version, else the newest that a version manager keeps.
func (h *Host) Any(l *Language) (Interpreter, bool) {
	probe := &prober{host: h, lang: l}
	defer probe.remember()
	if all := h.allOnPath(probe); len(all) > 0 {
		return all[0], true
	}
	managed := h.managed(l)
	if len(managed) == 0 {
		return Interpreter{}, false
	}
	return slices.MaxFunc(managed, func(a, b Interpreter) int { return a.Version.Compare(b.Version) }), true
}

// Survey says for each version whether the machine has it. Versions that are
// not current are left out when they are missing.
func (h *Host) Survey(l *Language, versions []Version, current func(Version) bool) []Finding {
	probe := &prober{host: h, lang: l}
	defer probe.remember()
	managed := h.managed(l)
	var findings []Finding
	for _, v := range versions {
		f := Finding{Name: l.Name + " " + v.String()}
		found, ok := h.onPath(probe, v)
		if !ok {
			found, ok = newest(managed, v)
		}
		switch {
		case ok:
			f.Version, f.Path = found.Version.String(), found.Path
		case current(v):
			f.Hint = fmt.Sprintf(l.Install, v)
		default:
			continue
		}
		findings = append(findings, f)
	}
	return findings
}

// onPath returns PATH's first interpreter of the version. In the place of a
// folder of shims it takes what its version manager keeps, since that is what
// a shim would run.
func (h *Host) onPath(probe *prober, want Version) (Interpreter, bool) {
	for _, dir := range h.searchPath(probe.lang) {
		if h.shims(dir) {
			if found, ok := newest(below(h.managed(probe.lang), filepath.Dir(dir)), want); ok {
				return found, true
			}
			continue
		}
		for _, name := range probe.lang.names(want) {
			path := program(dir, name)
			if path == "" {
				continue
			}
			if v := probe.version(path); v.Matches(want) {
				return Interpreter{Path: path, Version: v}, true
			}
		}
	}
	return Interpreter{}, false
}

// allOnPath lists PATH's interpreters of all versions.
func (h *Host) allOnPath(probe *prober) []Interpreter {
	var names []string
	for _, v := range probe.lang.Known {
		names = append(names, probe.lang.Program+v.String())
	}
	names = append(names, probe.lang.Plain...)
	var all []Interpreter
	for _, dir := range h.searchPath(probe.lang) {
		if h.shims(dir) {
			continue
		}
		for _, name := range names {
			if path := program(dir, name); path != "" {
				if v := probe.version(path); v != nil {
					all = append(all, Interpreter{Path: path, Version: v})
				}
			}
		}
	}
	return all
}

// below are the interpreters that lie somewhere in dir.
func below(all []Interpreter, dir string) []Interpreter {
	return slices.DeleteFunc(slices.Clone(all), func(i Interpreter) bool {
		return !strings.HasPrefix(i.Path, dir+string(filepath.Separator))
	})
}

// newest returns the newest of the interpreters that match want.
func newest(all []Interpreter, want Version) (best Interpreter, ok bool) {
	for _, i := range all {
		if i.Version.Matches(want) && (!ok || i.Version.Compare(best.Version) > 0) {
			best, ok = i, true
		}
	}
	return best, ok
}

// nearest returns the interpreter whose version is the least far from want;
// of two that are as far the newer one, of two that are as new the first.
func nearest(all []Interpreter, want Version) (best Interpreter, ok bool) {
	for _, i := range all {
		d := i.Version.distance(want)
		if d == farAway {
			continue
		}
		old := farAway
		if ok {
			old = best.Version.distance(want)
		}
		if d < old || d == old && i.Version.Compare(best.Version) > 0 {
			best, ok = i, true
		}
	}
	return best, ok
}

// Folders are the folders of the host that the interpreter lives in: its own
// and, in a virtual environment, that of the interpreter behind it, with those of
// the links in between. Those that belong to the system are left out.
func (i Interpreter) Folders() []string {
	var dirs []string
	add := func(dir string) {
		// What Homebrew installs needs libraries that it has installed beside it.
		dir, _, _ = strings.Cut(dir, "/Cellar/")
		switch dir {
		case "/", "/bin", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin":
			return
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	home := func(path string) string { return filepath.Dir(filepath.Dir(path)) }
	add(home(i.Path))
	real, err := filepath.EvalSymlinks(i.Path)
	if err != nil {
		return dirs
	}
	add(home(real))
	const most = 40 // as many as the system follows
	link := i.Path
	for range most {
		target, err := os.Readlink(link)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(link), target)
		}
		link = target
		if dir, err := filepath.EvalSymlinks(home(link)); err == nil && dir == home(real) {
			add(home(link)) // another name of the interpreter's folder, such as one without the whole version
		} else {
			add(filepath.Dir(link))
		}
	}
	return dirs
}

// SearchPaths returns the variables PATH and LD_LIBRARY_PATH of a managed
// runtime: AWS's, with the interpreter's folders in place of /var/lang. The
// Serverless Framework leaves the user's own.
func (h *Host) SearchPaths(i Interpreter, paths Paths) []string {
	if h.Serverless {
		return nil
	}
	bin := filepath.Dir(i.Path)
	path := []string{bin, "/usr/local/bin", "/usr/bin/", "/bin"}
	libs := []string{
		filepath.Join(filepath.Dir(bin), "lib"), "/lib64", "/usr/lib64",
		paths.Runtime, filepath.Join(paths.Runtime, "lib"), paths.Task, filepath.Join(paths.Task, "lib"),
	}
	if paths.Opt != "" {
		path = append(path, filepath.Join(paths.Opt, "bin"))
		libs = append(libs, filepath.Join(paths.Opt, "lib"))
	}
	return []string{"PATH=" + JoinList(path), "LD_LIBRARY_PATH=" + JoinList(libs)}
}

// JoinList joins folders as the system's lists of folders do.
func JoinList(dirs []string) string { return strings.Join(dirs, string(os.PathListSeparator)) }

// identifierVersion finds the version in a runtime identifier: python3.13, nodejs22.x.
var identifierVersion = regexp.MustCompile(`^[a-z]+(\d+(?:\.\d+)?)(?:\.x)?$`)

// VersionOf returns the version that a runtime identifier asks for, with at
// most depth numbers, nil when it names none.
func VersionOf(identifier string, depth int) Version {
	m := identifierVersion.FindStringSubmatch(identifier)
	if m == nil {
		return nil
	}
	v := ParseVersion(m[1])
	if len(v) > depth {
		v = v[:depth]
	}
	return v
}
