// Package app is the composition root: it makes a running system out of the
// options that a command hands in. It alone names concrete loaders, runtimes
// and sandboxes (variants.go). Every vocabulary goes through it; what two of
// them need stands here, and nothing here prints.
package app

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// Vocabulary is whose habits a function meets where AWS and the peers differ.
type Vocabulary int

// The vocabularies.
const (
	Native Vocabulary = iota
	SAM
	Serverless
)

// Options is what a command wants. The zero value loads the project in the
// working folder and follows AWS.
type Options struct {
	Vocabulary Vocabulary
	// Env is the user's environment, and EnvOrder its names as they stand
	// there; nil sorts them.
	Env      map[string]string
	EnvOrder []string
	// File names the project's file; "" looks for one in the working folder.
	File string
	// Kinds limits what the working folder is searched for; nil means every kind.
	Kinds []lambda.Kind
	// Function names the wanted function; "" takes the only one there is.
	Function string

	Region     string // "" takes the user's or the project's
	Stage      string
	Parameters map[string]string
	Flags      map[string]string // for ${opt:…}
	// BadParameter is what was given as a parameter but names none, "" for nothing.
	BadParameter string
	// Overrides are values for variables of a Serverless service, by what they ask for.
	Overrides map[string]string

	// Variables win over the function's own, as NAME=value.
	Variables []string
	// EnvVars are values for the variables that functions declare (SAM's
	// --env-vars); EnvExtra passes those that they do not declare, too.
	EnvVars  EnvVars
	EnvExtra bool
	// Profile names the shared AWS configuration's profile to take credentials
	// and region from; "" takes the environment's.
	Profile string
	// Runtime takes the place of the function's own, "" for none.
	Runtime string
	// Debug makes the function's process wait for a debugger, nil for none.
	Debug *Debug
	// LayerCache is the folder with layers that were fetched by their ARN, "" for SAM CLI's own.
	LayerCache string

	// Isolation names the sandbox; "" takes the user's own (see [DefaultIsolation])
	// or the vocabulary's.
	Isolation string
	// Network is [NoNetwork], "host" or "" for the machine's own, or for
	// containers one of the engine's.
	Network string
	// Hosts are further names that functions know, as NAME:ADDRESS.
	Hosts []string
	// NoMemoryLimit lets functions use more memory than they are configured with.
	NoMemoryLimit bool
	// Throttle holds invocations to the share of a processor that AWS gives for
	// the configured memory.
	Throttle bool
	// Container is for containers alone.
	Container ContainerOptions
	Images    ImageOptions

	StrictRuntime bool
	NoTimeout     bool
	// Freeze stops environments between invocations.
	Freeze bool

	// Events asks for the functions' events, too.
	Events bool

	// Sink takes the engine's records, Notice remarks for the user, Output what
	// programs print that are part of the project's configuration.
	Sink   telemetry.Sink
	Notice func(string)
	Output io.Writer
	// Progress hears of what takes its time, several times a second. It may be nil.
	Progress func(Progress)
}

// Load loads the project. Problems of single functions are in the list and do
// not make an error; what leaves nothing to work with is a *[Problem].
// Nobody is asked at AWS.
func Load(ctx context.Context, o Options) (*lambda.Project, diag.List, error) {
	return load(ctx, o, nil)
}

func load(ctx context.Context, o Options, aws func(project.Account) project.Lookups) (*lambda.Project, diag.List, error) {
	loaders := slices.DeleteFunc(Loaders(), func(l project.Loader) bool {
		return o.Kinds != nil && !slices.Contains(o.Kinds, l.Kind())
	})
	p, diags, err := project.Load(ctx, loaders, "", o.File, project.Options{
		Env: o.Env, Region: o.Region, Stage: o.Stage, Parameters: o.Parameters, Flags: o.Flags, Only: o.Function,
		BadParameter: o.BadParameter, Overrides: o.Overrides, Events: o.Events, AWS: aws, Node: nodeFor(o), Output: o.Output,
	})
	if err == nil {
		err = ctx.Err() // what stops a loader is in its list as well
	}
	if err != nil {
		return nil, nil, explain(err)
	}
	whole := slices.ContainsFunc(diags, func(d diag.Diagnostic) bool { return d.Severity == diag.Error && d.Subject == "" })
	if p == nil || whole {
		return nil, nil, &Problem{Kind: InProject, List: diags}
	}
	noteBuild(&diags, p, o)
	return p, diags, nil
}

// System is one function, ready to be run. It implements [lambda.Invoker] for
// the functions of its project.
type System struct {
	Project  *lambda.Project
	Function *lambda.Function
	// Diags are warnings and notes about the function and the project.
	Diags diag.List

	options Options
	engine  engine
	release func() error
}

