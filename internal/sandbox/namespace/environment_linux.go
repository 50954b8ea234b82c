package namespace

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/limits"
)

// namespaces are what an environment has of its own.
const namespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS

// defaultTmpMB is the size of /tmp on AWS when a function sets none.
const defaultTmpMB = 512

// patience is how long a holder may take to end a process: several times the
// two seconds that it takes at most, on a machine with nothing else to do.
const patience = 8 * time.Second

// Open implements [sandbox.Sandbox].
func (s Sandbox) Open(_ context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	return s.open(spec, s.begin)
}

// open makes an environment of one that has been begun.
func (s Sandbox) open(spec sandbox.Spec, begin func() (*environment, error)) (sandbox.Environment, error) {
	p, err := newPlan(spec)
	if err != nil {
		return nil, err
	}
	p.hosts, p.alone = s.Hosts, s.Alone
	e, err := begin()
	if err != nil {
		return nil, unavailable(err)
	}
	if len(spec.Layers) > 0 {
		e.paths.Opt = optDir
	}
	// Others get ready meanwhile; the first start waits for it.
	setUp := make(chan error, 1)
	go func() {
		p.links = p.linksOf(spec)
		e.plan = p
		doors, shut := e.limits.Doors()
		answer, err := e.ask(context.Background(), frame{op: opSetUp, words: p.words(), files: doors})
		closeAll(doors) // the holder has its own
		if err == nil {
			err = errors.Join(answer.err(), e.limits.Watch(limits.Spec{Memory: spec.Memory, TmpMB: p.tmpMB}, limits.Holder{
				PID: e.holder.Process.Pid, Outside: shut != nil || answer.word(0, 0) == outsideGroup, Views: answer.files,
			}))
		}
		setUp <- unavailable(err)
	}()
	e.ready = sync.OnceValue(func() error { return <-setUp })
	return e, nil
}

// begin starts what every environment has, whatever it is for.
func (s Sandbox) begin() (*environment, error) {
	e := &environment{
		paths: sandbox.Paths{Task: taskDir, Runtime: runtimeDir, Tmp: tmpDir}, alone: s.Alone,
		wait: map[int]chan frame{}, procs: map[int]*proc{}, gone: make(chan struct{}),
		patience: patience, limits: limits.New(s.CPU),
	}
	if err := e.hold(); err != nil {
		return nil, errors.Join(err, e.limits.Close())
	}
	return e, nil
}

func newPlan(spec sandbox.Spec) (p plan, err error) {
	p = plan{tmpMB: cmp.Or(spec.EphemeralMB, defaultTmpMB)}
	if spec.Image != nil {
		if spec.Image.Root == "" {
			return plan{}, fmt.Errorf("the image %s is not unpacked", spec.Image.Name)
		}
		p.image, err = filepath.EvalSymlinks(spec.Image.Root)
	} else {
		p.runtime, err = filepath.EvalSymlinks(spec.Runtime)
	}
	if err != nil {
		return plan{}, err
	}
	if spec.Code != "" {
		if p.code, err = filepath.EvalSymlinks(spec.Code); err != nil {
			return plan{}, err
		}
	}
	for _, layer := range spec.Layers {
		dir, err := filepath.EvalSymlinks(layer)
		if err != nil {
			return plan{}, err
		}
		p.layers = append(p.layers, dir)
	}
	return p, nil
}

// linksOf are the plan's links, which take time to be found.
func (p plan) linksOf(spec sandbox.Spec) []string {
	if p.code == "" || spec.Tree == nil {
		return nil
	}
	dir := spec.Tree()
	if dir == "" {
		return nil
	}
	tree, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil
	}
	list, hidden := links(p.code, tree, p.layers...)
	for _, s := range hidden {
		if spec.Tell != nil {
			spec.Tell(fmt.Sprintf("the package %s is a link out of the project, to %s, which functions do not see: copy it there, or use --isolation process", s.inside, s.host))
		}
	}
	return list
}

