package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// patience is how long standard input may take to show that somebody writes to
// it, before the other end of the pipe is looked for.
const patience = 100 * time.Millisecond

// inPipeline reports whether the other end of the pipe f is held by a program
// that stands beside this one, as in `generate | lambkin`. Programs above this
// one hold their pipes open without meaning to write.
func inPipeline(f *os.File) bool {
	pipe, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return false
	}
	above := map[int]bool{os.Getpid(): true}
	for pid := os.Getppid(); pid > 1 && !above[pid]; pid = parent(pid) {
		above[pid] = true
	}
	// Descriptors of other users' processes cannot be read; they are not in
	// this user's pipeline either.
	links, _ := filepath.Glob("/proc/[0-9]*/fd/[0-9]*")
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != pipe {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(link))))
		if err == nil && !above[pid] {
			return true
		}
	}
	return false
}

func parent(pid int) int {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(string(fields[1]))
	return ppid
}
