package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/remote"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	imagert "github.com/lambkin-dev/lambkin/internal/runtimes/image"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Where values come from that stand in no file.
const (
	fromShell  = remote.FromShell
	fromOption = "--env"
)

// Variable is one variable of a function's environment.
type Variable = instance.Variable

// Environment is what one function gets to see.
type Environment struct {
	Function *lambda.Function
	// Variables are sorted by name. An ellipsis in a value stands for what
	// differs from run to run.
	Variables []Variable
	// Diags are warnings and notes about the function and the project.
	Diags diag.List
}

// Describe says what the wanted function's environment would be, without
// starting anything. Its errors are those of [Open]; what the machine lacks for
// running the function is a warning here.
func Describe(ctx context.Context, o Options) (out *Environment, err error) {
	w, err := want(ctx, o)
	if err != nil {
		return nil, err
	}
	where, err := isolate(ctx, o)
	if err != nil {
		return nil, err
	}
	e := &engine{}
	dir, err := e.bootstraps(Host(o.Env).Cache)
	if err != nil {
		return nil, unwritable(err)
	}
	defer func() { err = errors.Join(err, e.removeTemporary(), w.release()) }()
	out = &Environment{Function: w.fn, Diags: w.diags}
	described := instance.Options{
		Function: w.fn, Runtime: Runtimes().Lookup(w.fn.Runtime), Host: hostFor(o, w.project, w.fn), Sandbox: where.box,
		RuntimeDir: dir, Environ: w.environ,
	}
	if w.fn.PackageType != lambda.Image {
		code, err := bundle.Prepare(w.fn, layerCache(o))
		if err != nil {
			out.incomplete(err)
			code = &bundle.Code{Dir: w.fn.Code.Dir}
		}
		defer func() { err = errors.Join(err, code.Close()) }()
		described.Code, described.Layers = code.Dir, code.Layers
	}
	images := newImages(ctx, o, where)
	images.look = true
	defer func() { err = errors.Join(err, images.close()) }()
	if described.Image, err = images.of(ctx, w.fn); err != nil {
		out.incomplete(err)
	}
	if described.Image != nil || err != nil {
		described.Sandbox, described.Runtime = nil, nil // it would open nothing but what is AWS's
	}
	if described.Image != nil {
		described.Runtime = imagert.Runtime{Image: described.Image}
	}
	out.Variables, err = instance.Describe(ctx, described)
	if _, refused := errors.AsType[*sandbox.Unavailable](err); refused && where.fallback != nil {
		described.Sandbox = where.fallback
		out.Variables, err = instance.Describe(ctx, described)
	}
	if _, missing := errors.AsType[*runtimes.Missing](err); missing {
		out.incomplete(err)
		return out, nil
	}
	return out, explain(err)
}

// incomplete turns an error that leaves an environment usable into a warning.
func (e *Environment) incomplete(err error) {
	d := diag.Diagnostic{Code: "environment-incomplete", Summary: err.Error()}
	if p, ok := errors.AsType[*Problem](explain(err)); ok {
		d = p.List[0]
	}
	d.Severity, d.Subject = diag.Warning, e.Function.Path
	e.Diags = append(e.Diags, d)
}

// withValues gives the function's variables the values that they have for this
// run: in SAM's vocabulary those of the user's shell, as SAM CLI does, and over
// them those of an --env-vars file.
func withValues(fn *lambda.Function, diags *diag.List, p *lambda.Project, o Options) *lambda.Function {
	out := *fn
	out.Environment = slices.Clone(fn.Environment)
	if o.Vocabulary == SAM {
		for i, v := range out.Environment {
			if value, ok := o.Env[v.Name]; ok {
				out.Environment[i] = lambda.Variable{Name: v.Name, Value: value, Source: v.Source, Origin: fromShell}
			}
		}
	}
	*diags = append(*diags, o.EnvVars.diags...)
	o.EnvVars.warnUnused(p, diags)
	o.EnvVars.apply(&out, o.EnvExtra, diags)
	*diags = stillUnresolved(*diags, fn, &out, o.Variables)
	return &out
}

