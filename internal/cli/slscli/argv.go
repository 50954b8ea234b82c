package slscli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/pflag"
)

// rewrite turns the arguments of `invoke local` as the framework reads them
// into such as pflag reads in the same way, --name=value each. The rules that
// differ: -x=v is a value and -xyz are three switches; a value that looks like
// an option must be written with "="; an option with one value may be given
// once; --no-name turns a switch off; what stands behind the options is
// nobody's. The errors are the framework's.
func rewrite(args []string) ([]string, error) {
	if len(args) < 2 || args[0] != "invoke" || args[1] != "local" {
		return args, nil
	}
	command, rest := args[:2:2], args[2:]
	if slices.Contains(rest, "-h") || slices.Contains(rest, "--help") {
		return append(command, "--help"), nil
	}
	p := argvParser{flags: newInvokeLocalCmd(&cli.Streams{}).Flags(), given: map[string]bool{}}
	out, err := p.parse(rest)
	return append(command, out...), err
}

// argument matches an option: a long one, or letters.
var argument = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)^-(?:-([a-zA-Z][A-Za-z0-9:_-]+)|([a-zA-Z]+))(?:=(.*))?$`)
})

type argvParser struct {
	flags   *pflag.FlagSet
	given   map[string]bool
	unknown []string
	out     []string
	// seen is set behind the first option.
	seen bool
}

func (p *argvParser) parse(args []string) ([]string, error) {
	for i := 0; i < len(args) && args[i] != "" && args[i] != "--"; i++ {
		m := argument().FindStringSubmatchIndex(args[i])
		if m == nil {
			if !p.seen {
				return nil, noCommand("invoke local " + args[i])
			}
			continue
		}
		p.seen = true
		taken, err := p.option(args[i], m, args[i+1:])
		if err != nil {
			return nil, err
		}
		i += taken
	}
	if len(p.unknown) > 0 {
		return nil, p.unrecognized()
	}
	return p.out, nil
}

// option reads one option and returns how many arguments behind it are its value.
func (p *argvParser) option(arg string, m []int, behind []string) (taken int, err error) {
	part := func(n int) string {
		if m[2*n] < 0 {
			return ""
		}
		return arg[m[2*n]:m[2*n+1]]
	}
	name, letters, value, hasValue := part(1), part(2), part(3), m[6] >= 0
	if len(letters) > 1 {
		return 0, p.cluster(letters, hasValue)
	}
	if letters != "" {
		name = p.long(letters)
	}
	next := ""
	if len(behind) > 0 && behind[0] != "--" && !argument().MatchString(behind[0]) {
		next = behind[0]
	}
	flag := p.flags.Lookup(name)
	negated := false
	if flag == nil && strings.HasPrefix(name, "no-") {
		if f := p.flags.Lookup(name[3:]); f != nil && isSwitch(f) {
			flag, name, negated = f, name[3:], true
		}
	}
	switch {
	case flag == nil:
		p.unknown = append(p.unknown, name)
		if !hasValue && next != "" {
			taken = 1
		}
		return taken, nil
	case isSwitch(flag):
		return 0, p.toggle(name, negated, hasValue)
	case !hasValue && next == "":
		return 0, fmt.Errorf("Missing value for CLI parameter %q", "--"+name)
	case !hasValue:
		value, taken = next, 1
	}
	if letters == "c" && !names(value) {
		name = "context"
	}
	if p.given[name] && !isList(flag) {
		return 0, fmt.Errorf("Unexpected multiple %q", "--"+name)
	}
	p.given[name] = true
	p.out = append(p.out, "--"+name+"="+value)
	return taken, nil
}

// cluster reads several switches in one argument.
func (p *argvParser) cluster(letters string, hasValue bool) error {
	if hasValue {
		return fmt.Errorf("Unexpected value for %q", "-"+letters)
	}
	for _, letter := range letters {
		name := p.long(string(letter))
		if flag := p.flags.Lookup(name); flag == nil {
			p.unknown = append(p.unknown, name)
			continue
		} else if !isSwitch(flag) {
			continue // told below, or by whoever misses its value
		}
		if p.given[name] {
			return fmt.Errorf("Unexpected multiple %q (aliased by %q) values", "--"+name, "-"+string(letter))
		}
		if err := p.toggle(name, false, false); err != nil {
			return err
		}
	}
	if len(p.unknown) == 0 {
		return fmt.Errorf("Missing value for CLI parameter %q", "--"+p.long(letters[:1]))
	}
	return nil
}

func (p *argvParser) toggle(name string, negated, hasValue bool) error {
	switch {
	case hasValue:
		return fmt.Errorf("Unexpected value for %q", "--"+name)
	case p.given[name]:
		return fmt.Errorf("Unexpected multiple %q", "--"+name)
	}
	p.given[name] = true
	p.out = append(p.out, fmt.Sprintf("--%s=%t", name, !negated))
	return nil
}

// long is the name of the option that a letter stands for, or the letter.
func (p *argvParser) long(letter string) string {
	if f := p.flags.ShorthandLookup(letter); f != nil {
		return f.Name
	}
	return letter
}

func isSwitch(f *pflag.Flag) bool { return f.Value.Type() == "bool" }

func isList(f *pflag.Flag) bool { return f.Value.Type() == "stringArray" }

// unrecognized names the options that there are not, with the nearest that there are.
func (p *argvParser) unrecognized() error {
	var all []string
	p.flags.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	quoted := make([]string, len(p.unknown))
	near := ""
	for i, name := range p.unknown {
		quoted[i] = fmt.Sprintf("%q", "--"+name)
		if n := diag.Nearest(strings.ReplaceAll(name, "-", ""), all); near == "" && n != "" && len(name) > 1 {
			near = fmt.Sprintf("did you mean --%s?", n)
		}
	}
	return &usage{text: fmt.Sprintf("Detected unrecognized CLI options: %s.\n", strings.Join(quoted, ", ")), hint: near}
}

// usage is a mistake in the command line in the framework's words, with what
// lambkin has to add on standard error.
type usage struct{ text, hint string }

func (u *usage) Error() string { return u.text }

func noCommand(name string) error {
	return fmt.Errorf("Serverless command %q not found. Run \"serverless help\" for a list of all available commands.", name)
}

// names reports whether the value of -c is the name of a file and so of the
// service's configuration, not a context: the option was the one once and is
// the other now.
func names(value string) bool {
	st, err := os.Stat(filepath.FromSlash(value))
	return err == nil && st.Mode().IsRegular()
}
