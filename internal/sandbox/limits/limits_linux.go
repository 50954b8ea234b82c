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
	cpu     bool  // it prepares for Throttle
	version Means // of control groups, 0 where there is no place for one
	// group waits until it has been made; nil where the processes are watched.
	group func() *group
	spec  Spec // of Watch
	// inside says that the holder starts in the group, and need not enter.
	inside bool
	meter  meter

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
// removes those that a lambkin which was killed has left. It holds nobody to
// anything before Watch. cpu prepares for [Limits.Throttle]. The caller closes it.
func New(cpu bool) *Limits {
	p := find("/proc")
	l := &Limits{cpu: cpu, version: p.version, wake: make(chan struct{}, 1), stop: make(chan struct{}), killed: map[int]time.Time{}}
	l.group = sync.OnceValue(func() *group {
		p.sweep()
		if p.version == 0 {
			return nil
		}
		g, err := newGroup(p, cpu)
		if err != nil {
			return nil
		}
		return g
	})
	if p.version == GroupV1 { // nothing starts in it, and it can be made meanwhile
		go l.group()
	} else {
		l.group()
	}
	return l
}

// Find says what is in force here, after trying it.
func Find() Force {
	p := find("/proc")
	f := Force{Memory: Watching, Reason: p.reason, Hint: p.hint}
	if p.version != 0 {
		p.sweep()
		g, err := newGroup(p, true)
		if err == nil {
			err = errors.Join(g.limit(Spec{Memory: 1 << 30}), g.remove(time.Second))
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
	if l.version != GroupV2 || l.group() == nil {
		return func() {}
	}
	dir, err := os.Open(l.group().memory)
	if err != nil {
		return func() {} // and it enters
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

// Doors are files for [Enter], which the caller closes; none where the holder
// need not enter.
func (l *Limits) Doors() ([]*os.File, error) {
	if l.version == 0 || l.inside || l.group() == nil {
		return nil, nil
	}
	return l.group().doors()
}

// Enter takes the calling thread into the group whose Doors it has, and with it
// what it starts from now on; in version 2 the whole process.
func Enter(doors []*os.File) error {
	for _, f := range doors {
		if _, err := f.WriteString("0"); err != nil {
			return err
		}
	}
	return nil
}

// Holder is an environment's process 1, ready to start others.
type Holder struct {
	PID     int
	Outside bool       // it could not [Enter]
	Views   []*os.File // what [Views] gave there; Watch closes them, or the watcher in the end
}

// Watch holds the processes to what they may use, and begins to watch. None of
// them but the holder has been started.
func (l *Limits) Watch(spec Spec, h Holder) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spec = spec
	if spec.Memory <= 0 || len(h.Views) != 2 {
		var err error
		for _, f := range h.Views {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	l.meter = meter{group: l.hold(h), limit: spec.Memory, proc: h.Views[0], tmp: h.Views[1]}
	if l.closed {
		return l.meter.close()
	}
	l.stopped = make(chan struct{})
	go l.watch()
	return nil
}

// hold sets the limits that the kernel keeps. It gives the group, nil when the
// processes are to be asked themselves.
func (l *Limits) hold(h Holder) *group {
	g := l.group()
	if (g == nil || g.pids == "") && countsPerNamespace() {
		most := unix.Rlimit{Cur: Processes + holderThreads, Max: Processes + holderThreads}
		var now unix.Rlimit
		if unix.Prlimit(h.PID, unix.RLIMIT_NPROC, nil, &now) == nil && now.Max > most.Max {
			_ = unix.Prlimit(h.PID, unix.RLIMIT_NPROC, &most, nil)
		}
	}
	if g == nil || g.limit(l.spec) != nil || h.Outside {
		return nil
	}
	return g
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
// their memory, or lets them go. It does nothing without New's cpu.
func (l *Limits) Throttle(on bool) error {
	switch {
	case !l.cpu || l.spec.Memory <= 0:
		return nil
	case l.group() == nil || l.group().cpu == "":
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
	return l.group().throttle(share)
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
	g := l.group()
	if g == nil || l.closed {
		return
	}
	if n := g.kills(); n > l.kills {
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
	var err error
	if stopped != nil {
		<-stopped
		err = l.meter.close()
	}
	if g := l.group(); g != nil {
		err = errors.Join(err, g.remove(2*time.Second))
	}
	return err
}
