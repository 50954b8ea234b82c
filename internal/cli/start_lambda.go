package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
)

// Where Lambda's API is served unless the user says other: SAM CLI's choice.
const (
	LambdaHost = "127.0.0.1"
	LambdaPort = 3001
)

type startLambdaOptions struct {
	streams *Streams

	functions      []string
	project        projectFlags
	environment    environmentFlags
	engine         EngineFlags
	host           string
	port           int
	maxConcurrency int
	eager          bool
	freeze         bool
	noWatch        bool
	quiet          bool
}

func newStartLambdaCmd(s *Streams) *cobra.Command {
	o := &startLambdaOptions{streams: s}
	cmd := &cobra.Command{
		Use:     "start-lambda [FUNCTION]...",
		GroupID: "run",
		Short:   "Serve functions to the AWS CLI and SDKs",
		Long: `Serve the project's functions, or those that are named, as Lambda's API does,
until Ctrl-C. The AWS CLI and SDKs invoke them when they are told of the address
as their endpoint: Invoke with all invocation types, InvokeWithResponseStream.

A function is made ready at its first invocation: a broken one is no obstacle
for the others. Environments are used again, and several run at a time. Code that
has changed is seen at the next invocation. A client that hangs up ends what it
has asked for.

Everything that is printed goes to standard error. The exit status is 0 when it
was ended by a signal; see "lambkin help exit-status" for the others.`,
		Example: `  lambkin start-lambda
  aws lambda invoke --endpoint-url http://127.0.0.1:3001 --function-name Hello \
    --cli-binary-format raw-in-base64-out --payload '{"name":"Ada"}' out.json

  lambkin start-lambda Hello Greet --port 0 --eager
  lambkin start-lambda --env-vars env.json --max-concurrency 5 --freeze
  AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:3001 python3 uses_boto3.py`,
		ValidArgsFunction: CompleteFunctions(s, &o.project.template),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.functions = args
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.host, "host", LambdaHost, "`address` to listen on; any but the default lets others in")
	f.IntVar(&o.port, "port", LambdaPort, "`port` to listen on, 0 for one that is free")
	f.IntVar(&o.maxConcurrency, "max-concurrency", 0, "refuse more than this `number` of invocations of one function at a time, as a reserved concurrency does")
	f.BoolVar(&o.eager, "eager", false, "start an environment of each function at once")
	f.BoolVar(&o.freeze, "freeze", false, "stop functions between invocations, as AWS does: no timer fires, no connection is served")
	f.BoolVar(&o.noWatch, "no-watch", false, "do not look for changed code")
	o.project.add(f)
	o.environment.add(f)
	f.BoolVarP(&o.quiet, "quiet", "q", false, "leave out the START, END and REPORT lines")
	o.engine.Add(f)
	o.engine.AddShared(f)
	CompleteEngine(cmd)
	return cmd
}

func (o *startLambdaOptions) run(ctx context.Context) error {
	s := o.streams
	switch {
	case o.port < 0 || o.port > 65535:
		return app.BadCall("ports go from 0 to 65535", "the port %d is none", o.port)
	case o.maxConcurrency < 0:
		return app.BadCall("give a number from 1 on", "--max-concurrency cannot be %d", o.maxConcurrency)
	}
	options, err := o.project.options(s)
	if err != nil {
		return err
	}
	log := &telemetry.Text{Platform: s.Err, NewLines: true, Quiet: o.quiet}
	options.Sink, options.Freeze = log.Record, o.freeze
	o.engine.Apply(&options)
	if err := o.environment.apply(&options); err != nil {
		return err
	}
	server := LambdaServer{
		Log:     log,
		Options: app.ServiceOptions{Options: options, Functions: o.functions, NoWatch: o.noWatch},
		API:     app.LambdaAPI{Host: o.host, Port: o.port, MaxConcurrency: o.maxConcurrency},
	}
	if o.eager {
		server.Warm = func(ctx context.Context, service *app.Service) error { return o.warm(ctx, service, log) }
	}
	return server.Run(ctx, s)
}

// warm starts an environment of each function. Those that cannot be run do not
// keep the others from being served.
func (o *startLambdaOptions) warm(ctx context.Context, service *app.Service, log *telemetry.Text) error {
	for _, err := range service.Warm(ctx) {
		problem, ok := errors.AsType[*app.Problem](err)
		if !ok {
			return err
		}
		log.Aside(func() { o.streams.Diags(problem.List) })
	}
	return nil
}

// LambdaServer is Lambda's API over a project's functions, as the commands
// that start it want it.
type LambdaServer struct {
	// Log writes to standard error what belongs there of the functions' log.
	Log     *telemetry.Text
	Options app.ServiceOptions
	API     app.LambdaAPI
	// Warm is called before requests are taken, nil for nothing.
	Warm func(context.Context, *app.Service) error
}

// Run serves until ctx ends, which is no error. Warnings and failures of
// functions are printed as they come.
func (l *LambdaServer) Run(ctx context.Context, s *Streams) (err error) {
	tell := func(d diag.List) { l.Log.Aside(func() { s.Diags(d) }) }
	notice := l.Options.Notice
	l.Options.Warn, l.Options.Notice = tell, func(text string) { l.Log.Aside(func() { notice(text) }) }
	service, err := app.Serve(ctx, l.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	tell(service.Diags)
	if l.Warm != nil {
		if err := l.Warm(ctx, service); err != nil {
			return err
		}
	}
	l.API.Failed = func(fn *lambda.Function, res *lambda.Result) { tell(diag.List{failure(fn, res)}) }
	if l.API.Listening == nil {
		l.API.Listening = func(url string) { tell(diag.List{listening(service, url)}) }
	}
	if ip := net.ParseIP(l.API.Host); l.API.Host != "localhost" && !ip.IsLoopback() {
		tell(diag.List{{Severity: diag.Warning, Summary: fmt.Sprintf("whoever can reach %s can run these functions", l.API.Host)}})
	}
	return service.ServeLambda(ctx, l.API)
}

// listening says where the functions are.
func listening(service *app.Service, url string) diag.Diagnostic {
	const most = 12
	var names []string
	for _, fn := range service.Functions {
		names = append(names, fn.Path)
	}
	d := diag.Diagnostic{Severity: diag.Note, Summary: fmt.Sprintf("Lambda's API is at %s, without functions", url)}
	if len(names) == 0 {
		return d
	}
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	d.Summary = fmt.Sprintf("Lambda's API is at %s, with %s", url, list)
	d.Hint = fmt.Sprintf("aws lambda invoke --endpoint-url %s --function-name %s out.json", url, names[0])
	return d
}
