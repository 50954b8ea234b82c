package cfn

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// maxText bounds every text that an expression makes. It stands against
// templates whose names refer to each other and double at every step.
const maxText = 1 << 20

// value is what an expression comes to. With problems it could not be
// resolved, and node is what the project's own tool would use in its place,
// nil when that is nothing.
type value struct {
	node *doc.Node
	// absent means AWS::NoValue or a property that is not there.
	absent bool
	// hollow means that a part of node has no value at all and is missing in it.
	hollow   bool
	problems []problem
}

// problem is one reason why an expression has no certain value.
type problem struct {
	at            diag.Range
	code, summary string
	hint          string
}

func known(n *doc.Node) value { return value{node: n} }

func absent() value { return value{absent: true} }

// certain reports whether v is there and was resolved.
func (v value) certain() bool { return v.node != nil && !v.absent && len(v.problems) == 0 }

// instead is v with a value to use although it is not certain.
func (v value) instead(n *doc.Node) value {
	v.node = n
	return v
}

// with is v with further problems.
func (v value) with(problems ...problem) value {
	v.problems = also(v.problems, problems...)
	return v
}

// including is v, of which part is an element.
func (v value) including(part value) value {
	v.hollow = v.hollow || part.hollow || part.node == nil && !part.absent
	return v.with(part.problems...)
}

// maxProblems bounds the reasons that are kept for one value. They would
// double at every step as texts do, and the first few are what a reader needs.
const maxProblems = 16

