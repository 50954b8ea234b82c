package sls

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// configured is one environment variable as it is written.
type configured struct {
	pair doc.Pair
	path string
}

// variables are the function's environment variables: the provider's, and the
// function's own over them. A null takes a variable away.
func (b *builder) variables() []lambda.Variable {
	var all []configured
	for _, from := range []struct {
		node *doc.Node
		path string
	}{{b.provider, "provider"}, {b.node, b.entry.path()}} {
		if from.node == b.node {
			all = b.overlay(all, setting{node: &doc.Node{Kind: doc.Map, Pairs: b.pluginVariables()}, path: pluginDotenv})
		}
		s, ok := b.from(from.node, from.path, "environment")
		switch {
		case !ok || s.node == nil:
		case s.node.Kind != doc.Map:
			b.list.Errorf(s.at, "environment", "%q must be a map, not %s", s.path, s.node.Kind)
		default:
			b.fn.Sources["Environment"] = place(s.at)
			all = b.overlay(all, s)
		}
	}
	var out []lambda.Variable
	for _, c := range all {
		if v, ok := b.environmentVariable(c); ok {
			out = append(out, v)
		}
	}
	return out
}

// overlay puts one environment over another.
func (b *builder) overlay(all []configured, s setting) []configured {
	for _, pair := range s.node.Pairs {
		if pair.Key == "" || strings.ContainsAny(pair.Key, "=\x00") {
			b.list.Errorf(pair.KeyRange, "environment", "%q is no name for an environment variable", pair.Key)
			continue
		}
		c := configured{pair, join(s.path, pair.Key)}
		if i := slices.IndexFunc(all, func(have configured) bool { return have.pair.Key == pair.Key }); i >= 0 {
			all[i] = c
			continue
		}
		all = append(all, c)
	}
	return all
}

// environmentVariable makes one environment variable; false when it has no value.
func (b *builder) environmentVariable(c configured) (lambda.Variable, bool) {
	v := lambda.Variable{Name: c.pair.Key, Source: place(c.pair.Value.At())}
	n, p := b.deep(c.pair.Value, c.path)
	if p != nil {
		needed := *p // others may need it too
		if p.Code == circular && p.path != c.path {
			// The framework tells it of the one that needs the circle, too.
			b.report(p)
			needed.Summary = strings.Replace(p.Summary, strconv.Quote(p.path), strconv.Quote(c.path), 1)
		}
		if p.path != c.path {
			needed.Detail = strings.TrimSpace(p.Detail + fmt.Sprintf("\n%q needs it.", c.path))
		}
		b.report(&needed)
		return v, false
	}
	if n.IsScalar() {
		v.Value = b.pseudoParameters(scalarText(n), n.Range)
		return v, true
	}
	if n.Kind == doc.Null {
		return v, false
	}
	if !isIntrinsic(n) {
		d := b.list.Warnf(c.pair.KeyRange, "environment-value", "the environment variable %q is %s; the function gets its JSON text", v.Name, n.Kind)
		d.Hint = "AWS takes texts only; write the JSON text yourself"
		v.Value = n.JSON()
		return v, true
	}
	known, why := b.evaluate(n)
	switch {
	case why != "":
		v.Value, v.Unresolved = n.JSON(), true
		b.unresolved(c, why)
	case known.Kind == doc.Null: // AWS::NoValue
		return v, false
	case known.IsScalar():
		v.Value = scalarText(known)
	default:
		v.Value = known.JSON()
	}
	return v, true
}

func (b *builder) unresolved(c configured, why string) {
	at := c.pair.Value.At()
	if at.Start == (diag.Pos{}) {
		at = c.pair.KeyRange
	}
	d := b.list.Warnf(at, "environment-unresolved", "the environment variable %q cannot be resolved on this machine: %s", c.pair.Key, why)
	d.Detail = "The function gets the JSON text of what the service says."
	d.Hint = fmt.Sprintf("give it a value: --env %s=…", c.pair.Key)
}
