package limits

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are those of one environment. Methods of one that limits nothing do
// nothing.
type Limits struct {
	spec  Spec
	group *group // nil where the processes are watched
	// inside says that the holder starts in the group, and is not to be moved.
	inside bool
	// joined is closed when the holder has been moved, or could not be, which
	// joinErr says; nil when nobody moves it.
	joined  chan struct{}
	joinErr error
	meter   meter

	idle    atomic.Bool
	wake    chan struct{} // has a token when the watcher should look now
	stop    chan struct{}
	stopped chan struct{} // nil until there is a watcher

	mu     sync.Mutex // guards what follows
	killed map[int]time.Time
	kills  int64     // of the kernel's, as far as they are known
	last   time.Time // when the last process was ended for its memory, by whomever
	closed bool
}

// New makes the control group of an environment, where there can be one, and
// removes those that a lambkin which was killed has left. The caller closes it.
func New(spec Spec) *Limits {
	l := &Limits{spec: spec, wake: make(chan struct{}, 1), stop: make(chan struct{}), killed: map[int]time.Time{}}
	if spec.Memory <= 0 {
		return l
	}
	p := find("/proc")
	p.sweep()
	if p.version != 0 {
		if g, err := newGroup(p, spec); err == nil {
			l.group = g
		}
	}
	return l
}

// Find says what is in force here, after trying it.
func Find() Force {
	p := find("/proc")
	f := Force{Memory: Watching, Reason: p.reason, Hint: p.hint}
	if p.version != 0 {
		p.sweep()
		g, err := newGroup(p, Spec{Memory: 1 << 30, CPU: true})
		if err == nil {
			err = g.remove(time.Second)
		}
		if err == nil {
			f.Memory = p.version
			if p.pids != "" {
				f.Processes = p.version
			}
			if p.cpu != "" {
				f.CPU = p.version
			}
		} else {
			f.Reason = err.Error()
		}
	}
	if f.Processes == 0 && countsPerNamespace() {
		f.Processes = Watching
	}
	return f
}

// countsPerNamespace reports whether the kernel counts the processes of a user
// in each user namespace by themselves. Before Linux 5.14 a limit would count
// all that the user has on the machine, and root's are never counted.
func countsPerNamespace() bool {
	var name unix.Utsname
	if os.Geteuid() == 0 || unix.Uname(&name) != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(name.Release[:]), ".")
	minor := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errors.Join(errA, errB) == nil && (a > 5 || a == 5 && b >= 14)
}

// Prepare has the process that attr is of start in the group, where the kernel
// can do that; done is called when it has been started, or could not be.
func (l *Limits) Prepare(attr *syscall.SysProcAttr) (done func()) {
	if l.group == nil || l.group.version != GroupV2 {
		return func() {}
	}
	dir, err := os.Open(l.group.memory)
	if err != nil {
		return func() {} // and it is moved
	}
	l.inside, attr.UseCgroupFD, attr.CgroupFD = true, true, int(dir.Fd())
	return func() { _ = dir.Close() }
}

// Refused is called when the process was not started, and reports whether it
// may be without attr's group.
func (l *Limits) Refused() (again bool) {
	again, l.inside = l.inside, false
	return again
}

// Holder limits an environment's process 1, which has just been started, and
// all that it will start. Watch waits for it.
func (l *Limits) Holder(pid int) {
	if l.spec.Memory <= 0 {
		return
	}
	if (l.group == nil || l.group.pids == "") && countsPerNamespace() {
		most := unix.Rlimit{Cur: Processes + holderThreads, Max: Processes + holderThreads}
		var now unix.Rlimit
		if unix.Prlimit(pid, unix.RLIMIT_NPROC, nil, &now) == nil && now.Max > most.Max {
			_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &most, nil)
		}
	}
	if l.group == nil || l.inside {
		return
	}
	l.joined = make(chan struct{})
	go func() {
		defer close(l.joined)
		l.joinErr = l.group.join(pid)
	}()
}

// Watch begins to watch. The files are what [Views] gave in the environment;
// they are closed with it.
func (l *Limits) Watch(views []*os.File) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meter = meter{group: l.group, limit: l.spec.Memory}
	if l.joined != nil {
		if <-l.joined; l.joinErr != nil {
			l.meter.group = nil // the processes can be asked all the same
		}
	}
	if l.spec.Memory <= 0 || len(views) != 2 {
		var err error
		for _, f := range views {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	l.meter.proc, l.meter.tmp = views[0], views[1]
	if l.closed {
		return l.meter.close()
	}
	l.stopped = make(chan struct{})
	go l.watch()
	return nil
}

// Idle says whether all processes are frozen. Then they are looked at seldom.
func (l *Limits) Idle(idle bool) {
	if l.idle.Swap(idle) != idle && !idle {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// Throttle holds processes to the share of a processor that AWS gives for
// their memory, or lets them go. It does nothing without [Spec.CPU].
func (l *Limits) Throttle(on bool) error {
	switch {
	case !l.spec.CPU || l.spec.Memory <= 0:
		return nil
	case l.group == nil || l.group.cpu == "":
		return fmt.Errorf("that takes a control group, and lambkin could make none: %w", errors.ErrUnsupported)
	}
	share := float64(l.spec.Memory) / (perProcessor << 20)
	if !on || share >= float64(runtime.NumCPU()) {
		share = 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	return l.group.throttle(share)
}

// soon is how long after a process has been ended for its memory the end of
// another is put down to that: a shell ends with what it has run.
const soon = 300 * time.Millisecond

// OutOfMemory reports whether a process has ended because the environment had
// used too much. pid is its id inside.
func (l *Limits) OutOfMemory(pid int, status syscall.WaitStatus) bool {
	if l.spec.Memory <= 0 || status.Exited() && status.ExitStatus() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, killed := l.killed[pid]
	l.countKills()
	return killed || time.Since(l.last) < soon
}

// countKills takes notice of processes that the kernel has ended. The caller
// has the lock.
func (l *Limits) countKills() {
	if l.group == nil || l.closed {
		return
	}
	if n := l.group.kills(); n > l.kills {
		l.kills, l.last = n, time.Now()
	}
}

// Most bounds a figure of memory by what there is to use.
func (l *Limits) Most(memory int64) int64 {
	return min(memory, cmp.Or(l.spec.Memory, math.MaxInt64))
}

// Close removes the group. The processes have ended.
func (l *Limits) Close() error {
	l.mu.Lock()
	stopped, again := l.stopped, l.closed
	l.countKills() // for those that are asked about later
	l.closed = true
	l.mu.Unlock()
	if again {
		return nil
	}
	close(l.stop)
	if l.joined != nil {
		<-l.joined
	}
	var err error
	if stopped != nil {
		<-stopped
		err = l.meter.close()
	}
	if l.group != nil {
		err = errors.Join(err, l.group.remove(2*time.Second))
	}
	return err
}
