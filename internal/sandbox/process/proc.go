package process

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

type proc struct {
	cmd   *exec.Cmd
	mark  string
	group group
	pipes []*sandbox.Pipe
	done  chan struct{}
	once  sync.Once
	ended atomic.Bool  // by Kill
	exit  sandbox.Exit // valid when done is closed
}

// start starts a process with its output going through pipes.
func start(cmd sandbox.Command) (*proc, error) {
	p := &proc{mark: cmd.Mark, done: make(chan struct{})}
	p.cmd = exec.Command(cmd.Path, cmd.Args...)
	p.cmd.Dir, p.cmd.Env = cmd.Dir, cmd.Env
	p.cmd.SysProcAttr = attributes()
	out, outFile, err := sandbox.NewPipe(cmd.Stdout)
	if err != nil {
		return nil, err
	}
	p.pipes, p.cmd.Stdout, p.cmd.Stderr = append(p.pipes, out), outFile, outFile
	errFile := outFile
	if cmd.Stderr != cmd.Stdout {
		var stderr *sandbox.Pipe
		if stderr, errFile, err = sandbox.NewPipe(cmd.Stderr); err != nil {
			_ = outFile.Close()
			out.Close()
			return nil, err
		}
		p.pipes, p.cmd.Stderr = append(p.pipes, stderr), errFile
	}
	adoptOrphans()
	p.group, err = launch(p.cmd)
	_ = outFile.Close() // the process has its own
	if errFile != outFile {
		_ = errFile.Close()
	}
	if err != nil {
		p.closePipes()
		return nil, err
	}
	go p.wait()
	return p, nil
}

func (p *proc) wait() {
	err := p.cmd.Wait()
	p.Sync()
	state := p.cmd.ProcessState
	p.exit = sandbox.Exit{Code: state.ExitCode(), Text: state.String(), Time: time.Now(), PeakMemory: maxRSS(state)}
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		p.exit.Text = err.Error()
	}
	p.group.left()
	if p.ended.Load() {
		p.group.sweep(p.mark)
	}
	close(p.done)
}

func (p *proc) PID() int                 { return p.cmd.Process.Pid }
func (p *proc) Done() <-chan struct{}    { return p.done }
func (p *proc) Exit() sandbox.Exit       { return p.exit }
func (p *proc) Signal(s os.Signal) error { return p.group.signal(s) }
func (p *proc) Freeze() error            { return p.group.freeze() }
func (p *proc) Thaw() error              { return p.group.thaw() }
func (p *proc) PeakMemory() int64        { return peakMemory(p.PID()) }

func (p *proc) Kill() {
	p.ended.Store(true)
	p.group.kill()
	_ = p.cmd.Process.Kill() // it may have moved to another group
}

func (p *proc) Sync() {
	for _, pipe := range p.pipes {
		pipe.Sync()
	}
}

// end ends what the process, which has been killed, has left behind, and stops reading.
func (p *proc) end() {
	p.once.Do(func() {
		p.group.sweep(p.mark)
		p.group.release()
		p.Sync()
		p.closePipes()
	})
}

func (p *proc) closePipes() {
	for _, pipe := range p.pipes {
		pipe.Close()
	}
}
