package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/event"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// EventWords is how a vocabulary offers the sample events.
type EventWords struct {
	// ASCII has events written without characters beyond ASCII.
	ASCII bool
	// List has the events listed where none is named; help is printed otherwise.
	List bool
	// Prepare adds the vocabulary's own options to the command of an event and
	// returns what is to be done before the event is made; nil for nothing.
	Prepare func(cmd *cobra.Command) func() error
	// Fail prints an error of cmd and returns the exit status.
	Fail func(s *Streams, cmd *cobra.Command, err error) int
}

// AddEvents gives cmd a command for each service, with one for each of its
// events. They are made when the command line comes to cmd, and not before:
// there are so many that every other command would start later for them.
func AddEvents(cmd *cobra.Command, s *Streams, w EventWords) {
	e := &eventCommands{streams: s, words: w, top: cmd}
	cmd.DisableFlagParsing = true
	cmd.RunE = e.again
	cmd.ValidArgsFunction = e.complete
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		e.grow()
		_ = cmd.Help()
	})
}

type eventCommands struct {
	streams *Streams
	words   EventWords
	top     *cobra.Command
}

// again runs the command line a second time, now with all commands.
func (e *eventCommands) again(cmd *cobra.Command, args []string) error {
	e.grow()
	for c := cmd; c.HasParent(); c = c.Parent() {
		args = append([]string{c.Name()}, args...)
	}
	root := cmd.Root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(cmd.Context())
	var exit Exit
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return Exit(e.words.Fail(e.streams, cmd, err))
}

// grow makes the commands.
func (e *eventCommands) grow() {
	services := event.Services()
	var all []event.Event
	for _, service := range services {
		cmd := &cobra.Command{Use: service.Name, Short: service.Title, Long: "Sample events: " + service.Title}
		for i := range service.Events {
			cmd.AddCommand(e.event(&service.Events[i]))
		}
		e.group(cmd, service.Events)
		e.top.AddCommand(cmd)
		all = append(all, service.Events...)
	}
	e.top.DisableFlagParsing = false
	e.top.ValidArgsFunction = nil
	e.top.SetHelpFunc(nil)
	e.group(e.top, all)
}

// group makes cmd a command that only holds others.
func (e *eventCommands) group(cmd *cobra.Command, events []event.Event) {
	cmd.Args = GroupArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if e.words.List {
			return listEvents(e.streams.Out, events)
		}
		return cmd.Help()
	}
}

func listEvents(w io.Writer, events []event.Event) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "EVENT\tWHEN")
	for _, e := range events {
		fmt.Fprintf(t, "%s %s\t%s\n", e.Service, e.Name, e.About)
	}
	return t.Flush()
}

// event makes the command of one event.
func (e *eventCommands) event(of *event.Event) *cobra.Command {
	cmd := &cobra.Command{
		Use: of.Name, Short: of.About,
		Long: "Print the event that a function gets when " + of.About + ".",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return app.BadCall("values stand behind their options: --option value", "%s %s takes options only, not %q", of.Service, of.Name, args[0])
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	for _, o := range of.Options {
		f.String(o.Name, o.Default, o.About)
	}
	prepare := func() error { return nil }
	if e.words.Prepare != nil {
		prepare = e.words.Prepare(cmd)
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := prepare(); err != nil {
			return err
		}
		return e.print(of, f)
	}
	return cmd
}

func (e *eventCommands) print(of *event.Event, f *pflag.FlagSet) error {
	values := map[string]string{}
	for _, o := range of.Options {
		values[o.Name], _ = f.GetString(o.Name) // the option is there, and a string
	}
	form := event.UTF8
	if e.words.ASCII {
		form = event.ASCII
	}
	out, err := of.Generate(values, form)
	var wrong *event.ValueError
	if errors.As(err, &wrong) {
		return app.BadCall("", "%v", wrong)
	}
	if err != nil {
		return err
	}
	if _, err := e.streams.Out.Write(out); err != nil {
		return fmt.Errorf("writing the event: %w", err)
	}
	return nil
}

// complete offers what can follow args.
func (e *eventCommands) complete(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	e.grow()
	var out []cobra.Completion
	offer := func(word, about string) {
		if strings.HasPrefix(word, begun) {
			out = append(out, cobra.CompletionWithDesc(word, about))
		}
	}
	cmd, rest, err := e.top.Find(args)
	switch {
	case err != nil:
	case cmd.HasSubCommands():
		for _, c := range cmd.Commands() {
			if len(rest) == 0 {
				offer(c.Name(), c.Short)
			}
		}
	case len(rest) == 0 || strings.Contains(rest[len(rest)-1], "=") || !strings.HasPrefix(rest[len(rest)-1], "--"):
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			given := func(arg string) bool { return arg == "--"+f.Name || strings.HasPrefix(arg, "--"+f.Name+"=") }
			if !slices.ContainsFunc(rest, given) {
				offer("--"+f.Name, f.Usage)
			}
		})
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func newEventCmd(s *Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "event [SERVICE [EVENT]]",
		GroupID: "look",
		Short:   "Print sample events of AWS services",
		Long: `Print a sample event: what a service of AWS hands to a function. Its values are
options. Without a service, all events are listed.

EXIT STATUS
  0  the event was printed
  2  the command line is wrong`,
		Example: `  lambkin event
  lambkin event s3 put --bucket photos --key "2024/a photo.jpg"
  lambkin event sqs receive-message --body '{"order":1}' | lambkin invoke Orders`,
	}
	AddEvents(cmd, s, EventWords{List: true, Fail: (*Streams).Fail})
	return cmd
}
