// Package instance is one execution environment of a function: its sandbox,
// its runtime process and extensions, the server of their APIs. It lives through
//
//	Init -> Ready -> Busy -> Ready ... -> Shutdown
//
// After a timeout, an exit or a failed initialisation its processes are ended
// and, as on AWS, started anew in the time of the next invocation; /tmp and the
// log stream stay. It serves one invocation at a time. Which instance serves which invocation
// is decided in package fleet. A failing function is a result with a function
// error, payload and log lines as AWS has them; errors of this package mean
// that the function could not be run.
package instance

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/engine/extension"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Options is what an instance is made of.
type Options struct {
	Function *lambda.Function
	Runtime  runtimes.Runtime
	Host     *runtimes.Host
	Sandbox  sandbox.Sandbox
	// Code is the folder with the function's code, Layers those of its layers
	// in order, RuntimeDir the one with lambkin's bootstraps.
	Code       string
	Layers     []string
	RuntimeDir string
	// Image is what the function runs in, nil for the host's programs. Runtime
	// then is the image's.
	Image   *sandbox.Image
	Environ Environ
	// SplitOutput tells the function's two output streams apart in the
	// records, at the price of the order between them.
	SplitOutput bool
	// NoTimeout lets initialisation and invocations take as long as they like.
	NoTimeout bool
	// NoMemoryLimit lets the environment use more memory than the function is
	// configured with.
	NoMemoryLimit bool
	// InitOnce does without the second attempt at an initialisation that has
	// failed, which AWS makes in the time of the first invocation. One that has
	// taken too long is begun anew all the same.
	InitOnce bool
	// Freeze stops the processes between invocations, as AWS does: timers do not
	// fire, and connections stand still.
	Freeze bool
	// Sink takes the instance's records.
	Sink telemetry.Sink
	// Notice takes remarks for the user, such as the interpreter that is used
	// in place of the one asked for.
	Notice func(string)
}

// Instance is one execution environment. Invoke and Close may be called from
// several goroutines; Invoke serves one invocation at a time, or as many as
// [lambda.Function.MaxConcurrency] says.
type Instance struct {
	opts   Options
	launch *runtimes.Launch
	env    sandbox.Environment
	paths  runtimes.Paths
	stream string // log stream name
	// external are the names of the external extensions, in the order in which
	// they are started; extensionsOff turns off all, internal ones too.
	external      []string
	extensionsOff bool
	// group is that of run, for records that come from any goroutine.
	group atomic.Pointer[extension.Group]

	// busy holds one token while an invocation is being served, from before
	// its event is delivered until the runtime asks for more work. Whoever has
	// put the token in may use run.
	busy chan struct{}
	run  *process // nil when the processes have been ended
	// debugger brings debuggers to where the processes are, nil for none.
	debugger *forwarder

	// throttled says that processor time is kept as short as on AWS.
	throttled atomic.Bool
	hungry    sync.Once     // the user has been told that memory does not suffice
	foreign   sync.Once     // the user has been told that an image may have no runtime
	ended     atomic.Bool   // no more invocations can be served
	began     time.Time     // when the sandbox was asked for
	coldStart atomic.Int64  // see ColdStart
	closing   chan struct{} // closed by Close: an invocation that is being served fails
	once      sync.Once
}

// ErrShutdown is returned by Invoke when the instance can serve no more.
var ErrShutdown = errors.New("the execution environment has ended")

// Start opens the sandbox and starts the runtime process in it. It does not
// wait until the runtime is ready: Invoke does.
func Start(ctx context.Context, opts Options) (*Instance, error) {
	if opts.Image != nil { // the framework keeps the user's shell from its containers, too
		opts.Environ.Inherit, opts.Environ.Shell = nil, nil
	}
	began := time.Now()
	i := &Instance{opts: opts, began: began, stream: logStream(began), busy: make(chan struct{}, 1), closing: make(chan struct{})}
	env, err := opts.Sandbox.Open(ctx, spec(opts))
	if err != nil {
		return nil, fmt.Errorf("opening the %s sandbox: %w", opts.Sandbox.Name(), err)
	}
	i.env, i.paths = env, paths(env.Paths(), opts)
	host := *opts.Host
	host.Tell = opts.Notice
	i.launch, err = opts.Runtime.Launch(opts.Function, i.paths, &host)
	if err == nil && host.Debug != nil && host.Debug.Path != "" {
		i.launch.Uses = append(i.launch.Uses, host.Debug.Path)
	}
	if err == nil {
		err = i.findExtensions(ctx)
	}
	if err == nil {
		i.debugger, err = forward(env, host.Debug)
	}
	if err == nil {
		for _, n := range i.launch.Notices {
			opts.Notice(n)
		}
		if opts.Function.SnapStart && !i.launch.Snapshots && opts.Image == nil && opts.Environ.Shell == nil {
			opts.Notice(fmt.Sprintf("AWS has no SnapStart for %s and refuses to deploy %s", opts.Function.Runtime, opts.Function.Path))
		}
		i.run, err = i.start(ctx, "init")
	}
	if err != nil {
		i.debugger.close()
		return nil, errors.Join(err, env.Close())
	}
	return i, nil
}

