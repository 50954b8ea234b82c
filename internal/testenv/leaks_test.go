package testenv

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

const briefly = 50 * time.Millisecond

func TestLeaksIsContentWhenNothingIsLeft(t *testing.T) {
	r := &recorder{}
	leaks(r, leakPatience) // a busy machine takes its time to end a goroutine
	done := make(chan struct{})
	go func() { <-done }()
	close(done)
	if said := r.end(); said != "" {
		t.Errorf("said %q", said)
	}
}

func TestLeaksWaitsForGoroutinesThatAreEnding(t *testing.T) {
	r := &recorder{}
	leaks(r, 5*time.Second)
	done := make(chan struct{})
	time.AfterFunc(briefly, func() { close(done) })
	go func() { <-done }()
	if said := r.end(); said != "" {
		t.Errorf("said %q", said)
	}
}

func TestLeaksShowsTheStackOfALeftGoroutine(t *testing.T) {
	r := &recorder{}
	leaks(r, briefly)
	done := make(chan struct{})
	defer close(done)
	go leftBehind(done)
	said := r.end()
	for _, want := range []string{"error: 1 still running 50ms after the test", "testenv.leftBehind("} {
		if !strings.Contains(said, want) {
			t.Errorf("said %q, want %q in it", said, want)
		}
	}
}

func leftBehind(done chan struct{}) { <-done }

func TestLeaksDoesNotBlameATestForWhatRanBefore(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	go leftBehind(done)
	r := &recorder{}
	leaks(r, briefly)
	if said := r.end(); said != "" {
		t.Errorf("said %q", said)
	}
}

func TestLeaksShowsChildProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("child processes are read from /proc, which only Linux has")
	}
	r := &recorder{}
	leaks(r, briefly)
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildThatWaits$")
	cmd.Env = append(os.Environ(), childMark+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running := r.end()
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(running, "TestChildThatWaits") {
		t.Errorf("said %q, want the child's command line in it", running)
	}
	r.said = nil
	if ended := r.end(); ended != "" {
		t.Errorf("said %q after the child was waited for", ended)
	}
}

const childMark = "LAMBKIN_TESTENV_CHILD"

// TestChildThatWaits is the child of TestLeaksShowsChildProcesses: it runs until its input ends.
func TestChildThatWaits(t *testing.T) {
	if os.Getenv(childMark) == "" {
		return // not a test of its own
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
}

func TestParseStat(t *testing.T) {
	tests := []struct {
		name, line string
		pid, ppid  int
		state      string
	}{
		{"plain", "12 (node) S 7 12 12 0 -1", 12, 7, "S"},
		{"brackets and blanks in the name", "12 (a) b (c)) Z 7 12", 12, 7, "Z"},
		{"cut short", "12 (node) S", 0, -1, ""},
		{"no name", "12 S 7", 0, -1, ""},
		{"not numbers", "x (node) S y", 0, -1, ""},
		{"empty", "", 0, -1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pid, ppid, state := parseStat(tt.line)
			if pid != tt.pid || ppid != tt.ppid || state != tt.state {
				t.Errorf("parseStat = %d, %d, %q, want %d, %d, %q", pid, ppid, state, tt.pid, tt.ppid, tt.state)
			}
		})
	}
}
