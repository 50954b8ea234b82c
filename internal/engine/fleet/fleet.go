// Package fleet decides which execution environment serves an invocation: a
// free one of the function if there is one, else a new one. It implements
// [lambda.Invoker] for the front doors.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	imagert "github.com/lambkin-dev/lambkin/internal/runtimes/image"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Options is what a fleet is made of; it is the same for all functions.
type Options struct {
	Runtimes runtimes.Set
	Host     *runtimes.Host
	// HostFor gives a function a host of its own in the place of Host; nil for none.
	HostFor func(*lambda.Function) *runtimes.Host
	Sandbox sandbox.Sandbox
	// Fallback takes the place of Sandbox when the machine does not let that be;
	// nil for none. What runs in an image does without.
	Fallback sandbox.Sandbox
	// Images gives the image that a function runs in, nil for the host's
	// programs; it is asked once for each function. A nil Images refuses
	// functions that are images.
	Images     func(context.Context, *lambda.Function) (*sandbox.Image, error)
	RuntimeDir string // the folder with lambkin's bootstraps
	Environ    instance.Environ
	// SplitOutput, NoTimeout, NoMemoryLimit, InitOnce and Freeze are those of [instance.Options].
	SplitOutput, NoTimeout, NoMemoryLimit, InitOnce, Freeze bool
	// LayerCache is that of [bundle.Prepare].
	LayerCache string
	// Sink takes the records of all instances.
	Sink telemetry.Sink
	// Notice takes remarks for the user. One remark is made once.
	Notice func(string)
}

// Fleet owns the execution environments of a project's functions.
type Fleet struct {
	opts Options

	mu      sync.Mutex // guards what follows
	closed  bool
	free    map[tenancy][]*instance.Instance // may serve, the last used at the end
	all     map[*instance.Instance]bool      // every one that is not closed
	shared  map[*lambda.Function][]*shared   // that further invocations may join
	code    map[*lambda.Function]*prepared
	noticed map[string]bool
	retired map[*lambda.Function]bool // are not served again
	fallen  bool                      // Fallback is in use
	// settling counts instances that have answered and have not asked for more
	// yet; settled is closed, and made anew, when one of them has.
	settling map[tenancy]int
	settled  chan struct{}
	// dear is what the last environment of a function took to start.
	dear   map[*lambda.Function]time.Duration
	ending sync.WaitGroup // instances that are being settled or closed
}

// tenancy is whom an environment serves: a function and, where that is isolated
// by tenant, one of them.
type tenancy struct {
	*lambda.Function
	tenant string
}

// prepared is a function's code on disk, and its image. The first who needs
// them makes them; where one fails or gives up, the next tries again.
type prepared struct {
	making chan struct{} // one token while somebody makes them
	code   *bundle.Code  // nil until then
	image  *sandbox.Image
}

// New makes an empty fleet. The caller closes it.
func New(opts Options) *Fleet {
	return &Fleet{
		opts:     opts,
		free:     map[tenancy][]*instance.Instance{},
		all:      map[*instance.Instance]bool{},
		shared:   map[*lambda.Function][]*shared{},
		code:     map[*lambda.Function]*prepared{},
		noticed:  map[string]bool{},
		retired:  map[*lambda.Function]bool{},
		settling: map[tenancy]int{}, settled: make(chan struct{}), dear: map[*lambda.Function]time.Duration{},
	}
}

// ErrClosed is returned by Invoke after Close.
var ErrClosed = errors.New("the fleet is closed")

// UnsupportedRuntime says that lambkin does not serve a function's runtime.
type UnsupportedRuntime struct {
	Function *lambda.Function
	Nearest  string // the supported identifier that was probably meant, "" when none is close
}

func (e *UnsupportedRuntime) Error() string {
	switch {
	case e.Function.PackageType == lambda.Image:
		return fmt.Sprintf("function %s is a container image, which this version of lambkin does not run", e.Function.Path)
	case ofAWS().MatchString(e.Function.Runtime):
		return fmt.Sprintf("this version of lambkin does not run %s, the runtime of function %s", e.Function.Runtime, e.Function.Path)
	}
	return fmt.Sprintf("runtime %q of function %s is not one that lambkin runs", e.Function.Runtime, e.Function.Path)
}

