package limits

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// How often a watcher looks: so often that what is allocated at full speed in
// between is not much, never without pause, and seldom while nothing runs.
const (
	speed   = 2 << 30 // bytes in a second
	least   = 4 * time.Millisecond
	most    = 100 * time.Millisecond
	resting = time.Second
)

// watch ends processes while they use too much.
func (l *Limits) watch() {
	defer close(l.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var b burst
	for {
		select {
		case <-l.stop:
			return
		case <-l.wake:
		case <-timer.C:
		}
		used, near := l.meter.used()
		if near {
			l.mu.Lock()
			l.countKills()
			l.mu.Unlock()
		}
		if used > l.spec.Memory {
			l.relieve(&b)
		}
		pause := resting
		if !l.idle.Load() || used > l.spec.Memory {
			pause = min(max(time.Duration(l.spec.Memory-used)*time.Second/speed, least), most)
		}
		timer.Reset(pause)
	}
}

// burst counts processes that were ended in a row.
type burst struct {
	n    int
	last time.Time
	sure bool // too much was used in the look before, after the last one was gone
}

// One process that is ended should be enough; of more than this there is no
// end to be seen.
const several = 8

// dying is how long a process that was ended is waited for: on a busy machine
// it takes time to give back what it had.
const dying = time.Second

// relieve ends the largest process, as the kernel would, once the last one that
// was ended is gone; or all, when that does not help.
func (l *Limits) relieve(b *burst) {
	now := time.Now()
	if now.Sub(b.last) > dying {
		b.n = 0
	}
	list := l.meter.processes()
	l.mu.Lock()
	defer l.mu.Unlock()
	largest, all := process{}, b.n >= several
	for _, p := range list {
		if at, killed := l.killed[p.pid]; killed && !p.ended && now.Sub(at) < dying {
			b.sure = false
			return
		}
	}
	// What was measured may be from before the end of the last one.
	if now.Sub(b.last) < dying && !b.sure {
		b.sure = true
		return
	}
	b.sure = false
	for _, p := range list {
		if all {
			l.end(p, now)
		}
		if p.memory > largest.memory {
			largest = p
		}
	}
	if !all && largest.pid != 0 {
		l.end(largest, now)
	}
	b.n++
	b.last = now
}

// end ends a process. The caller has the lock.
func (l *Limits) end(p process, now time.Time) {
	if l.meter.kill(p.pid) == nil {
		l.killed[p.pid], l.last = now, now
	}
}

// meter tells how much memory an environment's processes use.
type meter struct {
	group     *group   // nil where the processes are asked
	proc, tmp *os.File // as they are in the environment
	limit     int64
}

func (m *meter) close() error { return errors.Join(m.proc.Close(), m.tmp.Close()) }

// used is how much memory is used; near says that it had to be looked at
// closely. Far from the limit it is a bound that is quick to get.
func (m *meter) used() (bytes int64, near bool) {
	if m.group == nil {
		return m.usedByProcesses()
	}
	if bound := m.group.charged(); bound <= m.limit {
		return bound, false
	}
	anonymous, shared := m.group.used()
	_, holder := m.memoryOf("1")
	return max(anonymous-holder.memory, 0) + max(shared-m.inTmp(), 0), true
}

func (m *meter) usedByProcesses() (used int64, near bool) {
	list := m.processes()
	for _, p := range list {
		used += p.memory
	}
	if used <= m.limit {
		return used, false
	}
	// Pages that several have are counted for each of them so far.
	used = 0
	var shared int64
	for _, p := range list {
		text := m.read(strconv.Itoa(p.pid) + "/smaps_rollup")
		if len(text) == 0 {
			used += p.memory // one that lets nobody look into it, or has just ended
			continue
		}
		used += kib(text, "Pss_Anon:") + kib(text, "SwapPss:")
		shared += kib(text, "Pss_Shmem:")
	}
	return used + max(shared-m.inTmp(), 0), true
}

// inTmp is what the files in /tmp take of memory.
func (m *meter) inTmp() int64 {
	var st unix.Statfs_t
	if unix.Fstatfs(int(m.tmp.Fd()), &st) != nil || st.Type != unix.TMPFS_MAGIC {
		return 0
	}
	return int64(st.Blocks-st.Bfree) * st.Bsize
}

// process is one of an environment's, by its id inside.
type process struct {
	pid    int
	memory int64 // that it has of its own, files in memory included
	// ended says that it has given everything back. Before that its own figures
	// may be 0 already.
	ended bool
}

// processes lists all but process 1.
func (m *meter) processes() (list []process) {
	if _, err := m.proc.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	names, _ := m.proc.Readdirnames(-1)
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' || name == "1" {
			continue
		}
		if ok, p := m.memoryOf(name); ok {
			list = append(list, p)
		}
	}
	return list
}

func (m *meter) memoryOf(name string) (ok bool, p process) {
	text := m.read(name + "/status")
	pid, err := strconv.Atoi(name)
	if len(text) == 0 || err != nil {
		return false, process{} // it has ended
	}
	// The first thread may have ended before the others, which keep the memory.
	ended := bytes.Contains(text, []byte("\nState:\tZ")) && number(text, "Threads:") <= 1
	return true, process{pid: pid, ended: ended, memory: kib(text, "RssAnon:") + kib(text, "RssShmem:") + kib(text, "VmSwap:")}
}

// read reads a file of the environment's /proc.
func (m *meter) read(name string) []byte {
	fd, err := unix.Openat(int(m.proc.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil
	}
	return text
}

// kill ends a process. Its folder in /proc stands for it, and never for
// another that has got its id since.
func (m *meter) kill(pid int) error {
	fd, err := unix.Openat(int(m.proc.Fd()), strconv.Itoa(pid), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// kib is a figure of a file that has one, in KiB, on each line; in bytes.
func kib(text []byte, name string) int64 { return number(text, name) << 10 }

// number is the figure on the line that begins with name, 0 when there is none.
func number(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			if fields := bytes.Fields(rest); len(fields) > 0 {
				if n, err := strconv.ParseInt(string(fields[0]), 10, 64); err == nil {
					return n
				}
			}
		}
	}
	return 0
}

func (g *group) read(file string) []byte {
	text, err := os.ReadFile(filepath.Join(g.memory, file))
	if err != nil {
		return nil
	}
	return text
}

// charged is all memory that is charged to the group, that of files too.
func (g *group) charged() int64 {
	if g.version == GroupV2 {
		return number(g.read("memory.current"), "") + number(g.read("memory.swap.current"), "")
	}
	if n := number(g.read("memory.memsw.usage_in_bytes"), ""); n > 0 {
		return n
	}
	return number(g.read("memory.usage_in_bytes"), "")
}

// used is what processes have allocated, and what is shared or in file systems
// in memory. What was swapped out counts as shared: it may be of either.
func (g *group) used() (anonymous, shared int64) {
	stat := g.read("memory.stat")
	if g.version == GroupV2 {
		return number(stat, "anon "), number(stat, "shmem ") + number(g.read("memory.swap.current"), "")
	}
	return number(stat, "total_rss "), number(stat, "total_shmem ") + number(stat, "total_swap ")
}

// kills is how many processes the kernel has ended for their memory.
func (g *group) kills() int64 {
	file := "memory.events"
	if g.version == GroupV1 {
		file = "memory.oom_control"
	}
	return number(g.read(file), "oom_kill ")
}
