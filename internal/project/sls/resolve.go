package sls

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/script"
)

// Bounds on what a service file can make the resolver do.
const (
	maxText     = 1 << 20 // bytes of one string with its variables replaced
	maxRescans  = 10      // strings found through variables that hold variables again
	maxActive   = 500     // strings that wait for each other
	maxExpanded = 200_000 // nodes of one value with all variables replaced, a long text counting as several
)

// problem is why a value has none: what is wrong, and the path of the property
// in which the variable stands.
type problem struct {
	diag.Diagnostic
	path string
}

// resolver gives the values of the configuration their meaning, one at a time
// and only when they are asked for. Values are remembered, so that a variable
// is looked up once however often it is needed.
type resolver struct {
	ctx  context.Context // of the one call of Load
	root *doc.Node
	file string // as the user names it
	dir  string // absolute
	opts project.Options
	now  func() time.Time

	sources map[string]source
	aws     project.Lookups // nil until it is first asked for
	engine  *script.Engine  // nil until it is first asked for
	files   map[string]*included
	done    map[*doc.Node]result

	active  []frame
	rescans int

	env    map[string]string // nil until it is first asked for
	dotenv []doc.Pair        // what the .env files add to it
	// plugged is what serverless-dotenv-plugin reads.
	plugged []doc.Pair
	notes   diag.List // what was found on the way
}

type result struct {
	node    *doc.Node
	problem *problem
}

// frame is a string that is being resolved.
type frame struct {
	node *doc.Node
	path string
}

// value resolves n, the property at path: a string with variables in it is
// replaced by what it stands for. What a map or a list holds is not resolved.
func (r *resolver) value(n *doc.Node, path string) (*doc.Node, *problem) {
	if !n.Is(doc.String) || !strings.Contains(n.Text, "${") {
		return n, nil
	}
	if done, ok := r.done[n]; ok {
		return done.node, done.problem
	}
	if p := r.enter(n, path); p != nil {
		return nil, p
	}
	out, p := r.evaluate(n, path)
	r.active = r.active[:len(r.active)-1]
	r.done[n] = result{out, p}
	return out, p
}

// enter notes that n is being resolved, which it must not be already.
func (r *resolver) enter(n *doc.Node, path string) *problem {
	i := slices.IndexFunc(r.active, func(f frame) bool { return f.node == n })
	if i < 0 && len(r.active) < maxActive {
		r.active = append(r.active, frame{n, path})
		return nil
	}
	if i < 0 {
		return r.fail(n, 0, path, "variable-depth", "%q is more than %d variables away from its value", r.active[0].path, maxActive)
	}
	last := r.active[len(r.active)-1]
	p := r.fail(last.node, 0, last.path, circular, "Circular reference among %q and %q properties", last.path, path)
	if last.node == n {
		p.Summary = couldNot(path, fmt.Sprintf("Circular reference. %q refers to itself", path))
	}
	var circle []string
	for _, f := range r.active[i:] {
		circle = append(circle, strconv.Quote(f.path))
	}
	p.Detail = "They lead to each other: " + strings.Join(append(circle, circle[0]), " -> ") + "."
	p.Hint = "give one of them a value of its own"
	return p
}

func (r *resolver) evaluate(n *doc.Node, path string) (*doc.Node, *problem) {
	t, err := parseText(n.Text)
	if err != nil {
		p := r.fail(n, err.offset, path, err.code, "")
		p.Summary = fmt.Sprintf("Variable syntax error at %q: %s", path, err.msg)
		p.Hint = err.hint
		return nil, p
	}
	return r.compose(n, t, path)
}

// compose gives a text its value: that of its only variable, or a string.
func (r *resolver) compose(n *doc.Node, t text, path string) (*doc.Node, *problem) {
	if v := t.whole(); v != nil {
		return r.variable(n, v, path)
	}
	var b strings.Builder
	for _, piece := range t {
		if piece.variable == nil {
			b.WriteString(piece.literal)
			continue
		}
		value, p := r.variable(n, piece.variable, path)
		if p != nil {
			return nil, p
		}
		if !value.IsScalar() {
			p := r.fail(n, piece.variable.start, path, "variable-not-text", "String value consist of variable which resolve with non-string value")
			p.Detail = fmt.Sprintf("%q is %s, which cannot stand within a text.", piece.variable.source, value.Kind)
			return nil, p
		}
		b.WriteString(scalarText(value))
		if b.Len() > maxText {
			return nil, r.fail(n, 0, path, "variable-too-large", "the text at %q grows beyond %d bytes", path, maxText)
		}
	}
	return doc.NewString(b.String(), n.Range), nil
}

