package namespace

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks bounds how many folders are shown because the code links to them.
const maxLinks = 200

// taken are the folders of an environment that nothing of the project's can
// hide.
var taken = []string{
	"/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt", "/proc", "/sbin", "/sys", "/tmp", "/usr",
	runtimeDir, taskDir,
}

// shown is a folder of the host and where it is inside.
type shown struct{ host, inside string }

// links finds what the code needs of the project's tree outside its own
// folder: the node_modules of the folders above it, which Node.js looks
// through, and what links in node_modules and at the top of the code lead to.
// Each comes to where a process inside arrives that goes the same way, so that
// neither the code nor the links are any different. Folders are without
// symbolic links; the list has for each the path inside, then the host's.
func links(code, tree string) (list []string) {
	if tree == "" || code == tree || !covered(code, []string{tree}) {
		return nil
	}
	todo := []shown{{code, taskDir}}
	var places []string
	add := func(s shown) {
		if len(places) == maxLinks || s.inside == "/" || covered(s.inside, taken) || covered(s.inside, places) {
			return
		}
		if st, err := os.Stat(s.host); err != nil || !st.IsDir() {
			return
		}
		// What lies in it would be hidden.
		if slices.ContainsFunc(append(places, taken...), func(place string) bool { return covered(place, []string{s.inside}) }) {
			return
		}
		places = append(places, s.inside)
		list = append(list, s.inside, s.host)
		todo = append(todo, s)
	}
	inside := taskDir
	for dir := code; dir != tree; {
		dir, inside = filepath.Dir(dir), path.Dir(inside)
		add(shown{filepath.Join(dir, "node_modules"), path.Join(inside, "node_modules")})
	}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, link := range linksIn(at) {
			if s, ok := outside(link, at.host, code, tree); ok {
				add(s)
			}
		}
	}
	return list
}

// linksIn lists the symbolic links of a folder of code or of packages.
func linksIn(at shown) (found []shown) {
	entries, err := os.ReadDir(at.host)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		here := shown{filepath.Join(at.host, name), path.Join(at.inside, name)}
		switch {
		case e.Type()&os.ModeSymlink != 0:
			found = append(found, here)
		case e.IsDir() && (name == "node_modules" || strings.HasPrefix(name, "@")):
			found = append(found, linksIn(here)...)
		}
	}
	return found
}

// outside says where a link leads to, when that is in the tree but neither in
// the folder that the link was found in nor in the code.
func outside(link shown, from, code, tree string) (shown, bool) {
	target, err := os.Readlink(link.host)
	if err != nil {
		return shown{}, false
	}
	to := shown{target, target}
	if !filepath.IsAbs(target) {
		to = shown{filepath.Join(filepath.Dir(link.host), target), path.Join(path.Dir(link.inside), target)}
	}
	real, err := filepath.EvalSymlinks(to.host)
	if err != nil || !covered(real, []string{tree}) || covered(real, []string{code, from}) {
		return shown{}, false
	}
	// Packages find each other in the node_modules that they lie in.
	before, after, ok := strings.Cut(to.host, "/node_modules/")
	if ok && strings.HasSuffix(to.inside, "/node_modules/"+after) {
		to = shown{before + "/node_modules", strings.TrimSuffix(to.inside, "/"+after)}
	}
	to.host, err = filepath.EvalSymlinks(to.host)
	return to, err == nil && covered(to.host, []string{tree})
}
