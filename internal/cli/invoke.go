package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
)

type invokeOptions struct {
	streams *Streams

	function    string
	project     projectFlags
	event       string
	data        string
	environment environmentFlags
	output      outputForm
	tenant      string
	quiet       bool
	engine      EngineFlags

	hasData bool
}

func newInvokeCmd(s *Streams) *cobra.Command {
	o := &invokeOptions{streams: s}
	cmd := &cobra.Command{
		Use:     "invoke [FUNCTION]",
		GroupID: "run",
		Short:   "Run a function once",
		Long: `Run a function once and print what it returns.

The function is named by its key in the project's file, or by the name that it
is deployed under; a project's only function need not be named. The event comes
from --event, --data or what is piped to standard input; without any it is {}.

The result goes to standard output, byte for byte as the function returned it.
The function's own output and the START, END and REPORT lines go to standard
error as they come. A failing function makes the exit status 1; see
"lambkin help exit-status" for the others.`,
		Example: `  lambkin invoke Hello --event event.json
  lambkin invoke Hello --data '{"name":"Ada"}'
  echo '{"name":"Ada"}' | lambkin invoke Hello
  lambkin invoke hello --template services/api/serverless.yml --stage prod
  lambkin invoke Hello --env TABLE=local --output json | jq .payload`,
		Args:              oneFunction,
		ValidArgsFunction: CompleteFunction(s, &o.project.template),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.function = args[0]
			}
			o.hasData = cmd.Flags().Changed("data")
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.event, "event", "e", "", "`file` with the event, \"-\" for standard input")
	f.StringVarP(&o.data, "data", "d", "", "the event itself, as `JSON`")
	o.project.add(f)
	o.environment.add(f)
	f.StringVar(&o.tenant, "tenant-id", "", "`tenant` of a function with tenant isolation")
	o.output.add(cmd, "`form`: text, or json for one object with the result and its report")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "leave out the START, END and REPORT lines")
	o.engine.Add(f)
	o.engine.AddShared(f)
	CompleteEngine(cmd)
	return cmd
}

func oneFunction(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return app.BadCall("name one function", "one function can be invoked at a time, not %d: %s", len(args), strings.Join(args, ", "))
	}
	return nil
}

// CompleteFunction offers the functions of the project in *template, for a
// command that takes one.
func CompleteFunction(s *Streams, template *string) cobra.CompletionFunc {
	all := CompleteFunctions(s, template)
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return all(cmd, args, toComplete)
	}
}

// CompleteFunctions offers the functions of the project in *template that are
// not there yet, for a command that takes any number.
func CompleteFunctions(s *Streams, template *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		p, _, err := app.Load(cmd.Context(), app.Options{Env: s.Env, File: *template})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, f := range p.Functions {
			if !slices.Contains(args, f.Path) {
				names = append(names, f.Path+"\t"+f.Runtime)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func (o *invokeOptions) run(ctx context.Context) error {
	s := o.streams
	options, err := o.project.options(s)
	if err != nil {
		return err
	}
	text := &telemetry.Text{Platform: s.Err, NewLines: true, Quiet: o.quiet || o.output.json}
	var report telemetry.Report
	options.Function = o.function
	options.Sink = func(r telemetry.Record) {
		if e, ok := r.Event.(telemetry.Report); ok {
			report = e
		}
		text.Record(r)
	}
	o.engine.Apply(&options)
	if err := o.environment.apply(&options); err != nil {
		return err
	}
	fn, res, err := Invoke(ctx, s, options, o.prepare)
	if err != nil {
		return err
	}
	return o.print(fn, res, report)
}

// Invoke opens the project, sends the invocation that prepare fills in to the
// wanted function and returns when all of its processes are gone and all
// records are out. It prints the project's warnings. The event is read when
// the function is known to be there: a misspelt name is told before anybody
// has to type an event.
func Invoke(ctx context.Context, s *Streams, o app.Options,
	prepare func(context.Context, *app.System, *lambda.Invocation) error,
) (fn *lambda.Function, res *lambda.Result, err error) {
	system, err := app.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	s.Diags(system.Diags)
	var inv lambda.Invocation
	if err := prepare(ctx, system, &inv); err != nil {
		return nil, nil, err
	}
	res, err = system.Invoke(ctx, system.Function, &inv)
	if err == nil {
		system.Settle()
	}
	return system.Function, res, err
}

func (o *invokeOptions) prepare(ctx context.Context, _ *app.System, inv *lambda.Invocation) (err error) {
	inv.TenantID = o.tenant
	inv.Payload, err = o.readEvent(ctx)
	return err
}

func (o *invokeOptions) readEvent(ctx context.Context) (data []byte, err error) {
	where := "--data"
	switch {
	case o.event != "" && o.hasData:
		return nil, app.BadCall("give one of them", "both --event and --data give the event")
	case o.event != "":
		if where = o.event; where == "-" {
			where = "standard input"
		}
		data, err = o.streams.ReadEventFile(o.event)
	case o.hasData:
		data = []byte(o.data)
	default:
		where = "standard input"
		data, err = o.streams.Piped(ctx)
	}
	if err != nil {
		return nil, err
	}
	return JSONEvent(data, where)
}

// print writes the result to standard output and, when the function has
// failed, why to standard error.
func (o *invokeOptions) print(fn *lambda.Function, res *lambda.Result, report telemetry.Report) error {
	s := o.streams
	if res.FunctionError != "" {
		s.Failure(fn, res)
	}
	var err error
	if o.output.json {
		err = printJSON(s.Out, fn, res, report)
	} else if _, err = s.Out.Write(res.Payload); err == nil && s.OutTTY {
		_, err = io.WriteString(s.Out, "\n")
	}
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	if res.FunctionError != "" {
		return Exit(ExitFunction)
	}
	return nil
}

// printJSON writes the result as one object. A payload that is not JSON is a
// string.
func printJSON(w io.Writer, fn *lambda.Function, res *lambda.Result, report telemetry.Report) error {
	payload := json.RawMessage(res.Payload)
	if !json.Valid(payload) {
		payload, _ = json.Marshal(string(res.Payload)) // a string always encodes
	}
	type reported struct {
		Duration   float64 `json:"durationMs"`
		Billed     int64   `json:"billedDurationMs"`
		Init       float64 `json:"initDurationMs,omitempty"`
		MemorySize int     `json:"memorySizeMB"`
		MaxMemory  int64   `json:"maxMemoryUsedMB,omitempty"`
		Status     string  `json:"status"`
	}
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Function string          `json:"function"`
		Request  string          `json:"requestId"`
		Version  string          `json:"executedVersion"`
		Error    string          `json:"functionError,omitempty"`
		Payload  json.RawMessage `json:"payload"`
		Report   reported        `json:"report"`
	}{fn.Path, res.RequestID, res.ExecutedVersion, res.FunctionError, payload, reported{
		millis(report.Duration), report.Billed().Milliseconds(), millis(report.InitDuration),
		report.MemoryMB, (report.PeakMemory + 1<<20 - 1) >> 20, string(report.Status),
	}})
}