// findExtensions finds the external extensions, in layers or in the image.
func (i *Instance) findExtensions(ctx context.Context) (err error) {
	i.external, i.extensionsOff, err = bundle.Extensions(i.opts.Layers)
	if err != nil || i.opts.Image == nil || i.extensionsOff {
		return err
	}
	i.external, err = i.env.Files(ctx, path.Join(sandbox.AWS().Opt, "extensions"))
	slices.Sort(i.external)
	return err
}

// spec is the environment that the function gets.
func spec(opts Options) sandbox.Spec {
	home := ""
	if opts.Host != nil {
		home = opts.Host.Env["HOME"]
	}
	out := sandbox.Spec{
		Code: opts.Code, Layers: opts.Layers, Runtime: opts.RuntimeDir, Image: opts.Image, Tree: func() string { return bundle.Tree(opts.Code, home) },
		Tell: opts.Notice, Memory: int64(opts.Function.MemoryMB) << 20, EphemeralMB: opts.Function.EphemeralMB,
	}
	if opts.NoMemoryLimit {
		out.Memory = 0
	}
	return out
}

// paths tells the runtimes what the sandbox shows to processes, and what of it
// lies on the host under another name.
func paths(p sandbox.Paths, opts Options) runtimes.Paths {
	out := runtimes.Paths{Task: p.Task, Opt: p.Opt, Runtime: p.Runtime, Tmp: p.Tmp}
	if p.Task != opts.Code {
		out.HostTask, out.HostLayers = opts.Code, opts.Layers
	}
	return out
}

// Invoke serves one invocation. See [lambda.Invoker] for its contract. After an
// error it returns [ErrShutdown].
func (i *Instance) Invoke(ctx context.Context, inv *lambda.Invocation) (*lambda.Result, error) {
	select {
	case i.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if i.ended.Load() {
		<-i.busy
		return nil, ErrShutdown
	}
	c := i.newCall(inv)
	if i.concurrent() {
		return c.serveShared(ctx)
	}
	res, settling, err := c.serve(ctx)
	if settling {
		return res, nil // the goroutine that waits for the runtime returns the token
	}
	i.stop(c.reason)
	if err != nil {
		i.ended.Store(true)
	}
	<-i.busy
	return res, err
}

// ColdStart is how long it took from [Start] until the runtime first asked for
// an event; 0 while it has not.
func (i *Instance) ColdStart() time.Duration { return time.Duration(i.coldStart.Load()) }

// Settle waits until no invocation is being served: the runtime has asked for
// more work and the REPORT record is out. It reports whether the instance can
// serve another.
func (i *Instance) Settle() (usable bool) {
	i.busy <- struct{}{}
	defer func() { <-i.busy }()
	return !i.ended.Load()
}

// Close ends the environment's processes and returns when they are gone;
// extensions have up to two seconds for it. An invocation that is being served
// fails; call Settle first to let it end.
func (i *Instance) Close() error {
	i.once.Do(func() { close(i.closing) })
	i.busy <- struct{}{}
	defer func() { <-i.busy }()
	i.ended.Store(true)
	if i.run != nil {
		i.run.windDown(extension.Spindown)
	}
	err := i.env.Close() // and with it all processes, at once
	if i.run != nil {
		i.run.close()
		i.run = nil
	}
	i.debugger.close()
	return err
}

// stop ends the processes. The caller has the token.
func (i *Instance) stop(reason extension.Reason) {
	select {
	case <-i.closing:
		reason = extension.Spindown // whatever became of the invocation
	default:
	}
	if i.run != nil {
		i.run.stop(cmp.Or(reason, extension.Spindown))
		i.run = nil
	}
}

// emit makes a record of what has happened. It may be called from any goroutine.
func (i *Instance) emit(event any) {
	r := telemetry.Record{Time: time.Now(), Function: i.opts.Function, LogStream: i.stream, Event: event}
	i.opts.Sink(r)
	if g := i.group.Load(); g != nil {
		g.Record(r)
	}
}

// complete fills in what the caller left to the engine.
func complete(inv *lambda.Invocation) *lambda.Invocation {
	full := *inv
	if full.RequestID == "" {
		full.RequestID = NewRequestID()
	}
	if full.TraceID == "" {
		var random [12]byte
		_, _ = rand.Read(random[:]) // never fails
		full.TraceID = traceID(time.Now().Unix(), random)
	}
	return &full
}

// NewRequestID makes a random (version 4) UUID.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// logStream makes a name as CloudWatch's log streams of functions have.
func logStream(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.UTC().Format("2006/01/02") + "/[" + lambda.LatestVersion + "]" + hex.EncodeToString(b[:])
}
