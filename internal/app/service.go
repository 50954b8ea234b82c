package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// ServiceOptions is what a command wants that serves functions. Function of
// the Options counts for nothing.
type ServiceOptions struct {
	Options
	// Functions names those that are served; nil means all.
	Functions []string
	// DebugFunction names the function that Debug is for; "" takes the only one there is.
	DebugFunction string
	// NoWatch keeps functions as they were at their first invocation, whatever
	// becomes of their code.
	NoWatch bool
	// Warn takes what is found out about functions when they are first asked for.
	Warn func(diag.List)
}

// Service is the functions of a project, run by name. What a function needs is
// looked up, built and checked when it is first asked for, so that a broken one
// is no obstacle for the others. Service implements [lambda.Invoker] for the
// functions that Find gives.
type Service struct {
	// Functions are those that are served, in the order of the project.
	Functions []*lambda.Function
	// Diags are warnings and notes about the project.
	Diags diag.List

	options ServiceOptions
	debug   string // path of the function that is debugged, "" for none
	environ instance.Environ
	engine  engine

	mu     sync.Mutex // guards what follows
	served map[string]*served
	hosts  map[*lambda.Function]*runtimes.Host
	told   map[string]bool // diagnostics that are out
	// releases remove what was made for functions and is not kept.
	releases []func() error

	debugging chan struct{} // one token while the debugged function runs: there is one port
}

// served is one function of a service. Whoever holds the lock may make it.
type served struct {
	sync.Mutex
	fn    *lambda.Function // nil until somebody has asked for it
	state state            // of its files when it was made
}

