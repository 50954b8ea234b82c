package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// FirstSignals has a process 1 outlive signals. Those that a handler waits for
// do not end it; ignored ones would be so in all that it starts. ended has
// something when processes have ended, for [Reap].
func FirstSignals() (ended <-chan os.Signal) {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2)
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	return children
}

// Reap waits, as a process 1, for all processes that have ended. Those that are
// known were started on request: ended is told of each with its status and its
// most memory in KiB, is to forget it, and says whether it was killed. What one
// has left of its group is ended; of one that was killed, what has left its
// group too.
func Reap(known func(pid int) bool, ended func(pid int, status syscall.WaitStatus, peak int64) (killed bool)) {
	sweep := false
	// A process that forks faster than it is killed is met again in the next
	// round; the bound only stands against the unforeseen.
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(200 * time.Microsecond) {
		for {
			var status syscall.WaitStatus
			var usage syscall.Rusage
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, &usage)
			if errors.Is(err, syscall.EINTR) {
				continue
			} else if err != nil || pid <= 0 {
				break
			}
			if !known(pid) {
				continue // an orphan
			}
			// What is left of the group keeps the id from being used again.
			_ = syscall.Kill(-pid, syscall.SIGKILL)
			if ended(pid, status, usage.Maxrss) {
				sweep = true
			}
		}
		if !sweep || !endOrphans(known) || time.Now().After(deadline) {
			return
		}
	}
}

// endOrphans ends the orphans that are there now, and reports whether there were
// any. Their children become orphans and are met in the next round.
func endOrphans(known func(pid int) bool) (found bool) {
	for _, pid := range Children(os.Getpid()) {
		if !known(pid) {
			found = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return found
}

// StartError is the error of a process that could not be started: the folder's,
// where that is not there, else the program's, or that of a script's interpreter.
func StartError(path, dir string, err error) error {
	if _, missing := os.Stat(dir); missing != nil {
		return &os.PathError{Op: "chdir", Path: dir, Err: err}
	}
	if program := interpreter(path); errors.Is(err, fs.ErrNotExist) && program != "" {
		path = program + ", the interpreter of " + path
	}
	return &os.PathError{Op: "fork/exec", Path: path, Err: err}
}

// interpreter is the program that a script's first line names, "" when it is no
// script. When that is missing, the kernel says so of the script.
func interpreter(script string) string {
	f, err := os.Open(script)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 256) // all that Linux reads of a first line
	n, _ := io.ReadFull(f, head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	rest, ok := strings.CutPrefix(line, "#!")
	words := strings.Fields(rest)
	if !ok || len(words) == 0 {
		return ""
	}
	return words[0]
}
