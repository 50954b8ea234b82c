package app

import (
	"context"
	"errors"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project/script"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
)

// nodeFor finds the user's Node.js, for configuration that is a program.
func nodeFor(o Options) func() (string, error) {
	return func() (string, error) { return node.Interpreter(Host(o.Env)) }
}

// Evaluate gives the value that a file in JavaScript or TypeScript exports.
// Errors that the user can mend are of type *[Problem].
func (s *System) Evaluate(ctx context.Context, file string) (n *doc.Node, err error) {
	o := s.options
	engine := script.New(script.Options{
		Dir: s.Project.Dir, Env: func() map[string]string { return o.Env }, Node: nodeFor(o), Output: o.Output,
	})
	defer func() { err = errors.Join(err, engine.Close()) }()
	n, err = engine.Export(ctx, file)
	if failed, ok := errors.AsType[*script.Error](err); ok {
		return nil, &Problem{Kind: InCall, List: diag.List{failed.Diagnostic}}
	}
	return n, explain(err)
}