// ofAWS are runtimes that are AWS's though not lambkin's: they are not misspelt.
var ofAWS = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(java(8|11|17|21|25)|ruby[234]\.\d|dotnet(core[123]\.\d|5\.0|6|7|8|9|10))(\.al2|\.al2023)?$`)
})

func unsupported(fn *lambda.Function, known []string) *UnsupportedRuntime {
	e := &UnsupportedRuntime{Function: fn}
	if fn.PackageType != lambda.Image && !ofAWS().MatchString(fn.Runtime) {
		e.Nearest = diag.Nearest(fn.Runtime, known)
	}
	return e
}

// Invoke implements [lambda.Invoker].
func (f *Fleet) Invoke(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	if fn.MaxConcurrency > 0 {
		return f.invokeShared(ctx, fn, inv)
	}
	whose := tenancy{fn, inv.TenantID}
	i, err := f.acquire(ctx, whose)
	if err != nil {
		return nil, err
	}
	res, err := i.Invoke(ctx, inv)
	if errors.Is(err, instance.ErrShutdown) { // it has ended since it was last used
		if err := f.release(whose, i); err != nil {
			return nil, err
		}
		return f.Invoke(ctx, fn, inv)
	}
	if err != nil {
		// All its processes are gone before the caller hears of it.
		return nil, errors.Join(err, f.release(whose, i))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return res, nil // Close takes care of the instance
	}
	f.dear[fn] = i.ColdStart()
	f.settling[whose]++
	f.ending.Go(func() {
		if err := f.release(whose, i); err != nil {
			f.notice(fmt.Sprintf("ending an environment of %s: %v", fn.Path, err))
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.settling[whose]--; f.settling[whose] == 0 {
			delete(f.settling, whose)
		}
		close(f.settled)
		f.settled = make(chan struct{})
	})
	return res, nil
}

// An invocation waits for an environment that has answered its last one and is
// about to ask for more: a caller that asks again at once is to be served by the
// same. It waits as long as it takes to start another, so that it has its answer
// in twice that time at most, but not less or more than this.
const (
	leastPatience = 20 * time.Millisecond
	mostPatience  = 2 * time.Second
)

func (f *Fleet) patience(fn *lambda.Function) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(max(f.dear[fn], leastPatience), mostPatience)
}

// acquire takes a free instance or starts one.
func (f *Fleet) acquire(ctx context.Context, whose tenancy) (*instance.Instance, error) {
	var over <-chan time.Time
	for {
		i, settled, err := f.take(whose)
		if i != nil || err != nil {
			return i, err
		}
		if settled == nil {
			return f.start(ctx, whose.Function)
		}
		if over == nil {
			timer := time.NewTimer(f.patience(whose.Function))
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-settled:
		case <-over:
			return f.start(ctx, whose.Function)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take takes a free instance. Without one, settled is closed when it is
// worth to ask again, and nil when it is not.
func (f *Fleet) take(whose tenancy) (i *instance.Instance, settled <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, nil, ErrClosed
	}
	if free := f.free[whose]; len(free) > 0 {
		f.free[whose] = free[:len(free)-1]
		return free[len(free)-1], nil, nil
	}
	if f.settling[whose] > 0 {
		settled = f.settled
	}
	return nil, settled, nil
}

func (f *Fleet) start(ctx context.Context, fn *lambda.Function) (*instance.Instance, error) {
	rt := f.opts.Runtimes.Lookup(fn.Runtime)
	if rt == nil && fn.PackageType != lambda.Image || fn.PackageType == lambda.Image && f.opts.Images == nil {
		return nil, unsupported(fn, f.opts.Runtimes.Identifiers())
	}
	code, image, err := f.prepare(ctx, fn)
	if err != nil {
		return nil, err
	}
	if image != nil {
		in := imagert.Runtime{Image: image}
		if rt != nil && rt.Name() == ownProgram {
			in.Own = rt
		}
		rt = in
	} else if rt == nil {
		return nil, unsupported(fn, f.opts.Runtimes.Identifiers())
	}
	host := f.opts.Host
	if f.opts.HostFor != nil {
		host = f.opts.HostFor(fn)
	}
	box := f.sandbox()
	i, err := instance.Start(ctx, instance.Options{
		Function: fn, Runtime: rt, Host: host, Sandbox: box,
		Code: code.Dir, Layers: code.Layers, Image: image, RuntimeDir: f.opts.RuntimeDir,
		Environ: f.opts.Environ, SplitOutput: f.opts.SplitOutput, NoTimeout: f.opts.NoTimeout, NoMemoryLimit: f.opts.NoMemoryLimit, InitOnce: f.opts.InitOnce, Freeze: f.opts.Freeze,
		Sink: f.opts.Sink, Notice: f.notice,
	})
	if refused, ok := errors.AsType[*sandbox.Unavailable](err); ok && image == nil && f.fallBack(refused) {
		return f.start(ctx, fn)
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errors.Join(ErrClosed, i.Close())
	}
	f.all[i] = true
	return i, nil
}

// ownProgram is the runtime of code that needs nothing of an image to start.
const ownProgram = "provided"

// sandbox is the sandbox that is in use.
func (f *Fleet) sandbox() sandbox.Sandbox {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fallen {
		return f.opts.Fallback
	}
	return f.opts.Sandbox
}

// fallBack reports whether there is another sandbox to try than the one that
// was refused, and says so.
func (f *Fleet) fallBack(refused *sandbox.Unavailable) bool {
	if f.opts.Fallback == nil || refused.Sandbox != f.opts.Sandbox.Name() {
		return false
	}
	f.mu.Lock()
	f.fallen = true
	f.mu.Unlock()
	f.notice(fmt.Sprintf("functions are not isolated from this machine, since %s; to change that: %s", refused.Reason, refused.Hint))
	return true
}

// Warm starts an environment of fn that waits for the first invocation. It
// does not wait until the runtime is ready; how that went, the first
// invocation tells.
func (f *Fleet) Warm(ctx context.Context, fn *lambda.Function) error {
	if fn.TenantIsolation {
		return nil // whose it would be is not known yet
	}
	if fn.MaxConcurrency > 0 {
		s, err := f.join(ctx, fn)
		if err != nil {
			return err
		}
		return f.leave(fn, s, false)
	}
	i, err := f.start(ctx, fn)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed { // else Close takes care of it
		whose := tenancy{Function: fn}
		f.free[whose] = append(f.free[whose], i)
	}
	return nil
}

// prepare brings fn's code to disk and gets its image, once.
func (f *Fleet) prepare(ctx context.Context, fn *lambda.Function) (*bundle.Code, *sandbox.Image, error) {
	f.mu.Lock()
	p := f.code[fn]
	if p == nil {
		p = &prepared{making: make(chan struct{}, 1)}
		f.code[fn] = p
	}
	f.mu.Unlock()
	select {
	case p.making <- struct{}{}:
		defer func() { <-p.making }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if p.code != nil {
		return p.code, p.image, nil
	}
	image, code, err := (*sandbox.Image)(nil), &bundle.Code{}, error(nil)
	if f.opts.Images != nil {
		image, err = f.opts.Images(ctx, fn)
	}
	if err == nil && fn.PackageType != lambda.Image {
		code, err = bundle.Prepare(fn, f.opts.LayerCache)
	}
	if err != nil {
		return nil, nil, err // the user may mend it and ask again
	}
	p.code, p.image = code, image
	return code, image, nil
}

// release waits until the instance is free and keeps it, or closes it when it
// can serve no more.
func (f *Fleet) release(whose tenancy, i *instance.Instance) error {
	if i.Settle() {
		f.mu.Lock()
		keep := !f.retired[whose.Function]
		if keep && !f.closed {
			f.free[whose] = append(f.free[whose], i)
		}
		f.mu.Unlock()
		if keep {
			return nil
		}
	}
	return f.end(i)
}

// end ends an environment's processes.
func (f *Fleet) end(i *instance.Instance) error {
	err := i.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, i)
	return err
}

// Retire ends the environments of fn when they have nothing to do any more.
// Invocations that begin afterwards all the same get one for themselves.
func (f *Fleet) Retire(fn *lambda.Function) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.retired[fn] = true
	for whose, free := range f.free {
		if whose.Function != fn {
			continue
		}
		for _, i := range free {
			f.endLater(fn, i)
		}
		delete(f.free, whose)
	}
	f.retireShared(fn)
}

// endLater ends an environment's processes in the background.
func (f *Fleet) endLater(fn *lambda.Function, i *instance.Instance) {
	f.ending.Go(func() {
		if err := f.end(i); err != nil {
			f.notice(fmt.Sprintf("ending an environment of %s: %v", fn.Path, err))
		}
	})
}

func (f *Fleet) notice(text string) {
	f.mu.Lock()
	known := f.noticed[text]
	f.noticed[text] = true
	f.mu.Unlock()
	if !known {
		f.opts.Notice(text)
	}
}

// Settle waits until no invocation is under way any more: all REPORT records
// of answered invocations are out.
func (f *Fleet) Settle() { f.ending.Wait() }

// Close ends all environments and removes what was put on disk for them. It
// returns when their processes are gone. Invocations that are under way fail.
func (f *Fleet) Close() error {
	f.mu.Lock()
	f.closed = true
	instances := make([]*instance.Instance, 0, len(f.all))
	for i := range f.all {
		instances = append(instances, i)
	}
	f.mu.Unlock()
	errs := make([]error, len(instances))
	var wg sync.WaitGroup
	for n, i := range instances {
		wg.Go(func() { errs[n] = i.Close() })
	}
	wg.Wait()
	f.ending.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.code {
		if p.code != nil {
			errs = append(errs, p.code.Close())
		}
	}
	f.free, f.all, f.code = nil, nil, nil
	clear(f.shared)
	return errors.Join(errs...)
}
