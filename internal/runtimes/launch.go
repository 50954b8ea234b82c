package runtimes

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Variables between lambkin and its bootstraps, which take them away before
// user code runs. Their names begin with [Private].
const (
	Private = "_LAMBKIN_"
	// Dialect says whose wrapper a bootstrap follows: "serverless", or absent for AWS.
	Dialect = Private + "DIALECT"
	// About is the function as the Serverless Framework tells it, {"name", "timeout"}.
	About = Private + "FUNCTION"
	// Code is the folder that modules are loaded from, in place of LAMBDA_TASK_ROOT.
	Code = Private + "CODE"
	// Shell is what a bootstrap makes of its environment when it has read its
	// own variables, {"unset": [name…], "set": [[name, value]…]}.
	Shell = Private + "SHELL"
)

// Add adds variables to the environment. One that the function's own
// configuration sets is left out, as AWS's runtimes do.
func (l *Launch) Add(fn *lambda.Function, variables ...string) {
	for _, v := range variables {
		name, _, _ := strings.Cut(v, "=")
		if _, set := configured(fn, name); !set {
			l.Env = append(l.Env, v)
		}
	}
}

// Identify adds what tells a managed runtime's process which runtime it is.
// PWD and SHLVL are there because AWS starts these runtimes from a shell script.
func (l *Launch) Identify(fn *lambda.Function, paths Paths, host *Host) {
	l.Env = append(l.Env, "AWS_EXECUTION_ENV=AWS_Lambda_"+fn.Runtime)
	if !host.Serverless {
		l.Add(fn, "PWD="+paths.Task, "SHLVL=0")
	} else {
		about, _ := json.Marshal(struct { // texts and numbers always encode
			Name    string `json:"name"`
			Timeout int    `json:"timeout"` // seconds
		}{fn.Name, int(fn.Timeout.Seconds())})
		l.Env = append(l.Env, Dialect+"=serverless", About+"="+string(about))
	}
}

// Wrap starts the function's wrapper script, if it configures one, with the
// runtime's own command line as its arguments.
func (l *Launch) Wrap(fn *lambda.Function, paths Paths) {
	wrapper, _ := configured(fn, "AWS_LAMBDA_EXEC_WRAPPER")
	if wrapper == "" {
		return
	}
	l.Args = append([]string{l.Path}, l.Args...)
	l.Path = paths.Inside(wrapper)
}

// Inside turns a path as it is on AWS (/opt/wrapper, /var/task/run.sh) into
// one of this environment.
func (p Paths) Inside(path string) string {
	for aws, here := range map[string]string{"/var/task": p.Task, "/opt": p.Opt, "/var/runtime": p.Runtime} {
		if rest, ok := strings.CutPrefix(path, aws); ok && here != "" && (rest == "" || rest[0] == '/') {
			return filepath.Join(here, filepath.FromSlash(rest))
		}
	}
	return path
}

// configured returns the value that the function's configuration gives a variable.
func configured(fn *lambda.Function, name string) (string, bool) {
	for _, v := range fn.Environment {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}
