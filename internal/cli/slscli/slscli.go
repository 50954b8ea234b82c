// Package slscli speaks the Serverless Framework's command line: `serverless
// invoke local`. It holds options, defaults and wording; what the commands do
// is in package app. Where lambkin differs from the framework on purpose,
// docs/differences.md says so.
package slscli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
)

// Dialect is the Serverless Framework's command line.
func Dialect() cli.Dialect {
	return cli.Dialect{Links: []string{"serverless", "sls", "slss", "osls"}, Attach: attach, Fail: fail}
}

// attach adds `invoke local` below lambkin's own invoke where there is one.
func attach(root *cobra.Command, s *cli.Streams) []*cobra.Command {
	local := newInvokeLocalCmd(s)
	for _, c := range root.Commands() {
		if c.Name() == "invoke" {
			c.AddCommand(local)
			return []*cobra.Command{local}
		}
	}
	invoke := &cobra.Command{
		Use:   "invoke",
		Short: "Invoke functions: serverless invoke local",
		Args:  cli.GroupArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	invoke.AddCommand(local)
	root.AddCommand(invoke)
	return []*cobra.Command{invoke}
}

// fail prints an error as the framework does, which is on standard output; the
// status is 1 whatever it is.
func fail(s *cli.Streams, _ *cobra.Command, err error) int {
	var (
		unknown *app.UnknownFunction
		problem *app.Problem
	)
	switch {
	case errors.Is(err, context.Canceled):
		return cli.ExitInterrupted
	case errors.As(err, &unknown) && unknown.Name != "":
		text := fmt.Sprintf("Function %q doesn't exist in this Service", unknown.Name)
		if near := diag.Nearest(unknown.Name, unknown.Candidates); near != "" {
			text += fmt.Sprintf(". Did you mean %q?", near)
		}
		printError(s.Out, text)
	case errors.As(err, &problem):
		failProblem(s, problem)
	default:
		printError(s.Out, err.Error())
	}
	return 1
}

// failProblem prints the first error as the framework's one error, and all of
// them, with places and hints, on standard error.
func failProblem(s *cli.Streams, p *app.Problem) {
	for _, d := range p.List {
		if d.Severity == diag.Error {
			printError(s.Out, d.Error())
			break
		}
	}
	if len(p.List) > 1 || p.List[0].Hint != "" || p.List[0].Range.Start.Line > 0 {
		s.Diags(p.List)
	}
}

func printError(w io.Writer, text string) {
	fmt.Fprintf(w, "Error:\n%s\n", text)
}
