package namespace

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

type proc struct {
	env    *environment
	id     int // of its start
	pid    int // on the host
	pipes  []*sandbox.Pipe
	peak   atomic.Int64 // memory, known when the holder cannot tell
	inner  atomic.Int64 // its id inside, 0 until it is known
	killed atomic.Bool  // on request
	still  atomic.Bool  // it is frozen
	once   sync.Once
	done   chan struct{}
	exit   sandbox.Exit // valid when done is closed
}

// newProc makes the pipes of a process, whose ends the holder gets.
func newProc(e *environment, cmd sandbox.Command) (p *proc, files []*os.File, err error) {
	p = &proc{env: e, done: make(chan struct{})}
	pipe, file, err := sandbox.NewPipe(cmd.Stdout)
	if err != nil {
		return nil, nil, err
	}
	p.pipes, files = append(p.pipes, pipe), append(files, file)
	if cmd.Stderr == cmd.Stdout {
		return p, files, nil
	}
	if pipe, file, err = sandbox.NewPipe(cmd.Stderr); err != nil {
		closeAll(files)
		p.closePipes()
		return nil, nil, err
	}
	p.pipes, files = append(p.pipes, pipe), append(files, file)
	return p, files, nil
}

// end is called when the process has been waited for, or is gone with all others.
func (p *proc) end(status syscall.WaitStatus, peak int64) {
	p.once.Do(func() {
		p.Sync()
		p.exit = sandbox.Exit{Code: status.ExitStatus(), Text: text(status), Time: time.Now(), PeakMemory: p.env.limits.Most(peak)}
		p.exit.OutOfMemory = !p.killed.Load() && p.env.limits.OutOfMemory(int(p.inner.Load()), status)
		close(p.done)
	})
}

// text describes a status as [os.ProcessState] does.
func text(status syscall.WaitStatus) string {
	if status.Exited() {
		return "exit status " + strconv.Itoa(status.ExitStatus())
	}
	core := ""
	if status.CoreDump() {
		core = " (core dumped)"
	}
	return "signal: " + status.Signal().String() + core
}

func (p *proc) PID() int              { return p.pid }
func (p *proc) Done() <-chan struct{} { return p.done }
func (p *proc) Exit() sandbox.Exit    { return p.exit }

func (p *proc) PeakMemory() int64 {
	if p.pid == 0 || p.ended() {
		return 0
	}
	return p.env.limits.Most(sandbox.PeakMemory(p.pid))
}

func (p *proc) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *proc) Kill() {
	p.killed.Store(true)
	// Without a holder there is nothing to kill.
	_ = p.env.send(frame{op: opKill, words: [][]string{{strconv.Itoa(p.id)}}})
	if !p.ended() {
		p.env.insist(p.ended)
	}
}

func (p *proc) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	switch {
	case !ok:
		return errors.ErrUnsupported
	case p.ended():
		return os.ErrProcessDone
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.env.patience)
	defer cancel()
	answer, err := p.env.ask(ctx, frame{op: opSignal, words: [][]string{{strconv.Itoa(p.id), strconv.Itoa(int(number))}}})
	if err == nil {
		defer answer.close()
		err = answer.err()
	}
	select {
	case <-p.env.gone:
		return os.ErrProcessDone
	default:
	}
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func (p *proc) Freeze() error {
	err := alive(p.Signal(syscall.SIGSTOP))
	p.still.Store(err == nil)
	p.env.rest()
	return err
}

func (p *proc) Thaw() error {
	p.still.Store(false)
	p.env.rest()
	return alive(p.Signal(syscall.SIGCONT))
}

// rest tells the watcher of memory whether anything runs.
func (e *environment) rest() {
	e.mu.Lock()
	defer e.mu.Unlock()
	idle := true
	for _, p := range e.procs {
		idle = idle && (p.still.Load() || p.ended())
	}
	e.limits.Idle(idle)
}

// Throttle implements [sandbox.Throttled].
func (e *environment) Throttle(on bool) error {
	if err := e.ready(); err != nil {
		return nil // a start says so
	}
	return e.limits.Throttle(on)
}

// alive takes no offence at a process that is gone.
func alive(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

func (p *proc) Sync() {
	for _, pipe := range p.pipes {
		pipe.Sync()
	}
}

func (p *proc) closePipes() {
	for _, pipe := range p.pipes {
		pipe.Close()
	}
}
