// Package image runs functions in a container image: the program that the image
// names, or that the function's configuration puts in its place. What loads the
// handler is part of the image.
package image

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Runtime runs functions in one image.
type Runtime struct {
	Image *sandbox.Image
	// Own is the runtime of code that brings its program itself, nil for other code.
	Own runtimes.Runtime
}

// Name is "image".
func (Runtime) Name() string { return "image" }

// Identifiers are none: which functions run in an image, others decide.
func (Runtime) Identifiers() []string { return nil }

// Survey is empty: the image brings all that it takes.
func (Runtime) Survey(*runtimes.Host) []runtimes.Finding { return nil }

// Launch starts what the image says. As on AWS, entry point, command and
// working folder of the function's configuration each take the place of the
// image's own, and neither touches the others. A function with code of its own
// gives the image, which is then AWS's for its runtime, the handler as its command.
func (r Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	if r.Own != nil && fn.PackageType != lambda.Image {
		l, err := r.Own.Launch(fn, paths, host)
		if err == nil {
			l.Env = append(slices.Clone(r.Image.Env), l.Env...)
		}
		return l, err
	}
	entrypoint, command, dir := r.Image.Entrypoint, r.Image.Command, cmp.Or(r.Image.Dir, "/")
	if s := fn.Image; s != nil && fn.PackageType == lambda.Image {
		if s.Entrypoint != nil {
			entrypoint = s.Entrypoint
		}
		if s.Command != nil {
			command = s.Command
		}
		if s.Dir != "" {
			dir = s.Dir
		}
	}
	if fn.PackageType != lambda.Image {
		command, dir = []string{fn.Handler}, paths.Task
	}
	argv := slices.Concat(entrypoint, command)
	if len(argv) == 0 {
		return nil, &runtimes.Missing{
			What: fmt.Sprintf("a program to start in the image %s", r.Image.Name),
			Hint: "say CMD in the Dockerfile, or Command in the function's ImageConfig",
		}
	}
	l := &runtimes.Launch{Path: argv[0], Args: argv[1:], Dir: dir, Env: slices.Clone(r.Image.Env)}
	if len(command) > 0 {
		l.Env = append(l.Env, "_HANDLER="+command[0])
	}
	return l, nil
}
