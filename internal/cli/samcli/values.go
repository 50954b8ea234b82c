package samcli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// value is what an option takes. It implements pflag.Value; its errors are in
// click's words for what stands behind "Invalid value for '--option': ".
type value struct {
	set  func(string) error
	kind string // as help shows it where the usage text names none
	flag bool   // needs no value
	many bool   // may be given several times, each adding to the others
	// saved is the value as --save-params writes it.
	saved func() any
	// node takes the value from a configuration file where it may be more
	// there than texts; nil where it may not.
	node func(*doc.Node) error
}

func (v *value) String() string     { return "" }
func (v *value) Set(s string) error { return v.set(s) }
func (v *value) Type() string       { return v.kind }

// check looks at the text of a value.
type check func(string) error

// text is one string.
func text(to *string, kind string, checks ...check) *value {
	return &value{kind: kind, saved: func() any { return *to }, set: func(s string) error {
		*to = s
		return all(checks, s)
	}}
}

// texts is a list of strings.
func texts(to *[]string, kind string, checks ...check) *value {
	return &value{kind: kind, many: true, saved: func() any { return *to }, set: func(s string) error {
		*to = append(*to, s)
		return all(checks, s)
	}}
}

// parameters is --parameter-overrides: words, or what a configuration file has
// in their place.
func parameters(words *[]string, values *map[string]string) *value {
	v := texts(words, "KEY=VALUE")
	v.saved = func() any {
		if len(*words) == 1 {
			return (*words)[0]
		}
		return *words
	}
	v.node = func(n *doc.Node) (err error) {
		*values, err = overridesOf(n)
		return err
	}
	return v
}

// ports is a list of port numbers.
func ports(to *[]int) *value {
	return &value{kind: "INTEGER", many: true, saved: func() any { return *to }, set: func(s string) error {
		n, err := integer(s, 1, 65535)
		if err == nil {
			*to = append(*to, n)
		}
		return err
	}}
}

// number is one number of a range.
func number(to *int, least, most int) *value {
	return &value{kind: "INTEGER", saved: func() any { return *to }, set: func(s string) (err error) {
		*to, err = integer(s, least, most)
		return err
	}}
}

func integer(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("'%s' is not a valid integer.", s)
	}
	if n < least || n > most {
		return 0, fmt.Errorf("%d is not in the range %d<=x<=%d.", n, least, most)
	}
	return n, nil
}

// yes is a boolean that is true when the option is given.
func yes(to *bool) *value { return boolean(to, true) }

// no is the opposite of the boolean's own option.
func no(to *bool) *value { return boolean(to, false) }

func boolean(to *bool, given bool) *value {
	return &value{kind: "bool", flag: true, saved: func() any { return *to }, set: func(s string) error {
		on, err := parseBool(s)
		*to = on == given
		return err
	}}
}

// parseBool knows click's words for booleans.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "t", "yes", "y", "on":
		return true, nil
	case "0", "false", "f", "no", "n", "off", "":
		return false, nil
	}
	return false, fmt.Errorf("'%s' is not a valid boolean.", s)
}

func all(checks []check, s string) error {
	for _, c := range checks {
		if err := c(s); err != nil {
			return err
		}
	}
	return nil
}

// exists wants a path that is there.
func exists(s string) error {
	if _, err := os.Stat(s); err != nil {
		return fmt.Errorf("Path '%s' does not exist.", s)
	}
	return nil
}

// noFile wants a path that is a folder if it is there.
func noFile(s string) error {
	if st, err := os.Stat(s); err == nil && !st.IsDir() {
		return fmt.Errorf("Directory '%s' is a file.", s)
	}
	return nil
}

// samRuntimes are the runtimes that SAM CLI takes for --runtime.
var samRuntimes = []string{
	"dotnet10", "dotnet6", "dotnet8", "go1.x",
	"java11", "java11.al2023", "java17", "java17.al2023", "java21", "java25", "java8.al2", "java8.al2023",
	"nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x",
	"provided", "provided.al2", "provided.al2023",
	"python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.8", "python3.9",
	"ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0",
}

func knownRuntime(s string) error {
	if slices.Contains(samRuntimes, strings.ToLower(s)) {
		return nil
	}
	return fmt.Errorf("'%s' is not one of '%s'.%s", s, strings.Join(samRuntimes, "', '"), didYouMean(strings.ToLower(s), samRuntimes))
}

// hostAndAddress wants HOSTNAME:IP; the address may hold colons of its own.
func hostAndAddress(s string) error {
	if host, ip, ok := strings.Cut(s, ":"); !ok || host == "" || ip == "" {
		return fmt.Errorf("--add-host is not a valid format, it needs to be of the form hostname:IP")
	}
	return nil
}

// imageOf wants URI or FUNCTION=URI.
func imageOf(s string) error {
	if function, uri, ok := strings.Cut(s, "="); s == "" || ok && (function == "" || uri == "") {
		return fmt.Errorf("Invalid command line image input %s.", s)
	}
	return nil
}

// tenant wants what Lambda takes for a tenant's id.
func tenant(s string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/=+-@ "
	switch {
	case strings.TrimSpace(s) == "":
		return fmt.Errorf("a tenant id must not be empty or blank")
	case len(s) > 256:
		return fmt.Errorf("a tenant id has at most 256 characters, not %d", len(s))
	case strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune(allowed, c) }):
		return fmt.Errorf("'%s' has characters other than a-z, A-Z, 0-9, spaces and ._:/=+-@", s)
	}
	return nil
}
