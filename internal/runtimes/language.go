package runtimes

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Language says how the interpreters of one language are named and where they
// are kept. It is data; [Host] does the looking.
type Language struct {
	// Name is what messages call it: "Python".
	Name string
	// Program is the program's name without a version. A name may end with
	// the version that a runtime asks for: python3.13, node22.
	Program string
	// Depth is how many numbers of a version a runtime asks for.
	Depth int
	// Plain are names that say nothing of the version, the preferred first.
	Plain []string
	// Known are the versions that a runtime may ask for, newest first. Their
	// names are looked for when no version matches exactly.
	Known []Version
	// Home names a variable with a folder whose programs come before PATH's.
	Home string
	// Managers keep several versions beside each other.
	Managers []Manager
	// Install is the hint for a version that is missing, with %s for it.
	Install string
}

// Manager is a version manager, or another place with a folder for each version.
type Manager struct {
	// Roots are folders with variables in them, the preferred one first. The
	// first whose variables are set and that exists is taken.
	Roots []string
	// Versions is the folder of versions below the root.
	Versions string
	// Program is the interpreter below a version's folder; on Windows, the
	// name with .exe in the version's folder counts as well.
	Program []string
}

// names are the program's names for a version, the most precise first.
func (l *Language) names(want Version) []string {
	names := []string{l.Program + want.String()}
	return append(names, l.Plain...)
}

// root returns the manager's folder, "" when the machine has none.
func (m *Manager) root(env map[string]string) string {
	for _, r := range m.Roots {
		dir, ok := expand(r, env)
		if !ok {
			continue
		}
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
	}
	return ""
}

// expand puts variables into a folder's name. It reports false when one of
// them is not set.
func expand(name string, env map[string]string) (string, bool) {
	ok := true
	dir := os.Expand(name, func(variable string) string {
		value := env[variable]
		if variable == "HOME" && value == "" {
			value = env["USERPROFILE"]
		}
		ok = ok && value != ""
		return value
	})
	return filepath.FromSlash(dir), ok && filepath.IsAbs(dir)
}

// Folders lists the folders and files that a pattern with variables in it means,
// none when one of them is not set.
func Folders(pattern string, env map[string]string) []string {
	pattern, ok := expand(pattern, env)
	if !ok {
		return nil
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil // a variable with a bracket in it, which is no pattern
	}
	return found
}

// managed lists the interpreters that version managers keep. Nothing is run:
// the version is in the folder's name.
func (h *Host) managed(l *Language) []Interpreter {
	var all []Interpreter
	for _, m := range l.Managers {
		root := m.root(h.Env)
		if root == "" {
			continue
		}
		versions := filepath.Join(root, filepath.FromSlash(m.Versions))
		entries, err := os.ReadDir(versions)
		if err != nil {
			continue // the manager is there, without this language
		}
		for _, e := range entries {
			v := versionOfFolder(e.Name())
			if v == nil {
				continue
			}
			if path := m.program(filepath.Join(versions, e.Name())); path != "" {
				all = append(all, Interpreter{Path: path, Version: v})
			}
		}
	}
	return all
}

// program finds the interpreter in a version's folder.
func (m *Manager) program(dir string) string {
	for _, p := range m.Program {
		path := filepath.Join(dir, filepath.FromSlash(p))
		if runtime.GOOS == "windows" {
			path = filepath.Join(dir, filepath.Base(path)+".exe")
		}
		if executable(path) {
			return path
		}
	}
	return ""
}

// searchPath lists the folders that programs are looked for in.
func (h *Host) searchPath(l *Language) []string {
	var dirs []string
	if home := h.Env[l.Home]; l.Home != "" && filepath.IsAbs(home) {
		dirs = append(dirs, filepath.Join(home, programFolder))
	}
	for _, dir := range filepath.SplitList(h.Env["PATH"]) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// shims reports whether a folder of PATH holds stand-ins for programs: small
// scripts that find out what to run, slowly, and differently from one folder
// to the next. They are never run.
func (h *Host) shims(dir string) bool {
	dir = filepath.Clean(dir)
	switch filepath.Base(dir) {
	case "shims", "WindowsApps":
		return true
	case "bin":
		parent := filepath.Dir(dir)
		return filepath.Base(parent) == ".volta" || parent == filepath.Clean(h.Env["VOLTA_HOME"])
	}
	return false
}

// executable reports whether path is a program's file.
func executable(path string) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	return runtime.GOOS == "windows" || st.Mode().Perm()&0o111 != 0
}

// program is the file of a program called name in dir, "" when there is none.
func program(dir, name string) string {
	path := filepath.Join(dir, name)
	if runtime.GOOS == "windows" && !strings.HasSuffix(name, ".exe") {
		path += ".exe"
	}
	if !executable(path) {
		return ""
	}
	return path
}
