package samcli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
)

// invokeKey is the command's key in samconfig, functionKey that of its argument.
const (
	invokeKey   = "local_invoke"
	functionKey = "function_logical_id"
)

func newInvokeCmd(s *cli.Streams) *cobra.Command {
	o := &invokeOptions{localOptions: localOptions{streams: s, command: invokeKey, argument: functionKey, languageExtensions: true}}
	cmd := &cobra.Command{
		Use:   "invoke [FUNCTION_LOGICAL_ID]",
		Short: "Run a function once, as sam local invoke does",
		Long: `Run a function once, as "sam local invoke" does, without Docker.

The result goes to standard output in SAM CLI's form, everything else to
standard error. Options may stand in samconfig.toml, too, under
[default.local_invoke.parameters]; the command line wins over environment
variables, and these over the file.

EXIT STATUS
  0  the function was run, whether it failed or not
  1  it could not be run or, with --fail-on-error, it failed
  2  the command line is wrong`,
		Example: `  lambkin local invoke Ratings -e event.json
  echo '{"message": "Hey, are you there?"}' | lambkin local invoke --event - Ratings
  lambkin local invoke -t template.yaml --parameter-overrides Stage=dev Table=local
  lambkin local invoke Ratings --env-vars env.json --fail-on-error
  lambkin local invoke Ratings -e event.json --config-env ci --save-params`,
		Args: func(_ *cobra.Command, args []string) error { return o.arguments(args) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			fromLine(cmd.Flags(), o.table)
			return o.run(cmd.Context())
		},
	}
	o.define(cmd, o.options())
	return cmd
}

// arguments takes the function's name.
func (o *invokeOptions) arguments(args []string) error {
	switch len(args) {
	case 0:
	case 1:
		o.functions = args
	case 2:
		return &cli.UsageError{Err: fmt.Errorf("Got unexpected extra argument (%s)", args[1])}
	default:
		return &cli.UsageError{Err: fmt.Errorf("Got unexpected extra arguments (%s)", strings.Join(args[1:], " "))}
	}
	return nil
}

func (o *invokeOptions) run(ctx context.Context) error {
	if err := o.settle(); err != nil {
		return err
	}
	options, err := o.appOptions()
	if err != nil {
		return err
	}
	if err := o.findTemplate(); err != nil {
		return err
	}
	out, logs := o.streams.Out, o.streams.Err
	if o.logFile != "" {
		file, err := o.openLog()
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // each write has told whether it went well
		out, logs = file, file
	}
	log := &telemetry.Text{Platform: logs, NewLines: true}
	options.Sink = o.announce(log.Record)
	fn, res, err := cli.Invoke(ctx, o.streams, options, o.prepare)
	if err != nil {
		return err
	}
	return o.print(out, logs, fn, res)
}

// print writes the result.
func (o *invokeOptions) print(out, logs io.Writer, fn *lambda.Function, res *lambda.Result) error {
	s := o.streams
	if res.ErrorType == lambda.TimedOut { // SAM CLI stops the container, and nothing answers
		fmt.Fprintf(s.Err, "Function '%s' timed out after %d seconds\n", fn.Path, int(fn.Timeout.Seconds()))
		fmt.Fprintf(s.Err, "No response from invoke container for %s\n", fn.LogicalID)
		return o.failed()
	}
	if res.FunctionError != "" {
		s.Failure(fn, res)
	}
	if _, err := out.Write(present(res.Payload)); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	_, _ = io.WriteString(logs, "\n") // ends the result's line on a terminal
	if res.FunctionError != "" {
		return o.failed()
	}
	return nil
}

// failed is how the command ends when the function has failed.
func (o *invokeOptions) failed() error {
	if o.failOnError {
		return cli.Exit(1)
	}
	return nil
}

// announce prints SAM CLI's line about the handler before the first record.
func (o *invokeOptions) announce(next telemetry.Sink) telemetry.Sink {
	var once sync.Once
	return func(r telemetry.Record) {
		once.Do(func() {
			o.debugf("Function %s of %s, code in %s", r.Function.Path, r.Function.Source, codeOf(r.Function))
			fmt.Fprintln(o.streams.Err, invoking(r.Function))
		})
		if e, ok := r.Event.(telemetry.Launch); ok {
			o.debugf("Starting %s", strings.Join(append([]string{e.Path}, e.Args...), " "))
		}
		next(r)
	}
}

// codeOf names the place of a function's code.
func codeOf(fn *lambda.Function) string {
	switch c := fn.Code; {
	case c.Dir != "":
		return c.Dir
	case c.Archive != "":
		return c.Archive
	}
	return "the template"
}

func (o *invokeOptions) prepare(_ context.Context, _ *app.System, inv *lambda.Invocation) (err error) {
	inv.TenantID = o.tenant
	inv.Payload, err = o.readEvent()
	return err
}

func (o *invokeOptions) readEvent() ([]byte, error) {
	where := o.event
	switch o.event {
	case "":
		return []byte("{}"), nil
	case "-":
		where = "standard input"
		fmt.Fprintln(o.streams.Err, "Reading invoke payload from stdin (you can also pass it from file with --event)")
	default:
		if _, err := os.Stat(o.event); os.IsNotExist(err) {
			return nil, fmt.Errorf("[Errno 2] No such file or directory: '%s'", o.event)
		}
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

// appOptions is what the options mean to the engine.
func (o *invokeOptions) appOptions() (app.Options, error) {
	options, err := o.localOptions.appOptions()
	options.Runtime = strings.ToLower(o.runtime)
	if len(o.functions) > 0 {
		options.Function = o.functions[0]
	}
	return options, err
}
