package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// StatFields are the fields of a stat file behind the name, which stands in
// parentheses and may itself hold spaces and parentheses.
func StatFields(file string) [][]byte {
	stat, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// Started is when a process was started, in ticks since the machine was; "" when
// it has ended, even if nobody has waited for it: process 1 of a container may
// never do so.
func Started(pid int) string {
	fields := StatFields(fmt.Sprintf("/proc/%d/stat", pid))
	const state, start = 0, 19 // the third and the 22nd of proc(5)
	if len(fields) <= start || string(fields[state]) == "Z" {
		return ""
	}
	return string(fields[start])
}

// Children are the direct children of a process.
func Children(pid int) []int {
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
		fields := StatFields(stat)
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

// PeakMemory adds up the peaks, in bytes, of the process and its descendants.
func PeakMemory(pid int) int64 {
	total := highWater(pid)
	for _, child := range Children(pid) {
		total += PeakMemory(child)
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
