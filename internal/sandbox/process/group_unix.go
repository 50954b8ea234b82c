//go:build unix

package process

import (
	"os"
	"sync/atomic"
	"syscall"
)

// group is the process group of a function's process and, on Linux, what has
// left it. The process leads the group, so the group's id is the process's.
type group struct {
	pid  int
	gone *atomic.Bool // the leader has been waited for; its id may be another's
}

func join(p *os.Process) group {
	leaders.Store(p.Pid, true)
	return group{pid: p.Pid, gone: new(atomic.Bool)}
}

// left is called when the leader has been waited for.
func (g group) left() {
	// What is left of the group keeps the id from being used again.
	_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	g.gone.Store(true)
	leaders.Delete(g.pid)
}

// kill ends all processes of the group.
func (g group) kill() {
	if !g.gone.Load() {
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	}
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
