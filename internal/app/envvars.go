package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// EnvVars are the values of an --env-vars file. The zero value has none.
type EnvVars struct {
	file   string
	shared []lambda.Variable // for all functions
	own    []ownVariables    // for single ones, in the order of the file
	diags  diag.List
}

// ownVariables are values for the function that key names.
type ownVariables struct {
	key       string
	at        diag.Range
	variables []lambda.Variable
}

// sharedKey is the key of the values for all functions.
const sharedKey = "Parameters"

// ReadEnvVars reads an --env-vars file. It is JSON, in which comments and a
// comma behind the last element may stand: an object with the object
// "Parameters" for all functions and one for each function that gets values of
// its own. A file that is no JSON is a dotenv file, read as SAM CLI does, with
// values for all functions; env is what its references may name. What is wrong
// is a *[Problem].
func ReadEnvVars(path string, env map[string]string) (EnvVars, error) {
	v := EnvVars{file: path}
	src, err := os.ReadFile(path)
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return v, BadCall("", "reading the --env-vars file %q: %v", path, pathErr.Err)
	} else if err != nil {
		return v, err
	}
	if isJSON(src, path) {
		v.readJSON(src)
	} else {
		v.readDotenv(src, env)
	}
	if v.diags.HasErrors() {
		return v, &Problem{Kind: InProject, List: v.diags}
	}
	return v, nil
}

// isJSON tells the two kinds of files apart, so that the mistakes in each can
// be told in its own terms.
func isJSON(src []byte, path string) bool {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return true
	}
	plain := bytes.TrimSpace(doc.PlainJSON(bytes.TrimPrefix(src, []byte("\ufeff"))))
	return len(plain) > 0 && (plain[0] == '{' || plain[0] == '[' || json.Valid(plain))
}

func (v *EnvVars) readJSON(src []byte) {
	root, diags := doc.ParseJSONC(src, v.file)
	v.diags = diags
	if root == nil {
		return
	}
	if !root.Is(doc.Map) {
		v.wrongForm(root.At(), "the environment variables file must hold an object, not "+root.Kind.String())
		return
	}
	for _, p := range root.Pairs {
		if !p.Value.Is(doc.Map) {
			text := p.Value.Text
			if !p.Value.IsScalar() {
				text = p.Value.Kind.String()
			}
			// SAM CLI's words, which scripts look for.
			v.wrongForm(p.Value.At(), "Environment variables "+text+" in incorrect format")
			return
		}
		variables := v.variables(p.Value.Pairs)
		if p.Key == sharedKey {
			v.shared = variables
			continue
		}
		v.own = append(v.own, ownVariables{p.Key, p.KeyRange, variables})
	}
}

func (v *EnvVars) wrongForm(at diag.Range, summary string) {
	v.diags.Errorf(at, "env-vars-format", "%s", summary).Hint = `write {"Parameters": {"NAME": "value"}} for all functions, {"Function": {"NAME": "value"}} for one`
}

func (v *EnvVars) readDotenv(src []byte, env map[string]string) {
	pairs, diags := doc.ParsePythonDotenv(src, v.file, env)
	v.diags = diags
	v.shared = v.variables(pairs)
	if len(pairs) == 0 {
		v.diags = diag.List{{
			Code: "env-vars-format", Range: diag.Range{File: v.file},
			Summary: fmt.Sprintf("Could not read environment variables overrides from file %s: file is not in valid JSON or .env format", v.file),
		}}
	}
}

func (v *EnvVars) variables(pairs []doc.Pair) []lambda.Variable {
	out := make([]lambda.Variable, 0, len(pairs))
	for _, p := range pairs {
		at := p.KeyRange
		value := v.text(p)
		switch {
		case p.Key == "" || strings.ContainsAny(p.Key, "=\x00"):
			v.diags.Errorf(at, "env-vars-name", "%q is no name for an environment variable", p.Key)
		case strings.Contains(value, "\x00"):
			v.diags.Errorf(p.Value.At(), "env-vars-value", "the value of %q has a zero byte, which no environment variable can have", p.Key)
		}
		out = append(out, lambda.Variable{
			Name: p.Key, Value: value, Source: lambda.Source{File: at.File, Line: at.Start.Line, Column: at.Start.Column},
		})
	}
	return out
}

