// Package sandboxtest is the suite that every sandbox passes. A sandbox's own
// test file calls [Main] from TestMain and [Run] from one test:
//
//	func TestMain(m *testing.M) { sandboxtest.Main(); os.Exit(m.Run()) }
//	func TestSandbox(t *testing.T) { sandboxtest.Run(t, process.Sandbox{}) }
//
// The processes that the suite starts are the test binary itself.
package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// Option changes what the suite asks of a sandbox.
type Option func(*suite)

// InImage has the suite open all environments with an image, in which the test
// binary, or one of the same package, is at program.
func InImage(image sandbox.Image, program string) Option {
	return func(s *suite) { s.image, s.program = &image, program }
}

// Run runs the suite.
func Run(t *testing.T, box sandbox.Sandbox, options ...Option) {
	tests := []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"OutputComesInTheOrderItWasWritten", testOrder},
		{"StreamsCanBeToldApart", testStreams},
		{"OutputComesBeforeTheProcessEnds", testLive},
		{"SyncDeliversAllThatWasWritten", testSync},
		{"LargeOutputIsComplete", testLarge},
		{"ExitStatusIsTold", testExit},
		{"SignalIsTold", testSignal},
		{"EnvironmentIsExactlyTheOneGiven", testEnv},
		{"ProcessStartsInItsFolder", testDir},
		{"CodeIsAtTheTaskPath", testCode},
		{"LaterLayersWin", testLayers},
		{"PeakMemoryGrowsWithTheProcess", testMemory},
		{"FilesAreListed", testFiles},
		{"ProcessesReachAListener", testListen},
		{"ProcessesCanBeReached", testDial},
		{"SignalsHaveTheirUsualEffect", testIgnored},
		{"FrozenProcessesStandStill", testFreeze},
		{"KillEndsAProcessThatIgnoresSIGTERM", testKill},
		{"SignalReachesTheWholeGroup", testGroupSignal},
		{"KillEndsTheWholeTree", testKillTree},
		{"CloseEndsTheWholeTree", testTree},
		{"CloseLeavesOtherEnvironmentsAlone", testNeighbours},
		{"StartAfterCloseFails", testClosed},
		{"StartWithEndedContextStartsNothing", testCancelled},
		{"MissingProgramIsAnError", testMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testenv.Leaks(t)
			s := &suite{box: box}
			for _, o := range options {
				o(s)
			}
			tt.run(t, s)
		})
	}
}

type suite struct {
	box     sandbox.Sandbox
	image   *sandbox.Image
	program string // in the image
}

// open makes an environment over an empty code folder, or the one given.
func (s *suite) open(t *testing.T, spec sandbox.Spec) sandbox.Environment {
	t.Helper()
	if spec.Code == "" {
		spec.Code = t.TempDir()
	}
	spec.Runtime, spec.Image = t.TempDir(), s.image
	env, err := s.box.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return env
}

var marks struct {
	sync.Mutex
	n int
}

// command is the test binary doing action.
func (s *suite) command(t *testing.T, env sandbox.Environment, action string, args ...string) (sandbox.Command, *buffer) {
	t.Helper()
	exe, uses := s.program, []string(nil)
	if exe == "" {
		var err error
		if exe, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
		uses = []string{filepath.Dir(exe)}
	}
	marks.Lock()
	marks.n++
	mark := fmt.Sprintf("SANDBOXTEST_MARK=%d-%d", os.Getpid(), marks.n)
	marks.Unlock()
	out := &buffer{}
	return sandbox.Command{
		Path: exe, Args: args, Dir: env.Paths().Task, Uses: uses,
		Env: []string{actionVariable + "=" + action, mark}, Mark: mark, Stdout: out, Stderr: out,
	}, out
}

func (s *suite) start(t *testing.T, env sandbox.Environment, cmd sandbox.Command) sandbox.Proc {
	t.Helper()
	p, err := env.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs action to its end and returns what it wrote.
func (s *suite) run(t *testing.T, action string, args ...string) (string, sandbox.Exit) {
	t.Helper()
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, action, args...)
	p := s.start(t, env, cmd)
	wait(t, p)
	return out.String(), p.Exit()
}

