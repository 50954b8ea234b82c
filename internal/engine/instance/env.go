package instance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Variable is one variable of a function's environment.
type Variable struct {
	Name, Value string
	// From says in the user's terms where the value comes from:
	// "template.yaml:12", "--env", "shell", or one of the constants below.
	From string
	// Unresolved is set when the project gives a value that cannot be known on
	// this machine; Value is then what stands in for it.
	Unresolved bool
}

// Where a value comes from that the user has not given.
const (
	FromLambkin = "lambkin" // the platform's own variables
	FromDefault = "default" // what nobody has chosen
	FromImage   = "image"   // the image that the function runs in
)

// Environ is what an environment's processes get to see besides what the
// function itself configures. The zero value is a usable, empty account.
type Environ struct {
	// Inherit is an environment that lies under everything else. AWS starts
	// from nothing; the Serverless Framework from the user's shell.
	Inherit []Variable
	Region  string
	Account string
	// AccessKeyID, SecretAccessKey and SessionToken are the credentials; empty ones are left out.
	AccessKeyID, SecretAccessKey, SessionToken string
	// RegionFrom and KeysFrom say where region and credentials come from; "" is lambkin.
	RegionFrom, KeysFrom string
	// Extra gives further platform variables, such as AWS_SAM_LOCAL, as
	// NAME=value; nil for none.
	Extra func(*lambda.Function) []string
	// Shell gives the variables that a peer sets in the user's shell in the
	// place of AWS's, in its order; nil follows AWS. Functions then see Inherit,
	// these, credentials, their own and Override, and nothing else; runtimes that
	// are not lambkin's see AWS's besides.
	Shell func(*lambda.Function) []Variable
	// Override are variables that win over the function's own.
	Override []Variable
}

// vars is an environment under construction: the last value set for a name
// counts, in the place of the first.
type vars struct {
	names  []string
	byName map[string]Variable
}

func newVars() *vars { return &vars{byName: map[string]Variable{}} }

func (v *vars) set(name, value string) {
	v.add(Variable{Name: name, Value: value, From: FromLambkin})
}

func (v *vars) add(all ...Variable) {
	for _, one := range all {
		if _, known := v.byName[one.Name]; !known {
			v.names = append(v.names, one.Name)
		}
		v.byName[one.Name] = one
	}
}

func (v *vars) setAll(entries []string) {
	for _, entry := range entries {
		if name, value, ok := strings.Cut(entry, "="); ok {
			v.set(name, value)
		}
	}
}

func (v *vars) remove(name string) {
	v.names = slices.DeleteFunc(v.names, func(have string) bool { return have == name })
	delete(v.byName, name)
}

// sorted are the variables in the order of their names.
func (v *vars) sorted() []Variable {
	out := make([]Variable, 0, len(v.names))
	for _, name := range slices.Sorted(slices.Values(v.names)) {
		out = append(out, v.byName[name])
	}
	return out
}

// list are the variables as NAME=value.
func (v *vars) list() []string {
	out := make([]string, 0, len(v.names))
	for _, name := range v.names {
		out = append(out, name+"="+v.byName[name].Value)
	}
	return out
}

// own is what each execution environment has of its own.
type own struct {
	logStream string
	api       string // address of its Runtime API
	token     string // for credentials, where they are not in the environment
}

