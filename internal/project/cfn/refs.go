package cfn

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// ref is Ref.
func ref(c call) value {
	name, ok := c.arg.Str()
	if !ok {
		return c.malformed("the name of a parameter or a resource")
	}
	return c.refTo(name)
}

// refTo is the value of a name: of a pseudo parameter, a parameter or a
// resource. A name that is nothing of these stands for itself, as in SAM CLI.
func (c call) refTo(name string) value {
	if v, ok := c.pseudo(name); ok {
		return v
	}
	if p, ok := c.parameters[name]; ok {
		return p.value(c)
	}
	if r := c.resources[name]; r != nil {
		return c.refOf(r)
	}
	if v, ok := c.overrides[name]; ok {
		return v
	}
	if owner, attribute, dotted := strings.Cut(name, "."); dotted && c.resources[owner] != nil {
		// SAM's own way to refer to what it generates: !Ref Api.Stage.
		return c.attribute(c.resources[owner], attribute)
	}
	if r := c.generated(name); r != nil {
		return c.refOf(r)
	}
	v := c.unknownName(name)
	if text := c.ok(name); text.certain() {
		v = v.instead(text.node)
	}
	return v
}

// unknownName is the failure of a reference to a name that the template lacks.
func (c call) unknownName(name string) value {
	names := slices.Concat(c.section("Parameters").Keys(), c.section("Resources").Keys(), pseudoNames)
	hint := suggestion(name, names)
	return c.failHint(hint, "unknown-reference", "refers to %q, which is neither a parameter nor a resource", name)
}

// pseudoNames are CloudFormation's pseudo parameters.
var pseudoNames = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition",
	"AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

// pseudo is the value of a pseudo parameter. An override of that name wins.
func (c call) pseudo(name string) (value, bool) {
	if !strings.HasPrefix(name, "AWS::") {
		return value{}, false
	}
	if v, ok := c.overrides[name]; ok {
		return v, true
	}
	l := c.loading
	switch name {
	case "AWS::NoValue":
		return absent(), true
	case "AWS::Region":
		return c.ok(l.region), true
	case "AWS::AccountId":
		return c.ok(l.account), true
	case "AWS::Partition":
		return c.ok(l.partition()), true
	case "AWS::URLSuffix":
		return c.ok(l.urlSuffix()), true
	case "AWS::StackName":
		return c.ok(stackName), true
	case "AWS::StackId":
		return c.ok(l.expand(stackARN, stackName)), true
	case "AWS::NotificationARNs":
		return known(&doc.Node{Kind: doc.List, Range: c.at}), true
	}
	return value{}, false
}

// getAtt is Fn::GetAtt, with its argument as a list or as text with a dot.
func getAtt(c call) value {
	const want = "a resource and an attribute, such as Queue.Arn"
	if text, ok := c.arg.Str(); ok {
		resource, attribute, dotted := strings.Cut(text, ".")
		if !dotted {
			return c.malformed(want)
		}
		return c.getAtt(resource, attribute)
	}
	args, ok := c.args(2, 2)
	if !ok {
		return c.malformed(want)
	}
	resource, v, ok := c.argText(args[0], "the resource")
	if !ok {
		return v
	}
	attribute, v, ok := c.argText(args[1], "the attribute")
	if !ok {
		return v
	}
	return c.getAtt(resource, attribute).with(v.problems...)
}

func (c call) getAtt(resource, attribute string) value {
	if r := c.resources[resource]; r != nil {
		return c.attribute(r, attribute)
	}
	if r := c.generated(resource); r != nil {
		return c.attribute(r, attribute)
	}
	hint := suggestion(resource, c.section("Resources").Keys())
	return c.failHint(hint, "unknown-reference", "refers to %q, which is not a resource", resource)
}

// sub is Fn::Sub, alone or with a map of variables.
func sub(c call) value {
	text, variables := c.arg, (*doc.Node)(nil)
	if !text.Is(doc.String) {
		args, ok := c.args(2, 2)
		if !ok || !args[0].Is(doc.String) || !args[1].Is(doc.Map) {
			return c.malformed("a text, or a list of a text and a map of variables")
		}
		text, variables = args[0], args[1]
	}
	var b strings.Builder
	out := value{}
	for literal, hole := range placeholders(text.Text) {
		b.WriteString(literal)
		if hole.name != "" {
			inner := c
			inner.at = within(text, hole.from, hole.to)
			part, ok := inner.placeholder(hole.name, variables)
			out = out.with(part.problems...)
			if !ok {
				return value{problems: out.problems}
			}
			written, _ := part.text()
			b.WriteString(written)
		}
		if b.Len() > maxText {
			return c.tooLong()
		}
	}
	return c.ok(b.String()).with(out.problems...)
}

// placeholder is the value of one ${name} in a text; ok is false when there is
// nothing that could stand in its place.
func (c call) placeholder(name string, variables *doc.Node) (v value, ok bool) {
	switch resource, attribute, dotted := strings.Cut(name, "."); {
	case variables.Get(name) != nil:
		v = c.eval(variables.Get(name))
	case dotted:
		v = c.getAtt(resource, attribute)
	default:
		v = c.refTo(name)
	}
	if v.node.Is(doc.List) && len(v.problems) == 0 {
		// The list of a parameter stands in a text as it was given.
		v = c.joined(",", v.node.Items)
	}
	if _, ok := v.text(); ok {
		return v, true
	}
	if len(v.problems) == 0 {
		v = c.fail("intrinsic-arguments", "has no text to put for ${%s}", name)
	}
	return v, false
}

// hole is a ${name} in a text, from and to its offsets there.
type hole struct {
	name     string
	from, to int
}

// placeholders yields a text's parts: literal text and the hole behind it,
// without a name where there is none. ${!x} is the literal ${x}.
func placeholders(text string) iter.Seq2[string, hole] {
	return func(yield func(string, hole) bool) {
		done, at := 0, 0
		for {
			open := strings.Index(text[at:], "${")
			if open < 0 {
				break
			}
			open += at
			at = open + len("${")
			length := strings.IndexAny(text[at:], "{}")
			if length < 0 || text[at+length] == '{' {
				continue // not closed: literal text
			}
			inner := text[at : at+length]
			literal, h := text[done:open], hole{strings.TrimSpace(inner), open, at + length + 1}
			if h.name == "" || inner[0] == '!' {
				literal += "${" + strings.TrimPrefix(inner, "!") + "}"
				h.name = ""
			}
			done, at = h.to, h.to
			if !yield(literal, h) {
				return
			}
		}
		yield(text[done:], hole{})
	}
}

// within is where a part of a text stands: all of the text where its end is
// not known. It counts from the end, because a tag may stand before the text.
func within(n *doc.Node, from, to int) diag.Range {
	r := n.Range
	if r.End.Line == 0 || r.End.Line != r.Start.Line {
		return r
	}
	quote := 1
	if n.Plain {
		quote = 0
	}
	first := r.End.Column - quote - utf8.RuneCountInString(n.Text[from:])
	if first < r.Start.Column {
		return r
	}
	r.Start.Column = first
	r.End.Column = first + utf8.RuneCountInString(n.Text[from:to])
	return r
}

// suggestion is the hint to take the candidate that name was probably meant to
// be, "" when none is close.
func suggestion(name string, candidates []string) string {
	if near := diag.Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
