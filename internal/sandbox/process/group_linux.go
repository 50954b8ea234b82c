package process

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// rssUnit is the unit of rusage.ru_maxrss.
const rssUnit = 1024

// leaders are the pids of the processes that were started here and have not
// been waited for. Only their owners may wait for them. Whoever starts one
// holds the lock for reading until its pid is there, so that nobody takes it
// for an orphan.
var leaders struct {
	sync.RWMutex
	pids sync.Map
}

func attributes() *syscall.SysProcAttr {
	// Pdeathsig ends the process also when lambkin is killed without a chance
	// to clean up.
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

var (
	adopt sync.Once
	// inherited are children that this process had before it started any, as
	// when a shell with background jobs has exec'ed it. Written once, in adopt.
	inherited = map[int]bool{}
)

// adoptOrphans makes this process the parent of whatever a function's process
// leaves behind, daemons included, instead of process 1.
func adoptOrphans() {
	adopt.Do(func() {
		for _, pid := range sandbox.Children(os.Getpid()) {
			inherited[pid] = true
		}
		// A kernel that refuses leaves us with the process group alone.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	})
}

// sweep ends and reaps what the group's processes left behind: since the
// leader is gone, those processes are children of ours, and their children
// become ours as they die.
func (g group) sweep(mark string) {
	// A process that forks faster than it is killed is met again in the next
	// round; the bound only stands against the unforeseen.
	deadline := time.Now().Add(2 * time.Second)
	for g.round(mark) && time.Now().Before(deadline) {
		time.Sleep(200 * time.Microsecond)
	}
}

// round ends those orphans that are there now, and reports whether there were any.
func (g group) round(mark string) (found bool) {
	leaders.Lock()
	defer leaders.Unlock()
	alone := open.Load() == 0
	for _, pid := range orphans() {
		if !belongs(pid, g.pid, mark, alone) {
			continue
		}
		// Its own children are ours from now on, and met in the next round.
		found = true
		_ = syscall.Kill(pid, syscall.SIGKILL)
		var status syscall.WaitStatus
		_, _ = syscall.Wait4(pid, &status, wait(pid), nil)
	}
	return found
}

// orphans are the children of this process that nobody here has started as a
// leader.
func orphans() []int {
	var pids []int
	for _, pid := range sandbox.Children(os.Getpid()) {
		if _, started := leaders.pids.Load(pid); !started && !inherited[pid] {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ours reports whether a process is of this process's own group, as lambkin's
// helpers are, for which somebody waits.
func ours(pid int) bool {
	pgid, err := syscall.Getpgid(pid)
	return err != nil || pgid == syscall.Getpgrp()
}

// wait is how to wait for a process that was killed. One of our own group must
// be gone in this round: dead, it could not be told from a helper.
func wait(pid int) (options int) {
	if ours(pid) {
		return 0
	}
	return syscall.WNOHANG
}

// belongs reports whether the orphan comes from the group or carries the mark.
// One that has ended, or is about to, shows its environment no more; it is
// taken as well, since all that is left to do is to reap it. One that has
// thrown its environment away is taken when no environment is open whose it
// could be.
// Of our own group only those are taken that carry the mark.
func belongs(pid, group int, mark string, alone bool) bool {
	helper := ours(pid)
	if alone && !helper {
		return true
	}
	if pgid, err := syscall.Getpgid(pid); err == nil && pgid == group {
		return true
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || len(env) == 0 {
		return !helper && ending(pid)
	}
	return slices.ContainsFunc(bytes.Split(env, []byte{0}), func(entry []byte) bool { return string(entry) == mark })
}

// ending reports whether the process is a zombie or on its way there.
func ending(pid int) bool {
	fields := sandbox.StatFields(fmt.Sprintf("/proc/%d/stat", pid))
	const stateField, flagsField, exiting = 0, 6, 0x4 // PF_EXITING
	if len(fields) <= flagsField {
		return false
	}
	flags, err := strconv.ParseUint(string(fields[flagsField]), 10, 64)
	return string(fields[stateField]) == "Z" || err == nil && flags&exiting != 0
}

func peakMemory(pid int) int64 { return sandbox.PeakMemory(pid) }
