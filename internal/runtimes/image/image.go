// Package image runs functions in a container image: the program that the image
// names, or that the function's configuration puts in its place. What loads the
// handler is part of the image.
package image

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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

// NoProgram says that neither an image nor its function's configuration names a
// program to start.
type NoProgram struct {
	Function *lambda.Function
	Image    string
}

func (e *NoProgram) Error() string {
	return fmt.Sprintf("the image %s does not say which program to start", e.Image)
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
		own := *host
		own.Debug = nil // this machine's debuggers are not there
		l, err := r.Own.Launch(fn, paths, &own)
		if err == nil {
			l.Image = r.Image.Env
			debug(l, fn, host.Debug)
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
		return nil, &NoProgram{Function: fn, Image: r.Image.Name}
	}
	l := &runtimes.Launch{Path: argv[0], Args: argv[1:], Dir: dir, Image: r.Image.Env}
	if len(command) > 0 {
		l.Env = append(l.Env, "_HANDLER="+command[0])
	}
	debug(l, fn, host.Debug)
	return l, nil
}

// debug makes the runtime wait for a debugger where AWS's image has one: that is
// Node.js's, which every Node.js has. Other images have to start theirs.
func debug(l *runtimes.Launch, fn *lambda.Function, d *runtimes.Debug) {
	switch {
	case d == nil:
	case fn.PackageType != lambda.Image && strings.HasPrefix(fn.Runtime, "nodejs"):
		args := d.Arguments()
		if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--inspect") }) {
			args = append([]string{"--inspect-brk=" + d.Addr()}, args...)
		}
		l.Behind = append(l.Behind, "NODE_OPTIONS="+strings.Join(args, " "))
		l.Notices = append(l.Notices, d.Notice("open chrome://inspect, or attach an editor to the port"))
	default:
		l.Notices = append(l.Notices, fmt.Sprintf("the image of %s has to start its debugger itself, at port %d; attach to %s", fn.Path, d.Ports[0], d.Addr()))
	}
}