// text is the value as SAM CLI passes it on.
func (v *EnvVars) text(p doc.Pair) string {
	switch p.Value.Kind {
	case doc.Map, doc.List:
		v.diags.Warnf(p.Value.At(), "env-vars-value", "the value of %q is %s; the function gets an empty text", p.Key, p.Value.Kind).
			Hint = "write it as JSON text in quotes"
		return ""
	case doc.Null:
		return ""
	case doc.Float:
		if f, ok := p.Value.Value.(float64); ok && !strings.ContainsAny(p.Value.Text, "eE") && !strings.Contains(p.Value.Text, ".") {
			return p.Value.Text // an integer beyond 64 bits
		} else if ok {
			return pythonFloat(f)
		}
	case doc.Int:
		return strconv.FormatInt(p.Value.Value.(int64), 10)
	}
	return p.Value.Text
}

// pythonFloat writes a number as Python does, in which SAM CLI is written.
func pythonFloat(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'f', -1, 64)), "+")
	case abs != 0 && (abs < 1e-4 || abs >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// names are the names that a file may give fn, the one that counts most first.
func names(fn *lambda.Function) []string {
	return []string{fn.LogicalID, fn.ID, fn.Name, fn.Path}
}

// of returns fn's own values, nil when the file has none for it.
func (v *EnvVars) of(fn *lambda.Function) []lambda.Variable {
	for _, name := range names(fn) {
		for _, own := range v.own {
			if own.key == name && len(own.variables) > 0 {
				return own.variables
			}
		}
	}
	return nil
}

// apply gives fn's variables the file's values: those of fn alone win over
// those for all functions. Values for variables that fn does not declare are
// added when extra says so, and otherwise named in a warning.
func (v *EnvVars) apply(fn *lambda.Function, extra bool, diags *diag.List) {
	var undeclared []lambda.Variable
	declared := len(fn.Environment)
	for _, value := range slices.Concat(v.shared, v.of(fn)) {
		i := slices.IndexFunc(fn.Environment, func(have lambda.Variable) bool { return have.Name == value.Name })
		switch {
		case i >= 0:
			fn.Environment[i] = value
		case extra:
			fn.Environment = append(fn.Environment, value)
		default:
			undeclared = append(undeclared, value)
		}
	}
	if len(undeclared) > 0 {
		warnUndeclared(diags, fn, undeclared, fn.Environment[:declared])
	}
}

func warnUndeclared(diags *diag.List, fn *lambda.Function, values, declared []lambda.Variable) {
	known := make([]string, 0, len(declared))
	for _, d := range declared {
		known = append(known, d.Name)
	}
	var texts, seen []string
	for _, value := range values {
		if slices.Contains(seen, value.Name) {
			continue
		}
		seen = append(seen, value.Name)
		text := value.Name
		if near := diag.Nearest(value.Name, known); near != "" {
			text += fmt.Sprintf(" (did you mean %s?)", near)
		}
		texts = append(texts, text)
	}
	const most = 12
	list := strings.Join(texts[:min(len(texts), most)], ", ")
	if len(texts) > most {
		list += fmt.Sprintf(" and %d more", len(texts)-most)
	}
	d := diags.Warnf(at(values[0].Source), "undeclared-variable", "the function %q does not declare %s, so it does not get what this file gives them", fn.Path, list)
	if len(texts) == 1 {
		d.Summary = fmt.Sprintf("the function %q does not declare %s, so it does not get the value", fn.Path, list)
	}
	d.Subject, d.Hint = fn.Path, "declare it in the function's environment, or pass such values on with --env-vars-extra"
}

// warnUnused warns of values for functions that the project does not have.
func (v *EnvVars) warnUnused(p *lambda.Project, diags *diag.List) {
	known := []string{sharedKey}
	for _, fn := range p.Functions {
		known = append(known, names(fn)...)
	}
	for _, own := range v.own {
		if slices.Contains(known, own.key) {
			continue
		}
		d := diags.Warnf(own.at, "unknown-function", "the project has no function %q, so nobody gets these values", own.key)
		if near := diag.Nearest(own.key, known); near != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
}
