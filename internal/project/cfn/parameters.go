package cfn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// parameter is one declared parameter of a template.
type parameter struct {
	name, typ string
	at        diag.Range
	// given is what the parameter has: an override or its default. It is not
	// set when there is neither.
	given      value
	overridden bool
	missing    bool
}

// overridesFrom makes values of the texts that the caller gives.
func overridesFrom(texts map[string]string) map[string]value {
	out := make(map[string]value, len(texts))
	for name, text := range texts {
		out[name] = known(doc.NewString(text, diag.Range{}))
	}
	return out
}

// declareParameters reads Parameters and gives each its value.
func (s *stack) declareParameters() {
	section := s.root.Get("Parameters")
	s.parameters = make(map[string]*parameter, len(section.Keys()))
	if section == nil {
		return
	}
	for _, pair := range section.Pairs {
		p := &parameter{name: pair.Key, at: pair.KeyRange}
		p.typ, _ = pair.Value.Get("Type").Str()
		s.parameters[p.name] = p
		given := pair.Value.Get("Default")
		if v, ok := s.overrides[p.name]; ok {
			p.overridden = true
			p.given = v
		} else if given.IsScalar() {
			p.given = known(doc.NewString(scalarText(given), given.Range))
		} else {
			p.missing = true
			continue
		}
		s.checkParameter(p, pair.Value)
		p.given = p.typed()
	}
	s.checkOverrides()
}

// isList reports whether the parameter's text is a list's elements.
func (p *parameter) isList() bool {
	return strings.Contains(p.typ, "CommaDelimitedList") || strings.Contains(p.typ, "List<")
}

// isRemote reports whether the parameter's text is the name under which AWS
// looks up its value. An override is taken for the value itself.
func (p *parameter) isRemote() bool {
	return strings.HasPrefix(p.typ, "AWS::SSM::Parameter::Value<") && !p.overridden
}

// typed splits the text of a list parameter.
func (p *parameter) typed() value {
	text, ok := p.given.text()
	if !ok || !p.isList() || p.isRemote() {
		return p.given
	}
	list := &doc.Node{Kind: doc.List, Range: p.given.node.Range}
	for part := range strings.SplitSeq(text, ",") {
		list.Items = append(list.Items, doc.NewString(strings.TrimSpace(part), list.Range))
	}
	return p.given.instead(list)
}

// checkOverrides warns of overrides that were probably meant for a parameter.
// Others are allowed: one configuration serves several templates.
func (s *stack) checkOverrides() {
	names := s.root.Get("Parameters").Keys()
	given := make([]string, 0, len(s.overrides))
	for name := range s.overrides {
		given = append(given, name)
	}
	slices.Sort(given)
	for _, name := range given {
		if s.parameters[name] != nil {
			continue
		}
		near := diag.Nearest(name, names)
		if near == "" || s.parameters[near].overridden {
			continue
		}
		s.loading.report.add(diag.Diagnostic{
			Severity: diag.Warning, Code: "unknown-parameter", Range: diag.Range{File: s.file},
			Summary: fmt.Sprintf("a value is given for the parameter %q, which the template does not declare", name),
			Hint:    suggestion(name, names),
		})
	}
}

// value is what a reference to the parameter gives. Like SAM CLI, one without
// a value stands for its own name, and one that AWS reads from SSM for the
// path that it would read.
func (p *parameter) value(c call) value {
	if p.missing {
		v := c.failHint(fmt.Sprintf("give it a value, %s=VALUE (--parameter-overrides, natively --parameter), or a Default", p.name),
			"parameter-without-value", "refers to the parameter %q, which has neither a value nor a Default", p.name)
		return v.instead(doc.NewString(p.name, c.at))
	}
	if p.isRemote() {
		text, _ := p.given.text()
		return c.failHint(fmt.Sprintf("give it a value: %s=VALUE (--parameter-overrides, natively --parameter)", p.name), "ssm-parameter",
			"refers to the parameter %q, whose value AWS reads from %q in SSM", p.name, text).instead(p.given.node)
	}
	return p.given
}
