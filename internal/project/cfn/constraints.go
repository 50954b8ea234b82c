package cfn

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// constrained is a parameter's value beside what its declaration asks of it.
type constrained struct {
	*parameter
	declaration *doc.Node
	text        string
}

// checkParameter warns of a value that CloudFormation would not take.
func (s *stack) checkParameter(p *parameter, declaration *doc.Node) {
	text, ok := p.given.text()
	if !ok {
		return
	}
	at := p.given.node.At()
	if at.File == "" {
		at = p.at
	}
	c := constrained{parameter: p, declaration: declaration, text: text}
	described, _ := declaration.Get("ConstraintDescription").Str()
	for _, check := range []func() (summary, hint string){c.number, c.allowed, c.pattern, c.length, c.size} {
		summary, hint := check()
		if summary == "" {
			continue
		}
		s.loading.report.add(diag.Diagnostic{
			Severity: diag.Warning, Range: at, Code: "parameter-value", Summary: summary, Hint: cmp.Or(described, hint),
		})
	}
}

// number checks the type Number.
func (c constrained) number() (summary, hint string) {
	if _, err := strconv.ParseFloat(c.text, 64); err == nil || c.typ != "Number" {
		return "", ""
	}
	return fmt.Sprintf("the parameter %q is a Number, but its value is %q", c.name, c.text), ""
}

// allowed checks AllowedValues.
func (c constrained) allowed() (summary, hint string) {
	list := c.declaration.Get("AllowedValues")
	if !list.Is(doc.List) || c.isList() {
		return "", ""
	}
	allowed := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		if item.IsScalar() {
			allowed = append(allowed, scalarText(item))
		}
	}
	if len(allowed) == 0 || slices.Contains(allowed, c.text) {
		return "", ""
	}
	return fmt.Sprintf("the value %q of the parameter %q is not one of its AllowedValues", c.text, c.name),
		cmp.Or(suggestion(c.text, allowed), "allowed are "+strings.Join(allowed, ", "))
}

// pattern checks AllowedPattern, which the whole value has to match. Java's
// patterns that Go does not know are passed over.
func (c constrained) pattern() (summary, hint string) {
	pattern, ok := c.declaration.Get("AllowedPattern").Str()
	if !ok || c.isRemote() {
		return "", ""
	}
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil || re.MatchString(c.text) {
		return "", ""
	}
	return fmt.Sprintf("the value %q of the parameter %q does not match its AllowedPattern %s", c.text, c.name, pattern), ""
}

// length checks MinLength and MaxLength.
func (c constrained) length() (summary, hint string) {
	n := float64(utf8.RuneCountInString(c.text))
	what := ""
	if least, ok := c.limit("MinLength"); ok && n < least {
		what = fmt.Sprintf("fewer than its MinLength of %g", least)
	}
	if most, ok := c.limit("MaxLength"); ok && n > most {
		what = fmt.Sprintf("more than its MaxLength of %g", most)
	}
	if what == "" || c.isRemote() {
		return "", ""
	}
	return fmt.Sprintf("the value %q of the parameter %q has %g characters, %s", c.text, c.name, n, what), ""
}

// size checks MinValue and MaxValue.
func (c constrained) size() (summary, hint string) {
	v, err := strconv.ParseFloat(c.text, 64)
	if err != nil || c.typ != "Number" {
		return "", ""
	}
	if least, ok := c.limit("MinValue"); ok && v < least {
		return fmt.Sprintf("the value %s of the parameter %q is less than its MinValue of %g", c.text, c.name, least), ""
	}
	if most, ok := c.limit("MaxValue"); ok && v > most {
		return fmt.Sprintf("the value %s of the parameter %q is more than its MaxValue of %g", c.text, c.name, most), ""
	}
	return "", ""
}

// limit is a number of the declaration.
func (c constrained) limit(name string) (float64, bool) {
	n := c.declaration.Get(name)
	if !n.IsScalar() {
		return 0, false
	}
	v, err := strconv.ParseFloat(scalarText(n), 64)
	return v, err == nil
}
