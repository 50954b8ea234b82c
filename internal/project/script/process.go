package script

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/fsx"
)

//go:embed host.cjs
var host []byte

const hostName = "lambkin-host.cjs"

// process is a Node.js that runs host.cjs.
type process struct {
	cmd  *exec.Cmd
	dir  *fsx.Temp // where host.cjs lies while the process starts
	out  *printed
	in   *os.File      // the writing end of its questions
	done chan struct{} // closed when it is gone

	write sync.Mutex // one message at a time

	mu       sync.Mutex // guards what follows
	calls    map[int]*call
	last     int
	refusals map[int]error // of what functions asked for, by the number of the reply
	stray    *thrown       // why the last promise was rejected that nobody handles
	reason   error         // why lambkin ended it
	exit     *exit         // how it ended itself
	gone     bool          // the id of the process may be another's
}

// call is a question that waits for its answer.
type call struct {
	id   int
	more chan struct{} // has one element when there are messages

	mu       sync.Mutex
	messages []message
}

// start starts Node.js. The channel is a pair of pipes beside the three
// standard streams or, with stdio, standard input and output.
func start(node string, env map[string]string, o Options, stdio bool) (*process, error) {
	dir, err := fsx.NewTemp("script")
	if err != nil {
		return nil, err
	}
	questions, in, answers, out, err := channel()
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	p := &process{
		dir: dir, out: &printed{w: o.Output}, in: in, done: make(chan struct{}),
		calls: map[int]*call{}, refusals: map[int]error{},
	}
	setup, err := json.Marshal(map[string]any{"args": append([]string{}, o.Args...), "stdio": stdio})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir.Dir, hostName), host, 0o600)
	}
	p.cmd = exec.Command(node, filepath.Join(dir.Dir, hostName), string(setup))
	p.cmd.Dir, p.cmd.Env, p.cmd.SysProcAttr = o.Dir, environ(env), attributes()
	// Processes that have left the group may hold its output open.
	p.cmd.WaitDelay = time.Second
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if stdio {
		p.cmd.Stdin, p.cmd.Stdout = questions, out
	} else {
		p.cmd.ExtraFiles = []*os.File{questions, out} // 3 and 4
	}
	if err == nil {
		err = p.cmd.Start()
	}
	closeAll(questions, out) // the process has its own
	if err != nil {
		closeAll(in, answers)
		return nil, errors.Join(err, dir.Close())
	}
	go p.read(answers)
	return p, nil
}

// channel makes the pipes of a process: what it reads, and from where, what
// it writes, and where to.
func channel() (questions, in, answers, out *os.File, err error) {
	if questions, in, err = os.Pipe(); err != nil {
		return nil, nil, nil, nil, err
	}
	if answers, out, err = os.Pipe(); err != nil {
		closeAll(questions, in)
		return nil, nil, nil, nil, err
	}
	return questions, in, answers, out, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// environ is never nil, which would mean lambkin's own environment.
func environ(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for name, value := range env {
		if name != "NODE_CHANNEL_FD" { // Node.js would talk to a parent there
			list = append(list, name+"="+value)
		}
	}
	return list
}

// printed takes what a process prints from several goroutines, one write at a
// time. The process goes on when nobody listens.
type printed struct {
	mu   sync.Mutex
	w    io.Writer // may be nil
	last []byte    // the end of it
}

const lastBytes = 2000

func (o *printed) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.w != nil {
		_, _ = o.w.Write(data)
	}
	o.last = append(o.last, data...)
	o.last = o.last[max(0, len(o.last)-lastBytes):]
	return len(data), nil
}

func (o *printed) end() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(o.last), ""))
}

// read hands out what the process says until it is gone.
func (p *process) read(answers *os.File) {
	in := bufio.NewReaderSize(answers, 64<<10)
	for {
		data, err := in.ReadBytes(end)
		output, m, ok := decode(data)
		if len(output) > 0 {
			_, _ = p.out.Write(output)
		}
		if ok {
			p.take(m)
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	p.signal() // also to what it has started, which is in its group
	p.gone = true
	p.mu.Unlock()
	_ = p.cmd.Wait() // ended reads the state
	closeAll(answers, p.in)
	_ = p.dir.Close()
	close(p.done)
}

// take brings a message to the question that it is for.
func (p *process) take(m message) {
	p.mu.Lock()
	c := p.calls[m.ID]
	if m.Exit != nil {
		p.exit = m.Exit
	}
	if m.Stray != nil {
		p.stray = m.Stray
	}
	p.mu.Unlock()
	switch {
	case m.ID == 0:
		_ = p.dir.Close() // it runs, so it has read the file
	case c != nil:
		c.mu.Lock()
		c.messages = append(c.messages, m)
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
	}
}

func (p *process) begin() *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) == 0 {
		p.stray = nil
	}
	p.last++
	c := &call{id: p.last, more: make(chan struct{}, 1)}
	p.calls[c.id] = c
	return c
}

func (p *process) end(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, c.id)
}

// unseen is why the last promise was rejected that nobody handles, which is
// why others are not settled; nil when there is none.
func (p *process) unseen() *thrown {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stray
}

// next waits for a message. It reports false when the process has ended and
// there is none.
func (c *call) next(p *process) (message, bool) {
	for {
		if m, ok := c.pop(); ok {
			return m, true
		}
		select {
		case <-c.more:
		case <-p.done:
			return c.pop()
		}
	}
}

func (c *call) pop() (m message, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.messages) == 0 {
		return m, false
	}
	m, c.messages = c.messages[0], c.messages[1:]
	return m, true
}

// send gives the process a message. That it cannot be written shows in the
// process's end.
func (p *process) send(v any) {
	data := encode(v)
	p.write.Lock()
	defer p.write.Unlock()
	_, _ = p.in.Write(data)
}

// reply answers a function, which may hand an error on to another question's.
func (p *process) reply(number int, value json.RawMessage, err error) {
	r := reply{Reply: number, Value: value}
	if err != nil {
		r.Error = err.Error()
		p.mu.Lock()
		p.refusals[number] = err
		p.mu.Unlock()
	}
	p.send(r)
}

// refusal is the error that a function got.
func (p *process) refusal(number int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusals[number]
}

// kill ends the process and its group for a reason, the first of which counts.
func (p *process) kill(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == nil {
		p.reason = reason
	}
	p.signal()
}

// signal ends the group; p.mu is held.
func (p *process) signal() {
	if !p.gone {
		killGroup(p.cmd.Process)
	}
}

// ended reports whether the process is gone or about to be.
func (p *process) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone || p.reason != nil || p.exit != nil
}

// why says why there is no answer from a process that is gone.
func (p *process) why(s script) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reason != nil:
		return p.reason
	case p.exit != nil:
		return s.exited(*p.exit)
	}
	err := s.problem("script-exit", "%q made Node.js end: %v", s.name, p.cmd.ProcessState)
	err.Detail = p.out.end()
	return err
}
