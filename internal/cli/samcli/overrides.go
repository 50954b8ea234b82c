package samcli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// fileScheme begins a reference to a file with parameters.
const fileScheme = "file://"

// overrides collects template parameters; those that come later win.
type overrides struct {
	values map[string]string
	// open are the files that are being read, the outermost first.
	open []string
}

// parseOverrides reads what follows --parameter-overrides: `A=1 B="two words"`,
// `ParameterKey=A,ParameterValue=1 …` or `file://parameters.yaml`, in any
// number of arguments.
func parseOverrides(args []string) (map[string]string, error) {
	o := overrides{values: map[string]string{}}
	for _, arg := range args {
		if err := o.text(arg, diag.Range{}, ""); err != nil {
			return nil, err
		}
	}
	return o.values, nil
}

// overridesOf reads the parameters of a configuration file: text as on the
// command line, a list of such, or a map. Files that it names are relative to
// the working folder, as all paths in such a file are.
func overridesOf(n *doc.Node) (map[string]string, error) {
	o := overrides{values: map[string]string{}}
	if err := o.node(n, ""); err != nil {
		return nil, err
	}
	return o.values, nil
}

// node reads the value of a file; dir is the folder that files named in it are
// relative to.
func (o *overrides) node(n *doc.Node, dir string) error {
	switch n.Kind {
	case doc.Null:
		return nil
	case doc.String:
		return o.text(n.Text, n.Range, dir)
	case doc.List:
		for _, item := range n.Items {
			if err := o.node(item, dir); err != nil {
				return err
			}
		}
		return nil
	case doc.Map:
		for _, p := range n.Pairs {
			if err := o.pair(p, dir); err != nil {
				return err
			}
		}
		return nil
	}
	return wrongAt(n.Range, "parameters are text, lists and maps, not %s", n.Kind)
}

func (o *overrides) pair(p doc.Pair, dir string) error {
	if p.Key == "$include" {
		return o.include(p.Value, dir)
	}
	if !parameterName.MatchString(p.Key) {
		return wrongAt(p.KeyRange, "%q is no parameter's name, which has letters and digits only", p.Key)
	}
	value := p.Value
	if !value.Is(doc.List) {
		s, err := parameterText(value)
		o.values[p.Key] = s
		return err
	}
	var parts []string
	for _, item := range value.Items {
		s, err := parameterText(item)
		if err != nil {
			return err
		}
		parts = append(parts, s)
	}
	o.values[p.Key] = strings.Join(parts, ",")
	return nil
}

// include reads the files that an $include names.
func (o *overrides) include(n *doc.Node, dir string) error {
	if n.Is(doc.List) {
		for _, item := range n.Items {
			if err := o.include(item, dir); err != nil {
				return err
			}
		}
		return nil
	}
	s, ok := n.Str()
	if !ok || !strings.HasPrefix(s, fileScheme) {
		return wrongAt(n.At(), "$include names files as %sNAME.yaml", fileScheme)
	}
	return o.file(strings.TrimPrefix(s, fileScheme), n.Range, dir)
}

// text reads assignments and references to files.
func (o *overrides) text(s string, at diag.Range, dir string) error {
	for _, word := range splitWords(s) {
		if name, ok := strings.CutPrefix(word, fileScheme); ok {
			if err := o.file(name, at, dir); err != nil {
				return err
			}
			continue
		}
		key, value, err := parseOverride(word)
		if err != nil {
			return placed(err, at)
		}
		o.values[key] = value
	}
	return nil
}

// file reads a file with parameters that is named at a place, relative to dir.
func (o *overrides) file(name string, at diag.Range, dir string) error {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if slices.Contains(o.open, abs) {
		return placed(fmt.Errorf("%s includes itself", name), at)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return placed(fmt.Errorf("%s was not found or is a directory", name), at)
	}
	var (
		n     *doc.Node
		diags diag.List
	)
	switch ext := filepath.Ext(path); ext {
	case ".toml":
		n, diags = doc.ParseTOML(src, path)
	case ".yaml", ".yml":
		n, diags = doc.ParseYAML(src, path, doc.YAML12)
	default:
		return placed(fmt.Errorf("%s uses an unsupported extension %q; parameters are read from .yaml, .yml and .toml files", name, ext), at)
	}
	if diags.HasErrors() {
		return &app.Problem{Kind: app.InCall, List: diags}
	}
	o.open = append(o.open, abs)
	defer func() { o.open = o.open[:len(o.open)-1] }()
	return o.node(n, filepath.Dir(path))
}

// placed is a wrong value of --parameter-overrides, with its place when it
// stands in a file.
func placed(err error, at diag.Range) error {
	text := "Invalid value for '--parameter-overrides': " + err.Error()
	if where := at.String(); where != "" {
		text = where + ": " + text
	}
	return &cli.UsageError{Err: errors.New(text)}
}

func wrongAt(at diag.Range, format string, args ...any) error {
	return placed(fmt.Errorf(format, args...), at)
}

// parameterText is a value of a file as SAM CLI hands it on: what Python's str
// makes of it, nothing for null.
func parameterText(n *doc.Node) (string, error) {
	switch {
	case n.Is(doc.Map), n.Is(doc.List):
		return "", wrongAt(n.Range, "the value of a parameter is text, a number, a boolean or a list of these, not %s", n.Kind)
	case n.Is(doc.Null):
		return "", nil
	}
	return pythonText(n), nil
}

// pythonText is what Python's str makes of a scalar.
func pythonText(n *doc.Node) string {
	switch v := n.Value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		switch {
		case math.IsNaN(v):
			return "nan"
		case math.IsInf(v, 1):
			return "inf"
		case math.IsInf(v, -1):
			return "-inf"
		}
		return pythonFloat(n)
	}
	return n.Text
}

var parameterName = regexp.MustCompile(`^[A-Za-z0-9]+$`)

func parseOverride(word string) (key, value string, err error) {
	if rest, ok := strings.CutPrefix(word, "ParameterKey="); ok {
		if key, value, ok = strings.Cut(rest, ",ParameterValue="); ok && parameterName.MatchString(key) {
			return key, value, nil
		}
	} else if key, value, ok = strings.Cut(word, "="); ok && parameterName.MatchString(key) && value != "" {
		return key, value, nil
	}
	return "", "", fmt.Errorf("%s is not a valid format. "+
		"It must look something like 'ParameterKey=KeyPairName,ParameterValue=MyKey', 'KeyPairName=MyKey', or 'file://MyParams.yaml'", word)
}

// splitWords splits at blanks outside quotes. Quotes are removed; a backslash
// keeps the blank or quote behind it, and stays before anything else.
func splitWords(s string) []string {
	var (
		out   []string
		word  strings.Builder
		quote rune
		begun bool
	)
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case c == '\\' && i+1 < len(runes) && strings.ContainsRune(` "'\`, runes[i+1]):
			if i++; runes[i] == '\\' {
				word.WriteRune(c)
			}
			word.WriteRune(runes[i])
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if begun {
		out = append(out, word.String())
	}
	return out
}
