package instance_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/testenv/fake"
)

// apart is a sandbox whose environments say that their loopback interface is
// their own, where dial connects to.
type apart struct {
	process.Sandbox
	own  bool
	dial func(context.Context, int) (net.Conn, error)
}

type apartEnvironment struct {
	sandbox.Environment
	sandbox apart
}

func (s apart) Open(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	env, err := s.Sandbox.Open(ctx, spec)
	return &apartEnvironment{env, s}, err
}

func (e *apartEnvironment) Apart() bool { return e.sandbox.own }

func (e *apartEnvironment) Dial(ctx context.Context, port int) (net.Conn, error) {
	return e.sandbox.dial(ctx, port)
}

// freePort is a port that nobody listens at.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func debugged(t *testing.T, box apart, port int) *harness {
	t.Helper()
	return start(t, function("h"), func(o *instance.Options) {
		o.Sandbox, o.Host = box, &runtimes.Host{Debug: &runtimes.Debug{Ports: []int{port}}}
	})
}

// TestDebuggersReachALoopbackInterfaceOfItsOwn: each side says all that it has
// to say, and that it has done so; what listens late is waited for.
func TestDebuggersReachALoopbackInterfaceOfItsOwn(t *testing.T) {
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	port := freePort(t)
	var tries atomic.Int32
	i := debugged(t, apart{own: true, dial: func(ctx context.Context, asked int) (net.Conn, error) {
		if asked != port {
			t.Errorf("port %d is asked for, not %d", asked, port)
		}
		if tries.Add(1) < 3 {
			return nil, errors.New("nobody listens yet")
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", inside.Addr().String())
	}}, port)
	conn, err := net.Dial("tcp", net.JoinHostPort(runtimes.DebugHost, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	said := bytes.Repeat([]byte("question"), 100_000)
	go func() {
		_, _ = conn.Write(said)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	there, err := inside.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if got, err := io.ReadAll(there); err != nil || !bytes.Equal(got, said) {
		t.Errorf("%d bytes have come, of %d: %v", len(got), len(said), err)
	}
	if _, err := io.WriteString(there, "answer"); err != nil {
		t.Fatal(err)
	}
	_ = there.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answer" {
		t.Errorf("%q has come back: %v", got, err)
	}

	// What is open ends with the environment, and the port is free again.
	open, err := net.Dial("tcp", net.JoinHostPort(runtimes.DebugHost, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	_ = open.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := open.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection outlives its environment: %v", err)
	}
	if l, err := net.Listen("tcp", net.JoinHostPort(runtimes.DebugHost, strconv.Itoa(port))); err != nil {
		t.Errorf("the port is still in use: %v", err)
	} else {
		_ = l.Close()
	}
}

func TestDebuggersNeedNoHelpOnTheMachinesLoopback(t *testing.T) {
	port := freePort(t)
	debugged(t, apart{}, port)
	if conn, err := net.Dial("tcp", net.JoinHostPort(runtimes.DebugHost, strconv.Itoa(port))); err == nil {
		_ = conn.Close()
		t.Error("somebody listens in the place of the function")
	}
}

func TestADebugPortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = instance.Start(t.Context(), instance.Options{
		Function: function("h"), Runtime: fake.Runtime{}, Host: &runtimes.Host{Debug: &runtimes.Debug{Ports: []int{port}}},
		Sandbox: apart{own: true}, Code: t.TempDir(), RuntimeDir: t.TempDir(), Notice: func(string) {},
	})
	if err == nil {
		t.Error("it has started all the same")
	}
}