// variable gives the value of the first candidate that has one.
func (r *resolver) variable(n *doc.Node, v *variable, path string) (*doc.Node, *problem) {
	var last answer
	for _, c := range v.candidates {
		if c.kind == "" {
			return r.rescan(&doc.Node{Kind: c.literal.Kind, Text: c.literal.Text, Value: c.literal.Value, Range: n.Range}, path)
		}
		a, p := r.ask(n, v, c, path)
		if p != nil {
			return nil, p
		}
		if a.node != nil && a.node.Kind != doc.Null {
			return a.node, nil
		}
		last = a
	}
	if last.otherwise != nil {
		return last.otherwise, nil
	}
	p := r.fail(n, v.start, path, "variable-missing", "Value not found at %q source", v.candidates[len(v.candidates)-1].kind)
	p.Detail, p.Hint = sentence(last.missing), last.hint
	return nil, p
}

// ask asks one source.
func (r *resolver) ask(n *doc.Node, v *variable, c candidate, path string) (answer, *problem) {
	q := question{n: n, start: v.start, path: path, kind: c.kind, variable: v.source}
	for _, o := range c.params {
		value, p := r.operand(n, o, path)
		if p != nil {
			return answer{}, p
		}
		q.params = append(q.params, value)
	}
	if c.address != nil {
		value, p := r.operand(n, *c.address, path)
		if p != nil {
			return answer{}, p
		}
		if !value.IsScalar() {
			return answer{}, r.fail(n, v.start, path, "variable-address", "Non-string address argument in variable %q source: the address in %q is %s", c.kind, v.source, value.Kind)
		}
		q.address = scalarText(value)
	}
	if value, ok := r.override(q); ok {
		return r.found(q, value)
	}
	kind, region, _ := strings.Cut(c.kind, ".")
	if s, ok := r.sources[kind]; ok && (region == "" || s.regional) {
		return s.find(r, q)
	}
	if named := r.named(c.kind); named != nil {
		return r.fromNamed(q, named)
	}
	return answer{}, r.unknownSource(q, c.start)
}

// unknownSource is the problem of a variable whose source nobody knows.
func (r *resolver) unknownSource(q question, start int) *problem {
	p := r.fail(q.n, start, q.path, "unknown-variable-source", "Unrecognized configuration variable sources: %q", q.kind)
	names := slices.Sorted(maps.Keys(r.sources))
	p.Hint = fmt.Sprintf("the sources are %s; give the variable of a plugin its value: --var-override '%s=…'", strings.Join(names, ", "), q.asks())
	if near := diag.Nearest(q.kind, names); near != "" {
		p.Hint = didYouMean(near)
	}
	return p
}

// override is the value that the caller gives what a variable asks for, with or
// without the parameters.
func (r *resolver) override(q question) (string, bool) {
	if len(r.opts.Overrides) == 0 {
		return "", false
	}
	kind, _, _ := strings.Cut(q.kind, ".")
	for _, name := range []string{q.asks(), q.kind + ":" + q.address, kind + ":" + q.address} {
		if value, ok := r.opts.Overrides[name]; ok {
			return value, true
		}
	}
	return "", false
}

func (r *resolver) operand(n *doc.Node, o operand, path string) (*doc.Node, *problem) {
	if o.literal != nil {
		return o.literal, nil
	}
	return r.compose(n, o.text, path)
}

// rescan resolves a value that a variable gave and that may hold variables again.
func (r *resolver) rescan(n *doc.Node, path string) (*doc.Node, *problem) {
	if r.rescans == maxRescans {
		return nil, r.fail(n, 0, path, "variable-depth", "the value at %q leads from variable to variable without end", path)
	}
	r.rescans++
	defer func() { r.rescans-- }()
	return r.value(n, path)
}

