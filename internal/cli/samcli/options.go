package samcli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// option is one option of a command: how it is written, and where else its
// value may come from.
type option struct {
	// name is the long name; with underscores it is the key in samconfig.
	name, short string
	// alias is a second long name, which is a key in samconfig, too.
	alias string
	// not is the long name of the opposite of a boolean.
	not string
	// env names the environment variable that sets the option.
	env   string
	usage string
	value *value
	// opposite is the value of not.
	opposite *value
	// idle is set for what does nothing, contained for what does nothing without
	// containers.
	idle, contained bool

	// from says where the value came from.
	from source
}

// source is where the value of an option came from; the zero source is its default.
type source struct {
	kind sourceKind
	// env is the name of the variable, at the place in the configuration file.
	env string
	at  diag.Range
	// off is set for a boolean that was set to what it would be without.
	off bool
}

type sourceKind int

const (
	byDefault sourceKind = iota
	fromCommandLine
	fromEnvironment
	fromConfig
)

// String is how messages name the source, "" for the command line.
func (s source) String() string {
	switch s.kind {
	case fromEnvironment:
		return s.env
	case fromConfig:
		return s.at.String()
	}
	return ""
}

// keys are the option's keys in samconfig, the preferred one first.
func (o *option) keys() []string {
	keys := []string{underscored(o.name)}
	if o.alias != "" {
		keys = []string{underscored(o.alias), keys[0]}
	}
	return keys
}

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// String is how click names the option in messages.
func (o *option) String() string {
	s := "'--" + o.name + "'"
	if o.alias != "" {
		s = "'--" + o.alias + "' / " + s
	}
	if o.short != "" {
		s += " / '-" + o.short + "'"
	}
	return s
}

// define makes flags of the options.
func define(f *pflag.FlagSet, options []*option) {
	for _, o := range options {
		add(f, o.name, o.short, o.usage, o.value)
		if o.alias != "" {
			add(f, o.alias, "", "the same as --"+o.name, o.value)
			f.Lookup(o.alias).Hidden = true
		}
		if o.not != "" {
			add(f, o.not, "", "the opposite of --"+o.name, o.opposite)
		}
	}
}

func add(f *pflag.FlagSet, name, short, usage string, v *value) {
	flag := f.VarPF(v, name, short, usage)
	if v.flag {
		flag.NoOptDefVal = "true"
	}
}

// optionsOf makes options of flags that somebody else has defined, so that
// they can be set in samconfig, too.
func optionsOf(f *pflag.FlagSet) []*option {
	var out []*option
	f.VisitAll(func(flag *pflag.Flag) {
		v := &value{set: flag.Value.Set, kind: flag.Value.Type(), flag: flag.NoOptDefVal != ""}
		v.saved = func() any {
			if v.flag {
				return flag.Value.String() == "true"
			}
			return flag.Value.String()
		}
		out = append(out, &option{name: flag.Name, short: flag.Shorthand, usage: flag.Usage, value: v})
	})
	return out
}

// fromLine notes which options the command line has set.
func fromLine(f *pflag.FlagSet, options []*option) {
	for _, o := range options {
		names := []string{o.name, o.alias, o.not}
		for _, name := range names {
			if flag := f.Lookup(name); name != "" && flag.Changed {
				o.from = source{kind: fromCommandLine, off: name == o.not}
			}
		}
	}
}

// fromShell gives options that the command line does not set the values of
// their environment variables.
func fromShell(env map[string]string, options []*option) error {
	for _, o := range options {
		given := env[o.env]
		if o.from.kind != byDefault || o.env == "" || given == "" {
			continue
		}
		o.from = source{kind: fromEnvironment, env: o.env}
		values := []string{given}
		if o.value.many {
			values = strings.Fields(given)
		}
		for _, v := range values {
			if err := o.set(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// set gives the option a value from elsewhere than the command line.
func (o *option) set(text string) error {
	if o.value.flag {
		on, err := parseBool(text)
		o.from.off = err == nil && !on
	}
	if err := o.value.Set(text); err != nil {
		return o.invalid(err)
	}
	return nil
}

// invalid says in click's words that a value is wrong, and where it came from.
func (o *option) invalid(err error) error {
	text := fmt.Sprintf("Invalid value for %s: %v", o, err)
	switch o.from.kind {
	case fromEnvironment:
		text += " (env var: '" + o.from.env + "')"
	case fromConfig:
		text = o.from.at.String() + ": " + text
	}
	return &cli.UsageError{Err: errors.New(text)}
}

// lineError puts what the parser of the command line has to say in click's words.
func lineError(options []*option) func(*cobra.Command, error) error {
	return func(cmd *cobra.Command, err error) error {
		var (
			unknown *pflag.NotExistError
			lacking *pflag.ValueRequiredError
			invalid *pflag.InvalidValueError
		)
		switch {
		case errors.As(err, &unknown):
			err = noSuchOption(cmd.Flags(), unknown)
		case errors.As(err, &lacking):
			err = fmt.Errorf("Option '%s' requires an argument.", dashed(lacking.GetSpecifiedName()))
		case errors.As(err, &invalid):
			for _, o := range options {
				if name := invalid.GetFlag().Name; name == o.name || name == o.alias || name == o.not {
					return o.invalid(errors.Unwrap(err))
				}
			}
		}
		return &cli.UsageError{Err: err}
	}
}

func noSuchOption(f *pflag.FlagSet, unknown *pflag.NotExistError) error {
	name := dashed(unknown.GetSpecifiedName())
	var names []string
	f.VisitAll(func(flag *pflag.Flag) { names = append(names, "--"+flag.Name) })
	return fmt.Errorf("No such option: %s%s", name, didYouMean(name, names))
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// didYouMean is the end of a message about an unknown name, "" when none is near.
func didYouMean(name string, candidates []string) string {
	if near := diag.Nearest(name, candidates); near != "" && len(strings.Trim(name, "-")) > 1 {
		return " Did you mean " + near + "?"
	}
	return ""
}
