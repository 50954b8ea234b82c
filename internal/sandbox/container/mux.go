package container

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Many streams share the one connection between lambkin and an agent. A stream
// is what a TCP connection is: both directions end on their own, either side
// may give up, and a reader that does not read stops its own writer and nobody
// else. What is sent is a row of parts:
//
//	kind (1 byte)  stream (4)  length or count (4)  length bytes
//
//	open    a new stream; lambkin's have odd numbers, the agent's even ones
//	data    bytes, never more than the receiver has room for
//	room    the receiver has read so many bytes more
//	end     the sender writes no more; with a count of 1, because it failed
//	stop    the sender reads no more
const (
	partOpen = 'o'
	partData = 'd'
	partRoom = 'r'
	partEnd  = 'e'
	partStop = 's'
)

const (
	window   = 256 << 10 // what a stream holds unread
	partSize = 32 << 10  // most bytes of a part
)

var errProtocol = errors.New("what comes from the container is not the agent's")

// mux is one side's end of the connection.
type mux struct {
	conn   io.ReadWriteCloser
	accept func(*stream) // gets the other side's streams, each in a goroutine of its own

	writing sync.Mutex // one part at a time
	buf     [9 + partSize]byte

	mu      sync.Mutex // guards what follows
	streams map[uint32]*stream
	next    uint32 // number of a stream
	err     error  // why there is no connection any more
	ended   chan struct{}
}

// newMux takes conn over. first is the number of this side's first stream: 1 or 2.
func newMux(conn io.ReadWriteCloser, first uint32, accept func(*stream)) *mux {
	return &mux{conn: conn, accept: accept, streams: map[uint32]*stream{}, next: first, ended: make(chan struct{})}
}

// run receives until the connection ends.
func (m *mux) run() {
	err := m.receive()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	m.fail(err)
}

// fail ends the connection, and with it all streams.
func (m *mux) fail(err error) {
	m.mu.Lock()
	if m.err != nil {
		m.mu.Unlock()
		return
	}
	m.err = err
	streams := m.streams
	m.streams = map[uint32]*stream{}
	close(m.ended)
	m.mu.Unlock()
	_ = m.conn.Close()
	for _, s := range streams {
		s.update(func() { s.readErr, s.writeErr = earlier(s.readErr, net.ErrClosed), earlier(s.writeErr, net.ErrClosed) })
	}
}

func earlier(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// receive takes parts until that fails.
func (m *mux) receive() error {
	in := bufio.NewReaderSize(m.conn, 64<<10)
	var head [9]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		kind, id, count := head[0], binary.BigEndian.Uint32(head[1:]), binary.BigEndian.Uint32(head[5:])
		m.mu.Lock()
		s := m.streams[id]
		if kind == partOpen && s == nil && id%2 != m.next%2 {
			s = m.add(id)
			m.mu.Unlock()
			go m.accept(s)
			continue
		}
		m.mu.Unlock()
		switch kind {
		case partData:
			if count > partSize {
				return fmt.Errorf("%w: a part of %d bytes", errProtocol, count)
			}
			if s == nil { // given up here
				if _, err := in.Discard(int(count)); err != nil {
					return err
				}
				continue
			}
			if err := s.fill(in, int(count)); err != nil {
				return err
			}
		case partRoom, partEnd, partStop:
			if s != nil {
				s.told(kind, int(count))
			}
		default:
			return fmt.Errorf("%w: a part of kind %q", errProtocol, kind)
		}
	}
}

