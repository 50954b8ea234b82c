package cli

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/spf13/cobra"
)

func newDoctorCmd(s *Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		GroupID: "look",
		Short:   "Say what this machine has for running functions, and what it lacks",
		Long: `Say which interpreters and which ways of isolating functions this machine has,
and what to install for those that it lacks. Nothing is changed and nothing is
fetched. The exit status is 0 whatever is found.`,
		Example: "  lambkin doctor",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return app.BadCall("", "doctor takes no arguments, not %q", args[0])
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return doctor(s.Out, app.Doctor(cmd.Context(), s.Env))
		},
	}
}

func doctor(w io.Writer, c app.Checkup) error {
	fmt.Fprintf(w, "lambkin %s, %s/%s\n\nRuntimes\n", Version(), runtime.GOOS, runtime.GOARCH)
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, f := range c.Runtimes {
		if f.Path == "" {
			fmt.Fprintf(t, "  -\t%s\tmissing\t%s\n", f.Name, f.Hint)
			continue
		}
		fmt.Fprintf(t, "  ok\t%s\t%s\t%s\n", f.Name, orDash(f.Version), f.Path)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nIsolation\n")
	for _, i := range c.Isolation {
		mark := "-"
		if i.Available {
			mark = "ok"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", mark, i.Name, i.Detail)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nCache\n  %s\n", orDash(c.Cache))
	return err
}
