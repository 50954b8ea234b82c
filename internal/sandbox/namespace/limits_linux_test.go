package namespace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/limits"
)

const limitsVariable = "LIMITSTEST_ACTION"

// limitsMain does what a test wants of a process that it has started.
func limitsMain() {
	action, megabytes, _ := strings.Cut(os.Getenv(limitsVariable), " ")
	n, _ := strconv.Atoi(megabytes)
	switch action {
	case "":
		return
	case "grow":
		grow(n, syscall.MAP_PRIVATE)
	case "share":
		grow(n, syscall.MAP_SHARED)
	case "child", "patient":
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{limitsVariable + "=grow " + megabytes}
		err := cmd.Run()
		fmt.Println("its child:", err)
		if err != nil && action == "child" {
			os.Exit(1)
		}
	case "children":
		for range 4 {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = []string{limitsVariable + "=grow " + megabytes}
			_ = cmd.Start()
		}
		time.Sleep(400 * time.Millisecond)
	case "burn":
		used := func() time.Duration {
			var usage syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
			return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
		before := used() // to start takes a slow machine long
		for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); {
		}
		fmt.Print((used() - before).Milliseconds())
	case "environments":
		fmt.Println("begun")
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
			env, err := Sandbox{}.Open(context.Background(), sandbox.Spec{Code: os.TempDir(), Runtime: os.TempDir(), Memory: 128 << 20})
			if err == nil {
				_ = env.Close()
			}
		}
	}
	os.Exit(0)
}

// grow uses memory, megabyte by megabyte, and keeps it for a while.
func grow(megabytes, flags int) {
	for range megabytes {
		page, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE, flags|syscall.MAP_ANON)
		if err != nil {
			os.Exit(9)
		}
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1
		}
	}
	time.Sleep(400 * time.Millisecond)
}

// acting starts this test program doing an action, or a shell script.
func acting(t *testing.T, env sandbox.Environment, action, script string, out *bytes.Buffer) sandbox.Proc {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := sandbox.Command{Path: exe, Dir: "/", Uses: []string{filepath.Dir(exe)}, Env: []string{limitsVariable + "=" + action}, Stdout: out, Stderr: out}
	if script != "" {
		cmd.Path, cmd.Args, cmd.Env = "/bin/sh", []string{"-c", script}, []string{"PATH=/usr/bin:/bin", "SELF=" + exe}
	}
	p, err := env.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMemoryIsLimited(t *testing.T) {
	const memory = 160 // MB; a process with the race detector has some 30
	for _, tt := range []struct {
		what, action, script string
		text                 string
		outOfMemory          bool
		prints               string
	}{
		{what: "less than there is", action: "grow 60", text: "exit status 0"},
		{what: "more than there is", action: "grow 480", text: "signal: killed", outOfMemory: true},
		{what: "in memory that is shared", action: "share 480", text: "signal: killed", outOfMemory: true},
		{what: "in a child, with which it ends", action: "child 480", text: "exit status 1", outOfMemory: true, prints: "its child: signal: killed\n"},
		{what: "in a child, without which it goes on", action: "patient 480", text: "exit status 0", prints: "its child: signal: killed\n"},
		{what: "several together", script: "for i in 1 2 3 4; do " + limitsVariable + "='grow 60' $SELF & done; e=0; for i in %1 %2 %3 %4; do wait $i 2>/dev/null || e=7; done; sleep 0.4; exit $e", text: "exit status 7"},
		{what: "a bomb that starts itself anew", script: "while :; do " + limitsVariable + "='grow 480' $SELF; done", text: "signal: killed", outOfMemory: true},
		{what: "files in /tmp", script: "head -c 300000000 /dev/zero >/tmp/x && stat -c %s /tmp/x", text: "exit status 0", prints: "300000000\n"},
		{what: "files in /tmp, and more than there is", script: "head -c 100000000 /dev/zero >/tmp/x; " + limitsVariable + "='grow 480' exec $SELF", text: "signal: killed", outOfMemory: true},
		{what: "a signal of its own", script: "kill -9 $$", text: "signal: killed"},
		{what: "a crash", script: "kill -SEGV $$", text: "signal: segmentation fault"},
		{what: "an exit", script: "exit 137", text: "exit status 137"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			env := opened(t, sandbox.Spec{Memory: memory << 20})
			var out bytes.Buffer
			begun := time.Now()
			p := acting(t, env, tt.action, tt.script, &out)
			select {
			case <-p.Done():
			case <-time.After(20 * time.Second):
				t.Fatal("it does not end")
			}
			exit := p.Exit()
			if exit.Text != tt.text || exit.OutOfMemory != tt.outOfMemory {
				t.Errorf("%+v after %v, want %q, %v; %s", exit, time.Since(begun), tt.text, tt.outOfMemory, &out)
			}
			if tt.prints != "" && out.String() != tt.prints {
				t.Errorf("it prints %q", &out)
			}
			if exit.PeakMemory > memory<<20 {
				t.Errorf("it has used %d MB of %d", exit.PeakMemory>>20, memory)
			}
		})
	}
}

