// Package cli is lambkin's surface: the native commands, one file each, and
// the tool kit that the dialects in the packages below share with them. Only
// here and below is anything printed. Standard output carries results and
// nothing else; everything else goes to standard error.
//
// Wording: messages start in lower case and end without a full stop. Problems
// in the user's files are diagnostics with file, line and column; all others
// start with "lambkin:". A hint follows on a line of its own.
package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
)

// Exit statuses of the native vocabulary.
const (
	ExitOK          = 0
	ExitFunction    = 1   // the function failed: an error, a timeout, a crash
	ExitUsage       = 2   // the command line or the event is wrong
	ExitProject     = 3   // the project's files are wrong
	ExitMachine     = 4   // this machine lacks something
	ExitInternal    = 5   // lambkin itself failed
	ExitInterrupted = 130 // a signal ended the command
	ExitPipe        = 141 // whoever was to read the result has gone
)

// Dialect is the command line of another tool, spoken by lambkin.
type Dialect struct {
	// Links are the program names under which lambkin speaks this dialect alone.
	Links []string
	// Attach adds the dialect's commands to root and returns those that it
	// added on the topmost level of its own.
	Attach func(root *cobra.Command, s *Streams) []*cobra.Command
	// Rewrite turns what the other tool takes on its command line and this
	// one's parser does not into what both take; nil for nothing. Its error is
	// one for Fail.
	Rewrite func(args []string) ([]string, error)
	// Fail prints an error as the other tool would and returns its exit status.
	Fail func(s *Streams, cmd *cobra.Command, err error) int
}

// Exit ends a command with a status and without another word.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// UsageError is a mistake in the command line.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

func (e *UsageError) Unwrap() error { return e.Err }

// Main runs the command line args, of which the first is the program's name,
// and returns the exit status.
func Main(ctx context.Context, args []string, s *Streams, dialects ...Dialect) int {
	root := newRoot(s)
	owner := map[*cobra.Command]Dialect{}
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	linked := slices.IndexFunc(dialects, func(d Dialect) bool { return slices.Contains(d.Links, name) })
	if linked < 0 {
		addNative(root, s)
	} else {
		root.Use, root.Short, root.Long = name, "lambkin in the place of "+name, ""
		dialects = dialects[linked : linked+1]
		owner[root] = dialects[0]
	}
	args = args[1:]
	for _, d := range dialects {
		for _, cmd := range d.Attach(root, s) {
			owner[cmd] = d
		}
		if d.Rewrite != nil {
			var err error
			if args, err = d.Rewrite(args); err != nil {
				return d.Fail(s, root, err)
			}
		}
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var exit Exit
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exit):
		return int(exit)
	}
	for c := cmd; c != nil; c = c.Parent() {
		if d, ok := owner[c]; ok {
			return d.Fail(s, cmd, err)
		}
	}
	return s.Fail(cmd, err)
}

func newRoot(s *Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "lambkin",
		Short: "Run AWS Lambda functions on this machine",
		Long: `lambkin runs AWS Lambda functions on this machine, straight from the project
that deploys them: SAM and CloudFormation templates and Serverless Framework
services. No Docker, no login.

It also speaks the command lines of two other tools, here as
"lambkin local invoke" and "lambkin invoke local", and under a link named sam,
serverless, sls or osls in their place.`,
		Version:       Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &UsageError{unknownFlag(cmd, err)} })
	return root
}

// unknownCommand refuses arguments that are no command, with the nearest name.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	hint := fmt.Sprintf("run %q for the commands there are", cmd.CommandPath()+" --help")
	if near := diag.Nearest(args[0], names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", cmd.CommandPath()+" "+near)
	}
	return app.BadCall(hint, "%s has no command %q", cmd.CommandPath(), args[0])
}

// GroupArgs is the Args of a command that only holds others.
func GroupArgs(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) }

func addNative(root *cobra.Command, s *Streams) {
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run functions:"}, &cobra.Group{ID: "look", Title: "Look around:"},
		&cobra.Group{ID: "dialect", Title: "In the words of other tools:"})
	root.AddCommand(newInvokeCmd(s), newStartLambdaCmd(s), newListCmd(s), newEnvCmd(s), newEventCmd(s), newDoctorCmd(s), newCacheCmd(s), newExitStatusTopic())
}

// version is set by the linker when a release is built.
var version string

// Version is the version of this build.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

func newExitStatusTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-status",
		Short: "What lambkin's exit statuses mean",
		Long: `EXIT STATUS
  0    all went well; for invoke: the function has answered
  1    the function failed: it threw, timed out, crashed or could not be loaded
  2    the command line or the event is wrong
  3    the project is wrong: no template, a syntax error, an unknown function
  4    this machine lacks something, such as an interpreter
  5    lambkin itself failed
  130  interrupted
  141  whoever was to read the result has gone

"lambkin local invoke" and "lambkin invoke local" use the statuses of the tools
whose command lines they speak; see their help.`,
	}
}
