// Package slscli speaks the Serverless Framework's command line: `serverless
// invoke local`. It holds options, defaults and wording; what the commands do
// is in package app. Where lambkin differs from the framework on purpose,
// docs/differences.md says so.
package slscli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
)

// Dialect is the Serverless Framework's command line.
func Dialect() cli.Dialect {
	return cli.Dialect{Links: []string{"serverless", "sls", "slss", "osls"}, Attach: attach, Rewrite: rewrite, Fail: fail}
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
// status is 1 whatever it is. What lambkin has to add, such as places and
// hints, goes to standard error.
func fail(s *cli.Streams, _ *cobra.Command, err error) int {
	var (
		unknown *app.UnknownFunction
		refusal *app.Refusal
		problem *app.Problem
		wrong   *usage
	)
	switch {
	case errors.Is(err, context.Canceled):
		return cli.ExitInterrupted
	case errors.As(err, &unknown) && unknown.Name != "":
		printError(s.Out, fmt.Sprintf("Function %q doesn't exist in this Service", unknown.Name))
		if near := diag.Nearest(unknown.Name, unknown.Candidates); near != "" {
			s.Notice(fmt.Sprintf("did you mean %q?", near))
		}
	case errors.As(err, &refusal):
		printError(s.Out, refusal.Message)
		explain(s, refusal.Problem)
	case errors.As(err, &problem) && problem.List[0].Code == "no-project":
		printError(s.Out, notAService)
	case errors.As(err, &problem):
		printError(s.Out, inItsWords(problem))
		explain(s, problem)
	case errors.As(err, &wrong):
		printError(s.Out, wrong.text)
		if wrong.hint != "" {
			s.Notice(wrong.hint)
		}
	default:
		printError(s.Out, err.Error())
	}
	return 1
}

const notAService = "This command can only be run in a Serverless service directory. Make sure to reference a valid config file in the current working directory if you're using a custom config file"

// inItsWords is a problem as the framework would tell it.
func inItsWords(p *app.Problem) string {
	var lines []string
	file, first := "", ""
	for _, d := range p.List {
		if d.Severity != diag.Error {
			continue
		}
		if first == "" {
			first = d.Summary
		}
		if strings.HasPrefix(d.Code, "variable-") {
			file = cmp.Or(file, d.Range.File)
			if line := "  - " + d.Summary; !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		return first
	}
	return fmt.Sprintf("Cannot resolve %s: Variables resolution errored with:\n%s", filepath.Base(cmp.Or(p.File, file)), strings.Join(lines, ",\n"))
}

// explain prints the problem with places and hints, where there are any.
func explain(s *cli.Streams, p *app.Problem) {
	if len(p.List) > 1 || p.List[0].Hint != "" || p.List[0].Detail != "" || p.List[0].Range.Start.Line > 0 {
		s.Diags(p.List)
	}
}

func printError(w io.Writer, text string) {
	fmt.Fprintf(w, "Error:\n%s\n", text)
}
