package testenv

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// leakPatience is how long a test's goroutines and children may take to end
// after the test itself.
const leakPatience = 2 * time.Second

// Leaks fails the test when, at its end, goroutines or child processes run
// that did not run when Leaks was called. Call it first, so that it looks
// after all other clean-ups; not in parallel tests, whose neighbours it would
// blame. Child processes are seen on systems with /proc.
func Leaks(t testing.TB) {
	t.Helper()
	leaks(t, leakPatience)
}

func leaks(t testing.TB, patience time.Duration) {
	t.Helper()
	goroutinesBefore, childrenBefore := goroutines(), children(os.Getpid())
	t.Cleanup(func() {
		t.Helper()
		http.DefaultClient.CloseIdleConnections()
		deadline := time.Now().Add(patience)
		for {
			left := append(news(goroutinesBefore, goroutines()), news(childrenBefore, children(os.Getpid()))...)
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("%d still running %v after the test:\n\n%s", len(left), patience, strings.Join(left, "\n\n"))
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// news returns the descriptions in now whose ids are not in before.
func news(before, now map[int]string) []string {
	var out []string
	for id, text := range now {
		if _, old := before[id]; !old {
			out = append(out, text)
		}
	}
	return out
}

// goroutines returns the stacks of all goroutines but the caller's and those
// that the testing and signal packages keep, by goroutine id.
func goroutines() map[int]string {
	buf := make([]byte, 1<<20)
	for n := runtime.Stack(buf, true); ; n = runtime.Stack(buf, true) {
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	out := map[int]string{}
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i == 0 || housekeeping(stack) { // the first is the caller's own
			continue
		}
		var id int
		if _, err := fmt.Sscanf(stack, "goroutine %d ", &id); err == nil {
			out[id] = stack
		}
	}
	return out
}

// housekeeping reports whether a goroutine belongs to the test binary itself.
// The test's own goroutine may be parked in Run while a sub-test checks.
func housekeeping(stack string) bool {
	for _, s := range []string{"testing.(*T).Run(", "testing.(*M).", "testing.runFuzzing(", "os/signal.signal_recv(", "os/signal.loop(", "runtime.ensureSigM("} {
		if strings.Contains(stack, s) {
			return true
		}
	}
	return false
}

// children returns the child processes of parent, by process id. Ended ones
// that nobody waited for are among them: they are leaks, too.
func children(parent int) map[int]string {
	out := map[int]string{}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return out
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		pid, ppid, state := parseStat(string(data))
		if ppid == parent {
			out[pid] = fmt.Sprintf("process %d, state %s: %s", pid, state, commandLine(pid))
		}
	}
	return out
}

// parseStat takes process id, parent and state out of a /proc/PID/stat line.
// The program's name, in brackets, may hold spaces and brackets itself.
func parseStat(line string) (pid, ppid int, state string) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return 0, -1, ""
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 2 {
		return 0, -1, ""
	}
	pid, errPID := strconv.Atoi(strings.TrimSpace(line[:open]))
	ppid, errParent := strconv.Atoi(fields[1])
	if errPID != nil || errParent != nil {
		return 0, -1, ""
	}
	return pid, ppid, fields[0]
}

func commandLine(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(data) == 0 {
		return "(ended, not waited for)"
	}
	return strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " "))
}
