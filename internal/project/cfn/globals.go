package cfn

import (
	"fmt"
	"slices"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// globalSections are the resource kinds that SAM has Globals for.
var globalSections = []string{
	"Api", "CapacityProvider", "Function", "HttpApi", "LayerVersion", "SimpleTable", "StateMachine", "WebSocketApi",
}

// readGlobals finds Globals.Function and checks its spelling.
func (s *stack) readGlobals() {
	globals := s.root.Get("Globals")
	if globals == nil {
		return
	}
	s.warnUnknown(globals, globalSections, "Globals", "")
	s.globals = globals.Get("Function")
	if s.globals.Is(doc.Map) && !isIntrinsic(s.globals) {
		s.warnUnknown(s.globals, functionProperties(serverlessFunction), "Globals.Function", "")
	}
}

// warnUnknown warns of the keys of n that are not among known.
func (s *stack) warnUnknown(n *doc.Node, known []string, where, subject string) {
	if !n.Is(doc.Map) {
		return
	}
	for _, p := range n.Pairs {
		if slices.Contains(known, p.Key) || p.Key == "Fn::Transform" {
			continue
		}
		s.loading.report.add(diag.Diagnostic{
			Severity: diag.Warning, Code: "unknown-property", Range: p.KeyRange, Subject: subject,
			Summary: fmt.Sprintf("%s has the unknown property %q", where, p.Key), Hint: suggestion(p.Key, known),
		})
	}
}

// properties are a resource's properties, with Globals for functions of SAM.
func (s *stack) properties(r *resource) *doc.Node {
	if r.merged != nil {
		return r.merged
	}
	r.merged = s.included(s.unrolled(r.properties()))
	if !r.merged.Is(doc.Map) {
		r.merged = &doc.Node{Kind: doc.Map, Range: r.at}
	}
	if r.typ == serverlessFunction && s.globals.Is(doc.Map) {
		r.merged = merged(s.wantedGlobals(r), r.merged)
	}
	return r.merged
}

// wantedGlobals are Globals.Function without what the resource's IgnoreGlobals
// names: "*" for all of it, or a list of properties for its kind.
func (s *stack) wantedGlobals(r *resource) *doc.Node {
	ignore := r.node.Get("IgnoreGlobals")
	if ignore == nil {
		return s.globals
	}
	if text, _ := ignore.Str(); text == "*" {
		return nil
	}
	unwanted := map[string]bool{}
	for _, item := range ignore.Items {
		unwanted[item.Text] = true
	}
	out := &doc.Node{Kind: doc.Map, Range: s.globals.Range}
	for _, p := range s.globals.Pairs {
		if !unwanted[p.Key] {
			out.Pairs = append(out.Pairs, p)
		}
	}
	return out
}

// merged is global with local on top, as SAM merges: maps entry by entry,
// lists one behind the other, everything else replaced.
func merged(global, local *doc.Node) *doc.Node {
	switch {
	case global == nil || isIntrinsic(global) || isIntrinsic(local):
		return local
	case global.Kind == doc.Map && local.Kind == doc.Map:
		return mergedMaps(global, local)
	case global.Kind == doc.List && local.Kind == doc.List:
		items := append(append(make([]*doc.Node, 0, len(global.Items)+len(local.Items)), global.Items...), local.Items...)
		return &doc.Node{Kind: doc.List, Range: local.Range, Items: items}
	}
	return local
}

func mergedMaps(global, local *doc.Node) *doc.Node {
	out := &doc.Node{Kind: doc.Map, Range: local.Range, Pairs: make([]doc.Pair, 0, len(global.Pairs)+len(local.Pairs))}
	index := make(map[string]int, len(global.Pairs))
	for i, p := range global.Pairs {
		index[p.Key] = i
		out.Pairs = append(out.Pairs, p)
	}
	for _, p := range local.Pairs {
		i, ok := index[p.Key]
		if !ok {
			out.Pairs = append(out.Pairs, p)
			continue
		}
		p.Value = merged(out.Pairs[i].Value, p.Value)
		out.Pairs[i] = p
	}
	return out
}
