package slscli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type invokeOptions struct {
	streams *cli.Streams

	function    string
	path        string
	data        string
	raw         bool
	context     string
	contextPath string
	variables   []string
	stage       string
	region      string
	profile     string
	config      string
	parameters  []string
	overrides   []string
	resultOnly  bool
	verbose     bool
	version     bool
	engine      cli.EngineFlags
	docker      bool
	dockerArgs  []string
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
  0    the function has answered
  1    it failed, or could not be run
  N    a Node.js function ended its process with status N
  130  interrupted`,
		Example: `  lambkin invoke local --function hello
  lambkin invoke local -f hello --data '{"a":"bar"}'
  lambkin invoke local -f hello --path lib/data.json --contextPath lib/context.json
  node generate.js | lambkin invoke local -f hello
  lambkin invoke local -f hello -e VAR1=value1 -e VAR2=value2
  lambkin invoke local -f hello --result-only | jq .statusCode`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.version {
				fmt.Fprintf(s.Out, "lambkin %s\n", cli.Version())
				return nil
			}
			if !cmd.Flags().Changed("function") {
				return errors.New(`Serverless command "invoke local" requires "--function" option. Run "serverless invoke local --help" for more info`)
			}
			return o.run(cmd)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.function, "function", "f", "", "`name` of the function in the service (required)")
	f.StringVarP(&o.path, "path", "p", "", "JSON, YAML or JavaScript `file` with the event, relative to the service")
	f.StringVarP(&o.data, "data", "d", "", "the event itself, as `text`; what is not JSON is passed as a string")
	f.BoolVar(&o.raw, "raw", false, "pass event and context as strings even if they are JSON")
	f.StringVar(&o.context, "context", "", "the context that the function gets, as `text`; -c TEXT is the same where TEXT is no file")
	f.StringVarP(&o.contextPath, "contextPath", "x", "", "`file` with the context; wins over --context")
	f.StringArrayVarP(&o.variables, "env", "e", nil, "set an environment variable of the function, `NAME=value`; may be repeated")
	f.StringVarP(&o.stage, "stage", "s", "", "`stage` of the service")
	f.StringVarP(&o.region, "region", "r", "", "`region` of the service")
	f.StringVar(&o.profile, "aws-profile", "", "`profile` of your AWS files whose credentials the function gets")
	f.StringVarP(&o.config, "config", "c", "", "`name` of the service file in this folder")
	f.StringArrayVar(&o.parameters, "param", nil, "a value for ${param:KEY}, `KEY=value`; may be repeated")
	f.StringArrayVar(&o.overrides, "var-override", nil, "a value for a variable that cannot be resolved here, `ADDRESS=value`, such as ssm:/db/password=x; may be repeated")
	f.BoolVar(&o.resultOnly, "result-only", false, "keep standard output for the result; what the function prints goes to standard error")
	f.BoolVarP(&o.version, "version", "v", false, "print lambkin's version")
	f.BoolVar(&o.verbose, "verbose", false, "print AWS's START, END and REPORT lines, too")
	f.BoolVar(&o.docker, "docker", false, "run the function in a container, as --isolation container does")
	f.StringArrayVar(&o.dockerArgs, "docker-arg", nil, "`option` of docker run, such as \"-p 9229:9229\"; of effect with --docker; may be repeated")
	o.engine.Add(f)
	cli.CompleteEngine(cmd)
	addIneffective(f)
	return cmd
}

// ineffective are the framework's options that have no meaning here, and why.
var ineffective = map[string]string{
	"skip-package":          "nothing is packaged",
	"preserve-runtime-env":  "the environment is never stripped",
	"use-local-credentials": "there is no dashboard to take others from",
	"app":                   "there is no dashboard",
	"org":                   "there is no dashboard",
	"debug":                 "lambkin has no log namespaces; see --verbose",
}

func addIneffective(f *pflag.FlagSet) {
	none := func(name string) string { return "no effect: " + ineffective[name] }
	for _, name := range []string{"skip-package", "preserve-runtime-env", "use-local-credentials"} {
		f.Bool(name, false, none(name))
	}
	for _, name := range []string{"app", "org", "debug"} {
		f.String(name, "", none(name))
	}
}

// noteIneffective says in one line which options have no effect.
func (o *invokeOptions) noteIneffective(f *pflag.FlagSet) {
	var names []string
	f.Visit(func(f *pflag.Flag) {
		why, ok := ineffective[f.Name]
		if f.Name == "docker-arg" && !o.docker && o.engine.Isolation != "container" {
			why, ok = "without --docker", true
		}
		if ok {
			names = append(names, fmt.Sprintf("--%s (%s)", f.Name, why))
		}
	})
	if len(names) > 0 {
		o.streams.Notice("without effect here: " + strings.Join(names, ", "))
	}
}

func (o *invokeOptions) run(cmd *cobra.Command) error {
	s := o.streams
	options, err := o.options(cmd)
	if err != nil {
		return err
	}
	o.noteIneffective(cmd.Flags())
	log := &telemetry.Text{Platform: io.Discard, Stdout: s.Out, Stderr: s.Err}
	if o.verbose {
		log.Platform = s.Err
	}
	if o.resultOnly {
		log.Stdout = s.Err
	}
	options.Sink = log.Record
	fn, res, err := cli.Invoke(cmd.Context(), s, options, o.prepare)
	if err != nil {
		return err
	}
	out, status := present(fn, res.Payload), cli.ExitOK
	if res.FunctionError != "" {
		out, status = presentFailure(fn, res)
		s.Failure(fn, res)
	}
	if _, err := s.Out.Write(out); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	if status != cli.ExitOK {
		return cli.Exit(status)
	}
	return nil
}

func (o *invokeOptions) options(cmd *cobra.Command) (app.Options, error) {
	s := o.streams
	variables := make([]string, len(o.variables))
	for i, v := range o.variables {
		name, value, _ := strings.Cut(v, "=") // without "=" the value is empty
		if name == "" {
			return app.Options{}, app.BadCall("write --env NAME=value", "%q names no environment variable", v)
		}
		variables[i] = name + "=" + value
	}
	overrides, err := cli.ParseAssignments("--var-override", o.overrides)
	if err != nil {
		return app.Options{}, err
	}
	options := app.Options{
		Vocabulary: app.Serverless, Env: s.Env, EnvOrder: s.EnvOrder, Kinds: []lambda.Kind{lambda.KindServerless},
		Function: o.function, Region: o.region, Stage: o.stage, Profile: o.profile, Variables: variables,
		Parameters: map[string]string{}, Overrides: overrides, Flags: map[string]string{}, Notice: s.Notice, Output: s.Err,
	}
	for _, p := range o.parameters {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" {
			s.Notice(fmt.Sprintf("--param %q is not of the form KEY=value", p))
			options.BadParameter = p
			continue
		}
		options.Parameters[key] = value
	}
	// ${opt:…} knows every option that was given.
	cmd.Flags().Visit(func(f *pflag.Flag) { options.Flags[f.Name] = f.Value.String() })
	if err := o.findConfig(&options); err != nil {
		return app.Options{}, err
	}
	o.engine.Apply(&options)
	options.Progress = s.Progress()
	if o.docker && options.Isolation == "" {
		options.Isolation = "container"
	}
	options.Container.Args = o.dockerArgs
	return options, nil
}

// extensions are those of service files.
var extensions = []string{"yml", "yaml", "json", "js", "mjs", "cjs", "ts"}

// findConfig checks --config as the framework does: the service's file lies in
// the working folder.
func (o *invokeOptions) findConfig(options *app.Options) error {
	if o.config == "" {
		return nil
	}
	path, err := filepath.Abs(o.config)
	if err != nil {
		return err
	}
	here, err := os.Getwd()
	switch {
	case err != nil:
		return err
	case !slices.Contains(extensions, strings.TrimPrefix(filepath.Ext(path), ".")):
		return fmt.Errorf("Invalid \"--config\" value: Unsupported file extension (expected one of: %s", strings.Join(extensions, ", "))
	case filepath.Dir(path) != here:
		return errors.New("Service configuration is expected to be placed in a root of a service (working directory). All paths, function handlers in a configuration are resolved against service directory.\n")
	}
	if st, err := os.Stat(path); err != nil || st.IsDir() {
		return fmt.Errorf("'Invalid \"--config\" value: Cannot find %q in service folder", o.config)
	}
	options.File = filepath.Base(path)
	return nil
}

// prepare reads the event and the context.
func (o *invokeOptions) prepare(ctx context.Context, system *app.System, inv *lambda.Invocation) error {
	in := &input{raw: o.raw, evaluate: system.Evaluate}
	own, err := o.readContext(ctx, in)
	if err != nil {
		return err
	}
	if inv.Context = contextHeader(own); inv.Context != nil && !takesContext(system.Function) {
		o.streams.Notice(fmt.Sprintf("without effect here: the context (%s functions get AWS's own)", system.Function.Runtime))
	}
	event, err := o.readEvent(ctx, in)
	inv.Payload = eventFor(system.Function, event)
	return err
}

// takesContext reports whether a function's runtime is one of lambkin's own,
// which know of contexts that users give.
func takesContext(fn *lambda.Function) bool {
	return slices.ContainsFunc([]string{"nodejs", "python", "ruby"}, func(language string) bool { return strings.HasPrefix(fn.Runtime, language) })
}

func (o *invokeOptions) readContext(ctx context.Context, in *input) ([]byte, error) {
	if o.contextPath != "" {
		return in.file(ctx, o.contextPath)
	}
	if o.context == "" {
		return nil, nil
	}
	if slices.Contains(extensions, strings.TrimPrefix(filepath.Ext(o.context), ".")) && !strings.ContainsAny(o.context, " {[\"") {
		o.streams.Notice(fmt.Sprintf("the context is the text %q: there is no such file here, and --contextPath reads files", o.context))
	}
	return in.text([]byte(o.context)), nil
}

func (o *invokeOptions) readEvent(ctx context.Context, in *input) ([]byte, error) {
	s := o.streams
	if o.path != "" {
		if o.data != "" {
			s.Notice("both --path and --data give the event; the one of --path is taken")
		}
		return in.file(ctx, o.path)
	}
	text := []byte(o.data)
	if o.data == "" {
		piped, err := s.Piped(ctx)
		if err != nil {
			return nil, err
		}
		text = piped
	}
	return in.text(text), nil
}
