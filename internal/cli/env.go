package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// environmentFlags are the native options for what a function sees.
type environmentFlags struct {
	variables []string
	envVars   string
	extra     bool
	region    string
	profile   string
}

func (f *environmentFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.variables, "env", nil, "set an environment variable of the function, `NAME=value`; may be repeated")
	flags.StringVar(&f.envVars, "env-vars", "", "JSON or dotenv `file` with values for the variables that functions declare")
	flags.BoolVar(&f.extra, "env-vars-extra", false, "pass on the values of --env-vars that the function does not declare, too")
	flags.StringVar(&f.region, "region", "", "AWS `region` that the function sees")
	flags.StringVar(&f.profile, "profile", "", "AWS `profile` that the function's credentials and region are taken from")
}

// apply puts the options' values into o.
func (f *environmentFlags) apply(o *app.Options) (err error) {
	if _, err := ParseAssignments("--env", f.variables); err != nil {
		return err
	}
	o.Variables, o.EnvExtra, o.Region, o.Profile = f.variables, f.extra, f.region, f.profile
	if f.envVars != "" {
		o.EnvVars, err = app.ReadEnvVars(f.envVars, o.Env)
	}
	return err
}

type envOptions struct {
	streams *Streams

	function    string
	project     projectFlags
	environment environmentFlags
	as          string
	output      outputForm
	showSecrets bool
}

func newEnvCmd(s *Streams) *cobra.Command {
	o := &envOptions{streams: s}
	cmd := &cobra.Command{
		Use:     "env [FUNCTION]",
		GroupID: "look",
		Short:   "Show every variable that a function sees, and where its value comes from",
		Long: `Show every environment variable that a function sees, sorted by name, with the
place that its value comes from and the value. Nothing is started.

The place is one in the project or an --env-vars file ("template.yaml:12"), an
option ("--env"), "shell" for your own environment, "profile NAME" for AWS's
shared files, "lambkin" for what Lambda itself sets and "default" for what
nobody has chosen. An ellipsis in a value stands for what differs from run to
run. Of secret keys and session tokens the first four characters are shown.`,
		Example: `  lambkin env Hello
  lambkin env Hello --env-vars env.json --profile dev
  lambkin env Hello --as sam
  lambkin env Hello --output json | jq -r '.[] | select(.from == "shell") | .name'`,
		Args:              oneFunction,
		ValidArgsFunction: CompleteFunction(s, &o.project.template),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.function = args[0]
			}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.project.add(f)
	o.environment.add(f)
	f.StringVar(&o.as, "as", "native", "`words` that the function is to be invoked in: native for lambkin invoke, sam for lambkin local invoke, serverless for lambkin invoke local")
	o.output.add(cmd, "`form`: text or json")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "show secret keys and session tokens whole")
	_ = cmd.RegisterFlagCompletionFunc("as", cobra.FixedCompletions([]string{"native", "sam", "serverless"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *envOptions) run(ctx context.Context) error {
	options, err := o.project.options(o.streams)
	if err != nil {
		return err
	}
	options.Function = o.function
	switch o.as {
	case "native":
	case "sam":
		options.Vocabulary, options.Kinds = app.SAM, []lambda.Kind{lambda.KindCloudFormation}
	case "serverless":
		options.Vocabulary, options.Kinds = app.Serverless, []lambda.Kind{lambda.KindServerless}
	default:
		return app.BadCall("write --as native, --as sam or --as serverless", "functions cannot be invoked in the words of %q", o.as)
	}
	if err := o.environment.apply(&options); err != nil {
		return err
	}
	env, err := app.Describe(ctx, options)
	if err != nil {
		return err
	}
	o.streams.Diags(env.Diags)
	if o.output.json {
		return o.printJSON(o.streams.Out, env.Variables)
	}
	return o.printText(o.streams.Out, env.Variables)
}

func (o *envOptions) printText(w io.Writer, variables []app.Variable) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tFROM\tVALUE")
	for _, v := range variables {
		value, _ := o.shown(v)
		if strings.ContainsFunc(value, unicode.IsControl) {
			value = strconv.Quote(value)
		}
		if v.Unresolved {
			value = strings.TrimSpace(value + " (not resolved)")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", v.Name, v.From, value)
	}
	return t.Flush()
}

func (o *envOptions) printJSON(w io.Writer, variables []app.Variable) error {
	type variable struct {
		Name       string `json:"name"`
		Value      string `json:"value"`
		From       string `json:"from"`
		Unresolved bool   `json:"unresolved,omitempty"`
		Masked     bool   `json:"masked,omitempty"`
	}
	list := make([]variable, 0, len(variables))
	for _, v := range variables {
		value, masked := o.shown(v)
		list = append(list, variable{v.Name, value, v.From, v.Unresolved, masked})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

// secrets are the variables whose values are not for other people's eyes.
var secrets = []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// shown is a variable's value as it may be shown.
func (o *envOptions) shown(v app.Variable) (value string, masked bool) {
	if o.showSecrets || !slices.Contains(secrets, v.Name) {
		return v.Value, false
	}
	const open = 4
	if r := []rune(v.Value); len(r) > open {
		return string(r[:open]) + "…", true
	}
	return "…", true
}