type environment struct {
	paths  sandbox.Paths
	holder *exec.Cmd
	stderr bytes.Buffer // what the holder's own failure prints; read when it has ended
	link   link
	alone  bool          // the network is its own
	ready  func() error  // waits until the file system is put together
	plan   plan          // valid when ready
	gone   chan struct{} // closed when the holder has ended, and all with it
	limits *limits.Limits
	// patience is how long a holder may take to do what is to end an environment.
	patience time.Duration

	sending sync.Mutex // one frame at a time

	mu     sync.Mutex // guards what follows
	closed bool
	last   int                // id of a request
	wait   map[int]chan frame // for its answer
	procs  map[int]*proc      // by the id of their start
}

// hold starts the holder.
func (e *environment) hold() error {
	ours, theirs, err := newPair()
	if err != nil {
		return err
	}
	e.link, e.holder = ours, e.command(theirs.f)
	done := e.limits.Prepare(e.holder.SysProcAttr)
	if err = e.holder.Start(); err != nil && e.limits.Refused() {
		e.holder = e.command(theirs.f)
		err = e.holder.Start()
	}
	done()
	_ = theirs.f.Close() // the holder has its own
	if err != nil {
		return errors.Join(err, ours.f.Close())
	}
	go e.listen()
	return nil
}

// command is the holder's. It gets the connection's other end.
func (e *environment) command(theirs *os.File) *exec.Cmd {
	flags := uintptr(namespaces)
	if e.alone {
		flags |= syscall.CLONE_NEWNET
	}
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{holderName}, Env: []string{}, Dir: "/",
		Stderr: &e.stderr, ExtraFiles: []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: flags, Pdeathsig: syscall.SIGKILL, AmbientCaps: needed,
			// One user and one group, which outside are lambkin's own: nobody
			// may map more without privileges.
			UidMappings: []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: groupID, HostID: os.Getegid(), Size: 1}},
		},
	}
}

// listen takes what the holder sends until it ends.
func (e *environment) listen() {
	for {
		f, err := e.link.receive()
		if err != nil {
			break
		}
		e.mu.Lock()
		answer, p := e.wait[f.id], e.procs[f.id]
		if f.op != opExit {
			delete(e.wait, f.id)
		}
		e.mu.Unlock()
		switch {
		case f.op == opExit && p != nil:
			go p.end(syscall.WaitStatus(f.number(0, 0)), int64(f.number(0, 1))<<10)
		case answer != nil:
			answer <- f
		default:
			f.close()
		}
	}
	_ = e.holder.Process.Kill() // it has ended, or is not to be understood
	_ = e.holder.Wait()
	close(e.gone)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.procs {
		go p.end(syscall.WaitStatus(syscall.SIGKILL), p.peak.Load())
	}
}

func (e *environment) send(f frame) error {
	e.sending.Lock()
	defer e.sending.Unlock()
	return e.link.send(f)
}

// ask sends a request and waits for its answer.
func (e *environment) ask(ctx context.Context, f frame) (frame, error) {
	answer := make(chan frame, 1)
	e.mu.Lock()
	if f.id == 0 {
		e.last++
		f.id = e.last
	}
	e.wait[f.id] = answer
	e.mu.Unlock()
	if err := e.send(f); err != nil && !cut(err) {
		select {
		case <-e.gone:
			return frame{}, e.fate()
		default:
			return frame{}, err
		}
	}
	select {
	case got := <-answer:
		return got, nil
	case <-ctx.Done():
		return frame{}, ctx.Err()
	case <-e.gone:
		return frame{}, e.fate()
	}
}

// insist ends a holder that has not done something in time, and with it all
// that it holds: somebody has stopped it.
func (e *environment) insist(done func() bool) {
	time.AfterFunc(e.patience, func() {
		if !done() {
			_ = e.holder.Process.Kill()
		}
	})
}

