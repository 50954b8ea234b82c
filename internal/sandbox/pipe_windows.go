package sandbox

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

// Pipe brings a process's output to a writer as it comes. Every implementation
// of [Sandbox] that starts processes of its own uses it.
type Pipe struct {
	read *os.File
	seen atomic.Int64 // bytes delivered
	done chan struct{}
}

// NewPipe makes a pipe to out. The process gets write, which the caller closes
// once the process has it; Close ends the pipe.
func NewPipe(out io.Writer) (p *Pipe, write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	p = &Pipe{read: read, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		buf := make([]byte, 64<<10)
		for {
			n, err := read.Read(buf)
			if n > 0 {
				_, _ = out.Write(buf[:n]) // the process goes on when nobody listens
				p.seen.Add(int64(n))
			}
			if err != nil {
				return
			}
		}
	}()
	return p, write, nil
}

// Sync returns when all that was written before the call has reached the
// writer. Windows does not tell what waits in a pipe, so it returns when
// nothing has come for a moment.
func (p *Pipe) Sync() {
	for range 100 {
		before := p.seen.Load()
		select {
		case <-p.done:
			return
		case <-time.After(10 * time.Millisecond):
		}
		if p.seen.Load() == before {
			return
		}
	}
}

// Close stops reading, even when processes still hold the other end.
func (p *Pipe) Close() {
	_ = p.read.Close()
	<-p.done
}
