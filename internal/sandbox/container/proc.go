package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Signals by their numbers on Linux, whatever they are here.
const (
	linuxSIGKILL = 9
	linuxSIGCONT = 18
	linuxSIGSTOP = 19
)

type proc struct {
	env    *environment
	cmd    sandbox.Command
	id     int // the agent's
	stream *stream
	done   chan struct{}
	exit   sandbox.Exit  // valid when done is closed
	quiet  chan struct{} // closed when nothing more comes

	sending sync.Mutex // one message at a time

	mu    sync.Mutex // guards what follows
	syncs int
	wait  map[string]chan struct{} // for syncs
}

// Start implements [sandbox.Environment].
func (e *environment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Proc, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.isClosed() {
		return nil, sandbox.ErrClosed
	}
	if dirs := append(append([]string{}, cmd.Uses...), cmd.Keeps...); len(dirs) > 0 {
		return nil, fmt.Errorf("%s is a folder of this machine, which a container does not show: put what it has into the image", dirs[0])
	}
	together := ""
	if cmd.Stdout == cmd.Stderr {
		together = "1"
	}
	request := []string{opStart, cmd.Path, cmd.Dir, together, strconv.Itoa(len(cmd.Args))}
	request = append(append(append(request, cmd.Args...), cmd.Env...), e.settings.env...)
	s, err := e.request(request...)
	if err != nil {
		return nil, err
	}
	// Whether it has started is not known before the answer.
	answer, err := e.answer(context.WithoutCancel(ctx), s)
	if err != nil {
		_ = s.Close()
		return nil, e.explain(err)
	}
	p := &proc{env: e, cmd: cmd, id: answer.number(0), stream: s, done: make(chan struct{}), quiet: make(chan struct{}), wait: map[string]chan struct{}{}}
	e.procs.Add(1)
	go p.listen()
	return p, nil
}

// explain adds what is behind a program that the kernel does not take.
func (e *environment) explain(err error) error {
	if !errors.Is(err, syscall.ENOEXEC) {
		return err
	}
	img, unknown := e.engine.Inspect(context.Background(), e.image)
	if unknown != nil || img.OS+"/"+img.Architecture == e.platform {
		return err
	}
	return &sandbox.Unavailable{
		Sandbox: Sandbox{}.Name(), Reason: fmt.Sprintf("the image is for %s/%s, and the container engine runs %s without emulating others", img.OS, img.Architecture, e.platform), Err: err,
		Hint: fmt.Sprintf("pull or build the image for %s, or install QEMU's emulation (docker run --privileged tonistiigi/binfmt --install all)", e.platform),
	}
}

// listen takes what the agent says of the process until nothing more comes.
func (p *proc) listen() {
	defer p.env.procs.Done()
	defer close(p.quiet)
	for {
		kind, data, err := hear(p.stream)
		if err != nil {
			break
		}
		switch kind {
		case sayOut:
			_, _ = p.cmd.Stdout.Write(data) // the process goes on when nobody listens
		case sayErr:
			_, _ = p.cmd.Stderr.Write(data)
		case saySync:
			p.mu.Lock()
			if c := p.wait[string(data)]; c != nil {
				delete(p.wait, string(data))
				close(c)
			}
			p.mu.Unlock()
		case sayExit:
			w := wordsOf(data)
			p.end(w.number(0), int64(w.number(1))<<10, w.at(2) != "")
		}
	}
	_ = p.stream.Close()
	if !p.ended() { // it has gone with the container
		p.end(linuxSIGKILL, 0, !p.env.isClosed() && p.env.lacking())
	}
}

// end is called once.
func (p *proc) end(status int, peak int64, outOfMemory bool) {
	if p.ended() {
		return
	}
	code, text := describe(status)
	p.exit = sandbox.Exit{Code: code, Text: text, Time: time.Now(), PeakMemory: peak, OutOfMemory: outOfMemory}
	close(p.done)
}

// describe says what a status of Linux means, as [os.ProcessState] does there.
func describe(status int) (code int, text string) {
	number := status & 0x7f
	if number == 0 {
		code = status >> 8 & 0xff
		return code, "exit status " + strconv.Itoa(code)
	}
	names := []string{
		"", "hangup", "interrupt", "quit", "illegal instruction", "trace/breakpoint trap", "aborted", "bus error", "floating point exception",
		"killed", "user defined signal 1", "segmentation fault", "user defined signal 2", "broken pipe", "alarm clock", "terminated",
	}
	text = "signal: signal " + strconv.Itoa(number)
	if number < len(names) {
		text = "signal: " + names[number]
	}
	if status&0x80 != 0 {
		text += " (core dumped)"
	}
	return -1, text
}

// PID implements [sandbox.Proc]: 0, since the host, which may be another
// machine, is not asked.
func (p *proc) PID() int              { return 0 }
func (p *proc) Done() <-chan struct{} { return p.done }
func (p *proc) Exit() sandbox.Exit    { return p.exit }

func (p *proc) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *proc) PeakMemory() int64 {
	if p.ended() {
		return 0
	}
	w, err := p.env.ask(context.Background(), opPeak, strconv.Itoa(p.id))
	if err != nil {
		return 0
	}
	return int64(w.number(0))
}

func (p *proc) Kill() {
	s, err := p.env.request(opKill, strconv.Itoa(p.id))
	if err == nil { // without an agent there is nothing to kill
		_ = s.CloseWrite()
		go func() { _, _ = s.Read(make([]byte, 1)); _ = s.Close() }()
	}
}

func (p *proc) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	switch {
	case !ok || runtime.GOOS != "linux" && !slices.Contains(shared(), number):
		return errors.ErrUnsupported
	case p.ended():
		return os.ErrProcessDone
	}
	return p.signal(int(number))
}

// shared are the signals whose numbers are the same on all systems.
func shared() []syscall.Signal {
	return []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGKILL, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGTERM}
}

func (p *proc) signal(number int) error {
	_, err := p.env.ask(context.Background(), opSignal, strconv.Itoa(p.id), strconv.Itoa(number))
	select {
	case <-p.env.mux.ended:
		return os.ErrProcessDone
	default:
	}
	if errors.Is(err, os.ErrProcessDone) {
		return os.ErrProcessDone
	} else if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("sending a signal: %w", err)
	}
	return err
}

func (p *proc) Freeze() error { return living(p.signal(linuxSIGSTOP)) }
func (p *proc) Thaw() error   { return living(p.signal(linuxSIGCONT)) }

// living takes no offence at a process that is gone.
func living(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

func (p *proc) Sync() {
	done := make(chan struct{})
	p.mu.Lock()
	p.syncs++
	key := strconv.Itoa(p.syncs)
	p.wait[key] = done
	p.mu.Unlock()
	p.sending.Lock()
	_ = say(p.stream, saySync, []byte(key)) // without an agent the stream ends
	p.sending.Unlock()
	select {
	case <-done:
	case <-p.quiet:
	}
}
