package samcli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type invokeOptions struct {
	streams *cli.Streams

	function   string
	template   string
	event      string
	noEvent    bool
	region     string
	parameters []string
	engine     cli.EngineFlags
}

func newInvokeCmd(s *cli.Streams) *cobra.Command {
	o := &invokeOptions{streams: s}
	cmd := &cobra.Command{
		Use:   "invoke [FUNCTION_LOGICAL_ID]",
		Short: "Run a function once, as sam local invoke does",
		Long: `Run a function once, as "sam local invoke" does, without Docker.

The result goes to standard output in SAM CLI's form, everything else to
standard error.

EXIT STATUS
  0  the function was run, whether it failed or not
  1  it could not be run
  2  the command line is wrong`,
		Example: `  lambkin local invoke Ratings -e event.json
  echo '{"message": "Hey, are you there?"}' | lambkin local invoke --event - Ratings
  lambkin local invoke -t template.yaml --parameter-overrides Stage=dev`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.arguments(args, cmd.Flags().Changed("parameter-overrides")); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.template, "template", "t", s.Env["SAM_TEMPLATE_FILE"], "template `file` (default: .aws-sam/build/template.yaml or template.[yaml|yml|json])")
	f.SetNormalizeFunc(templateNames)
	f.StringVarP(&o.event, "event", "e", "", "JSON `file` with the event, \"-\" for standard input")
	f.BoolVar(&o.noEvent, "no-event", false, "invoke with an empty event, which is the default")
	f.Var((*words)(&o.parameters), "parameter-overrides", "template parameters: Key=Value or ParameterKey=Key,ParameterValue=Value")
	f.StringVar(&o.region, "region", "", "AWS `region`")
	o.engine.Add(f)
	return cmd
}

// templateNames lets --template-file stand for --template.
func templateNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "template-file" {
		name = "template"
	}
	return pflag.NormalizedName(name)
}

// words is an option that may be repeated; each use adds its words.
type words []string

func (w *words) String() string     { return strings.Join(*w, " ") }
func (w *words) Type() string       { return "KEY=VALUE" }
func (w *words) Set(s string) error { *w = append(*w, s); return nil }

// arguments takes the function's name and, since --parameter-overrides takes
// any number of words, the assignments among the arguments.
func (o *invokeOptions) arguments(args []string, overrides bool) error {
	var names []string
	for _, arg := range args {
		if overrides && strings.Contains(arg, "=") {
			o.parameters = append(o.parameters, arg)
			continue
		}
		names = append(names, arg)
	}
	switch len(names) {
	case 0:
	case 1:
		o.function = names[0]
	default:
		return &cli.UsageError{Err: fmt.Errorf("Got unexpected extra argument (%s)", strings.Join(names[1:], " "))}
	}
	return nil
}

func (o *invokeOptions) run(ctx context.Context) error {
	s := o.streams
	parameters, err := parseOverrides(o.parameters)
	if err != nil {
		return err
	}
	log := &telemetry.Text{Platform: s.Err, NewLines: true}
	if err := o.findTemplate(); err != nil {
		return err
	}
	options := app.Options{
		Vocabulary: app.SAM, Env: s.Env, File: o.template, Kinds: []lambda.Kind{lambda.KindCloudFormation},
		Function: o.function, Region: o.region, Parameters: parameters,
		Sink: o.announce(log.Record), Notice: s.Notice,
	}
	o.engine.Apply(&options)
	fn, res, err := cli.Invoke(ctx, s, options, o.readEvent)
	if err != nil {
		return err
	}
	if res.ErrorType == lambda.TimedOut { // SAM CLI stops the container, and nothing answers
		fmt.Fprintf(s.Err, "Function '%s' timed out after %d seconds\n", fn.Path, int(fn.Timeout.Seconds()))
		fmt.Fprintf(s.Err, "No response from invoke container for %s\n", fn.LogicalID)
		return nil
	}
	if res.FunctionError != "" {
		s.Failure(fn, res)
	}
	_, err = s.Out.Write(present(res.Payload))
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	_, _ = io.WriteString(s.Err, "\n") // ends the result's line on a terminal
	return nil
}

// announce prints SAM CLI's line about the handler before the first record.
func (o *invokeOptions) announce(next telemetry.Sink) telemetry.Sink {
	var once sync.Once
	return func(r telemetry.Record) {
		once.Do(func() { fmt.Fprintf(o.streams.Err, "Invoking %s (%s)\n", r.Function.Handler, r.Function.Runtime) })
		next(r)
	}
}

// findTemplate refuses a template that is not there in SAM CLI's words.
func (o *invokeOptions) findTemplate() error {
	if o.template == "" {
		return nil
	}
	path, err := filepath.Abs(o.template)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("Template file not found at %s", path)
	}
	return nil
}

func (o *invokeOptions) readEvent(context.Context) ([]byte, error) {
	where := o.event
	switch o.event {
	case "":
		return []byte("{}"), nil
	case "-":
		where = "standard input"
		fmt.Fprintln(o.streams.Err, "Reading invoke payload from stdin (you can also pass it from file with --event)")
	}
	data, err := o.streams.ReadEventFile(o.event)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return []byte("{}"), nil
	}
	return cli.JSONEvent(data, where)
}