// also is list and those of more that it lacks.
func also(list []problem, more ...problem) []problem {
	list = slices.Clip(list)
	for _, p := range more {
		if len(list) < maxProblems && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// text is v as CloudFormation writes it into a text; ok is false when v is
// neither text, number nor boolean.
func (v value) text() (text string, ok bool) {
	if !v.node.IsScalar() {
		return "", false
	}
	return scalarText(v.node), true
}

// scalarText writes a scalar by its value: true, 8 for 010, 1.5 for 1.50, and
// 1.0 for a float that happens to be whole.
func scalarText(n *doc.Node) string {
	switch v := n.Value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		s := doc.FormatFloat(v)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s
	case string:
		return v
	}
	return ""
}

// call is one use of an intrinsic function.
type call struct {
	*stack
	// name is the function as the file writes it: "!Ref" or "Fn::Join".
	name string
	arg  *doc.Node
	at   diag.Range
}

// fail is a value that cannot be resolved, for the given reason.
func (c call) fail(code, format string, args ...any) value {
	return c.failHint("", code, format, args...)
}

func (c call) failHint(hint, code, format string, args ...any) value {
	p := problem{at: c.at, code: code, summary: c.name + " " + fmt.Sprintf(format, args...), hint: hint}
	return value{problems: []problem{p}}
}

// malformed says what the function's argument should be.
func (c call) malformed(want string) value {
	return c.fail("intrinsic-arguments", "takes %s", want)
}

// ok is a text that the call comes to.
func (c call) ok(text string) value {
	if len(text) > maxText {
		return c.tooLong()
	}
	return known(doc.NewString(text, c.at))
}

func (c call) tooLong() value {
	return c.fail("too-long", "makes a text of more than %d bytes", maxText)
}

// isIntrinsic reports whether n has the form of a function call: a map of one
// entry that is named for a function.
func isIntrinsic(n *doc.Node) bool {
	if !n.Is(doc.Map) || len(n.Pairs) != 1 {
		return false
	}
	key := n.Pairs[0].Key
	return key == "Ref" || strings.HasPrefix(key, "Fn::") && !strings.HasPrefix(key, loopPrefix) ||
		key == "Condition" && n.Pairs[0].Value.IsScalar()
}

// written is the function's name in the form that the file uses.
func written(p doc.Pair) string {
	if p.Value != nil && p.KeyRange == p.Value.Range || p.Key == "Fn::GetAtt" && p.KeyRange == getAttRange(p.Value) {
		return "!" + strings.TrimPrefix(p.Key, "Fn::")
	}
	return p.Key
}

func getAttRange(n *doc.Node) diag.Range {
	if n.Is(doc.List) && len(n.Items) > 0 {
		return n.Items[0].At()
	}
	return n.At()
}

// eval resolves n and everything in it.
func (s *stack) eval(n *doc.Node) value {
	switch {
	case n == nil:
		return absent()
	case isIntrinsic(n):
		return s.evalCall(n)
	case n.Kind == doc.Map:
		return s.evalMap(n)
	case n.Kind == doc.List:
		return s.evalList(n)
	}
	return known(n).with(dynamicReferences(n)...)
}

// dynamicReferences are the problems of a text that CloudFormation fills from
// another service when it deploys.
func dynamicReferences(n *doc.Node) []problem {
	if !n.Is(doc.String) || !strings.Contains(n.Text, "{{resolve:") {
		return nil
	}
	_, rest, _ := strings.Cut(n.Text, "{{resolve:")
	ref, _, closed := strings.Cut(rest, "}}")
	if !closed {
		return nil
	}
	return []problem{{
		at: n.Range, code: "dynamic-reference",
		summary: fmt.Sprintf("{{resolve:%s}} is known to AWS only", ref),
	}}
}

// evalCall resolves one function call, each call of the file once.
func (s *stack) evalCall(n *doc.Node) value {
	if done, ok := s.memo[n]; ok {
		return done
	}
	pair := n.Pairs[0]
	c := call{stack: s, name: written(pair), arg: pair.Value, at: n.Range}
	if s.busy[n] {
		return c.fail("reference-cycle", "refers to itself by way of other values")
	}
	s.busy[n] = true
	v := c.run(pair.Key)
	v = v.with(dynamicReferences(v.node)...)
	v.absent = v.node == nil && len(v.problems) == 0 // so that a value is there, absent or explained
	delete(s.busy, n)
	s.memo[n] = v
	return v
}

func (c call) run(key string) value {
	fn, ok := c.loading.intrinsics[key]
	if !ok {
		return c.unknownFunction(key)
	}
	return fn(c)
}

func (c call) unknownFunction(key string) value {
	names := slices.Sorted(maps.Keys(c.loading.intrinsics))
	return c.failHint(suggestion(key, names), "unknown-intrinsic", "is not a function that lambkin knows")
}

// evalMap resolves the values of a map. Entries that are AWS::NoValue, or that
// have no value at all, are left out.
func (s *stack) evalMap(n *doc.Node) value {
	n = s.included(s.unrolled(n))
	out := &doc.Node{Kind: doc.Map, Range: n.Range, Pairs: make([]doc.Pair, 0, len(n.Pairs))}
	all := known(out)
	for _, p := range n.Pairs {
		v := s.eval(p.Value)
		all = all.including(v)
		if v.node != nil {
			out.Pairs = append(out.Pairs, doc.Pair{Key: p.Key, KeyRange: p.KeyRange, Value: v.node})
		}
	}
	return all
}

// evalList resolves the elements of a list, likewise.
func (s *stack) evalList(n *doc.Node) value {
	out := &doc.Node{Kind: doc.List, Range: n.Range, Items: make([]*doc.Node, 0, len(n.Items))}
	all := known(out)
	for _, item := range n.Items {
		v := s.eval(item)
		all = all.including(v)
		if v.node != nil {
			out.Items = append(out.Items, v.node)
		}
	}
	return all
}

// args resolves a call's list of min to max arguments without looking into
// them; ok is false when there are more or fewer.
func (c call) args(least, most int) (items []*doc.Node, ok bool) {
	list := c.arg
	if isIntrinsic(list) {
		list = c.eval(list).node
	}
	if !list.Is(doc.List) || len(list.Items) < least || len(list.Items) > most {
		return nil, false
	}
	return list.Items, true
}

// argText resolves one argument that must be text. The value is the failure
// when ok is false.
func (c call) argText(n *doc.Node, what string) (string, value, bool) {
	v := c.eval(n)
	text, ok := v.text()
	switch {
	case ok:
		return text, v, true
	case len(v.problems) > 0:
		return "", value{problems: v.problems}, false
	}
	return "", c.fail("intrinsic-arguments", "needs text as %s", what), false
}