// fate is why there is no holder any more.
func (e *environment) fate() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return sandbox.ErrClosed
	}
	text, _, _ := strings.Cut(strings.TrimSpace(e.stderr.String()), "\n")
	return &sandbox.Gone{Why: "the environment's first process has ended: " + cmp.Or(text, e.holder.ProcessState.String())}
}

func (e *environment) Paths() sandbox.Paths { return e.paths }

func (e *environment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Proc, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, files, err := newProc(e, cmd)
	if err != nil {
		return nil, err
	}
	defer closeAll(files) // the process has its own
	var answered atomic.Bool
	defer answered.Store(true)
	defer context.AfterFunc(ctx, func() { e.insist(answered.Load) })()
	for _, dir := range cmd.Keeps {
		_ = os.MkdirAll(dir, 0o755) // a process can do without its cache
	}
	if err := e.ready(); err != nil && !errors.Is(err, sandbox.ErrClosed) {
		p.closePipes()
		return nil, err
	}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		p.closePipes()
		return nil, sandbox.ErrClosed
	}
	e.last++
	p.id = e.last
	e.procs[p.id] = p
	e.mu.Unlock()
	// Whether it has started is not known before the answer.
	answer, err := e.ask(context.WithoutCancel(ctx), frame{
		op: opStart, id: p.id, files: files,
		words: [][]string{{cmd.Path, cmd.Dir}, cmd.Args, cmd.Env, cleaned(e.plan.alongside(cmd.Uses)), cleaned(cmd.Keeps)},
	})
	if err == nil {
		defer answer.close()
		err = answer.err()
	}
	if err != nil {
		e.mu.Lock()
		delete(e.procs, p.id)
		e.mu.Unlock()
		p.closePipes()
		return nil, err
	}
	if len(answer.files) > 0 {
		p.pid = pidOf(answer.files[0], "Pid")
		p.inner.Store(int64(pidOf(answer.files[0], "NSpid")))
	}
	e.rest()
	return p, nil
}

// Files implements [sandbox.Environment].
func (e *environment) Files(ctx context.Context, dir string) ([]string, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	answer, err := e.ask(ctx, frame{op: opFiles, words: [][]string{{dir}}})
	if err == nil {
		defer answer.close()
		err = answer.err()
	}
	return answer.list(0), err
}

// alongside adds to folders that are to be shown at their own places the folders
// that the code links to, when the code is among them.
func (p plan) alongside(uses []string) []string {
	theCode := func(dir string) bool {
		real, err := filepath.EvalSymlinks(dir)
		return err == nil && real == p.code
	}
	if p.code == "" || !slices.ContainsFunc(uses, theCode) {
		return uses
	}
	uses = append(slices.Clone(uses), p.code)
	for i := 1; i < len(p.links); i += 2 {
		if st, err := os.Stat(p.links[i]); err == nil && st.IsDir() {
			uses = append(uses, p.links[i])
		}
	}
	return uses
}

func cleaned(dirs []string) []string {
	var out []string
	for _, dir := range dirs {
		out = append(out, filepath.Clean(dir))
	}
	return out
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// pidOf is the id here of the process that a pidfd is of, or by NSpid that
// inside; 0 when it is gone.
func pidOf(f *os.File, name string) int {
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(info), "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	numbers := strings.Fields(line)
	if len(numbers) == 0 {
		return 0
	}
	pid, err := strconv.Atoi(numbers[len(numbers)-1])
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

func (e *environment) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	for _, p := range e.procs {
		p.peak.Store(p.PeakMemory()) // the kernel's count goes with the holder
	}
	e.mu.Unlock()
	_ = e.holder.Process.Kill()
	<-e.gone
	e.mu.Lock()
	procs := e.procs
	e.mu.Unlock()
	for _, p := range procs {
		<-p.done
		p.Sync()
		p.closePipes()
	}
	return errors.Join(e.link.f.Close(), e.limits.Close())
}
