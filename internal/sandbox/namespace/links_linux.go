package namespace

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks bounds how many files and folders are shown because the code links
// to them, maxEntries how much is looked at to find them.
const (
	maxLinks   = 200
	maxEntries = 5000
)

// taken are the folders of an environment that nothing of the project's can
// hide.
var taken = []string{
	"/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt", "/proc", "/sbin", "/sys", "/tmp", "/usr",
	runtimeDir, taskDir,
}

// shown is a file or folder of the host and where it is inside.
type shown struct{ host, inside string }

// links finds what the code and its layers need of the project's tree outside
// their own folders: the node_modules of the folders above the code, which
// Node.js looks through, and what symbolic links lead to. Each comes to where a
// process inside arrives that goes the same way, so that neither the code nor
// the links are any different. Folders are without symbolic links; the list has
// for each the path inside, then the host's. hidden are packages that are links
// out of the tree, as `npm link` makes them.
func links(code, tree string, layers ...string) (list []string, hidden []shown) {
	if tree == "" || !covered(code, []string{tree}) {
		return nil, nil
	}
	f := finder{tree: tree}
	inside := taskDir
	for dir := code; dir != tree; {
		dir, inside = filepath.Dir(dir), path.Dir(inside)
		f.add(shown{filepath.Join(dir, "node_modules"), path.Join(inside, "node_modules")})
	}
	f.todo = append([]shown{{code, taskDir}}, f.todo...)
	for _, layer := range layers {
		f.todo = append(f.todo, shown{layer, optDir})
	}
	for left := maxEntries; len(f.todo) > 0 && left > 0; f.todo = f.todo[1:] {
		left -= f.look(f.todo[0])
	}
	for _, s := range f.found {
		list = append(list, s.inside, s.host)
	}
	return list, f.hidden
}

type finder struct {
	tree  string
	found []shown
	todo  []shown // folders to look for links in, those on top first
	// hidden are packages that lie outside of the tree.
	hidden []shown
}

// add notes what is to be shown, unless it is or cannot be.
func (f *finder) add(s shown) {
	if len(f.found) == maxLinks || s.inside == "/" || covered(s.inside, taken) {
		return
	}
	st, err := os.Stat(s.host)
	if err != nil || !st.IsDir() && !st.Mode().IsRegular() {
		return
	}
	for _, other := range f.found {
		if covered(s.inside, []string{other.inside}) {
			return
		}
		// What lies in it would be hidden, unless it is the same.
		if covered(other.inside, []string{s.inside}) && other.host != filepath.Join(s.host, strings.TrimPrefix(other.inside, s.inside)) {
			return
		}
	}
	if slices.ContainsFunc(taken, func(place string) bool { return covered(place, []string{s.inside}) }) {
		return
	}
	f.found = slices.DeleteFunc(f.found, func(other shown) bool { return covered(other.inside, []string{s.inside}) })
	f.found = append(f.found, s)
	if st.IsDir() {
		f.todo = append(f.todo, s)
	}
}

// look adds what the symbolic links of a folder lead to, and has the folders in
// it looked at; of packages those with more packages alone. It returns how many
// entries there were.
func (f *finder) look(at shown) int {
	entries, err := os.ReadDir(at.host)
	if err != nil {
		return 1
	}
	base := filepath.Base(at.host)
	packages := base == "node_modules" || strings.HasPrefix(base, "@") && filepath.Base(filepath.Dir(at.host)) == "node_modules"
	for _, e := range entries {
		name := e.Name()
		here := shown{filepath.Join(at.host, name), path.Join(at.inside, name)}
		switch {
		case e.Type()&os.ModeSymlink != 0:
			switch s, ok := f.target(here); {
			case ok:
				f.add(s)
			case packages && s.host != "" && !installed(s.host):
				f.hidden = append(f.hidden, shown{s.host, here.inside})
			}
		case e.IsDir() && !strings.HasPrefix(name, ".") && (!packages || strings.HasPrefix(name, "@")):
			f.todo = append(f.todo, here)
		}
	}
	return 1 + len(entries)
}

// installed reports whether a package is the system's or the interpreter's own,
// which are shown.
func installed(dir string) bool {
	return covered(dir, system) || strings.Contains(dir, "/lib/node_modules/")
}

// target says where a link leads to; ok when that is in the tree. A host of ""
// is nowhere.
func (f *finder) target(link shown) (shown, bool) {
	target, err := os.Readlink(link.host)
	if err != nil {
		return shown{}, false
	}
	to := shown{target, target}
	if !filepath.IsAbs(target) {
		to = shown{filepath.Join(filepath.Dir(link.host), target), path.Join(path.Dir(link.inside), target)}
	}
	real, err := filepath.EvalSymlinks(to.host)
	if err != nil || !covered(real, []string{f.tree}) {
		return shown{host: real}, false
	}
	// Packages find each other in the node_modules that they lie in.
	before, after, ok := strings.Cut(to.host, "/node_modules/")
	if ok && strings.HasSuffix(to.inside, "/node_modules/"+after) {
		to = shown{before + "/node_modules", strings.TrimSuffix(to.inside, "/"+after)}
	}
	to.host, err = filepath.EvalSymlinks(to.host)
	to.inside = path.Clean(to.inside)
	return to, err == nil && covered(to.host, []string{f.tree})
}
