package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// EngineFlags are the options of lambkin's own that every vocabulary has.
type EngineFlags struct {
	Isolation     string
	RuntimeSource runtimeSource
	Network       string
	Hosts         []string
	NoMemoryLimit bool
	Throttle      bool
	Pull          bool
	StrictRuntime bool
	NoTimeout     bool
}

// Add defines the options.
func (f *EngineFlags) Add(flags *pflag.FlagSet) {
	flags.StringVar(&f.Isolation, "isolation", "", "`how` functions are kept apart from the machine: process, namespace or container (see lambkin doctor)")
	flags.Var(&f.RuntimeSource, "runtime-source", "`where` functions' runtimes come from: machine, or image for AWS's own")
	flags.BoolVar(&f.Pull, "pull", false, "ask registries for newer images, even for those that are here")
	flags.StringVar(&f.Network, "network", "", "`network` of functions: host, this machine's, or none; with containers, the engine's")
	flags.BoolVar(&f.Throttle, "throttle", false, "give invocations the processor time that AWS gives for their memory")
	flags.BoolVar(&f.StrictRuntime, "strict-runtime", false, "refuse to run on another interpreter version than the runtime's")
	flags.BoolVar(&f.NoTimeout, "no-timeout", false, "let the function run as long as it likes")
}

// Apply puts the options' values into o.
func (f *EngineFlags) Apply(o *app.Options) {
	o.Isolation, o.StrictRuntime, o.NoTimeout = f.Isolation, f.StrictRuntime, f.NoTimeout
	o.Network, o.Hosts, o.NoMemoryLimit, o.Throttle = f.Network, f.Hosts, f.NoMemoryLimit, f.Throttle
	o.Images.Runtime, o.Images.Pull = f.RuntimeSource == fromImage, f.Pull
}

// CompleteEngine has the shell offer the values of these options.
func CompleteEngine(cmd *cobra.Command) {
	for name, values := range map[string][]string{
		"isolation": app.IsolationNames(), "network": {"host", app.NoNetwork}, "runtime-source": {string(fromMachine), string(fromImage)},
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// runtimeSource is the value of --runtime-source, "" for the machine.
type runtimeSource string

const (
	fromMachine runtimeSource = "machine"
	fromImage   runtimeSource = "image"
)

// String implements [pflag.Value].
func (r *runtimeSource) String() string { return string(*r) }

// Type implements [pflag.Value].
func (r *runtimeSource) Type() string { return "where" }

// Set implements [pflag.Value].
func (r *runtimeSource) Set(s string) error {
	*r = runtimeSource(s)
	if *r != fromMachine && *r != fromImage {
		return fmt.Errorf("runtimes come from %s or %s, not from %q", fromMachine, fromImage, s)
	}
	return nil
}

// AddShared defines the options that SAM CLI has as well.
func (f *EngineFlags) AddShared(flags *pflag.FlagSet) {
	flags.BoolVar(&f.NoMemoryLimit, "no-memory-limit", false, "let functions use more memory than they are configured with")
	flags.StringArrayVar(&f.Hosts, "add-host", nil, "a further name that functions know, `NAME:ADDRESS`; may be repeated")
}

// projectFlags say which project is meant, and with which settings. All native
// commands that load one have them.
type projectFlags struct {
	template   string
	stage      string
	parameters []string
}

func (f *projectFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.template, "template", "t", "", "template or service `file` (default: the one found here)")
	flags.StringArrayVarP(&f.parameters, "parameter", "p", nil, "set a parameter of the project, `NAME=value`; may be repeated")
	flags.StringVar(&f.stage, "stage", "", "`stage` of a Serverless service")
}

// options are the project's part of what a command wants.
func (f *projectFlags) options(s *Streams) (app.Options, error) {
	parameters, err := ParseAssignments("--parameter", f.parameters)
	return app.Options{
		Env: s.Env, File: f.template, Stage: f.stage, Parameters: parameters, Flags: map[string]string{}, Notice: s.Notice, Progress: s.Progress(),
	}, err
}

// outputForm is the option --output: text for people or JSON for programs.
type outputForm struct{ json bool }

func (o *outputForm) add(cmd *cobra.Command, usage string) {
	cmd.Flags().VarP(o, "output", "o", usage)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// String implements [pflag.Value].
func (o *outputForm) String() string {
	if o.json {
		return "json"
	}
	return "text"
}

// Type implements [pflag.Value].
func (o *outputForm) Type() string { return "form" }

// Set implements [pflag.Value].
func (o *outputForm) Set(s string) error {
	if s != "text" && s != "json" {
		return fmt.Errorf("there is no output form %q, only text and json", s)
	}
	o.json = s == "json"
	return nil
}

// ParseAssignments checks that every entry is NAME=value and returns them as a map.
func ParseAssignments(option string, entries []string) (map[string]string, error) {
	m := make(map[string]string, len(entries))
	for _, entry := range entries {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			return nil, app.BadCall(fmt.Sprintf("write %s NAME=value", option), "%q is not of the form NAME=value", entry)
		}
		m[name] = value
	}
	return m, nil
}

// unknownFlag adds the nearest option to pflag's error about an unknown one.
func unknownFlag(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	name := missing.GetSpecifiedName()
	if near := diag.Nearest(name, names); near != "" && len(name) > 1 {
		return app.BadCall(fmt.Sprintf("did you mean --%s?", near), "%s has no option --%s", cmd.CommandPath(), name)
	}
	return err
}
