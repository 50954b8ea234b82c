package sls

import (
	"errors"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project/script"
)

// scripts runs what of the configuration is a program.
func (r *resolver) scripts() *script.Engine {
	if r.engine != nil {
		return r.engine
	}
	node := r.opts.Node
	if node == nil {
		node = func() (string, error) { return "", errors.New("programs are not run here") }
	}
	r.engine = script.New(script.Options{
		Dir: r.dir, Node: node, Output: r.opts.Output, Args: r.arguments(),
		Env: func() map[string]string {
			if r.env != nil {
				return r.env
			}
			return r.opts.Env
		},
	})
	return r.engine
}

// arguments are the command line that scripts of old look for options on.
func (r *resolver) arguments() []string {
	args := []string{"serverless", "invoke", "local"}
	for _, name := range []string{"function", "stage", "region"} {
		if value := r.opts.Flags[name]; value != "" {
			args = append(args, "--"+name, value)
		}
	}
	return args
}

func (r *resolver) endScripts() error {
	if r.engine == nil {
		return nil
	}
	return r.engine.Close()
}

// fromScript gives what stands at the address in the exports of a script, and
// calls the functions there.
func (r *resolver) fromScript(q question, path, shown string) (answer, *problem) {
	var address []string
	if q.address != "" {
		address = keysOf(q.address)
	}
	r.environment() // scripts see what .env files add
	n, err := r.scripts().Value(r.ctx, path, address, script.Resolver{
		Options: r.options(),
		Variable: func(text string) (*doc.Node, error) {
			n, p := r.value(doc.NewString("${"+text+"}", q.n.Range), q.path)
			return r.whole(n, p, q.path)
		},
		Property: func(keys []string) (*doc.Node, error) {
			a, p := r.walk(r.root, "", keys...)
			return r.whole(a.node, p, strings.Join(keys, "."))
		},
		Text: func(text string) (*doc.Node, error) {
			n, p := r.value(doc.NewString(text, q.n.Range), q.path)
			return r.whole(n, p, q.path)
		},
	})
	if failed, ok := errors.AsType[*problemError](err); ok {
		return answer{}, failed.problem
	}
	if err != nil {
		d := scriptProblem(err, shown)
		p := r.failed(q, "variable-script", "%s", d.Summary)
		p.Hint, p.Detail = d.Hint, strings.TrimSpace(d.Detail+"\nThe service reads the file in "+q.variable+".")
		if d.Range.Start.Line > 0 {
			p.Range = d.Range
		}
		return answer{}, p
	}
	missing := "the script has no such member"
	if q.address == "" {
		missing = "the script exports nothing"
	}
	if n.Is(doc.String) {
		a, p := r.found(q, n.Text)
		a.missing = missing
		return a, p
	}
	return answer{node: n, missing: missing}, nil
}

// options are the command's, as scripts get them.
func (r *resolver) options() map[string]any {
	all := map[string]any{}
	for name, value := range r.opts.Flags {
		all[name] = value
	}
	for name, value := range map[string]string{"stage": r.opts.Stage, "region": r.opts.Region} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// whole replaces all variables in a value that a script asked for.
func (r *resolver) whole(n *doc.Node, p *problem, path string) (*doc.Node, error) {
	if p == nil && n != nil {
		n, p = r.deep(n, path)
	}
	if p != nil {
		return nil, &problemError{p}
	}
	return n, nil
}

// problemError carries a problem through a script.
type problemError struct{ *problem }

func (e *problemError) Error() string { return e.Summary }

// scriptProblem says what is wrong with a script.
func scriptProblem(err error, file string) diag.Diagnostic {
	if failed, ok := errors.AsType[*script.Error](err); ok {
		return failed.Diagnostic
	}
	return diag.Diagnostic{Severity: diag.Error, Code: "script", Range: diag.Range{File: file}, Summary: err.Error()}
}
