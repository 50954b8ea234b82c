// Package samcli speaks SAM CLI's command line: `sam local …`. It holds
// options, defaults and wording; what the commands do is in package app. What
// SAM CLI prints and which status it exits with is its own; where lambkin
// differs on purpose, docs/differences.md says so.
package samcli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
)

// Dialect is SAM CLI's command line.
func Dialect() cli.Dialect {
	return cli.Dialect{Links: []string{"sam"}, Attach: attach, Rewrite: func(args []string) ([]string, error) { return rewrite(args), nil }, Fail: fail}
}

func attach(root *cobra.Command, s *cli.Streams) []*cobra.Command {
	local := &cobra.Command{
		Use:   "local",
		Short: "SAM CLI's commands: sam local …",
		Long:  "The commands of `sam local` that lambkin has, with SAM CLI's options, files and output.",
		Args:  cli.GroupArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	if root.ContainsGroup("dialect") {
		local.GroupID = "dialect"
	} else {
		inPlace(root, s)
	}
	local.AddCommand(newInvokeCmd(s), newStartLambdaCmd(s), newGenerateEventCmd(s))
	root.AddCommand(local)
	return []*cobra.Command{local}
}

// inPlace gives the root command what SAM CLI's has.
func inPlace(root *cobra.Command, s *cli.Streams) {
	var info bool
	root.Flags().BoolVar(&info, "info", false, "print the version as JSON")
	help := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if !info {
			return help(cmd, args)
		}
		version, _ := json.Marshal(cli.Version()) // a string always encodes
		fmt.Fprintf(s.Out, "{\n  \"version\": %s\n}\n", version)
		return nil
	}
}

// fail prints an error as SAM CLI does: status 2 for a wrong command line, else 1.
func fail(s *cli.Streams, cmd *cobra.Command, err error) int {
	var (
		usage   *cli.UsageError
		unknown *app.UnknownFunction
		refusal *app.Refusal
		problem *app.Problem
	)
	switch {
	case errors.As(err, &usage):
		s.Usage(cmd, usage.Error())
		return 2
	case errors.Is(err, context.Canceled):
		return cli.ExitInterrupted
	case errors.As(err, &refusal):
		fmt.Fprintf(s.Err, "Error: %s\n", refusal.Message)
		return 1
	case errors.As(err, &unknown):
		return failUnknown(s, unknown)
	case errors.As(err, &problem) && problem.List[0].Code == "no-project":
		missing, _ := filepath.Abs("template.yml") // the name itself does where there is no folder
		fmt.Fprintf(s.Err, "Error: Template file not found at %s\n", missing)
		return 1
	case errors.As(err, &problem):
		return failProblem(s, cmd, problem)
	}
	fmt.Fprintf(s.Err, "Error: %v\n", err)
	return 1
}

func failUnknown(s *cli.Streams, u *app.UnknownFunction) int {
	options := "['" + strings.Join(u.Candidates, "', '") + "']"
	if len(u.Candidates) == 0 {
		options = "[]"
	}
	if u.Name == "" {
		fmt.Fprintf(s.Err, "Error: You must provide a function logical ID when there are more than one functions in your template. Possible options in your template: %s\n", options)
		return 1
	}
	fmt.Fprintf(s.Err, "%s not found. Possible options in your template: %s\n", u.Name, options)
	fmt.Fprintf(s.Err, "Error: Function %s not found in template\n", u.Name)
	if near := diag.Nearest(u.Name, u.Candidates); near != "" {
		fmt.Fprintf(s.Err, "hint: did you mean %q?\n", near)
	}
	return 1
}

// failProblem prints the errors of a problem in SAM CLI's form, and the
// warnings that came with them as diagnostics.
func failProblem(s *cli.Streams, cmd *cobra.Command, p *app.Problem) int {
	var rest diag.List
	for _, d := range p.List {
		if d.Severity != diag.Error {
			rest = append(rest, d)
			continue
		}
		if p.Kind == app.InCall {
			text := d.Error()
			if d.Hint != "" {
				text += " (" + d.Hint + ")"
			}
			s.Usage(cmd, text)
			continue
		}
		fmt.Fprintf(s.Err, "Error: %s\n", d.Error())
		for line := range strings.Lines(d.Detail) {
			fmt.Fprintf(s.Err, "  %s\n", strings.TrimRight(line, "\n"))
		}
		if d.Hint != "" {
			fmt.Fprintf(s.Err, "hint: %s\n", d.Hint)
		}
	}
	s.Diags(rest)
	if p.Kind == app.InCall {
		return 2
	}
	return 1
}
