package samcli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/spf13/cobra"
)

func newGenerateEventCmd(s *cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "generate-event [SERVICE [EVENT]]",
		Short: "Print sample events, as sam local generate-event does",
		Long: `Print a sample event: what a service of AWS hands to a function. Its values are
options, which samconfig may set, too.

EXIT STATUS
  0  the event was printed
  1  the configuration file is wrong
  2  the command line is wrong`,
		Example: `  lambkin local generate-event s3 put --bucket photos --key holiday.jpg
  lambkin local generate-event sqs receive-message --body '{"order":1}' | lambkin local invoke -e - Orders`,
	}
	cli.AddEvents(cmd, s, cli.EventWords{
		ASCII: true,
		Fail:  fail,
		Prepare: func(cmd *cobra.Command) func() error {
			o := &eventOptions{streams: s, cmd: cmd}
			o.define()
			return o.settle
		},
	})
	return cmd
}

// eventOptions are the options that every command of generate-event has.
type eventOptions struct {
	streams *cli.Streams
	cmd     *cobra.Command
	table   []*option

	configFile, configEnv string
	debug                 bool
}

// define adds the options to those of the event, and takes all to be options
// that samconfig may set.
func (o *eventOptions) define() {
	f := o.cmd.Flags()
	o.table = optionsOf(f)
	own := []*option{
		{name: "config-file", value: text(&o.configFile, "TEXT"), usage: "configuration `file` (default: samconfig.[toml|yaml|yml])"},
		{name: "config-env", value: text(&o.configEnv, "TEXT"), usage: "`environment` in the configuration file (default: default)"},
		{name: "debug", value: yes(&o.debug), usage: "say where options come from"},
	}
	define(f, own)
	o.table = append(o.table, own...)
}

// settle gives options that the command line does not set the values of the
// configuration file.
func (o *eventOptions) settle() error {
	fromLine(o.cmd.Flags(), o.table)
	var keys []string
	for _, option := range o.table {
		keys = append(keys, option.keys()...)
	}
	c, err := readConfig(configQuery{
		dir: ".", file: o.configFile, env: o.configEnv, command: eventKey(o.cmd), known: keys,
		tell: func(text string) { fmt.Fprintln(o.streams.Err, text) },
	})
	if err != nil {
		return err
	}
	if err := fromFile(c, o.table); err != nil {
		return err
	}
	o.streams.Diags(c.diags)
	if !o.debug {
		return nil
	}
	if c.there {
		fmt.Fprintf(o.streams.Err, "Config file %s, environment %s\n", c.path, c.env)
	}
	for _, option := range o.table {
		if option.from.kind != byDefault {
			fmt.Fprintf(o.streams.Err, "--%s from %s\n", option.name, cmp.Or(option.from.String(), "the command line"))
		}
	}
	return nil
}

// eventKey is the key of an event's command in samconfig.
func eventKey(cmd *cobra.Command) string {
	words := []string{"local", "generate-event", cmd.Parent().Name(), cmd.Name()}
	return underscored(strings.Join(words, "_"))
}
