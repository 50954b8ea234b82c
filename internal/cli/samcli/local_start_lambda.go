package samcli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/spf13/cobra"
)

// startLambdaKey is the command's key in samconfig, functionsKey that of its arguments.
const (
	startLambdaKey = "local_start_lambda"
	functionsKey   = "function_logical_ids"
)

// startLambdaOptions is what `local start-lambda` is told.
type startLambdaOptions struct {
	localOptions

	host, warm, debugFunction string
	port, maxConcurrency      int
	noWatch                   bool
}

func newStartLambdaCmd(s *cli.Streams) *cobra.Command {
	o := &startLambdaOptions{
		localOptions: localOptions{streams: s, command: startLambdaKey, argument: functionsKey, languageExtensions: true},
		host:         cli.LambdaHost, port: cli.LambdaPort,
	}
	cmd := &cobra.Command{
		Use:   "start-lambda [FUNCTION_LOGICAL_IDS]...",
		Short: "Serve functions to the AWS CLI and SDKs, as sam local start-lambda does",
		Long: `Serve the template's functions, or those that are named, as Lambda's API does,
as "sam local start-lambda" does, without Docker. The AWS CLI and SDKs invoke
them when they are told of the address as their endpoint. Everything that is
printed goes to standard error.

Environments are used again and several run at a time, with --warm-containers
or without; code that has changed is seen at the next invocation. Options may
stand in samconfig.toml, too, under [default.local_start_lambda.parameters].

EXIT STATUS
  0  it was ended by Ctrl-C or SIGTERM
  1  it could not begin
  2  the command line is wrong`,
		Example: `  lambkin local start-lambda
  aws lambda invoke --endpoint-url http://127.0.0.1:3001 --function-name Ratings out.json

  lambkin local start-lambda Ratings Orders --port 3005 --warm-containers EAGER
  lambkin local start-lambda --env-vars env.json --parameter-overrides Stage=dev
  lambkin local start-lambda --debug-port 5858 --debug-function Ratings`,
		Args:              func(_ *cobra.Command, args []string) error { o.functions = args; return nil },
		ValidArgsFunction: cli.CompleteFunctions(s, &o.template),
		RunE: func(cmd *cobra.Command, _ []string) error {
			fromLine(cmd.Flags(), o.table)
			return o.run(cmd.Context())
		},
	}
	o.define(cmd, slices.Concat(o.serverOptions(), o.localTable()))
	_ = cmd.RegisterFlagCompletionFunc("warm-containers", cobra.FixedCompletions([]string{"EAGER", "LAZY"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *startLambdaOptions) serverOptions() []*option {
	return []*option{
		{name: "host", value: text(&o.host, "TEXT"), usage: "`address` to listen on (default: 127.0.0.1, for this machine alone)"},
		{name: "port", short: "p", value: number(&o.port, 0, 65535), usage: "`port` to listen on, 0 for one that is free (default: 3001)"},
		{name: "warm-containers", value: text(&o.warm, "[EAGER|LAZY]", eagerOrLazy), usage: "EAGER starts an environment of each function at once; LAZY, at its first invocation, is what is done without"},
		{name: "debug-function", value: text(&o.debugFunction, "TEXT"), usage: "the `function` that --debug-port is for"},
		{name: "no-watch", value: yes(&o.noWatch), usage: "do not look for changed code"},
		{name: "max-concurrency", value: number(&o.maxConcurrency, 1, 10000), usage: "refuse more than this `number` of invocations of one function at a time, as a reserved concurrency does (lambkin's own)"},
	}
}

func (o *startLambdaOptions) run(ctx context.Context) error {
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
	s := o.streams
	terminal := &telemetry.Text{Platform: s.Err, NewLines: true}
	log := terminal
	if o.logFile != "" {
		file, err := o.openLog()
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // each write has told whether it went well
		log = &telemetry.Text{Platform: file, NewLines: true}
	}
	options.Sink = func(r telemetry.Record) {
		if _, ok := r.Event.(telemetry.Start); ok {
			terminal.Aside(func() { fmt.Fprintln(s.Err, invoking(r.Function)) })
		}
		log.Record(r)
	}
	server := cli.LambdaServer{
		Log:     terminal,
		Options: app.ServiceOptions{Options: options, Functions: o.functions, DebugFunction: o.debugFunction, NoWatch: o.noWatch},
		API:     app.LambdaAPI{Host: o.host, Port: o.port, MaxConcurrency: o.maxConcurrency, Listening: o.listening},
	}
	if strings.EqualFold(o.warm, "EAGER") {
		server.Warm = o.warmUp
	}
	return server.Run(ctx, s)
}

// warmUp starts an environment of each function, in SAM CLI's words.
func (o *startLambdaOptions) warmUp(ctx context.Context, service *app.Service) error {
	w := o.streams.Err
	fmt.Fprintln(w, "Initializing the lambda functions containers.")
	if err := errors.Join(service.Warm(ctx)...); err != nil {
		return fmt.Errorf("Lambda functions containers initialization failed: %w", err)
	}
	fmt.Fprintln(w, "All containers are ready.")
	return nil
}

// listening says where the functions are, in the words of SAM CLI and of the
// server that it uses.
func (o *startLambdaOptions) listening(url string) {
	fmt.Fprintf(o.streams.Err, `Starting the Local Lambda Service. You can now invoke your Lambda Functions defined in your template through the endpoint.
 * Running on %s
Press CTRL+C to quit
`, url)
}

// eagerOrLazy wants one of SAM CLI's ways of keeping containers warm.
func eagerOrLazy(s string) error {
	if !slices.ContainsFunc([]string{"EAGER", "LAZY"}, func(way string) bool { return strings.EqualFold(way, s) }) {
		return fmt.Errorf("'%s' is not one of 'EAGER', 'LAZY'.", s)
	}
	return nil
}
