package cfn

import (
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// environment makes the configured variables.
func (b *builder) environment() {
	pair := b.inner("Environment", "Variables")
	if pair == nil {
		return
	}
	variables := b.mapOf("Environment.Variables", pair.Value)
	if variables == nil {
		return
	}
	b.fn.Environment = make([]lambda.Variable, 0, len(variables.Pairs))
	for _, p := range variables.Pairs {
		b.variable(p)
	}
}

// variable adds one variable; AWS::NoValue removes it.
func (b *builder) variable(p doc.Pair) {
	v := b.eval(p.Value)
	if v.absent {
		return
	}
	out := lambda.Variable{Name: p.Key, Unresolved: len(v.problems) > 0, Source: placeOf(p)}
	out.Value, _ = v.text()
	b.unresolvedHint("The environment variable "+p.Key, "set it with --env-vars", v)
	if !out.Unresolved && !v.node.IsScalar() {
		out.Value = b.noText(p, v.node)
	}
	b.fn.Environment = append(b.fn.Environment, out)
}

// noText warns of a variable that is no text, which AWS would refuse. The list
// that a function such as !Ref gives is passed on joined by commas, the form in
// which list parameters are given; anything else, as by SAM CLI, as "".
func (b *builder) noText(p doc.Pair, n *doc.Node) string {
	if n.Kind == doc.List && isIntrinsic(p.Value) {
		texts := make([]string, 0, len(n.Items))
		for _, item := range n.Items {
			text, _ := known(item).text()
			texts = append(texts, text)
		}
		b.warnf(p.Value.At(), "variable-type", "use !Join, or !Sub with the parameter's name",
			"the environment variable %q is a list, which AWS does not take; lambkin joins it with commas", p.Key)
		return strings.Join(texts, ",")
	}
	hint := "use a text or a number"
	if n.Kind == doc.Map || n.Kind == doc.List {
		hint = "write it as JSON text in quotes"
	}
	b.warnf(p.Value.At(), "variable-type", hint,
		"the environment variable %q is %s, which AWS does not take; it is left empty", p.Key, n.Kind)
	return ""
}
