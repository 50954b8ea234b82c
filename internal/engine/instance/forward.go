package instance

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// How long a connection waits for the debugger to listen, and how often it
// looks. An editor that attaches at once is before a runtime that starts.
const (
	debuggerStarts = 10 * time.Second
	debuggerLook   = 50 * time.Millisecond
)

// forwarder passes connections to ports of this machine on to an environment
// whose loopback interface is its own, for debuggers.
type forwarder struct {
	env       sandbox.Environment
	listeners []net.Listener
	ctx       context.Context // ends with the forwarder
	cancel    context.CancelFunc
	work      sync.WaitGroup
}

// forward opens the debugger's ports on this machine where the environment's
// processes cannot open them themselves. It is nil when there is nothing to do.
func forward(env sandbox.Environment, d *runtimes.Debug) (*forwarder, error) {
	if apart, ok := env.(sandbox.Apart); d == nil || !ok || !apart.Apart() {
		return nil, nil
	}
	f := &forwarder{env: env}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	for _, port := range d.Ports {
		l, err := net.Listen("tcp", net.JoinHostPort(runtimes.DebugHost, strconv.Itoa(port)))
		if err != nil {
			f.close()
			return nil, fmt.Errorf("opening the debug port %d: %w", port, err)
		}
		f.listeners = append(f.listeners, l)
		f.work.Go(func() { f.accept(l, port) })
	}
	return f, nil
}

func (f *forwarder) accept(l net.Listener, port int) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // it is closed
		}
		f.work.Go(func() { f.pass(conn, port) })
	}
}

// pass connects one connection through.
func (f *forwarder) pass(here net.Conn, port int) {
	defer here.Close()
	there, err := f.dial(port)
	if err != nil {
		return // as where nobody listens
	}
	defer there.Close()
	defer context.AfterFunc(f.ctx, func() {
		_ = here.Close()
		_ = there.Close()
	})()
	var back sync.WaitGroup
	back.Go(func() { copyTo(here, there) })
	copyTo(there, here)
	back.Wait()
}

func (f *forwarder) dial(port int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(f.ctx, debuggerStarts)
	defer cancel()
	for {
		conn, err := f.env.Dial(ctx, port)
		if err == nil {
			return conn, nil
		}
		select {
		case <-time.After(debuggerLook):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// copyTo passes on what one side says, and that it says no more.
func copyTo(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite() // it may be gone
		return
	}
	_ = to.Close()
	_ = from.Close()
}

// close ends all connections.
func (f *forwarder) close() {
	if f == nil {
		return
	}
	f.cancel()
	for _, l := range f.listeners {
		_ = l.Close()
	}
	f.work.Wait()
}
