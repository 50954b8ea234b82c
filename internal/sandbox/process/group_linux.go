package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
		for _, pid := range children(os.Getpid()) {
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
	for _, pid := range children(os.Getpid()) {
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
	fields := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	const stateField, flagsField, exiting = 0, 6, 0x4 // PF_EXITING
	if len(fields) <= flagsField {
		return false
	}
	flags, err := strconv.ParseUint(string(fields[flagsField]), 10, 64)
	return string(fields[stateField]) == "Z" || err == nil && flags&exiting != 0
}

// statFields are the fields of a stat file behind the name, which stands in
// parentheses and may itself hold spaces and parentheses.
func statFields(file string) [][]byte {
	stat, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// children are the direct children of a process.
func children(pid int) []int {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return nil // the process has ended
	}
	var pids []int
	for _, task := range tasks {
		list, err := os.ReadFile(filepath.Join(dir, task.Name(), "children"))
		if errors.Is(err, fs.ErrNotExist) && task.Name() == strconv.Itoa(pid) {
			return childrenByScan(pid)
		}
		if err != nil {
			continue // the thread has ended
		}
		for field := range bytes.FieldsSeq(list) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// childrenByScan serves kernels without CONFIG_PROC_CHILDREN.
func childrenByScan(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, stat := range stats {
		fields := statFields(stat)
		if len(fields) < 2 {
			continue
		}
		if ppid, err := strconv.Atoi(string(fields[1])); err != nil || ppid != parent {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// peakMemory adds up the peaks of the process and its descendants.
func peakMemory(pid int) int64 {
	total := highWater(pid)
	for _, child := range children(pid) {
		total += peakMemory(child)
	}
	return total
}

// highWater is a process's peak resident size in bytes.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0
	}
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
