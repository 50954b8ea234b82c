package slscli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
)

type invokeOptions struct {
	streams *cli.Streams

	function   string
	path       string
	data       string
	raw        bool
	variables  []string
	stage      string
	region     string
	config     string
	parameters []string
	engine     cli.EngineFlags
}

func newInvokeLocalCmd(s *cli.Streams) *cobra.Command {
	o := &invokeOptions{streams: s}
	cmd := &cobra.Command{
		Use:   "local --function NAME",
		Short: "Run a function once, as serverless invoke local does",
		Long: `Run a function of a Serverless service once, as "serverless invoke local" does,
without the framework.

The event comes from --path, --data or what is piped to standard input. What the
function prints goes where it prints it to; its result follows on standard
output.

EXIT STATUS
  0  the function has answered
  1  it failed, or could not be run`,
		Example: `  lambkin invoke local --function hello
  lambkin invoke local -f hello --data '{"a":"bar"}'
  lambkin invoke local -f hello --path lib/data.json
  node generate.js | lambkin invoke local -f hello
  lambkin invoke local -f hello -e VAR1=value1 -e VAR2=value2`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("function") {
				return errors.New(`Serverless command "invoke local" requires "--function" option. Run "serverless invoke local --help" for more info`)
			}
			return o.run(cmd)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.function, "function", "f", "", "`name` of the function in the service (required)")
	f.StringVarP(&o.path, "path", "p", "", "JSON or YAML `file` with the event, relative to the service")
	f.StringVarP(&o.data, "data", "d", "", "the event itself, as `text`; what is not JSON is passed as a string")
	f.BoolVar(&o.raw, "raw", false, "pass the event as a string even if it is JSON")
	f.StringArrayVarP(&o.variables, "env", "e", nil, "set an environment variable of the function, `NAME=value`; may be repeated")
	f.StringVarP(&o.stage, "stage", "s", "", "`stage` of the service")
	f.StringVarP(&o.region, "region", "r", "", "`region` of the service")
	f.StringArrayVar(&o.parameters, "param", nil, "a value for ${param:KEY}, `KEY=value`; may be repeated")
	f.StringVarP(&o.config, "config", "c", "", "`name` of the service file in this folder")
	o.engine.Add(f)
	return cmd
}

func (o *invokeOptions) run(cmd *cobra.Command) error {
	s := o.streams
	ctx := cmd.Context()
	options, err := o.options(cmd)
	if err != nil {
		return err
	}
	log := &telemetry.Text{Platform: s.Err, Stdout: s.Out, Stderr: s.Err, Quiet: true}
	options.Sink = log.Record
	fn, res, err := cli.Invoke(ctx, s, options, lambda.Invocation{}, o.readEvent)
	if err != nil {
		return err
	}
	out, failed, err := present(fn, res)
	if err != nil {
		return err
	}
	if failed {
		s.Failure(fn, res)
	}
	if _, err := s.Out.Write(out); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	if failed {
		return cli.Exit(1)
	}
	return nil
}

func (o *invokeOptions) options(cmd *cobra.Command) (app.Options, error) {
	s := o.streams
	parameters := map[string]string{}
	for _, p := range o.parameters {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" {
			return app.Options{}, fmt.Errorf(`Encountered invalid "--param" CLI option value: "%s". Supported format: "--param='<key>=<val>'"`, p)
		}
		parameters[key] = value
	}
	var variables []string
	for _, v := range o.variables {
		name, value, _ := strings.Cut(v, "=") // without "=" the value is empty
		if name == "" {
			return app.Options{}, app.BadCall("write --env NAME=value", "%q names no environment variable", v)
		}
		variables = append(variables, name+"="+value)
	}
	options := app.Options{
		Vocabulary: app.Serverless, Env: s.Env, Kinds: []lambda.Kind{lambda.KindServerless},
		Function: o.function, Region: o.region, Stage: o.stage, Parameters: parameters, Variables: variables,
		Flags: map[string]string{}, Notice: s.Notice,
	}
	// ${opt:…} knows every option that was given.
	for _, name := range []string{"function", "path", "data", "stage", "region", "config"} {
		if f := cmd.Flags().Lookup(name); f.Changed {
			options.Flags[name] = f.Value.String()
		}
	}
	if o.config != "" {
		if filepath.Base(o.config) != o.config {
			return app.Options{}, errors.New("Service configuration is expected to be placed in a root of a service (working directory). All paths, function handlers in a configuration are resolved against service directory.")
		}
		options.File = o.config
	}
	o.engine.Apply(&options)
	return options, nil
}

func (o *invokeOptions) readEvent(ctx context.Context) ([]byte, error) {
	s := o.streams
	if o.path != "" {
		if o.data != "" {
			s.Diags(diag.List{{Severity: diag.Note, Summary: "both --path and --data give the event; the one of --path is taken"}})
		}
		return readPath(o.path)
	}
	text := []byte(o.data)
	if o.data == "" {
		piped, err := s.Piped(ctx)
		if err != nil {
			return nil, err
		}
		text = piped
	}
	return eventOf(text, o.raw), nil
}
