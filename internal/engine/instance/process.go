package instance

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/extension"
	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// process is one start of the environment's processes, with the server that
// they talk to.
type process struct {
	api         *runtimeapi.Server
	ext         *extension.Group
	started     time.Time
	token       string       // for credentials, of a function with SnapStart
	frozen      bool         // between invocations
	asked       atomic.Bool  // the runtime has asked for an event
	initialized bool         // an invocation has waited for the end of the initialisation
	proc        sandbox.Proc // the runtime's, nil until the extensions have registered
	outputs     []io.Writer  // that take what the runtime's process prints
	extensions  map[string]sandbox.Proc
}

// start starts the external extensions or, where there are none, the runtime.
func (i *Instance) start(ctx context.Context, phase string) (*process, error) {
	p := &process{started: time.Now()}
	i.throttle(false)
	p.ext = extension.New(extension.Options{
		Function: i.opts.Function, Account: i.opts.Environ.Account, External: i.external, Emit: i.emit, NewID: NewRequestID, Dial: i.env.Dial,
	})
	i.group.Store(p.ext)
	var beside http.Handler = p.ext
	if i.extensionsOff {
		beside = nil
	}
	o := runtimeapi.Options{Beside: beside, First: func() {
		p.asked.Store(true)
		p.ext.CloseRegistration()
	}, Concurrency: i.opts.Function.MaxConcurrency}
	if i.snapshots() {
		p.token = rand.Text()
		o.Snapshot = &runtimeapi.Snapshot{Token: p.token, Credentials: i.credentials()}
	}
	api, err := i.listen(ctx, o)
	if err != nil {
		p.ext.Close()
		return nil, fmt.Errorf("opening the Runtime API: %w", err)
	}
	p.api = api
	fn := i.opts.Function
	i.emit(telemetry.InitStart{Type: i.initType(), Phase: phase, LogStream: i.stream, ARN: fn.ARN(i.opts.Environ.Region, i.opts.Environ.Account, "")})
	if len(i.external) == 0 {
		err = i.startRuntime(ctx, p)
	} else {
		err = i.startExtensions(ctx, p)
	}
	if err != nil {
		p.ext.Close()
		return nil, errors.Join(err, api.Close())
	}
	return p, nil
}

// throttle says whether the processes get no more of the processor than AWS
// gives for their memory. Initialisations get more there too.
func (i *Instance) throttle(on bool) {
	env, ok := i.env.(sandbox.Throttled)
	if !ok || i.throttled.Swap(on) == on {
		return
	}
	if err := env.Throttle(on); err != nil {
		i.opts.Notice(fmt.Sprintf("functions get all of the processor here: %v", err))
	}
}

// listen starts the Runtime API where the environment's processes reach it.
func (i *Instance) listen(ctx context.Context, o runtimeapi.Options) (api *runtimeapi.Server, err error) {
	if o.Listener, err = i.env.Listen(ctx); err != nil {
		return nil, err
	}
	return runtimeapi.Listen(o)
}

// startRuntime starts the runtime's process.
func (i *Instance) startRuntime(ctx context.Context, p *process) error {
	cmd := sandbox.Command{
		Path: i.launch.Path, Args: i.launch.Args, Dir: cmp.Or(i.launch.Dir, i.paths.Task),
		Env:  environment(i.opts.Function, &i.opts.Environ, i.launch, i.paths, own{logStream: i.stream, api: p.api.Addr(), token: p.token}).list(),
		Uses: i.launch.Uses, Keeps: i.launch.Keeps,
		Mark: "AWS_LAMBDA_RUNTIME_API=" + p.api.Addr(),
	}
	cmd.Stdout = levels(i.opts.Function, &output{instance: i, stream: telemetry.Stdout})
	cmd.Stderr = cmd.Stdout
	if i.opts.SplitOutput {
		cmd.Stderr = levels(i.opts.Function, &output{instance: i, stream: telemetry.Stderr})
	}
	p.outputs = []io.Writer{cmd.Stdout, cmd.Stderr}
	i.emit(telemetry.Launch{Path: cmd.Path, Args: cmd.Args})
	proc, err := i.env.Start(ctx, cmd)
	if err == nil {
		p.proc = proc
		return nil
	}
	_, unavailable := errors.AsType[*sandbox.Unavailable](err)
	if _, refused := errors.AsType[*fs.PathError](err); refused && !unavailable && i.opts.Image != nil {
		return &CannotStart{Function: i.opts.Function, Image: i.opts.Image.Name, Path: cmd.Path, Dir: cmd.Dir, Err: err}
	}
	return fmt.Errorf("starting %s: %w", i.launch.Path, err)
}

