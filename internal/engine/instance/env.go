package instance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// Environ is what an environment's processes get to see besides what the
// function itself configures. The zero value is a usable, empty account.
type Environ struct {
	// Inherit is an environment that lies under everything else. AWS starts
	// from nothing; the Serverless Framework from the user's shell.
	Inherit []string
	Region  string
	Account string
	// AccessKeyID, SecretAccessKey and SessionToken are the credentials; empty ones are left out.
	AccessKeyID, SecretAccessKey, SessionToken string
	// Extra gives further platform variables, such as AWS_SAM_LOCAL, as
	// NAME=value; nil for none.
	Extra func(*lambda.Function) []string
	// Override are variables that win over the function's own, as NAME=value.
	Override []string
}

// vars is an environment under construction: the last value set for a name counts.
type vars struct {
	names  []string
	values map[string]string
}

func (v *vars) set(name, value string) {
	if _, ok := v.values[name]; !ok {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

func (v *vars) setAll(entries []string) {
	for _, entry := range entries {
		if name, value, ok := strings.Cut(entry, "="); ok {
			v.set(name, value)
		}
	}
}

func (v *vars) list() []string {
	out := make([]string, 0, len(v.names))
	for _, name := range v.names {
		out = append(out, name+"="+v.values[name])
	}
	slices.Sort(out)
	return out
}

// environment is the whole environment of fn's runtime process. From weakest
// to strongest: what is inherited, AWS's defaults, what the language adds,
// region, credentials and the like, the function's own variables, overrides,
// and last what the protocol between lambkin and the runtime needs. On AWS a
// function cannot set the names of the fourth group at all; here it may, so
// that it can point itself at another account or region.
func environment(fn *lambda.Function, e *Environ, l *runtimes.Launch, p runtimes.Paths, logStream, api string) []string {
	v := &vars{values: map[string]string{}}
	v.setAll(e.Inherit)
	v.setAll([]string{
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
		"PATH=/usr/local/bin:/usr/bin/:/bin",
		"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS=169.254.100.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS=169.254.100.1",
		"_AWS_XRAY_DAEMON_PORT=2000",
		"LAMBDA_TASK_ROOT=" + p.Task,
		"LAMBDA_RUNTIME_DIR=" + p.Runtime,
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
	})
	v.setAll(l.Env)
	platform(v, fn, e, logStream)
	for _, c := range fn.Environment {
		v.set(c.Name, c.Value)
	}
	v.setAll(e.Override)
	v.set("_HANDLER", fn.Handler)
	v.set("LAMBDA_TASK_ROOT", p.Task)
	v.set("LAMBDA_RUNTIME_DIR", p.Runtime)
	v.set("AWS_LAMBDA_RUNTIME_API", api)
	return v.list()
}

func platform(v *vars, fn *lambda.Function, e *Environ, logStream string) {
	v.set("AWS_REGION", e.Region)
	v.set("AWS_DEFAULT_REGION", e.Region)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": e.AccessKeyID, "AWS_SECRET_ACCESS_KEY": e.SecretAccessKey, "AWS_SESSION_TOKEN": e.SessionToken,
	} {
		if value != "" {
			v.set(name, value)
		}
	}
	v.set("AWS_LAMBDA_FUNCTION_NAME", fn.Name)
	v.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(fn.MemoryMB))
	v.set("AWS_LAMBDA_FUNCTION_VERSION", lambda.LatestVersion)
	v.set("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/"+fn.Name)
	v.set("AWS_LAMBDA_LOG_STREAM_NAME", logStream)
	if fn.LogFormat == "JSON" {
		v.set("AWS_LAMBDA_LOG_FORMAT", "JSON")
		v.set("AWS_LAMBDA_LOG_LEVEL", "INFO")
	}
	if e.Extra != nil {
		v.setAll(e.Extra(fn))
	}
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