const patience = 20 * time.Second

func wait(t *testing.T, p sandbox.Proc) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatal("the process does not end")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// buffer is an io.Writer that may be read while it is written to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func testOrder(t *testing.T, s *suite) {
	got, _ := s.run(t, "alternate")
	var want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	if got != want.String() {
		t.Errorf("the two streams are out of order:\n%s", got)
	}
}

func testStreams(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "alternate")
	errs := &buffer{}
	cmd.Stderr = errs
	wait(t, s.start(t, env, cmd))
	if n := strings.Count(out.String(), "out "); n != 100 || strings.Contains(out.String(), "err") {
		t.Errorf("standard output has %d of its 100 lines, or others:\n%s", n, out)
	}
	if n := strings.Count(errs.String(), "err "); n != 100 || strings.Contains(errs.String(), "out") {
		t.Errorf("standard error has %d of its 100 lines, or others:\n%s", n, errs)
	}
}

func testLive(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "hello-then-wait")
	p := s.start(t, env, cmd)
	eventually(t, "the output of a process that goes on", func() bool { return out.String() == "hello" })
	select {
	case <-p.Done():
		t.Error("the process has ended")
	default:
	}
}

func testSync(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	dir := env.Paths().Tmp
	flag := filepath.Join(dir, fmt.Sprintf("sandboxtest-%d-%d", os.Getpid(), time.Now().UnixNano()))
	t.Cleanup(func() { _ = os.Remove(flag) })
	cmd, out := s.command(t, env, "write-then-flag", flag)
	p := s.start(t, env, cmd)
	// The folder may be the environment's alone, so a process of it looks.
	watch, _ := s.command(t, env, "await", flag)
	wait(t, s.start(t, env, watch))
	p.Sync()
	if got := strings.Count(out.String(), "x"); got != 50000 {
		t.Errorf("after Sync %d of 50000 bytes are there", got)
	}
}

func testLarge(t *testing.T, s *suite) {
	got, _ := s.run(t, "write", strconv.Itoa(20<<20))
	if len(got) != 20<<20 {
		t.Errorf("%d of %d bytes came", len(got), 20<<20)
	}
}

func testExit(t *testing.T, s *suite) {
	for _, code := range []int{0, 3} {
		_, exit := s.run(t, "exit", strconv.Itoa(code))
		if exit.Code != code || exit.Text != fmt.Sprintf("exit status %d", code) {
			t.Errorf("exit %+v, want %d", exit, code)
		}
	}
}

func testSignal(t *testing.T, s *suite) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals")
	}
	_, exit := s.run(t, "kill-self")
	if exit.Code != -1 || exit.Text != "signal: killed" {
		t.Errorf("exit %+v, want signal: killed", exit)
	}
}

func testEnv(t *testing.T, s *suite) {
	t.Setenv("SANDBOXTEST_LEAK", "the host's")
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "env")
	cmd.Env = append(cmd.Env, "A=1=2", "EMPTY=")
	wait(t, s.start(t, env, cmd))
	for _, want := range []string{"A=1=2\n", "EMPTY=\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(out.String(), "SANDBOXTEST_LEAK") {
		t.Error("the host's environment has leaked in")
	}
}

func testDir(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "cwd")
	wait(t, s.start(t, env, cmd))
	want, err := filepath.EvalSymlinks(env.Paths().Task)
	if err != nil {
		want = env.Paths().Task // a path that exists inside only
	}
	if got := out.String(); got != want {
		t.Errorf("working folder %q, want %q", got, want)
	}
}

func testCode(t *testing.T, s *suite) {
	code := t.TempDir()
	write(t, code, "sub/file.txt", "the code")
	env := s.open(t, sandbox.Spec{Code: code})
	if got := s.cat(t, env, filepath.Join(env.Paths().Task, "sub", "file.txt")); got != "the code" {
		t.Errorf("read %q", got)
	}
}

