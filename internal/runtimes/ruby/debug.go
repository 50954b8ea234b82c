package ruby

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// debugger is the gem that makes Ruby wait for an editor. It comes with Ruby
// since 3.1.
const debugger = "debug"

// debug starts main under a debugger: the user's arguments stand before it, or
// those that load the gem debug and have it wait.
func debug(l *runtimes.Launch, d *runtimes.Debug, paths runtimes.Paths, main string) error {
	args := d.Arguments()
	if len(args) == 0 {
		if err := findGem(l, d); err != nil {
			return err
		}
		args = []string{"-r", debugger + "/open"}
		l.Env = append(l.Env, "RUBY_DEBUG_HOST="+runtimes.DebugHost, "RUBY_DEBUG_PORT="+strconv.Itoa(d.Ports[0]),
			// Processes that the function forks would wait, too.
			"RUBY_DEBUG_FORK_MODE=parent")
	}
	if d.Path != "" {
		args = append([]string{"-I", d.Path}, args...)
		l.Env = withFolder(l.Env, d.Path)
	}
	// With RubyGems: the debugger is a gem.
	version := runtimes.ParseVersion(l.Version)
	l.Args = append(append(options(version, true), args...), main)
	l.Notices = append(l.Notices, d.Notice("run rdbg --attach "+runtimes.DebugHost+" "+strconv.Itoa(d.Ports[0])+", or attach an editor to the port"))
	return nil
}

// findGem asks Ruby for the debugger. One that is missing would otherwise look
// like a function that crashes.
func findGem(l *runtimes.Launch, d *runtimes.Debug) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.Path, "-e", "gem ARGV.first", debugger)
	cmd.Env = withFolder(l.Env, d.Path)
	if err := cmd.Run(); err == nil {
		return nil
	}
	return &runtimes.Missing{
		What: fmt.Sprintf("the debugger %s for Ruby %s", debugger, l.Version),
		Hint: fmt.Sprintf("install it: %s -S gem install %s; or into a folder with --install-dir DIR, and give --debugger-path DIR", l.Path, debugger),
	}
}

// withFolder returns the environment with one more folder of gems.
func withFolder(env []string, dir string) []string {
	env = slices.Clone(env)
	if dir == "" {
		return env
	}
	for i, v := range env {
		if rest, ok := strings.CutPrefix(v, "GEM_PATH="); ok {
			env[i] = "GEM_PATH=" + runtimes.JoinList([]string{dir, rest})
		}
	}
	return env
}