// add makes a stream; m.mu is held.
func (m *mux) add(id uint32) *stream {
	s := &stream{mux: m, id: id, room: window, readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
	s.readBy.init()
	s.writeBy.init()
	m.streams[id] = s
	return s
}

// open makes a stream to the other side.
func (m *mux) open() (*stream, error) {
	m.mu.Lock()
	if m.err != nil {
		m.mu.Unlock()
		return nil, net.ErrClosed
	}
	id := m.next
	m.next += 2
	s := m.add(id)
	m.mu.Unlock()
	return s, m.send(partOpen, id, 0, nil)
}

// send writes a part. A connection that cannot be written to has ended.
func (m *mux) send(kind byte, id uint32, count int, data []byte) error {
	m.writing.Lock()
	m.buf[0] = kind
	binary.BigEndian.PutUint32(m.buf[1:], id)
	binary.BigEndian.PutUint32(m.buf[5:], uint32(count))
	n := copy(m.buf[9:], data)
	_, err := m.conn.Write(m.buf[:9+n])
	m.writing.Unlock()
	if err != nil {
		m.fail(err)
		return net.ErrClosed
	}
	return nil
}

// stream is one of a mux's. It is a [net.Conn] whose ends close apart.
type stream struct {
	mux    *mux
	id     uint32
	local  net.Addr // for those who ask
	remote net.Addr

	readable, writable chan struct{} // told of a change
	readBy, writeBy    deadline

	mu        sync.Mutex // guards what follows
	buf       []byte     // come and not read
	read      int        // bytes that the other side does not know of
	room      int        // bytes that may be sent
	readErr   error      // what follows buf
	writeErr  error
	sentEnd   bool
	sentStop  bool
	forgotten bool
}

// update changes the stream's state and tells those who wait for that.
func (s *stream) update(change func()) {
	s.mu.Lock()
	change()
	done := (s.sentEnd || s.writeErr != nil) && s.readErr != nil && !s.forgotten
	s.forgotten = s.forgotten || done
	s.mu.Unlock()
	wake(s.readable)
	wake(s.writable)
	if done { // both directions are over: nothing more is to come
		s.mux.mu.Lock()
		delete(s.mux.streams, s.id)
		s.mux.mu.Unlock()
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fill takes the bytes of a part.
func (s *stream) fill(in io.Reader, n int) error {
	data := make([]byte, n)
	if _, err := io.ReadFull(in, data); err != nil {
		return err
	}
	tooMuch := false
	s.update(func() {
		switch {
		case s.readErr != nil: // given up here
		case len(s.buf)+n > window:
			tooMuch = true
		case len(s.buf) == 0:
			s.buf = data
		default:
			s.buf = append(s.buf, data...)
		}
	})
	if tooMuch {
		return fmt.Errorf("%w: more than there is room for", errProtocol)
	}
	return nil
}

// told takes a part without bytes.
func (s *stream) told(kind byte, count int) {
	s.update(func() {
		switch {
		case kind == partRoom:
			s.room += count
		case kind == partStop:
			s.writeErr = earlier(s.writeErr, syscall.EPIPE)
		case count > 0:
			s.readErr = earlier(s.readErr, syscall.ECONNRESET)
		default:
			s.readErr = earlier(s.readErr, io.EOF)
		}
	})
}

// Read implements [net.Conn].
func (s *stream) Read(p []byte) (int, error) {
	for {
		if s.readBy.passed() {
			return 0, os.ErrDeadlineExceeded
		}
		s.mu.Lock()
		n := copy(p, s.buf)
		s.buf = s.buf[n:]
		s.read += n
		grant := 0
		if s.read >= window/2 && s.readErr == nil {
			grant, s.read = s.read, 0
		}
		err := s.readErr
		more := len(s.buf) > 0
		s.mu.Unlock()
		if more {
			wake(s.readable) // for another reader
		}
		if grant > 0 {
			_ = s.mux.send(partRoom, s.id, grant, nil) // the end of the connection is seen with the next Read
		}
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case err != nil:
			wake(s.readable)
			return 0, err
		}
		select {
		case <-s.readable:
		case <-s.readBy.wait():
		}
	}
}

// Write implements [net.Conn].
func (s *stream) Write(p []byte) (done int, err error) {
	for {
		if s.writeBy.passed() {
			return done, os.ErrDeadlineExceeded
		}
		s.mu.Lock()
		n := min(len(p), s.room, partSize)
		s.room -= n
		err := s.writeErr
		more := s.room > 0
		s.mu.Unlock()
		switch {
		case err != nil:
			wake(s.writable)
			return done, err
		case n > 0:
			if more {
				wake(s.writable)
			}
			if err := s.mux.send(partData, s.id, n, p[:n]); err != nil {
				return done, err
			}
			done, p = done+n, p[n:]
		}
		if len(p) == 0 {
			return done, nil
		}
		if n > 0 {
			continue
		}
		select {
		case <-s.writable:
		case <-s.writeBy.wait():
		}
	}
}

// CloseWrite says that nothing more is written.
func (s *stream) CloseWrite() error { return s.end(0, false) }

// Close ends both directions.
func (s *stream) Close() error { return s.end(0, true) }

// Reset ends both directions; the other side is told that something has failed.
func (s *stream) Reset() error { return s.end(1, true) }

func (s *stream) end(failed int, both bool) error {
	var end, stop bool
	s.mu.Lock()
	end, s.sentEnd = !s.sentEnd, true
	if both {
		stop, s.sentStop = !s.sentStop && s.readErr == nil, true
	}
	s.mu.Unlock()
	if end {
		_ = s.mux.send(partEnd, s.id, failed, nil) // there is nobody to tell
	}
	if stop {
		_ = s.mux.send(partStop, s.id, 0, nil)
	}
	s.update(func() {
		s.writeErr = earlier(s.writeErr, net.ErrClosed)
		if both {
			s.readErr, s.buf = net.ErrClosed, nil
		}
	})
	return nil
}

// LocalAddr implements [net.Conn].
func (s *stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr implements [net.Conn].
func (s *stream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline implements [net.Conn].
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements [net.Conn].
func (s *stream) SetReadDeadline(t time.Time) error {
	s.readBy.set(t)
	wake(s.readable)
	return nil
}

// SetWriteDeadline implements [net.Conn].
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.writeBy.set(t)
	wake(s.writable)
	return nil
}

// deadline is a point in time that can be waited for and moved.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	over  chan struct{} // closed when it has passed
}

func (d *deadline) init() { d.over = make(chan struct{}) }

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	over := make(chan struct{})
	d.over = over
	if t.IsZero() {
		return
	}
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { close(over) })
		return
	}
	close(over)
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}

func (d *deadline) passed() bool {
	select {
	case <-d.wait():
		return true
	default:
		return false
	}
}