func testLayers(t *testing.T, s *suite) {
	one, two := t.TempDir(), t.TempDir()
	write(t, one, "lib/both.txt", "one")
	write(t, one, "lib/only.txt", "only one")
	write(t, one, "clash", "a file")
	write(t, two, "lib/both.txt", "two")
	write(t, two, "clash/inside.txt", "a folder")
	env := s.open(t, sandbox.Spec{Layers: []string{one, two}})
	for file, want := range map[string]string{"lib/both.txt": "two", "lib/only.txt": "only one", "clash/inside.txt": "a folder"} {
		if got := s.cat(t, env, filepath.Join(env.Paths().Opt, filepath.FromSlash(file))); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
	if none := s.open(t, sandbox.Spec{}); none.Paths().Opt != "" {
		t.Errorf("without layers the path is %q, want none", none.Paths().Opt)
	}
}

func (s *suite) cat(t *testing.T, env sandbox.Environment, file string) string {
	t.Helper()
	cmd, out := s.command(t, env, "cat", file)
	wait(t, s.start(t, env, cmd))
	return out.String()
}

func testMemory(t *testing.T, s *suite) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the memory of a living process")
	}
	const size = 64 << 20
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "allocate", strconv.Itoa(size))
	p := s.start(t, env, cmd)
	eventually(t, "the allocation", func() bool { return out.String() == "done" })
	if got := p.PeakMemory(); got < size || got > 8*size {
		t.Errorf("peak memory %d of a process that uses %d", got, size)
	}
	p.Kill()
	wait(t, p)
	if got := p.Exit().PeakMemory; got < size || got > 8*size {
		t.Errorf("peak memory at exit %d of a process that used %d", got, size)
	}
}

// testIgnored is lambkin under nohup.
func testIgnored(t *testing.T, s *suite) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such signals")
	}
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	env := s.open(t, sandbox.Spec{})
	cmd, _ := s.command(t, env, "hang-up")
	p := s.start(t, env, cmd)
	wait(t, p)
	if got := p.Exit().Text; got != "signal: hangup" {
		t.Errorf("a process that hangs itself up ends with %q", got)
	}
}

func testFiles(t *testing.T, s *suite) {
	layer := t.TempDir()
	write(t, layer, "extensions/one", "")
	write(t, layer, "extensions/folder/two", "")
	env := s.open(t, sandbox.Spec{Layers: []string{layer}})
	got, err := env.Files(t.Context(), path.Join(filepath.ToSlash(env.Paths().Opt), "extensions"))
	if err != nil || !slices.Equal(got, []string{"one"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := env.Files(t.Context(), "/no/such/folder"); err != nil || len(got) > 0 {
		t.Errorf("of a folder that is not there: %q, %v", got, err)
	}
}

// testListen has a process connect to a listener of its environment, several
// times at once, and say good bye first: a connection is closed in halves.
func testListen(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	l, err := env.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go echo(l)
	cmd, out := s.command(t, env, "connect", l.Addr().String())
	p := s.start(t, env, cmd)
	wait(t, p)
	if got, want := out.String(), strings.Repeat("1048576 back\n", connections); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_ = l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener accepts with %v", err)
	}
}

func testDial(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "serve")
	s.start(t, env, cmd)
	eventually(t, "a port", func() bool { return strings.HasSuffix(out.String(), "\n") })
	port, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := env.Dial(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	if n := there(conn); n != megabyte {
		t.Errorf("%d bytes come back", n)
	}
	if _, err := env.Dial(t.Context(), 1); err == nil {
		t.Error("a connection to a port that nobody listens at")
	}
}

// testFreeze has a process and its child count. While they are frozen they do
// not, and a frozen one can be ended.
func testFreeze(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "count-twice")
	p := s.start(t, env, cmd)
	both := func() bool {
		text := out.String()
		return strings.Contains(text, "c9\n") && strings.Contains(text, "p9\n")
	}
	eventually(t, "the counts", both)
	if err := p.Freeze(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system cannot freeze processes")
	} else if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // each stands still when it next gets to run
	p.Sync()
	before := out.String()
	time.Sleep(100 * time.Millisecond)
	p.Sync()
	if after := out.String(); after != before {
		t.Errorf("frozen processes print %q", after[len(before):])
	}
	if err := p.Thaw(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "more counts", func() bool { return len(out.String()) > len(before)+100 })
	if err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	<-p.Done()
}