// Serve loads the project and sets up the engine for its functions; no process
// is started yet. The caller closes the Service. Errors that the user can mend
// are of type *[Problem] or *[UnknownFunction].
func Serve(ctx context.Context, o ServiceOptions) (*Service, error) {
	o.Function = ""
	p, diags, err := Load(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	s := &Service{
		options: o, served: map[string]*served{}, hosts: map[*lambda.Function]*runtimes.Host{}, told: map[string]bool{},
		debugging: make(chan struct{}, 1),
	}
	if s.Functions, err = subset(p, o.Functions); err != nil {
		return nil, err
	}
	// What a service says of its variables may not be so: nobody has asked AWS yet.
	if p.Kind != lambda.KindServerless {
		s.Diags = diags.For("")
	}
	if err := s.chooseDebugged(p); err != nil {
		return nil, err
	}
	user, err := session(ctx, &s.Diags, p, o.Options)
	if err != nil {
		return nil, err
	}
	s.environ = environ(o.Options, p, user)
	s.Diags = s.fresh(s.Diags)
	where, err := isolate(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	return s, s.engine.setUp(ctx, o.Options, where, s.environ, s.hostOf)
}

// subset are the functions that have one of the names; all when there is none.
func subset(p *lambda.Project, names []string) ([]*lambda.Function, error) {
	if len(names) == 0 {
		return p.Functions, nil
	}
	wanted := map[*lambda.Function]bool{}
	var unknown []string
	for _, name := range names {
		fn, _ := project.Lookup(p, name)
		if fn == nil {
			unknown = append(unknown, name)
		}
		wanted[fn] = true
	}
	if len(unknown) > 0 {
		return nil, unknownFunction(p, strings.Join(unknown, ", "))
	}
	return slices.DeleteFunc(slices.Clone(p.Functions), func(fn *lambda.Function) bool { return !wanted[fn] }), nil
}

// chooseDebugged finds the function that is debugged. As in SAM CLI, debugging
// is switched off when it is not certain which.
func (s *Service) chooseDebugged(p *lambda.Project) error {
	if s.options.Debug == nil {
		return nil
	}
	if s.options.DebugFunction == "" && len(s.Functions) != 1 {
		s.Diags.Warnf(diag.Range{}, "debug-function", "you supplied debugging options but there are several functions, so nothing is debugged").
			Hint = "name the function with --debug-function"
		s.options.Debug = nil
		return nil
	}
	fn, _ := project.Lookup(&lambda.Project{Functions: s.Functions}, cmp.Or(s.options.DebugFunction, s.Functions[0].Path))
	if fn == nil {
		return unknownFunction(p, s.options.DebugFunction)
	}
	s.debug = fn.Path
	_, err := debugged(fn, s.options.Debug) // the port is looked at before anything starts
	return err
}

// ErrUnknownFunction is how Find says that there is no such function.
var ErrUnknownFunction = errors.New("there is no such function")

// Find gives the function of a name, ready to be run: a path, an id, a logical
// id or a deployed name. It is another one when its code has changed. Errors
// that the user can mend are of type *[Problem].
func (s *Service) Find(ctx context.Context, name string) (*lambda.Function, error) {
	fn, _ := project.Lookup(&lambda.Project{Functions: s.Functions}, name)
	if fn == nil {
		return nil, ErrUnknownFunction
	}
	s.mu.Lock()
	one := s.served[fn.Path]
	if one == nil {
		one = &served{}
		s.served[fn.Path] = one
	}
	s.mu.Unlock()
	one.Lock()
	defer one.Unlock()
	// The port of what is debugged is in use until its process has ended.
	if one.fn != nil && (s.options.NoWatch || fn.Path == s.debug || stateOf(one.fn) == one.state) {
		return one.fn, nil
	}
	return s.make(ctx, one, fn.Path)
}

// make makes a function ready, in the place of what it was before. It is
// loaded anew, since what its tool has to look up for it was not looked up
// before.
func (s *Service) make(ctx context.Context, one *served, path string) (*lambda.Function, error) {
	o := s.options.Options
	o.Function = path
	if path != s.debug {
		o.Debug = nil
	}
	w, err := find(ctx, o)
	if _, gone := errors.AsType[*UnknownFunction](err); gone {
		return nil, ErrUnknownFunction
	}
	if err != nil {
		return nil, err
	}
	if one.fn != nil {
		s.engine.fleet.Retire(one.fn)
		s.options.Warn(diag.List{{Severity: diag.Note, Summary: fmt.Sprintf("the code of %s has changed; it starts anew", path)}})
	}
	one.fn, one.state = w.fn, stateOf(w.fn)
	s.mu.Lock()
	s.hosts[w.fn] = hostFor(o, w.project, w.fn)
	s.releases = append(s.releases, w.release)
	s.mu.Unlock()
	if news := s.fresh(w.diags); len(news) > 0 {
		s.options.Warn(news)
	}
	return w.fn, nil
}

// hostOf is this machine as a function that was found is to use it.
func (s *Service) hostOf(fn *lambda.Function) *runtimes.Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts[fn]
}

// fresh are the diagnostics that are not out yet.
func (s *Service) fresh(l diag.List) (out diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range l {
		if key := d.Severity.String() + d.Error(); !s.told[key] {
			s.told[key] = true
			out = append(out, d)
		}
	}
	return out
}

// Invoke implements [lambda.Invoker].
func (s *Service) Invoke(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	if fn.Path != s.debug || s.debug == "" {
		return s.engine.invoke(ctx, fn, inv)
	}
	select {
	case s.debugging <- struct{}{}:
		defer func() { <-s.debugging }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	res, err := s.engine.invoke(ctx, fn, inv)
	s.engine.fleet.Settle() // the next invocation is to find the environment free
	return res, err
}

// Warm makes all functions ready and starts an environment of each. Those that
// cannot be run are errors, and do not keep the others from being started.
func (s *Service) Warm(ctx context.Context) []error {
	errs := make([]error, len(s.Functions))
	var wg sync.WaitGroup
	for i, f := range s.Functions {
		wg.Go(func() {
			fn, err := s.Find(ctx, f.Path)
			if err == nil {
				err = explain(s.engine.fleet.Warm(ctx, fn))
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// Close ends every process and removes temporary files.
func (s *Service) Close() error {
	errs := []error{s.engine.close()}
	for _, release := range s.releases {
		errs = append(errs, release())
	}
	return errors.Join(errs...)
}
