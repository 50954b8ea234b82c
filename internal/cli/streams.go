package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
)

// Streams is the world around a command: it takes nothing from elsewhere.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Env is the user's environment, EnvOrder its names as they stand there.
	Env      map[string]string
	EnvOrder []string
	// OutTTY and ErrTTY say that a person is looking.
	OutTTY, ErrTTY bool
}

// OSStreams is the world of this process.
func OSStreams() *Streams {
	s := &Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: map[string]string{}, OutTTY: isTerminal(os.Stdout), ErrTTY: isTerminal(os.Stderr)}
	for _, entry := range os.Environ() {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			s.Env[name] = value
			s.EnvOrder = append(s.EnvOrder, name)
		}
	}
	return s
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice|os.ModeCharDevice && st.Name() != os.DevNull && !isNull(st)
}

// isNull reports whether the file is the null device under whatever name.
func isNull(st os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(st, null)
}

// Color reports whether messages may be coloured.
func (s *Streams) Color() bool {
	return s.ErrTTY && s.Env["NO_COLOR"] == "" && s.Env["TERM"] != "dumb"
}

// Diags prints diagnostics, all at once: others may be printing too.
func (s *Streams) Diags(l diag.List) {
	var b bytes.Buffer
	p := diag.Printer{W: &b, Color: s.Color()}
	p.Print(l)
	_, _ = s.Err.Write(b.Bytes()) // whoever was to read it has gone
}

// Notice prints a remark.
func (s *Streams) Notice(text string) {
	s.Diags(diag.List{{Severity: diag.Note, Summary: text}})
}

// Usage prints a mistake in the command line in the form of the Python tools.
func (s *Streams) Usage(cmd *cobra.Command, text string) {
	fmt.Fprintf(s.Err, "Usage: %s\nTry '%s --help' for help.\n\nError: %s\n", cmd.UseLine(), cmd.CommandPath(), text)
}

// Fail prints an error as the native vocabulary does and returns its status.
func (s *Streams) Fail(cmd *cobra.Command, err error) int {
	var (
		problem *app.Problem
		usage   *UsageError
	)
	switch {
	case errors.As(err, &problem):
		s.Diags(problem.List)
		return map[app.ProblemKind]int{app.InCall: ExitUsage, app.InProject: ExitProject, app.InMachine: ExitMachine}[problem.Kind]
	case errors.As(err, &usage):
		s.Diags(diag.List{{Summary: usage.Error(), Hint: fmt.Sprintf("run %q for the options there are", cmd.CommandPath()+" --help")}})
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, syscall.EPIPE):
		return ExitPipe
	}
	s.Diags(diag.List{{Summary: err.Error(), Hint: "this should not happen; please report it with the command and its output"}})
	return ExitInternal
}
