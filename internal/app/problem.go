package app

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
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
}

func (p *Problem) Error() string { return p.List.Error() }

func problem(kind ProblemKind, d diag.Diagnostic) *Problem {
	return &Problem{Kind: kind, List: diag.List{d}}
}

// BadCall makes the Problem of a wrong option, argument or event.
func BadCall(hint, format string, args ...any) *Problem {
	return problem(InCall, diag.Diagnostic{Code: "call", Summary: fmt.Sprintf(format, args...), Hint: hint})
}

// UnknownFunction says that no function of the project has the wanted name.
type UnknownFunction struct {
	*Problem
	Name string
	// Candidates are the paths of the functions that there are.
	Candidates []string
}

// Unwrap gives the problem.
func (u *UnknownFunction) Unwrap() error { return u.Problem }

func unknownFunction(p *lambda.Project, name string) *UnknownFunction {
	u := &UnknownFunction{Name: name}
	known := make([]string, 0, 3*len(p.Functions))
	for _, f := range p.Functions {
		u.Candidates = append(u.Candidates, f.Path)
		known = append(known, f.Path, f.LogicalID, f.Name)
	}
	d := diag.Diagnostic{Code: "unknown-function", Range: diag.Range{File: p.File}, Hint: choices(u.Candidates)}
	if name == "" {
		d.Summary = fmt.Sprintf("which function? The project has %d", len(p.Functions))
	} else {
		d.Summary = fmt.Sprintf("there is no function %q", name)
		if near := diag.Nearest(name, known); near != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	if len(p.Functions) == 0 {
		d.Summary, d.Hint = "the project has no Lambda functions", ""
	}
	u.Problem = problem(InProject, d)
	return u
}

// choices lists the names that may be given, as many as can be read.
func choices(names []string) string {
	const most = 12
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more (see lambkin list)", len(names)-most)
	}
	return "its functions are " + list
}

// explain turns what the layers below report into a Problem where the user
// can do something about it; other errors are returned as they are.
func explain(err error) error {
	var (
		unavailable *bundle.Unavailable
		unsupported *fleet.UnsupportedRuntime
		missing     *runtimes.Missing
		path        *fs.PathError
	)
	switch {
	case err == nil:
		return nil
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
