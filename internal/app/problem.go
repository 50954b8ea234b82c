package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/image"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
)

// ProblemKind says whose turn it is to mend a [Problem].
type ProblemKind int

// The kinds of problems; each has an exit status of its own in the native vocabulary.
const (
	InCall    ProblemKind = iota // the command line or the event
	InProject                    // the project's files
	InMachine                    // the machine lacks something
)

// Problem says, in the user's terms, why a command cannot be carried out. Its
// List has at least one error.
type Problem struct {
	Kind ProblemKind
	List diag.List
	// File is the project's file, "" where that is not known.
	File string
}

func (p *Problem) Error() string { return p.List.Error() }

func problem(kind ProblemKind, d diag.Diagnostic) *Problem {
	return &Problem{Kind: kind, List: diag.List{d}}
}

// BadCall makes the Problem of a wrong option, argument or event.
func BadCall(hint, format string, args ...any) *Problem {
	return problem(InCall, diag.Diagnostic{Code: "call", Summary: fmt.Sprintf(format, args...), Hint: hint})
}

// explain turns what the layers below report into a Problem where the user
// can do something about it; other errors are returned as they are.
func explain(err error) error {
	var (
		unavailable *bundle.Unavailable
		unsupported *fleet.UnsupportedRuntime
		missing     *runtimes.Missing
		refused     *sandbox.Unavailable
		engine      *container.Error
		unreachable *container.Unreachable
		program     *instance.CannotStart
		nothing     *image.NoProgram
		path        *fs.PathError
	)
	if _, told := errors.AsType[*Problem](err); err == nil || told {
		return err
	}
	switch {
	case errors.As(err, &unavailable):
		return problem(InProject, diag.Diagnostic{
			Code: "code-missing", Summary: unavailable.Error(), Hint: unavailable.Hint, Range: at(unavailable.Source),
		})
	case errors.As(err, &unsupported):
		d := diag.Diagnostic{Code: "runtime-unsupported", Summary: unsupported.Error(), Range: at(unsupported.Function.SourceOf("Runtime"))}
		if unsupported.Nearest != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", unsupported.Nearest)
		}
		return problem(InProject, d)
	case errors.As(err, &missing):
		return problem(InMachine, diag.Diagnostic{Code: "interpreter-missing", Summary: missing.Error(), Hint: missing.Hint})
	case errors.As(err, &program):
		return problem(InProject, diag.Diagnostic{Code: "image", Subject: program.Function.Path, Range: at(program.Function.SourceOf("Code")), Summary: program.Error(), Hint: program.Hint()})
	case errors.As(err, &nothing):
		return problem(InProject, diag.Diagnostic{
			Code: "image", Subject: nothing.Function.Path, Range: at(nothing.Function.SourceOf("Code")), Summary: nothing.Error(),
			Hint: "say ENTRYPOINT or CMD in its Dockerfile, or Command in the function's ImageConfig",
		})
	case errors.As(err, &refused):
		return problem(InMachine, diag.Diagnostic{
			Code: "isolation", Summary: fmt.Sprintf("functions cannot run in %ss here: %s", refused.Sandbox, refused.Reason), Detail: fmt.Sprintf("It failed at %v.", refused.Err), Hint: refused.Hint,
		})
	case errors.As(err, &engine):
		return problem(InMachine, diag.Diagnostic{Code: "container", Summary: outermost(err), Hint: engineHint(engine)})
	case errors.As(err, &unreachable):
		return problem(InMachine, diag.Diagnostic{Code: "container", Summary: outermost(err), Hint: "what it still has of lambkin's ends by itself, and is removed when the next container is made"})
	case errors.Is(err, project.ErrNotFound):
		return problem(InProject, diag.Diagnostic{
			Code: "no-project", Summary: err.Error(), Hint: "run lambkin in the project's folder, or name its file with --template",
		})
	case errors.As(err, &path):
		return problem(InProject, diag.Diagnostic{Code: "file", Summary: fmt.Sprintf("reading %q: %v", path.Path, path.Err)})
	}
	return err
}

func at(s lambda.Source) diag.Range {
	return diag.Range{File: s.File, Start: diag.Pos{Line: s.Line, Column: s.Column}}
}

// outermost is an error without what lambkin's own parts are called.
func outermost(err error) string {
	return strings.TrimPrefix(err.Error(), "opening the container sandbox: ")
}

// engineHint is what to do about a container engine's refusal, as far as that
// shows.
func engineHint(e *container.Error) string {
	if e.Status == http.StatusNotFound && strings.HasPrefix(e.Message, "network ") {
		return "the engine's networks are listed by docker network ls; host and none are always there"
	}
	return ""
}
