package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// busy is a program that has children in each of its phases.
const busy = `
open(os.environ["FAULT_RUN"] + "/runtime", "w").write(str(os.getpid()))
child(lambda: child(stubborn, apart=True), apart=True)
time.sleep(0.02)
e = ask()
child(stubborn, apart=True)
time.sleep(0.02)
answer(e)
time.sleep(0.02)
serve()`

// moment is the nth of the random moments in the life of a busy function, the
// same in each run.
func moment(n int) time.Duration {
	return time.Duration(rand.New(rand.NewPCG(1, uint64(n))).IntN(200)) * time.Millisecond
}

// everywhere runs a test as plain processes and in namespaces.
func everywhere(t *testing.T, test func(t *testing.T, isolated bool)) {
	t.Run("process", func(t *testing.T) { test(t, false) })
	t.Run("namespace", func(t *testing.T) {
		if err := (namespace.Sandbox{}).Check(t.Context()); err != nil {
			t.Skip(err)
		}
		test(t, true)
	})
}

// TestInterruptAtAnyMoment is Ctrl-C: the invocation's context ends, and all is closed.
func TestInterruptAtAnyMoment(t *testing.T) { everywhere(t, interrupt) }

func interrupt(t *testing.T, isolated bool) {
	testenv.Leaks(t)
	for n := range 2 * times(t) {
		r := open(t, &fault{program: busy, isolated: isolated}, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(moment(n), cancel)
		_, err := r.fleet.Invoke(ctx, r.fn, &lambda.Invocation{})
		if err == nil {
			<-ctx.Done()
			_, err = r.fleet.Invoke(ctx, r.fn, &lambda.Invocation{})
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted after %v: error %v", moment(n), err)
		}
		if err := r.fleet.Close(); err != nil {
			t.Errorf("interrupted after %v: closing: %v", moment(n), err)
		}
		if left := r.left(); len(left) > 0 {
			t.Errorf("interrupted after %v: left behind: %v", moment(n), left)
		}
	}
}

// TestEnvironmentsThatCloseAtOnceLeaveNothing has daemons in each environment
// that show nothing of where they come from.
func TestEnvironmentsThatCloseAtOnceLeaveNothing(t *testing.T) { everywhere(t, closeAtOnce) }

func closeAtOnce(t *testing.T, isolated bool) {
	testenv.Leaks(t)
	for range times(t) {
		r := open(t, &fault{isolated: isolated, program: `
e = ask()
child(bare, apart=True, quiet=True)
time.sleep(0.2)
answer(e)
serve()`}, t.TempDir())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := r.fleet.Invoke(t.Context(), r.fn, &lambda.Invocation{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := r.fleet.Close(); err != nil {
			t.Error(err)
		}
		if left := r.left(); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestTheAPIOfAnotherEnvironment is what a function can do to its neighbour,
// whose port nothing hides from it.
func TestTheAPIOfAnotherEnvironment(t *testing.T) {
	testenv.Leaks(t)
	for range times(t) {
		victim := open(t, &fault{program: `
e = ask()
place = os.environ["FAULT_RUN"]
open(place + "/part", "w").write(API)
os.rename(place + "/part", place + "/api")
while not os.path.exists(place + "/over"): time.sleep(0.002)
answer(e)
serve()`}, t.TempDir())
		var wg sync.WaitGroup
		wg.Go(func() { invoke(t, victim, "", `"ok"`) })
		intruder := open(t, &fault{program: `
e = ask()
place = e.body.decode()
while not os.path.exists(place + "/api"): time.sleep(0.002)
api = open(place + "/api").read()
half = connect(api)
half.sendall(message("POST", f"invocation/{e.id}/response", b"", length=100))
with connect(api) as s:
    s.sendall(message("POST", f"invocation/{e.id}/response", b'"theirs"'))
    status = reply(s)[0]
with connect(api) as s:
    s.sendall(message("POST", "init/error", b'{}'))
    refused = reply(s)[0]
open(place + "/over", "w").close()
answer(e, f"{status} {refused}".encode())
serve()`}, t.TempDir())
		invoke(t, intruder, victim.dir, "400 403")
		wg.Wait()
		for _, r := range []*run{victim, intruder} {
			if err := r.fleet.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func invoke(t *testing.T, r *run, event, want string) {
	t.Helper()
	res, err := r.fleet.Invoke(t.Context(), r.fn, &lambda.Invocation{Payload: []byte(event)})
	if err != nil {
		t.Error(err)
	} else if string(res.Payload) != want {
		t.Errorf("answer %s, want %s", res.Payload, want)
	}
}

// hostVariable makes this test binary the lambkin that is killed.
const hostVariable = "FAULT_HOST"

// TestKilledLambkinTakesTheRuntimeWithIt kills lambkin itself at random
// moments. The system then ends the runtime's process; what that has started
// stays, which docs/invoking.md says.
func TestKilledLambkinTakesTheRuntimeWithIt(t *testing.T) {
	if dir := os.Getenv(hostVariable); dir != "" {
		r := open(t, &fault{program: busy}, dir)
		_, err := r.fleet.Invoke(t.Context(), r.fn, &lambda.Invocation{})
		time.Sleep(patience) // to be killed in
		t.Fatalf("nobody has killed this process, %v", err)
	}
	testenv.Leaks(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for n := range times(t) {
		dir := t.TempDir()
		host := exec.Command(exe, "-test.run", "^"+t.Name()+"$")
		host.Env = append(os.Environ(), hostVariable+"="+dir)
		if err := host.Start(); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			eventually(t, "the runtime", func() bool { _, err := os.Stat(filepath.Join(dir, "runtime")); return err == nil })
		}
		time.Sleep(moment(n))
		_ = host.Process.Kill()
		_ = host.Wait()
		r := &run{dir: dir, mark: "FAULT_RUN=" + dir}
		var pid string
		eventually(t, "the end of the runtime", func() bool {
			data, err := os.ReadFile(filepath.Join(dir, "runtime"))
			pid = string(data)
			return err != nil || !slices.ContainsFunc(r.left(), func(left string) bool { return strings.HasPrefix(left, "process "+pid+":") })
		})
		sweep(t, r)
	}
}

// sweep ends the processes that a killed lambkin has left, and waits for all of
// its processes, which this one has adopted.
func sweep(t *testing.T, r *run) {
	t.Helper()
	eventually(t, "the end of the children", func() bool {
		left := r.left()
		for _, one := range left {
			id, _, _ := strings.Cut(strings.TrimPrefix(one, "process "), ":")
			if pid, err := strconv.Atoi(id); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
		return len(left) == 0
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within " + strconv.Itoa(int(patience.Seconds())) + " seconds: " + what)
		}
	}
}