// environment is the whole environment of fn's runtime process. From weakest
// to strongest: what is inherited, AWS's defaults, what the language adds,
// region, credentials and the like, the function's own variables, overrides,
// and last what the protocol between lambkin and the runtime needs. On AWS a
// function cannot set the names of the fourth group at all; here it may, so
// that it can point itself at another account or region.
func environment(fn *lambda.Function, e *Environ, l *runtimes.Launch, p runtimes.Paths, o own) *vars {
	v := newVars()
	v.add(e.Inherit...)
	v.setAll([]string{
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
		"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS=169.254.100.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS=169.254.100.1",
		"_AWS_XRAY_DAEMON_PORT=2000",
		"LAMBDA_TASK_ROOT=" + p.Task,
		"LAMBDA_RUNTIME_DIR=" + p.Runtime,
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
	})
	if _, inherited := v.byName["PATH"]; !inherited {
		v.set("PATH", "/usr/local/bin:/usr/bin/:/bin")
	}
	for _, entry := range l.Image {
		name, value, _ := strings.Cut(entry, "=")
		v.add(Variable{Name: name, Value: value, From: FromImage})
	}
	v.setAll(l.Env)
	platform(v, fn, e, o.logStream)
	if fn.MaxConcurrency > 0 {
		v.set("AWS_LAMBDA_MAX_CONCURRENCY", strconv.Itoa(fn.MaxConcurrency))
		v.set("AWS_LAMBDA_INITIALIZATION_TYPE", string(telemetry.ManagedInstances))
	}
	if fn.SnapStart && l.Snapshots {
		fromSnapshot(v, e, o)
	}
	v.add(configured(fn, e)...)
	for _, entry := range l.Behind {
		name, value, _ := strings.Cut(entry, "=")
		v.set(name, strings.TrimSpace(v.byName[name].Value+" "+value))
	}
	if fn.PackageType != lambda.Image {
		v.set("_HANDLER", fn.Handler) // of an image, it is what that is started with
	}
	v.set("LAMBDA_TASK_ROOT", p.Task)
	v.set("LAMBDA_RUNTIME_DIR", p.Runtime)
	v.set("AWS_LAMBDA_RUNTIME_API", o.api)
	if _, bootstrapped := v.byName[runtimes.Dialect]; bootstrapped && e.Shell != nil {
		v.set(runtimes.Shell, changes(v, shell(fn, e), e.Inherit))
	}
	return v
}

// withheld are variables that AWS gives to runtimes and not to external
// extensions; neither do these get what begins with an underscore.
var withheld = []string{
	"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL",
	"AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

// extensionEnvironment is the whole environment of an external extension: the
// runtime's without what is the runtime's alone
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
func extensionEnvironment(fn *lambda.Function, e *Environ, l *runtimes.Launch, p runtimes.Paths, o own) []string {
	search := func(entry string) bool {
		return strings.HasPrefix(entry, "PATH=") || strings.HasPrefix(entry, "LD_LIBRARY_PATH=")
	}
	common := &runtimes.Launch{Image: l.Image, Env: slices.DeleteFunc(slices.Clone(l.Env), func(entry string) bool { return !search(entry) })}
	v := environment(fn, e, common, p, o)
	for _, name := range slices.Clone(v.names) {
		if strings.HasPrefix(name, "_") || slices.Contains(withheld, name) {
			v.remove(name)
		}
	}
	return v.list()
}

// configured are the function's own variables, and those that win over them.
func configured(fn *lambda.Function, e *Environ) []Variable {
	var out []Variable
	for _, c := range fn.Environment {
		out = append(out, Variable{Name: c.Name, Value: c.Value, From: cmp.Or(c.Origin, c.Source.String()), Unresolved: c.Unresolved})
	}
	return append(out, e.Override...)
}

// shell is the environment that functions see where a peer runs them from the
// user's shell.
func shell(fn *lambda.Function, e *Environ) *vars {
	v := newVars()
	v.add(e.Inherit...)
	v.add(e.Shell(fn)...)
	v.add(credentials(e)...)
	v.add(configured(fn, e)...)
	return v
}

// changes says in JSON what makes the environment that a process starts with
// the one that its function is to see, in the order of the latter.
func changes(have, want *vars, inherited []Variable) string {
	out := struct {
		Unset []string    `json:"unset"`
		Set   [][2]string `json:"set"`
	}{[]string{}, [][2]string{}}
	old := map[string]bool{}
	for _, one := range inherited {
		old[one.Name] = true
	}
	for _, name := range have.names {
		if _, seen := want.byName[name]; (!seen || !old[name]) && !strings.HasPrefix(name, runtimes.Private) {
			out.Unset = append(out.Unset, name)
		}
	}
	for _, name := range want.names {
		if value := want.byName[name].Value; !old[name] || have.byName[name].Value != value {
			out.Set = append(out.Set, [2]string{name, value})
		}
	}
	text, _ := json.Marshal(out) // texts always encode
	return string(text)
}

func platform(v *vars, fn *lambda.Function, e *Environ, logStream string) {
	v.add(
		Variable{Name: "AWS_REGION", Value: e.Region, From: cmp.Or(e.RegionFrom, FromLambkin)},
		Variable{Name: "AWS_DEFAULT_REGION", Value: e.Region, From: cmp.Or(e.RegionFrom, FromLambkin)},
	)
	v.add(credentials(e)...)
	v.set("AWS_LAMBDA_FUNCTION_NAME", fn.Name)
	v.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(fn.MemoryMB))
	v.set("AWS_LAMBDA_FUNCTION_VERSION", lambda.LatestVersion)
	v.set("AWS_LAMBDA_LOG_GROUP_NAME", cmp.Or(fn.LogGroup, "/aws/lambda/"+fn.Name))
	v.set("AWS_LAMBDA_LOG_STREAM_NAME", logStream)
	if fn.LogFormat == lambda.JSONLogs {
		v.set("AWS_LAMBDA_LOG_FORMAT", "JSON")
		v.set("AWS_LAMBDA_LOG_LEVEL", cmp.Or(fn.LogLevel, "INFO"))
	}
	if e.Extra != nil {
		v.setAll(e.Extra(fn))
	}
}

