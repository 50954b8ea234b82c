package provided

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// delve is Go's debugger.
const delve = "dlv"

// debug starts the bootstrap under a debugger. What language it is written in
// does not show, so the debugger's arguments are its whole command line, and
// the bootstrap follows them: "gdbserver :5858". Without any, and with those
// that begin with a dash, the debugger is Go's.
func debug(l *runtimes.Launch, host *runtimes.Host) error {
	d := host.Debug
	args := d.Arguments()
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		args = delveFor(d, args)
	}
	path := program(args[0], d.Path, host.Env["PATH"])
	if path == "" {
		return &runtimes.Missing{
			What: "the debugger " + args[0],
			Hint: "install it (delve: go install github.com/go-delve/delve/cmd/dlv@latest) and name its folder with --debugger-path; " +
				"or give another debugger's command with --debug-args, such as \"gdbserver " + d.Addr() + "\"",
		}
	}
	l.Args = append(args[1:], l.Path)
	l.Path = path
	l.Uses = append(l.Uses, filepath.Dir(path))
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		l.Uses = append(l.Uses, filepath.Dir(real))
	}
	l.Notices = append(l.Notices, d.Notice("attach an editor to the port"))
	return nil
}

// delveFor is delve's command line in front of the program. SAM CLI gives the
// version of its protocol in one argument of its own.
func delveFor(d *runtimes.Debug, more []string) []string {
	version := "2"
	args := []string{delve, "exec", "--headless", "--listen=" + d.Addr()}
	for _, a := range more {
		if v, ok := strings.CutPrefix(strings.TrimLeft(a, "-"), "delveAPI="); ok {
			version = v
			continue
		}
		args = append(args, a)
	}
	return append(args, "--api-version="+version)
}

// program finds a program: where its name says, in the debugger's folder, on PATH.
func program(name, folder, path string) string {
	if filepath.IsAbs(name) {
		return name
	}
	dirs := filepath.SplitList(path)
	if folder != "" {
		dirs = append([]string{folder}, dirs...)
	}
	for _, dir := range dirs {
		file := filepath.Join(dir, name)
		if runtime.GOOS == "windows" && filepath.Ext(file) == "" {
			file += ".exe"
		}
		if st, err := os.Stat(file); err == nil && !st.IsDir() && filepath.IsAbs(file) {
			return file
		}
	}
	return ""
}