// CannotStart says that an image's program cannot be started.
type CannotStart struct {
	Function  *lambda.Function
	Image     string
	Path, Dir string // of the program, and its working folder, in the image
	Err       error
}

func (e *CannotStart) Error() string {
	if e.noDir() {
		return fmt.Sprintf("the image %s has no folder %s, which function %s is to start in", e.Image, e.Dir, e.Function.Path)
	}
	reason := e.Err
	if path, ok := errors.AsType[*fs.PathError](e.Err); ok && e.Err.Error() == path.Error() {
		reason = path.Err
	}
	return fmt.Sprintf("function %s cannot be started: %s in the image %s: %v", e.Function.Path, e.Path, e.Image, reason)
}

// Unwrap returns what failed.
func (e *CannotStart) Unwrap() error { return e.Err }

func (e *CannotStart) noDir() bool {
	path, ok := errors.AsType[*fs.PathError](e.Err)
	return ok && path.Path == e.Dir && e.Dir != e.Path
}

// Hint is what to change.
func (e *CannotStart) Hint() string {
	switch {
	case e.noDir():
		return "correct WORKDIR in its Dockerfile, or WorkingDirectory in the function's ImageConfig"
	case errors.Is(e.Err, fs.ErrPermission):
		return "everybody must be able to execute it (chmod a+rx), since functions run as user 993, as on AWS"
	case errors.Is(e.Err, syscall.ENOEXEC):
		return "it must be a program for the image's architecture, or a script that begins with #! and its interpreter"
	}
	return "correct ENTRYPOINT and CMD in its Dockerfile, or EntryPoint and Command in the function's ImageConfig; what a script's #! or a program's loader names must be there, too"
}

// startExtensions starts the external extensions. One that cannot be started
// fails the initialisation, as on AWS; an error is the environment's.
func (i *Instance) startExtensions(ctx context.Context, p *process) error {
	if len(i.external) > extension.Max {
		p.ext.LaunchFailed(i.external[extension.Max], fmt.Sprintf("Extension limit (%d) reached", extension.Max))
		return nil
	}
	p.extensions = map[string]sandbox.Proc{}
	env := extensionEnvironment(i.opts.Function, &i.opts.Environ, i.launch, i.paths, own{logStream: i.stream, api: p.api.Addr(), token: p.token})
	for _, name := range i.external {
		out := &output{instance: i, stream: telemetry.Stdout, extension: name}
		path := filepath.Join(cmp.Or(i.paths.Opt, sandbox.AWS().Opt), "extensions", name)
		proc, err := i.env.Start(ctx, sandbox.Command{
			Path: path, Dir: "/", Env: env,
			Mark: "AWS_LAMBDA_RUNTIME_API=" + p.api.Addr(), Stdout: out, Stderr: out,
		})
		if errors.Is(err, sandbox.ErrClosed) {
			return err
		}
		if err != nil {
			p.ext.LaunchFailed(name, err.Error())
			if errors.Is(err, fs.ErrPermission) {
				i.opts.Notice(fmt.Sprintf("the extension %s of a layer cannot be executed, on AWS neither: chmod +x %s", name, path))
			}
			continue
		}
		p.extensions[name] = proc
		p.ext.Watch(name, proc.Done(), func() string { return extensionExit(proc.Exit()) })
	}
	return nil
}

func extensionExit(e sandbox.Exit) string {
	if e.Code == 0 {
		return "exit code 0"
	}
	return e.Text
}

func extensionFailed(f extension.Failed) *outcome {
	return &outcome{status: telemetry.Failure, errorType: f.ErrorType, message: f.Message}
}

// awaitExtensions waits until the extensions that were told of the invocation
// have asked for more. They share the function's time.
func (c *call) awaitExtensions(timeout <-chan time.Time, over *outcome) *outcome {
	idle := c.run.ext.Idle()
	select {
	case <-idle:
		return nil
	default:
	}
	c.run.sync()
	c.runtimeDone(over)
	begun := time.Now()
	defer func() { c.overhead = time.Since(begun) }()
	select {
	case <-idle:
		return nil
	case f := <-c.run.ext.Failed():
		return extensionFailed(f)
	case <-c.run.proc.Done():
		return c.exited()
	case <-timeout:
		return c.timedOut()
	case <-c.closing:
		return &outcome{status: telemetry.Failure}
	}
}