// TestAnEndOnRequest is none for lack of memory.
func TestAnEndOnRequest(t *testing.T) {
	env := opened(t, sandbox.Spec{Memory: 64 << 20})
	p := acting(t, env, "", "sleep 20", &bytes.Buffer{})
	p.Kill()
	<-p.Done()
	if exit := p.Exit(); exit.OutOfMemory {
		t.Errorf("%+v", exit)
	}
}

// TestAFrozenEnvironmentIsLimitedAgain: one that is frozen is not looked at,
// or hardly, and must be when it goes on.
func TestAFrozenEnvironmentIsLimitedAgain(t *testing.T) {
	env := opened(t, sandbox.Spec{Memory: 160 << 20})
	var out bytes.Buffer
	p := acting(t, env, "", "sleep 0.1; "+limitsVariable+"='grow 480' exec $SELF", &out)
	if err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if err := p.Thaw(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if exit := p.Exit(); !exit.OutOfMemory {
		t.Errorf("%+v; %s", exit, &out)
	}
	p = acting(t, env, "", "sleep 20", &out)
	if err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	<-p.Done()
	p = acting(t, env, "grow 480", "", &out)
	<-p.Done()
	if exit := p.Exit(); !exit.OutOfMemory {
		t.Errorf("after one that was ended while it was frozen: %+v; %s", exit, &out)
	}
}

// TestProcessesAreLimited starts more than there may be; each waits, without a
// program of its own.
func TestProcessesAreLimited(t *testing.T) {
	able(t)
	if limits.Find().Processes == 0 {
		t.Skip("nothing limits the number of root's processes here")
	}
	env := opened(t, sandbox.Spec{Memory: 2 << 30})
	var out bytes.Buffer
	p := acting(t, env, "", "mkfifo /tmp/never; i=0; while [ $i -lt 1200 ]; do (read x </tmp/never) & i=$((i+1)); echo $i; done; wait", &out)
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("it starts as many as it likes")
	}
	if n := strings.Count(out.String(), "\n"); n < limits.Processes-20 || n > limits.Processes+40 || p.Exit().Code == 0 {
		t.Errorf("%d processes, then %s", n, p.Exit().Text)
	}
	begun := time.Now()
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v to end them", took)
	}
}

func TestResourcesAreAWS(t *testing.T) {
	env := opened(t, sandbox.Spec{})
	if got := shell(t, env, "ulimit -n; ulimit -Hn; ulimit -c; ulimit -l; ulimit -s"); got != "1024\n1024\n0\n64\n8192" {
		t.Errorf("open files, core files, locked memory, stack: %q", got)
	}
}

func TestProcessorTime(t *testing.T) {
	able(t)
	if limits.Find().CPU == 0 {
		t.Skip("no control group for processor time can be made here")
	}
	dir := t.TempDir()
	env, err := Sandbox{CPU: true}.Open(t.Context(), sandbox.Spec{Code: dir, Runtime: dir, Memory: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	used := func(on bool) int {
		if err := env.(sandbox.Throttled).Throttle(on); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p := acting(t, env, "burn", "", &out)
		<-p.Done()
		n, err := strconv.Atoi(out.String())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// 128 of the 1769 MB that have a whole processor.
	if n := used(true); n > 150 {
		t.Errorf("throttled it has used %d of 400 ms", n)
	}
	if n := used(false); n < 60 {
		t.Errorf("then it has used %d of 400 ms", n)
	}
}

// groupsOf are the control groups that a process has made.
func groupsOf(pid int) (found []string) {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), fmt.Sprintf("lambkin-%d-", pid)) {
			found = append(found, name)
		}
		return nil
	})
	return found
}

func TestGroupsAreRemoved(t *testing.T) {
	able(t)
	if limits.Find().Memory == limits.Watching {
		t.Skip("no control group can be made here")
	}
	env := opened(t, sandbox.Spec{Memory: 128 << 20})
	if got := groupsOf(os.Getpid()); len(got) == 0 {
		t.Error("an environment has no group")
	}
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if got := groupsOf(os.Getpid()); len(got) != 0 {
		t.Errorf("a closed environment's are left: %v", got)
	}
	for range 5 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{limitsVariable + "=environments"}
		out, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1))
		time.Sleep(rand.N(30 * time.Millisecond))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if err := opened(t, sandbox.Spec{Memory: 128 << 20}).Close(); err != nil {
				t.Fatal(err)
			}
			left := groupsOf(cmd.Process.Pid)
			if len(left) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("of a killed one are left: %v", left)
			}
		}
	}
}

// BenchmarkLimits is the time of an environment from Open to Close, with one
// process in it, without limits and with.
func BenchmarkLimits(b *testing.B) {
	for _, bb := range []struct {
		name   string
		memory int64
	}{{"without", 0}, {"with", 128 << 20}} {
		b.Run(bb.name, func(b *testing.B) {
			spec := sandbox.Spec{Code: b.TempDir(), Runtime: b.TempDir(), Memory: bb.memory}
			for b.Loop() {
				env, err := Sandbox{}.Open(b.Context(), spec)
				if err != nil {
					b.Fatal(err)
				}
				var out bytes.Buffer
				p, err := env.Start(b.Context(), sandbox.Command{Path: "/bin/true", Dir: "/", Stdout: &out, Stderr: &out})
				if err != nil {
					b.Fatal(err)
				}
				<-p.Done()
				if err := env.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
