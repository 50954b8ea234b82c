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
	StrictRuntime bool
	NoTimeout     bool
}

// Add defines the options.
func (f *EngineFlags) Add(flags *pflag.FlagSet) {
	flags.StringVar(&f.Isolation, "isolation", "", "`how` functions are kept apart from the machine (see lambkin doctor)")
	flags.BoolVar(&f.StrictRuntime, "strict-runtime", false, "refuse to run on another interpreter version than the runtime's")
	flags.BoolVar(&f.NoTimeout, "no-timeout", false, "let the function run as long as it likes")
}

// Apply puts the options' values into o.
func (f *EngineFlags) Apply(o *app.Options) {
	o.Isolation, o.StrictRuntime, o.NoTimeout = f.Isolation, f.StrictRuntime, f.NoTimeout
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