// Open loads the project, finds the wanted function and sets up the engine for
// it; no process is started yet. The caller closes the System. Errors that the
// user can mend are of type *[Problem] or *[UnknownFunction].
func Open(ctx context.Context, o Options) (*System, error) {
	where, err := isolate(ctx, o)
	if err != nil {
		return nil, err
	}
	where.ahead()
	w, err := want(ctx, o)
	if err != nil {
		return nil, errors.Join(err, where.close())
	}
	s := &System{Project: w.project, Function: w.fn, Diags: w.diags, options: o, release: w.release}
	host := hostFor(o, w.project, w.fn)
	if err := s.engine.setUp(ctx, o, where, w.environ, func(*lambda.Function) *runtimes.Host { return host }); err != nil {
		return nil, errors.Join(err, where.close(), w.release())
	}
	return s, nil
}

// wanted is the function that the options want, as they want it.
type wanted struct {
	project *lambda.Project
	fn      *lambda.Function
	environ instance.Environ
	diags   diag.List
	// release removes what was made for the function and is not kept.
	release func() error
}

func want(ctx context.Context, o Options) (*wanted, error) {
	w, err := find(ctx, o)
	if err != nil {
		return nil, err
	}
	user, err := session(ctx, &w.diags, w.project, o)
	if err != nil {
		return nil, errors.Join(err, w.release())
	}
	w.environ = environ(o, w.project, user)
	return w, nil
}

// find loads the project and makes the wanted function ready; what all
// functions see is left to the caller.
func find(ctx context.Context, o Options) (*wanted, error) {
	aws := &lookups{options: o}
	defer aws.close()
	p, diags, err := load(ctx, o, aws.of)
	if err != nil {
		return nil, err
	}
	fn, err := choose(p, &diags, o)
	if err != nil {
		return nil, err
	}
	diags = diags.For(fn.Path)
	if fn, err = prepare(fn, &diags, p.File, o); err != nil {
		return nil, err
	}
	reservedNames(&diags, fn, o.Vocabulary)
	fn, release, err := built(ctx, fn, &diags, o)
	if err != nil {
		return nil, err
	}
	fn = withValues(fn, &diags, p, o)
	return &wanted{project: p, fn: fn, diags: diags, release: release}, nil
}

// Invoke implements [lambda.Invoker].
func (s *System) Invoke(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	return s.engine.invoke(ctx, fn, inv)
}

// Settle waits until all records of answered invocations are out.
func (s *System) Settle() { s.engine.fleet.Settle() }

// Close ends every process and removes temporary files.
func (s *System) Close() error {
	return errors.Join(s.engine.close(), s.release())
}

// reservedNames warns of variables that keep the function from being deployed.
func reservedNames(diags *diag.List, fn *lambda.Function, v Vocabulary) {
	if v == Serverless {
		return // the framework passes them on without a word
	}
	for _, e := range fn.Environment {
		if instance.Reserved(e.Name) {
			d := diags.Warnf(at(e.Source), "reserved-variable", "Lambda refuses to deploy a function that sets the reserved variable %s", e.Name)
			d.Subject, d.Hint = fn.Path, "remove it from the function's environment"
		}
	}
}

// Host is this machine as the runtimes look for interpreters on it.
func Host(env map[string]string) *runtimes.Host {
	return &runtimes.Host{Env: env, Cache: fsx.CacheDir(env)}
}

// hostFor is this machine as the options want it to be used for a function.
func hostFor(o Options, p *lambda.Project, fn *lambda.Function) *runtimes.Host {
	host := Host(withVirtualEnv(o.Env, p, fn))
	host.Strict = o.StrictRuntime
	host.Serverless = o.Vocabulary == Serverless
	host.Debug = o.Debug
	return host
}

// withVirtualEnv activates the virtual environment that lies beside a Python
// function's code or its project, unless the user has activated one.
func withVirtualEnv(env map[string]string, p *lambda.Project, fn *lambda.Function) map[string]string {
	const active = "VIRTUAL_ENV"
	if env[active] != "" || !strings.HasPrefix(fn.Runtime, "python") {
		return env
	}
	for _, dir := range []string{fn.Code.Dir, p.Dir} {
		for _, name := range []string{".venv", "venv"} {
			venv := filepath.Join(dir, name)
			if _, err := os.Stat(filepath.Join(venv, "pyvenv.cfg")); dir == "" || err != nil {
				continue
			}
			env = maps.Clone(env)
			env[active] = venv
			return env
		}
	}
	return env
}
