package cfn

import (
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// verdict is what a condition comes to. With problems, holds is what the
// project's own tool would take it for.
type verdict struct {
	holds    bool
	problems []problem
}

// ifElse is Fn::If: only the branch that is taken is looked at.
func ifElse(c call) value {
	items, ok := c.args(3, 3)
	if !ok {
		return c.malformed("a list of a condition's name and two values")
	}
	if !items[0].IsScalar() {
		return c.malformed("the name of a condition as its first value")
	}
	// The name as it is written: Yes is a fine name for a condition.
	v := c.condition(c, items[0].Text)
	branch := items[2]
	if v.holds {
		branch = items[1]
	}
	return c.eval(branch).with(v.problems...)
}

// conditionValue is a condition function that stands where a value is asked for.
func conditionValue(c call) value {
	v := c.test(doc.NewMap(keyOf(c.name), c.arg, c.at))
	n := &doc.Node{Kind: doc.Bool, Value: v.holds, Text: map[bool]string{true: "true", false: "false"}[v.holds], Range: c.at}
	return known(n).with(v.problems...)
}

// keyOf is the long form of a function's name.
func keyOf(written string) string {
	switch written {
	case "Condition", "!Condition":
		return "Condition"
	}
	if written[0] == '!' {
		return "Fn::" + written[1:]
	}
	return written
}

// condition is the verdict on a named condition of the template, for the use
// that c makes of it.
func (s *stack) condition(c call, name string) verdict {
	if done, ok := s.verdicts[name]; ok {
		return done
	}
	body := s.section("Conditions").Get(name)
	if body == nil {
		hint := suggestion(name, s.section("Conditions").Keys())
		return verdict{problems: c.failHint(hint, "unknown-condition", "names %q, which is not a condition of the template", name).problems}
	}
	if s.judging[name] {
		return verdict{problems: c.fail("reference-cycle", "names the condition %q, which depends on itself", name).problems}
	}
	s.judging[name] = true
	v := s.test(body)
	delete(s.judging, name)
	s.verdicts[name] = v
	return v
}

// test is the verdict on a condition's expression.
func (s *stack) test(n *doc.Node) verdict {
	if b, ok := boolOf(n); ok {
		return verdict{holds: b}
	}
	c := call{stack: s, name: "the condition", arg: n, at: n.At()}
	if !isIntrinsic(n) {
		return verdict{problems: c.malformed("a condition function such as !Equals").problems}
	}
	pair := n.Pairs[0]
	c = call{stack: s, name: written(pair), arg: pair.Value, at: n.Range}
	switch pair.Key {
	case "Condition":
		return s.condition(c, pair.Value.Text)
	case "Fn::Equals":
		return c.equals()
	case "Fn::Not":
		return c.not()
	case "Fn::And":
		return c.all(true)
	case "Fn::Or":
		return c.all(false)
	}
	v := s.evalCall(n)
	if b, ok := boolOf(v.node); ok {
		return verdict{holds: b, problems: v.problems}
	}
	return verdict{problems: also(v.problems, c.fail("condition", "does not give true or false").problems...)}
}

// boolOf reads true and false, as text too: parameters have no other form.
func boolOf(n *doc.Node) (holds, ok bool) {
	if n.IsScalar() {
		switch scalarText(n) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}

func (c call) equals() verdict {
	items, ok := c.args(2, 2)
	if !ok {
		return verdict{problems: c.malformed("a list of two values").problems}
	}
	a, b := c.eval(items[0]), c.eval(items[1])
	return verdict{holds: comparableText(a) == comparableText(b), problems: also(a.problems, b.problems...)}
}

// comparableText is a value as Fn::Equals sees it: as text, so that 1 equals "1".
func comparableText(v value) string {
	if text, ok := v.text(); ok {
		return text
	}
	text, _ := boundedJSON(v.node)
	return text
}

func (c call) not() verdict {
	items, ok := c.args(1, 1)
	if !ok {
		return verdict{problems: c.malformed("a list of one condition").problems}
	}
	v := c.test(items[0])
	return verdict{holds: !v.holds, problems: v.problems}
}

// all is Fn::And, or Fn::Or when it is asked for false: one certain condition
// of the other kind decides, whatever is not known of the rest.
func (c call) all(and bool) verdict {
	items, ok := c.args(1, 10)
	if !ok {
		return verdict{problems: c.malformed("a list of up to ten conditions").problems}
	}
	out := verdict{holds: and}
	for _, item := range items {
		v := c.test(item)
		if v.holds != and {
			out.holds = !and
			if len(v.problems) == 0 {
				return verdict{holds: !and}
			}
		}
		out.problems = also(out.problems, v.problems...)
	}
	return out
}
