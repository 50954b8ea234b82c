//go:build unix

package process

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// group is the process group of a function's process and, on Linux, what has
// left it. The process leads the group, so the group's id is the process's.
type group struct {
	pid  int
	gone *atomic.Bool // the leader has been waited for; its id may be another's
}

// launch starts a process that leads a group.
func launch(cmd *exec.Cmd) (group, error) {
	heedSignals()
	leaders.RLock()
	defer leaders.RUnlock()
	if err := cmd.Start(); err != nil {
		return group{}, err
	}
	return join(cmd.Process), nil
}

// heedSignals sees to it that processes start with signals that have their
// usual effect, whatever lambkin itself was told to ignore: nohup does that, and
// shells do for what they run in the background. A signal that is handled here
// is one that a new program does not ignore; lambkin goes on without it.
func heedSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

func join(p *os.Process) group {
	g := group{pid: p.Pid, gone: new(atomic.Bool)}
	leaders.pids.Store(p.Pid, g.gone)
	return g
}

// left is called when the leader has been waited for.
func (g group) left() {
	// What is left of the group keeps the id from being used again.
	_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	g.gone.Store(true)
	leaders.pids.CompareAndDelete(g.pid, g.gone) // the id may be the next one's already
}

// kill ends all processes of the group.
func (g group) kill() {
	if !g.gone.Load() {
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	}
}

func (g group) freeze() error { return alive(g.signal(syscall.SIGSTOP)) }

func (g group) thaw() error { return alive(g.signal(syscall.SIGCONT)) }

// alive takes no offence at a process that is gone.
func alive(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// signal sends a signal to all processes of the group.
func (g group) signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	switch {
	case !ok:
		return errors.ErrUnsupported
	case g.gone.Load():
		return os.ErrProcessDone
	}
	return syscall.Kill(-g.pid, number)
}

// release has nothing to give back.
func (g group) release() {}

func maxRSS(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return int64(usage.Maxrss) * rssUnit
}