// stillUnresolved leaves out the warnings about values that the project cannot
// give and that now have come from elsewhere.
func stillUnresolved(diags diag.List, before, after *lambda.Function, options []string) diag.List {
	given := map[diag.Range]bool{}
	for i, v := range before.Environment {
		named := slices.ContainsFunc(options, func(entry string) bool { return strings.HasPrefix(entry, v.Name+"=") })
		if v.Unresolved && (named || !after.Environment[i].Unresolved) {
			given[at(v.Source)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(diags), func(d diag.Diagnostic) bool {
		place := diag.Range{File: d.Range.File, Start: d.Range.Start}
		return d.Severity == diag.Warning && d.Subject == before.Path && given[place]
	})
}

// session finds the user's credentials and region for functions.
func session(ctx context.Context, diags *diag.List, p *lambda.Project, o Options) (remote.Session, error) {
	if o.Vocabulary == Serverless {
		return frameworkSession(ctx, diags, p, o)
	}
	s, err := remote.Load(ctx, remote.Options{Env: o.Env, Profile: o.Profile})
	if asked := first(o.Profile, o.Env["AWS_PROFILE"], o.Env["AWS_DEFAULT_PROFILE"]); err == nil && asked != "" && s.Keys == (remote.Keys{}) {
		diags.Warnf(diag.Range{}, "profile", "the AWS profile %q has no credentials, so the function gets placeholders", asked)
	}
	return s, withoutProfile(err, diags, "Nobody has asked for this profile, so the function gets placeholders for credentials.")
}

// withoutProfile makes a warning of a profile that fails and that nobody has
// asked for; detail says what comes of it. The profile that the user wants is
// an error.
func withoutProfile(err error, diags *diag.List, detail string) error {
	failed, ok := errors.AsType[*remote.ProfileError](err)
	if !ok {
		return err
	}
	d := profileProblem(failed)
	if failed.Wanted {
		return problem(InProject, d)
	}
	d.Severity, d.Detail = diag.Warning, detail
	*diags = append(*diags, d)
	return nil
}

// frameworkSession finds credentials where the Serverless Framework does, its
// .env files included. That there are none is no matter.
func frameworkSession(ctx context.Context, diags *diag.List, p *lambda.Project, o Options) (remote.Session, error) {
	env := maps.Clone(o.Env)
	for _, v := range p.Inherited {
		if _, set := env[v.Name]; !set {
			env[v.Name] = v.Value
		}
	}
	s, err := remote.LoadServerless(ctx, remote.ServerlessOptions{
		Options: remote.Options{Env: env, Profile: o.Profile}, ProviderProfile: p.Profile, Stage: p.Stage,
	})
	if failed, ok := errors.AsType[*remote.ProfileError](err); ok && failed.Wanted {
		text := fmt.Sprintf("AWS profile %q doesn't seem to be configured", failed.Profile)
		return s, &Refusal{Problem: problem(InProject, profileProblem(failed)), Message: text}
	}
	return s, withoutProfile(err, diags, "The function gets no credentials from it.")
}

func profileProblem(e *remote.ProfileError) diag.Diagnostic {
	d := diag.Diagnostic{Code: "profile", Hint: e.Hint, Summary: fmt.Sprintf("using the AWS profile %q: %v", e.Profile, e.Err)}
	if !errors.Is(e, remote.ErrNoProfile) {
		return d
	}
	d.Summary = fmt.Sprintf("there is no AWS profile %q in %s", e.Profile, strings.Join(e.Files, " or "))
	if near := diag.Nearest(e.Profile, e.Profiles); near != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	} else if len(e.Profiles) > 0 {
		d.Hint = "the profiles there are " + strings.Join(e.Profiles, ", ")
	}
	return d
}

// account is the number of the account that functions are told they are in,
// the one that AWS's own documentation uses.
const account = "123456789012"

// environ is what the vocabulary lets a function see besides its own variables.
func environ(o Options, p *lambda.Project, s remote.Session) instance.Environ {
	e := instance.Environ{Account: account}
	for _, entry := range o.Variables {
		name, value, _ := strings.Cut(entry, "=")
		e.Override = append(e.Override, Variable{Name: name, Value: value, From: fromOption})
	}
	if o.Vocabulary == Serverless {
		inShell(&e, o, p, s)
		return e
	}
	e.Region, e.RegionFrom = region(o, p, s)
	e.AccessKeyID, e.SecretAccessKey, e.SessionToken, e.KeysFrom = s.Keys.AccessKeyID, s.Keys.SecretAccessKey, s.Keys.SessionToken, s.Keys.From
	if s.Keys == (remote.Keys{}) {
		// SDKs without credentials search the network for some; these stop them,
		// and are refused by AWS. They are SAM CLI's.
		e.AccessKeyID, e.SecretAccessKey, e.KeysFrom = "defaultkey", "defaultsecret", instance.FromDefault
	}
	if o.Vocabulary == SAM {
		e.Extra = samVariables
	}
	return e
}

const defaultRegion = "us-east-1"

// region is the region that functions see, and where it comes from.
func region(o Options, p *lambda.Project, s remote.Session) (name, from string) {
	switch {
	case o.Region != "":
		return o.Region, "--region"
	case s.Region != "":
		return s.Region, s.RegionFrom
	case p.Region != "":
		return p.Region, p.File
	}
	return defaultRegion, instance.FromDefault
}

// inShell is the environment of the Serverless vocabulary: the framework runs
// functions in the user's shell, and takes the region from the service alone.
func inShell(e *instance.Environ, o Options, p *lambda.Project, s remote.Session) {
	e.Region, e.RegionFrom = region(o, p, remote.Session{})
	e.AccessKeyID, e.SecretAccessKey, e.SessionToken, e.KeysFrom = s.Keys.AccessKeyID, s.Keys.SecretAccessKey, s.Keys.SessionToken, s.Keys.From
	names := o.EnvOrder
	if names == nil {
		names = slices.Sorted(maps.Keys(o.Env))
	}
	for _, name := range names {
		e.Inherit = append(e.Inherit, Variable{Name: name, Value: o.Env[name], From: fromShell})
	}
	for _, v := range p.Inherited {
		if _, set := o.Env[v.Name]; !set {
			e.Inherit = append(e.Inherit, Variable{Name: v.Name, Value: v.Value, From: v.Source.String()})
		}
	}
	e.Shell = func(fn *lambda.Function) []Variable { return frameworkVariables(fn, e, first(o.Profile, p.Profile)) }
	e.Override = slices.Insert(e.Override, 0, Variable{Name: "IS_LOCAL", Value: "true", From: instance.FromLambkin})
}

// frameworkVariables are what `serverless invoke local` sets over the user's
// shell, in its order. The paths are those of AWS's environment, whether this
// machine has them or not.
func frameworkVariables(fn *lambda.Function, e *instance.Environ, profile string) []Variable {
	own := func(name, value string) Variable {
		return Variable{Name: name, Value: value, From: instance.FromLambkin}
	}
	out := []Variable{
		own("LANG", "en_US.UTF-8"),
		own("LD_LIBRARY_PATH", "/usr/local/lib64/node-v4.3.x/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib"),
		own("LAMBDA_TASK_ROOT", "/var/task"),
		own("LAMBDA_RUNTIME_DIR", "/var/runtime"),
		{Name: "AWS_REGION", Value: e.Region, From: e.RegionFrom},
		{Name: "AWS_DEFAULT_REGION", Value: e.Region, From: e.RegionFrom},
		own("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/"+fn.Name),
		own("AWS_LAMBDA_LOG_STREAM_NAME", "2016/12/02/[$LATEST]f77ff5e4026c45bda9a9ebcec6bc9cad"),
		own("AWS_LAMBDA_FUNCTION_NAME", fn.Name),
		own("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(fn.MemoryMB)),
		own("AWS_LAMBDA_FUNCTION_VERSION", lambda.LatestVersion),
		own("NODE_PATH", "/var/runtime:/var/task:/var/runtime/node_modules"),
	}
	if profile != "" {
		out = append(out, own("AWS_PROFILE", profile))
	}
	return out
}

// samVariables are what `sam local` sets beyond AWS.
func samVariables(fn *lambda.Function) []string {
	variables := []string{
		"AWS_SAM_LOCAL=true",
		"AWS_ACCOUNT_ID=" + account,
		"AWS_LAMBDA_FUNCTION_HANDLER=" + fn.Handler,
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%d", int(fn.Timeout.Seconds())),
	}
	return variables
}

// first returns the first of the strings that is not empty.
func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