func testKill(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "ignore-sigterm")
	p := s.start(t, env, cmd)
	eventually(t, "the process", func() bool { return out.String() == "ready" })
	if runtime.GOOS != "windows" {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	p.Kill()
	wait(t, p)
}

// testGroupSignal: a shell script that starts the function's program is told
// of the end, and so is the program.
func testGroupSignal(t *testing.T, s *suite) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM")
	}
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "say-sigterm", "and a child")
	p := s.start(t, env, cmd)
	eventually(t, "two processes", func() bool { return strings.Count(out.String(), "ready\n") == 2 })
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both to be told", func() bool { return strings.Count(out.String(), "told\n") == 2 })
	p.Kill()
	wait(t, p)
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a process that has ended can be sent a signal: %v", err)
	}
}

// testTree starts children, grandchildren, and a daemon with a session of its
// own whose parents have ended, all of which ignore SIGTERM.
func testTree(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "tree")
	s.start(t, env, cmd)
	eventually(t, "four processes", func() bool { return strings.Count(out.String(), "pid ") == 4 })
	pids := living(t, cmd, out.String())
	if err := env.Close(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
}

// testKillTree ends the first process and, with it, what has left it.
func testKillTree(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, out := s.command(t, env, "tree")
	p := s.start(t, env, cmd)
	eventually(t, "four processes", func() bool { return strings.Count(out.String(), "pid ") == 4 })
	pids := living(t, cmd, out.String())
	p.Kill()
	wait(t, p)
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("the end of process %d", pid), func() bool { return !alive(pid) })
	}
}

func testNeighbours(t *testing.T, s *suite) {
	first, second := s.open(t, sandbox.Spec{}), s.open(t, sandbox.Spec{})
	cmd, _ := s.command(t, first, "tree")
	s.start(t, first, cmd)
	cmd, out := s.command(t, second, "tree")
	p := s.start(t, second, cmd)
	eventually(t, "the neighbour's processes", func() bool { return strings.Count(out.String(), "pid ") == 4 })
	pids := living(t, cmd, out.String())
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		t.Error("the neighbour has ended too")
	default:
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("the neighbour's process %d has ended", pid)
		}
	}
}

func testClosed(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	if err := env.Close(); err != nil {
		t.Fatal(err)
	}
	cmd, _ := s.command(t, env, "exit", "0")
	if _, err := env.Start(t.Context(), cmd); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("error %v, want %v", err, sandbox.ErrClosed)
	}
}

func testCancelled(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd, _ := s.command(t, env, "exit", "0")
	if _, err := env.Start(ctx, cmd); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func testMissing(t *testing.T, s *suite) {
	env := s.open(t, sandbox.Spec{})
	cmd, _ := s.command(t, env, "exit", "0")
	cmd.Path = filepath.Join(env.Paths().Task, "nothing-here")
	if _, err := env.Start(t.Context(), cmd); err == nil {
		t.Error("no error for a program that is not there")
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// living are the processes of "tree" by their ids here, which need not be those
// that they print: they are known by their mark.
func living(t *testing.T, cmd sandbox.Command, printed string) (pids []int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil // what has left the group cannot be found elsewhere
	}
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		env, err := os.ReadFile(file)
		if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), cmd.Mark) {
			continue // another's, or gone
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if want := strings.Count(printed, "pid "); len(pids) < want {
		t.Fatalf("found the processes %v, of at least %d", pids, want)
	}
	return pids
}

// alive reports whether a process of this id runs; one that has ended and was
// not waited for counts too.
func alive(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid))
	return err == nil
}