// exited is closed when the runtime's process has ended; nil before its start.
func (p *process) exited() <-chan struct{} {
	if p.proc == nil {
		return nil
	}
	return p.proc.Done()
}

// gone reports whether the runtime's process has ended.
func (p *process) gone() bool {
	if p.proc == nil {
		return false
	}
	select {
	case <-p.proc.Done():
		return true
	default:
		return false
	}
}

// sync returns when all output up to now is recorded.
func (p *process) sync() {
	for proc := range p.all() {
		proc.Sync()
	}
	for _, w := range p.outputs {
		if l, ok := w.(*leveled); ok {
			l.flush()
		}
	}
}

// peakMemory is what all processes have used at most, in bytes.
func (p *process) peakMemory() int64 {
	var total int64
	for proc := range p.all() {
		total += peakMemory(proc)
	}
	return total
}

func peakMemory(proc sandbox.Proc) int64 {
	peak := proc.PeakMemory()
	select {
	case <-proc.Done():
		peak = max(peak, proc.Exit().PeakMemory)
	default:
	}
	return peak
}

// freeze stops the processes until the next invocation, where that is wanted.
func (c *call) freeze() {
	if !c.opts.Freeze {
		return
	}
	c.run.frozen = true
	for proc := range c.run.all() {
		if err := proc.Freeze(); err != nil {
			c.opts.Notice(fmt.Sprintf("functions are not frozen between invocations: %v", err))
		}
	}
}

// thaw lets frozen processes go on.
func (p *process) thaw() {
	if !p.frozen {
		return
	}
	p.frozen = false
	for proc := range p.all() {
		_ = proc.Thaw() // what could not be frozen goes on anyway
	}
}

// all are the processes that have been started.
func (p *process) all() iter.Seq[sandbox.Proc] {
	return func(yield func(sandbox.Proc) bool) {
		if p.proc != nil && !yield(p.proc) {
			return
		}
		for _, proc := range p.extensions {
			if !yield(proc) {
				return
			}
		}
	}
}

// stop ends the processes and their server.
func (p *process) stop(reason extension.Reason) {
	p.windDown(reason)
	for proc := range p.all() {
		proc.Kill()
		<-proc.Done()
	}
	p.close()
}

// windDown lets the processes end by themselves, where AWS does.
func (p *process) windDown(reason extension.Reason) {
	p.thaw()
	p.ext.Ending()
	if registered, external := p.ext.Any(); registered {
		p.shutdown(reason, external)
	}
}

// close ends the server of processes that have ended.
func (p *process) close() {
	_ = p.api.Close()
	p.ext.Close()
}

// How long AWS lets a Shutdown phase take in all, and the runtime of it
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
// Without extensions there is none.
const (
	internalShutdown = 500 * time.Millisecond
	externalShutdown = 2 * time.Second
	runtimeShutdown  = 300 * time.Millisecond
)

// shutdown lets runtime and extensions end by themselves: the runtime by
// SIGTERM, then the extensions by the SHUTDOWN event. Before that they get all
// telemetry that there is.
func (p *process) shutdown(reason extension.Reason, external bool) {
	limit, share := internalShutdown, internalShutdown
	if external {
		limit, share = externalShutdown, runtimeShutdown
	}
	deadline := time.Now().Add(limit)
	// A subscriber that does not answer must leave time for the others.
	ctx, cancel := context.WithTimeout(context.Background(), limit/2)
	defer cancel()
	p.ext.Flush(ctx)
	if p.proc != nil {
		if err := p.proc.Signal(syscall.SIGTERM); err == nil {
			await(p.proc, time.Now().Add(share))
		}
		p.proc.Kill()
		<-p.proc.Done()
		p.ext.Flush(ctx)
	}
	for _, name := range p.ext.Shutdown(reason, deadline) {
		if proc := p.extensions[name]; proc != nil {
			await(proc, deadline)
		}
	}
}

func await(proc sandbox.Proc, deadline time.Time) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-proc.Done():
	case <-timer.C:
	}
}

// output turns what a process writes into records.
type output struct {
	instance  *Instance
	stream    telemetry.Stream
	extension string
}

func (o *output) Write(data []byte) (int, error) {
	o.instance.emit(telemetry.Log{Stream: o.stream, Extension: o.extension, Data: data})
	return len(data), nil
}
