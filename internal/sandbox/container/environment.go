package container

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

type environment struct {
	engine   *Engine
	id       string // the container's
	image    string
	platform string // the engine's, for a message
	paths    sandbox.Paths
	settings settings
	shared   bool // the network is this machine's
	conn     *attached
	mux      *mux
	procs    sync.WaitGroup // whose output is still read
	lacking  func() bool    // whether the container was ended for want of memory; once the mux has ended

	listening sync.Mutex // held from asking for a port until its listener is known
	listeners map[int]*listener

	mu      sync.Mutex // guards what follows
	closed  bool
	closing chan struct{} // closed when Close has done its work
}

// attached is the connection to a container's standard streams. The engine
// frames what comes: stream (1 byte), three of nothing, length (4), and bytes.
type attached struct {
	net.Conn
	in   io.Reader
	left uint32 // of a frame of standard output

	mu     sync.Mutex
	stderr []byte // the beginning
}

const (
	maxStderr = 4 << 10
	stderrID  = 2
)

func (a *attached) Read(p []byte) (int, error) {
	for a.left == 0 {
		var head [8]byte
		if _, err := io.ReadFull(a.in, head[:]); err != nil {
			return 0, err
		}
		size := binary.BigEndian.Uint32(head[4:])
		if head[0] != stderrID {
			a.left = size
			continue
		}
		said, err := io.ReadAll(io.LimitReader(a.in, int64(size)))
		a.mu.Lock()
		a.stderr = append(a.stderr, said[:min(len(said), maxStderr-len(a.stderr))]...)
		a.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	n, err := a.in.Read(p[:min(len(p), int(a.left))])
	a.left -= uint32(n)
	return n, err
}

// said is what the agent's own failure printed.
func (a *attached) said() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, _, _ := strings.Cut(strings.TrimSpace(string(a.stderr)), "\n")
	return text
}

// attach connects to a container that has not been started.
func (e *Engine) attach(ctx context.Context, id string) (*attached, error) {
	conn, in, err := e.hijack(ctx, request{
		method: http.MethodPost, path: "/containers/" + id + "/attach",
		// No bytes are keys that mean to leave.
		query: url.Values{"stream": {"1"}, "stdin": {"1"}, "stdout": {"1"}, "stderr": {"1"}, "detachKeys": {""}},
	})
	if err != nil {
		return nil, err
	}
	return &attached{Conn: conn, in: in}, nil
}

// remove removes a container and waits until it is gone. One that is gone
// already is no error.
func (e *Engine) remove(ctx context.Context, id string) error {
	for began := time.Now(); ; {
		err := e.ask(ctx, request{method: http.MethodDelete, path: "/containers/" + id, query: url.Values{"force": {"1"}, "v": {"1"}}}, nil)
		if NotFound(err) {
			return nil
		}
		var status int
		if refused, ok := errors.AsType[*Error](err); ok {
			status = refused.Status
		}
		switch {
		case err == nil, status == http.StatusConflict: // somebody removes it already
		case status == http.StatusInternalServerError && time.Since(began) < stumbling:
			// Podman cannot end what ends by itself at that moment.
		default:
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask sends the agent a request and waits for the answer.
func (e *environment) ask(ctx context.Context, request ...string) (words, error) {
	s, err := e.request(request...)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	return e.answer(ctx, s)
}

// Files implements [sandbox.Environment].
func (e *environment) Files(ctx context.Context, dir string) ([]string, error) {
	return e.ask(ctx, opFiles, dir)
}

// request opens a stream with a request.
func (e *environment) request(request ...string) (*stream, error) {
	s, err := e.mux.open()
	if err == nil {
		err = sayAll(s, sayWords, request...)
	}
	if err != nil {
		return nil, e.fate(err)
	}
	return s, nil
}

func (e *environment) answer(ctx context.Context, s *stream) (words, error) {
	w, err := hearWords(s, sayOK)
	switch {
	case err == nil:
		return w, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, e.fate(err)
}

// fate is why there is no agent any more, when there is none, and err otherwise.
func (e *environment) fate(err error) error {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return sandbox.ErrClosed
	}
	select {
	case <-e.mux.ended:
	default:
		return err
	}
	switch text := e.conn.said(); {
	case e.lacking():
		return &sandbox.Gone{Why: "the container has ended: it had used more memory than it may"}
	case text != "":
		return &sandbox.Gone{Why: "the container has ended: " + text}
	}
	return &sandbox.Gone{Why: "the container has ended before its time: its engine says why"}
}

func (e *environment) Paths() sandbox.Paths { return e.paths }

// Apart implements [sandbox.Apart]. The host of a network "host" is the
// engine's, which may be another machine.
func (e *environment) Apart() bool { return !e.shared }

func (e *environment) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// Listen implements [sandbox.Environment].
func (e *environment) Listen(ctx context.Context) (net.Listener, error) {
	e.listening.Lock()
	defer e.listening.Unlock()
	s, err := e.request(opListen)
	if err != nil {
		return nil, fmt.Errorf("listening in the container: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	w, err := e.answer(ctx, s)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("listening in the container: %w", err)
	}
	l := &listener{env: e, port: w.number(0), stream: s, conns: make(chan net.Conn), closed: make(chan struct{})}
	e.listeners[l.port] = l
	return l, nil
}

// Dial implements [sandbox.Environment].
func (e *environment) Dial(ctx context.Context, port int) (net.Conn, error) {
	s, err := e.request(opDial, strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	_, err = e.answer(ctx, s)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	s.local, s.remote = loopback(0), loopback(port)
	return s, nil
}

func loopback(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1).To4(), Port: port} }

// accepted takes a connection that the agent hands over.
func (e *environment) accepted(s *stream) {
	w, err := hearWords(s, sayWords)
	e.listening.Lock()
	l := e.listeners[w.number(1)]
	e.listening.Unlock()
	if err != nil || w.at(0) != opAccepted || l == nil {
		_ = s.Reset()
		return
	}
	_, port, _ := net.SplitHostPort(w.at(2))
	s.local, s.remote = l.Addr(), loopback(words{port}.number(0))
	select {
	case l.conns <- s:
	case <-l.closed:
		_ = s.Reset()
	case <-e.mux.ended:
	}
}

// listener is a port of the container's.
type listener struct {
	env    *environment
	port   int
	stream *stream // the port is closed with it
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	default:
	}
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

func (l *listener) Addr() net.Addr { return loopback(l.port) }

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		_ = l.stream.Close() // a container that has gone listens no more
		l.env.listening.Lock()
		delete(l.env.listeners, l.port)
		l.env.listening.Unlock()
	})
	return nil
}

// How long the agent may take to end all processes, and the engine to remove
// the container.
const (
	ending    = 8 * time.Second
	removing  = 60 * time.Second
	stumbling = 2 * time.Second // of an engine that fails at it
)

// Close implements [sandbox.Environment].
func (e *environment) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		<-e.closing
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	defer close(e.closing)
	ctx, cancel := context.WithTimeout(context.Background(), ending)
	_, _ = e.ask(ctx, opEnd) // what does not end by this does by the following
	cancel()
	e.mux.fail(net.ErrClosed)
	ctx, cancel = context.WithTimeout(context.Background(), removing)
	defer cancel()
	err := e.engine.remove(ctx, e.id)
	e.procs.Wait()
	if err != nil {
		return fmt.Errorf("removing the container %.12s: %w", e.id, err)
	}
	return nil
}
