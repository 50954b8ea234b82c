package python

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// debugger is the module that makes Python wait for an editor.
const debugger = "debugpy"

// debug starts main under a debugger: the user's arguments stand before it, or
// those of debugpy.
func debug(l *runtimes.Launch, d *runtimes.Debug, paths runtimes.Paths, main string) error {
	args := d.Arguments()
	if len(args) == 0 {
		args = []string{"-m", debugger, "--listen", d.Addr(), "--wait-for-client"}
	}
	if i := slices.Index(args, "-m"); i >= 0 && i+1 < len(args) {
		if err := findModule(args[i+1], l, d, paths); err != nil {
			return err
		}
	}
	// Without -S: the debugger is a site package. -B, because its modules may
	// lie in the user's folder.
	l.Args = append(append([]string{"-B", "-u", "-X", "utf8"}, args...), main)
	if d.Path != "" {
		l.Env = append(l.Env, "PYTHONPATH="+runtimes.JoinList([]string{paths.Runtime, d.Path}))
	}
	l.Notices = append(l.Notices, d.Notice("attach an editor to the port"))
	return nil
}

// findModule asks the interpreter for a module, where the function's process
// will look for it. A debugger that is missing would otherwise look like a
// function that crashes.
func findModule(module string, l *runtimes.Launch, d *runtimes.Debug, paths runtimes.Paths) error {
	pkg := strings.Split(module, ".")[0]
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.Path, "-B", "-c",
		"import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)", pkg)
	cmd.Dir = paths.Task
	if paths.HostTask != "" {
		cmd.Dir = paths.HostTask
	}
	cmd.Env = []string{"PYTHONPATH=" + d.Path}
	if err := cmd.Run(); err == nil {
		return nil
	}
	return &runtimes.Missing{
		What: fmt.Sprintf("the debugger %s for Python %s", pkg, l.Version),
		Hint: fmt.Sprintf("install it: %s -m pip install %s; or into a folder with --target DIR, and give --debugger-path DIR", l.Path, pkg),
	}
}