// fail makes the problem of a variable that starts at offset of the string n.
// What it says of variables is what the framework says, since people look for
// its words.
func (r *resolver) fail(n *doc.Node, offset int, path, code, format string, args ...any) *problem {
	p := &problem{path: path}
	p.Severity, p.Code, p.Range = diag.Error, code, within(n, offset)
	p.Summary = fmt.Sprintf(format, args...)
	if strings.HasPrefix(code, "variable-") {
		p.Summary = couldNot(path, p.Summary)
	}
	return p
}

// circular is the code of variables that lead to each other.
const circular = "variable-circle"

func couldNot(path, why string) string {
	return fmt.Sprintf("Cannot resolve variable at %q: %s", path, why)
}

// sentence makes a sentence of what stands in the middle of one.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// within narrows a string's range to what stands at offset, where the string
// stands in the file as it is.
func within(n *doc.Node, offset int) diag.Range {
	r := n.Range
	if r.End.Line == 0 || r.End.Line != r.Start.Line || offset > len(n.Text) {
		return r
	}
	switch r.End.Column - r.Start.Column - utf8.RuneCountInString(n.Text) {
	case 0: // plain
		r.Start.Column += utf8.RuneCountInString(n.Text[:offset])
	case 2: // in quotes, without escapes
		r.Start.Column += utf8.RuneCountInString(n.Text[:offset]) + 1
		r.End.Column--
	}
	return r
}

// walk follows keys from n, which stands at path, and resolves what is on the
// way and what it comes to.
func (r *resolver) walk(n *doc.Node, path string, keys ...string) (answer, *problem) {
	for _, key := range keys {
		value, p := r.value(n, path)
		if p != nil {
			return answer{}, p
		}
		child := member(value, key)
		full := join(path, key)
		if child == nil {
			a := answer{missing: fmt.Sprintf("there is no %q", full)}
			if near := diag.Nearest(key, value.Keys()); near != "" {
				a.hint = didYouMean(join(path, near))
			}
			return a, nil
		}
		n, path = child, full
	}
	value, p := r.value(n, path)
	return answer{node: value, missing: fmt.Sprintf("%q is null", path)}, p
}

func join(path, key string) string {
	if path == "" || strings.HasSuffix(path, ":") { // a file's name and a colon stand before paths in it
		return path + key
	}
	return path + "." + key
}

// member is a map's or a list's element, nil when there is none.
func member(n *doc.Node, key string) *doc.Node {
	if !n.Is(doc.List) {
		return n.Get(key)
	}
	i, err := strconv.Atoi(key)
	if err != nil || i < 0 || i >= len(n.Items) {
		return nil
	}
	return n.Items[i]
}

// deep resolves n with all that it holds.
func (r *resolver) deep(n *doc.Node, path string) (*doc.Node, *problem) {
	e := expansion{r: r, left: maxExpanded, open: map[*doc.Node]bool{}}
	return e.expand(n, path)
}

type expansion struct {
	r    *resolver
	left int
	open map[*doc.Node]bool // maps and lists that n stands in
}

func (e *expansion) expand(n *doc.Node, path string) (*doc.Node, *problem) {
	n, p := e.r.value(n, path)
	if p != nil || n == nil {
		return n, p
	}
	e.left -= 1 + len(n.Text)/100
	if e.left < 0 {
		return nil, e.r.fail(n, 0, path, "variable-too-large", "the value at %q grows too large with its variables replaced", path)
	}
	if n.Kind != doc.Map && n.Kind != doc.List {
		return n, nil
	}
	if e.open[n] {
		return nil, e.r.fail(n, 0, path, "variable-too-large", "the value at %q contains itself", path)
	}
	e.open[n] = true
	defer delete(e.open, n)
	out := &doc.Node{Kind: n.Kind, Range: n.Range}
	for _, pair := range n.Pairs {
		if pair.Value, p = e.expand(pair.Value, join(path, pair.Key)); p != nil {
			return nil, p
		}
		out.Pairs = append(out.Pairs, pair)
	}
	for i, item := range n.Items {
		value, p := e.expand(item, join(path, strconv.Itoa(i)))
		if p != nil {
			return nil, p
		}
		out.Items = append(out.Items, value)
	}
	return out, nil
}
