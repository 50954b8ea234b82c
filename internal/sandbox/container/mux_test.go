package container

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// pair is two ends of a connection; what opens at ours gets to serve.
func pair(t *testing.T, serve func(*stream)) (ours, theirs *mux) {
	t.Helper()
	testenv.Leaks(t)
	a, b := net.Pipe()
	ours = newMux(a, 1, func(s *stream) { _ = s.Close() })
	theirs = newMux(b, 2, serve)
	go ours.run()
	go theirs.run()
	t.Cleanup(func() {
		ours.fail(io.EOF)
		<-theirs.ended
	})
	return ours, theirs
}

func dialed(t *testing.T, m *mux) *stream {
	t.Helper()
	s, err := m.open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStreamsAreConnections(t *testing.T) {
	ours, _ := pair(t, func(s *stream) {
		defer s.Close()
		_, _ = io.Copy(s, s)
	})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			s, err := ours.open()
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			sent := make([]byte, rand.IntN(3<<20))
			for i := range sent {
				sent[i] = byte(rand.IntN(256))
			}
			wait.Go(func() {
				for rest := sent; len(rest) > 0; {
					n := min(len(rest), 1+rand.IntN(100_000))
					if _, err := s.Write(rest[:n]); err != nil {
						t.Error(err)
					}
					rest = rest[n:]
				}
				_ = s.CloseWrite()
			})
			got, err := io.ReadAll(s)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("of %d bytes %d came back: %v", len(sent), len(got), err)
			}
		})
	}
	wait.Wait()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		ours.mu.Lock()
		n := len(ours.streams)
		ours.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are remembered", n)
		}
	}
}

func TestAReaderThatDoesNotReadStopsItsWriterAlone(t *testing.T) {
	streams := make(chan *stream, 2)
	ours, _ := pair(t, func(s *stream) { streams <- s })
	stuck := dialed(t, ours)
	_ = stuck.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := stuck.Write(make([]byte, 1<<20))
	if n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes were sent: %v", n, err)
	}
	first := <-streams
	free := dialed(t, ours)
	if _, err := free.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	second := <-streams
	if got, err := second.Read(make([]byte, 9)); got != 1 || err != nil {
		t.Errorf("the other got %d bytes: %v", got, err)
	}
	// What has stopped goes on.
	_ = stuck.SetWriteDeadline(time.Time{})
	done := make(chan int)
	go func() {
		n, _ := io.Copy(io.Discard, first)
		done <- int(n)
	}()
	if _, err := stuck.Write(make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
	_ = stuck.Close()
	if got := <-done; got != window+1<<20 {
		t.Errorf("%d bytes came", got)
	}
}

func TestGivingUpIsTold(t *testing.T) {
	streams := make(chan *stream, 1)
	ours, theirs := pair(t, func(s *stream) { streams <- s })
	for _, tt := range []struct {
		name      string
		giveUp    func(*stream)
		read, err error
	}{
		{"closed", func(s *stream) { _ = s.Close() }, io.EOF, syscall.EPIPE},
		{"reset", func(s *stream) { _ = s.Reset() }, syscall.ECONNRESET, syscall.EPIPE},
		{"the connection's end", func(*stream) { ours.fail(io.EOF); <-theirs.ended }, net.ErrClosed, net.ErrClosed},
	} {
		s := dialed(t, ours)
		other := <-streams
		wrote := make(chan error)
		go func() {
			for {
				if _, err := other.Write(make([]byte, 1000)); err != nil {
					wrote <- err
					return
				}
			}
		}()
		time.Sleep(5 * time.Millisecond) // so that it may have to wait
		tt.giveUp(s)
		if err := <-wrote; !errors.Is(err, tt.err) {
			t.Errorf("%s: writing ends with %v, want %v", tt.name, err, tt.err)
		}
		if _, err := other.Read(make([]byte, 1)); !errors.Is(err, tt.read) {
			t.Errorf("%s: reading ends with %v, want %v", tt.name, err, tt.read)
		}
		if _, err := s.Write([]byte("x")); err == nil {
			t.Errorf("%s: it can be written to", tt.name)
		}
		_ = other.Close()
	}
	if _, err := ours.open(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("opening without a connection: %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	ours, _ := pair(t, func(*stream) {})
	s := dialed(t, ours)
	_ = s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := s.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("error %v", err)
	}
	_ = s.SetReadDeadline(time.Time{})
	failed := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		failed <- err
	}()
	time.Sleep(5 * time.Millisecond)
	_ = s.SetDeadline(time.Unix(1, 0)) // as net/http interrupts a read
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read that waits: %v", err)
	}
}

// TestAServerTakesStreams: those of the standard library know nothing of muxes.
func TestAServerTakesStreams(t *testing.T) {
	conns := make(chan net.Conn)
	ours, _ := pair(t, func(s *stream) {
		s.local, s.remote = loopback(1), loopback(2)
		conns <- s
	})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
	defer server.Close()
	go func() { _ = server.Serve(&fixed{conns: conns, over: make(chan struct{})}) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ours.open() }}}
	defer client.CloseIdleConnections()
	for range 3 {
		sent := bytes.Repeat([]byte("x"), 1<<20)
		res, err := client.Post("http://x", "text/plain", bytes.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes came back: %v", len(got), err)
		}
	}
}

type fixed struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func (f *fixed) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.over:
		return nil, net.ErrClosed
	}
}
func (f *fixed) Close() error   { f.once.Do(func() { close(f.over) }); return nil }
func (f *fixed) Addr() net.Addr { return loopback(1) }

// TestAnImpostorIsNotObeyed: what comes from a container is a stranger's.
func TestAnImpostorIsNotObeyed(t *testing.T) {
	part := func(kind byte, id, count uint32) []byte {
		b := binary.BigEndian.AppendUint32([]byte{kind}, id)
		return binary.BigEndian.AppendUint32(b, count)
	}
	for name, sent := range map[string][]byte{
		"text":              []byte("GET / HTTP/1.1\r\n\r\n"),
		"a part too large":  part(partData, 1, 1<<30),
		"more than is room": bytes.Repeat(append(part(partData, 1, partSize), make([]byte, partSize)...), window/partSize+1),
	} {
		a, b := net.Pipe()
		m := newMux(a, 1, func(s *stream) { _ = s.Close() })
		go m.run()
		go func() { _, _ = io.Copy(io.Discard, b) }()
		dialed(t, m)
		_, _ = b.Write(sent)
		select {
		case <-m.ended:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the connection goes on", name)
		}
		if !errors.Is(m.err, errProtocol) {
			t.Errorf("%s: the connection ends with %v", name, m.err)
		}
		_ = b.Close()
	}
	if _, _, err := hear(bytes.NewReader([]byte{'w', 0xff, 0xff, 0xff, 0xff})); !errors.Is(err, errProtocol) {
		t.Errorf("a message too large: %v", err)
	}
	if got := wordsOf([]byte{0, 0, 0, 9, 'x'}); got != nil {
		t.Errorf("half a word is %q", got)
	}
}
