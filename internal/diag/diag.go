// Package diag holds what lambkin has to say about the user's files: a
// diagnostic names the file, line and column, the cause and the mend. Loaders
// collect all of them in a [List]; package cli prints them. Failures of
// lambkin itself are plain errors, not diagnostics.
package diag

import (
	"fmt"
	"slices"
	"strings"
)

// Severity says what a diagnostic means for the command that meets it.
type Severity int

// Severities, worst first.
const (
	Error   Severity = iota // the thing it is about cannot be used
	Warning                 // it can, but probably not as meant
	Note                    // worth knowing
)

func (s Severity) String() string {
	return [...]string{"error", "warning", "note"}[s]
}

// Pos is a place in a file. Both count from 1; columns count characters. The
// zero Pos is no place.
type Pos struct{ Line, Column int }

// Range is a stretch of a file. End is just behind the last character; a zero
// End means that only the start is known.
type Range struct {
	File       string
	Start, End Pos
}

// String gives "file:line:col", "file" when no position is known.
func (r Range) String() string {
	if r.Start.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d:%d", r.File, r.Start.Line, r.Start.Column)
}

// Diagnostic is one problem or remark.
type Diagnostic struct {
	Severity Severity
	// Code is a short stable name such as "unknown-resource", for JSON output and tests.
	Code string
	// Summary is one line: lower case, no full stop, user text in %q.
	Summary string
	// Detail is further text, "" or whole sentences.
	Detail string
	// Range is what the diagnostic points at; the zero Range points at nothing.
	Range Range
	// Hint says what to do, "" where there is no good advice.
	Hint string
	// Subject is the path of the one function that the diagnostic concerns; ""
	// means the whole project. An error in one function leaves the others usable.
	Subject string
}

// Error makes a Diagnostic usable where Go wants an error.
func (d Diagnostic) Error() string {
	if at := d.Range.String(); at != "" {
		return at + ": " + d.Summary
	}
	return d.Summary
}

// List is an ordered collection of diagnostics. The zero List is empty.
type List []Diagnostic

// Errorf appends an error at r. It returns the appended diagnostic for setting its Hint or Detail.
func (l *List) Errorf(r Range, code, format string, args ...any) *Diagnostic {
	return l.add(Error, r, code, format, args)
}

// Warnf appends a warning at r, as Errorf does.
func (l *List) Warnf(r Range, code, format string, args ...any) *Diagnostic {
	return l.add(Warning, r, code, format, args)
}

// Notef appends a note at r, as Errorf does.
func (l *List) Notef(r Range, code, format string, args ...any) *Diagnostic {
	return l.add(Note, r, code, format, args)
}

func (l *List) add(s Severity, r Range, code, format string, args []any) *Diagnostic {
	*l = append(*l, Diagnostic{Severity: s, Code: code, Range: r, Summary: fmt.Sprintf(format, args...)})
	return &(*l)[len(*l)-1]
}

// HasErrors reports whether any diagnostic is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// For returns the diagnostics that matter to the function at path: its own and the project's.
func (l List) For(path string) List {
	var out List
	for _, d := range l {
		if d.Subject == "" || d.Subject == path {
			out = append(out, d)
		}
	}
	return out
}

// Err returns the list as an error when it has errors, else nil.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l
}

// Error joins the errors of the list, one a line.
func (l List) Error() string {
	var b strings.Builder
	for _, d := range l {
		if d.Severity == Error {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(d.Error())
		}
	}
	return b.String()
}
