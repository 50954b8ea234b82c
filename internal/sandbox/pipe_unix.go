//go:build unix

package sandbox

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// pipeBytes is the most that a pipe can hold unread on Linux without
// privileges (/proc/sys/fs/pipe-max-size), and so the most that Sync has to read.
const pipeBytes = 1 << 20

// Pipe brings a process's output to a writer as it comes. Every implementation
// of [Sandbox] that starts processes of its own uses it.
type Pipe struct {
	read *os.File
	raw  syscall.RawConn
	out  io.Writer
	done chan struct{}

	mu  sync.Mutex // one reader at a time, so that the output keeps its order
	buf []byte
	end bool // nothing more comes
}

// NewPipe makes a pipe to out. The process gets write, which the caller closes
// once the process has it; Close ends the pipe.
func NewPipe(out io.Writer) (p *Pipe, write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	raw, err := read.SyscallConn()
	if err != nil {
		return nil, nil, errors.Join(err, read.Close(), write.Close())
	}
	p = &Pipe{read: read, raw: raw, out: out, done: make(chan struct{}), buf: make([]byte, 64<<10)}
	go func() {
		defer close(p.done)
		_ = p.raw.Read(func(fd uintptr) bool { // ends with the pipe
			for {
				if n, more := p.once(fd); n == 0 {
					return !more
				}
			}
		})
	}()
	return p, write, nil
}

// once reads what is there, at most a buffer. more is false at the pipe's end.
func (p *Pipe) once(fd uintptr) (n int, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end {
		return 0, false
	}
	err := error(syscall.EINTR)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), p.buf)
	}
	switch {
	case n > 0:
		_, _ = p.out.Write(p.buf[:n]) // the process goes on when nobody listens
		return n, true
	case errors.Is(err, syscall.EAGAIN):
		return 0, true
	}
	p.end = true
	return 0, false
}

// Sync returns when all that was written before the call has reached the
// writer. It does not wait for more.
func (p *Pipe) Sync() {
	_ = p.raw.Control(func(fd uintptr) {
		for total := 0; total < pipeBytes; {
			n, _ := p.once(fd)
			if n == 0 {
				return
			}
			total += n
		}
	})
}

// Close stops reading, even when processes still hold the other end and write.
func (p *Pipe) Close() {
	p.mu.Lock()
	p.end = true
	p.mu.Unlock()
	_ = p.read.Close()
	<-p.done
}