// fromSnapshot takes away what cannot be known when a snapshot is made.
// Credentials are to be asked for (https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html).
func fromSnapshot(v *vars, e *Environ, o own) {
	v.set("AWS_LAMBDA_INITIALIZATION_TYPE", string(telemetry.SnapStart))
	v.remove("AWS_LAMBDA_LOG_GROUP_NAME")
	v.remove("AWS_LAMBDA_LOG_STREAM_NAME")
	secrets := credentials(e)
	for _, one := range secrets {
		v.remove(one.Name)
	}
	if len(secrets) > 0 {
		v.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://"+o.api+runtimeapi.CredentialsPath)
		v.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", o.token)
	}
}

// credentials are those of the account, without the empty ones.
func credentials(e *Environ) []Variable {
	from := cmp.Or(e.KeysFrom, FromLambkin)
	return slices.DeleteFunc([]Variable{
		{Name: "AWS_ACCESS_KEY_ID", Value: e.AccessKeyID, From: from},
		{Name: "AWS_SECRET_ACCESS_KEY", Value: e.SecretAccessKey, From: from},
		{Name: "AWS_SESSION_TOKEN", Value: e.SessionToken, From: from},
	}, func(v Variable) bool { return v.Value == "" })
}

// Describe returns the environment that the runtime process of an instance
// made of opts would have, in the order of the names. It starts nothing; an
// ellipsis stands for what each environment has of its own. Variables that
// runtimes keep from the function are left out. Without a Sandbox its folders
// are AWS's. With a nil Runtime, or one that
// lacks something, what the language adds is missing; the error then says why.
func Describe(ctx context.Context, opts Options) (variables []Variable, err error) {
	folders := sandbox.AWS()
	if opts.Sandbox != nil {
		env, err := opts.Sandbox.Open(ctx, spec(opts))
		if err != nil {
			return nil, fmt.Errorf("opening the %s sandbox: %w", opts.Sandbox.Name(), err)
		}
		folders = env.Paths()
		if err := env.Close(); err != nil {
			return nil, err
		}
	}
	p := paths(folders, opts)
	launch := &runtimes.Launch{}
	if opts.Runtime != nil {
		host := *opts.Host
		host.Look = true
		if l, missing := opts.Runtime.Launch(opts.Function, p, &host); missing == nil {
			launch = l
		} else {
			err = missing
		}
	}
	all := environment(opts.Function, &opts.Environ, launch, p, own{logStream: "YYYY/MM/DD/[" + lambda.LatestVersion + "]…", api: "127.0.0.1:…", token: "…"})
	_, managed := all.byName["AWS_EXECUTION_ENV"]
	_, bootstrapped := all.byName[runtimes.Dialect]
	switch {
	case bootstrapped && opts.Environ.Shell != nil:
		all = shell(opts.Function, &opts.Environ)
	case managed && opts.Function.MaxConcurrency == 0:
		all.set("_X_AMZN_TRACE_ID", "Root=1-…") // the bootstrap sets it for each invocation
	}
	for _, name := range slices.Clone(all.names) {
		if strings.HasPrefix(name, runtimes.Private) {
			all.remove(name)
		}
	}
	return all.sorted(), err
}

// reserved are the names that Lambda refuses in a function's configuration
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// Reserved reports whether Lambda refuses the variable in a function's configuration.
func Reserved(name string) bool { return slices.Contains(reserved, name) }

// traceID makes the header of an invocation that nobody traces.
func traceID(now int64, random [12]byte) string {
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", now, random, random[:8])
}
