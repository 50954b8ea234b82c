package cfn

import (
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// loopPrefix starts the keys of AWS::LanguageExtensions' loops.
const loopPrefix = "Fn::ForEach::"

const languageExtensions = "AWS::LanguageExtensions"

// unrolled is n with its loops replaced by what they make:
//
//	Fn::ForEach::Name: [Identifier, collection, {key with ${Identifier}: body}]
func (s *stack) unrolled(n *doc.Node) *doc.Node {
	if !hasLoop(n) {
		return n
	}
	out := &doc.Node{Kind: doc.Map, Range: n.Range}
	index := map[string]int{}
	for _, p := range n.Pairs {
		pairs := []doc.Pair{p}
		if strings.HasPrefix(p.Key, loopPrefix) {
			pairs = s.loop(p)
		}
		for _, made := range pairs {
			if i, ok := index[made.Key]; ok {
				s.warnLoop(p.KeyRange, "%s makes %q, which is there already", p.Key, made.Key)
				out.Pairs[i] = made
				continue
			}
			index[made.Key] = len(out.Pairs)
			out.Pairs = append(out.Pairs, made)
		}
	}
	return out
}

func hasLoop(n *doc.Node) bool {
	if !n.Is(doc.Map) {
		return false
	}
	for _, p := range n.Pairs {
		if strings.HasPrefix(p.Key, loopPrefix) {
			return true
		}
	}
	return false
}

func (s *stack) warnLoop(at diag.Range, format string, args ...any) *diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Warning, Code: "for-each", Range: at, Summary: fmt.Sprintf(format, args...)}
	s.loading.report.add(d)
	return &d
}

// loop are the entries that one loop makes.
func (s *stack) loop(p doc.Pair) []doc.Pair {
	if !s.extended() {
		s.loading.report.add(diag.Diagnostic{
			Severity: diag.Warning, Code: "for-each", Range: p.KeyRange,
			Summary: "Fn::ForEach works on AWS only with the transform " + languageExtensions,
			Hint:    "add " + languageExtensions + " to Transform, before AWS::Serverless-2016-10-31",
		})
	}
	args := p.Value
	if !args.Is(doc.List) || len(args.Items) != 3 || !args.Items[0].Is(doc.String) || !args.Items[2].Is(doc.Map) {
		s.warnLoop(p.KeyRange, "%s takes a list of an identifier, a collection and a map", p.Key)
		return nil
	}
	collection := s.eval(args.Items[1])
	if !collection.node.Is(doc.List) || len(collection.problems) > 0 {
		s.warnLoop(args.Items[1].At(), "the collection of %s is not a list that is known here", p.Key)
		return nil
	}
	var out []doc.Pair
	for _, item := range collection.node.Items {
		text, ok := known(item).text()
		if !ok {
			s.warnLoop(item.At(), "the collection of %s has an element that is no text", p.Key)
			continue
		}
		r := substitution{identifier: args.Items[0].Text, text: text, copied: &s.loading.copied}
		body := s.unrolled(r.node(args.Items[2]))
		if s.loading.copied > doc.MaxNodes {
			s.warnLoop(p.KeyRange, "%s makes more than %d values", p.Key, doc.MaxNodes)
			return out
		}
		out = append(out, body.Pairs...)
	}
	return out
}

// extended reports whether the template asks for AWS::LanguageExtensions.
func (s *stack) extended() bool {
	transform := s.root.Get("Transform")
	if text, ok := transform.Str(); ok {
		return text == languageExtensions
	}
	if transform.Is(doc.List) {
		for _, item := range transform.Items {
			if text, _ := item.Str(); text == languageExtensions {
				return true
			}
		}
	}
	return false
}

// substitution puts one element of a collection into a loop's body.
type substitution struct {
	identifier, text string
	copied           *int
}

// node is n with the identifier replaced. Where too much was copied already,
// n itself.
func (r substitution) node(n *doc.Node) *doc.Node {
	if *r.copied > doc.MaxNodes || n == nil {
		return n
	}
	*r.copied++
	out := *n
	switch n.Kind {
	case doc.String:
		out.Text = r.replaced(n.Text)
		out.Value = out.Text
		if out.Text != n.Text {
			out.Range.End = diag.Pos{} // the text is not what stands there
		}
	case doc.List:
		out.Items = make([]*doc.Node, len(n.Items))
		for i, item := range n.Items {
			out.Items[i] = r.node(item)
		}
	case doc.Map:
		if name, _ := n.Get("Ref").Str(); name == r.identifier && len(n.Pairs) == 1 {
			return doc.NewString(r.text, n.Range)
		}
		out.Pairs = make([]doc.Pair, len(n.Pairs))
		for i, p := range n.Pairs {
			out.Pairs[i] = doc.Pair{Key: r.replaced(p.Key), KeyRange: p.KeyRange, Value: r.node(p.Value)}
		}
	}
	return &out
}

// replaced puts the text for ${Identifier} and, without what a logical id may
// not have, for &{Identifier}.
func (r substitution) replaced(s string) string {
	if !strings.Contains(s, "{") {
		return s
	}
	s = strings.ReplaceAll(s, "${"+r.identifier+"}", r.text)
	return strings.ReplaceAll(s, "&{"+r.identifier+"}", strings.Map(alphanumeric, r.text))
}

func alphanumeric(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return -1
}
