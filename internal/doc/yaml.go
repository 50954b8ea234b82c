package doc

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
	yaml "go.yaml.in/yaml/v4"
)

// MaxNodes bounds a file's tree with every alias followed. It stands against
// files whose aliases multiply ("billion laughs").
const MaxNodes = 1_000_000

// ParseYAML reads one YAML document. An empty document is a Null node. The
// node is nil when the list has an error that leaves nothing to work with.
func ParseYAML(src []byte, file string, d Dialect) (*Node, diag.List) {
	p := yamlParser{file: file, dialect: d, lines: strings.Split(string(src), "\n")}
	whole := diag.Range{File: file, Start: diag.Pos{Line: 1, Column: 1}}
	if !utf8.Valid(src) {
		p.diags.Errorf(diag.Range{File: file}, "encoding", "not a UTF-8 text").Hint = "save the file as UTF-8"
		return nil, p.diags
	}
	if len(bytes.TrimSpace(src)) == 0 {
		return &Node{Kind: Null, Range: whole}, nil
	}
	var root yaml.Node
	if err := yaml.Load(src, &root); err != nil {
		return p.failed(err, whole)
	}
	if len(root.Content) == 0 {
		return &Node{Kind: Null, Range: whole}, nil
	}
	top := root.Content[0]
	if !p.bounded(top) {
		return nil, p.diags
	}
	p.shared = map[*yaml.Node]*Node{}
	return p.node(top), p.diags
}

type yamlParser struct {
	file    string
	dialect Dialect
	lines   []string
	shared  map[*yaml.Node]*Node // the nodes that anchors name
	diags   diag.List
}

// failed turns the parser's error into a diagnostic.
func (p *yamlParser) failed(err error, whole diag.Range) (*Node, diag.List) {
	var le *yaml.LoadError
	if !errors.As(err, &le) || le.Mark.Line == 0 {
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if le != nil {
			text = strings.TrimPrefix(le.Message, "yaml: ")
		}
		switch text {
		case "no documents in stream": // nothing but comments
			return &Node{Kind: Null, Range: whole}, nil
		case "expected single document, found multiple":
			p.diags.Errorf(whole, "yaml-syntax", "more than one YAML document in the file").Hint = "remove the line with --- and what follows it"
		default:
			p.diags.Errorf(whole, "yaml-syntax", "%s", text)
		}
		return nil, p.diags
	}
	mark, context := le.Mark, le.ContextMark
	spans := le.ContextMsg != "" && context.Line != 0 && context.Line != mark.Line
	if spans && strings.TrimSpace(p.line(mark.Line)) == "" {
		// What was opened is never closed: the place where it is noticed shows nothing.
		mark, context = context, mark
	}
	r := diag.Range{File: p.file, Start: diag.Pos{Line: mark.Line, Column: mark.Column}}
	if open, ok := p.openBracket(); ok && le.Message == "did not find expected node content" {
		r.Start = open // the parser names the place where it missed the end
		p.diags.Errorf(r, "yaml-syntax", "%s", le.Message).Hint = "close the bracket that is open here"
		return nil, p.diags
	}
	d := p.diags.Errorf(r, "yaml-syntax", "%s", le.Message)
	switch {
	case spans && mark == le.ContextMark:
		d.Detail = fmt.Sprintf("%s that starts here and goes on to line %d", le.ContextMsg, context.Line)
	case spans:
		d.Detail = fmt.Sprintf("%s that starts in line %d", le.ContextMsg, context.Line)
	}
	d.Hint = syntaxHint(le.Message)
	if line := p.line(le.Mark.Line); strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		d.Hint = "indent with spaces: YAML does not allow tabs"
	}
	return nil, p.diags
}

// syntaxHint is how the mistake that mostly stands behind a message of the
// parser is mended.
func syntaxHint(msg string) string {
	for _, known := range []struct{ part, hint string }{
		{"did not find expected key", "indent this line like those that it belongs to"},
		{"did not find expected '-' indicator", "start this line with - like the items above it, or indent it like the key that it belongs to"},
		{"did not find expected ',' or", "close the bracket that is open, or put a comma between its elements"},
		{"mapping values are not allowed", "put quotes around a value that contains a colon, or give each key a line of its own"},
		{"block sequence entries are not allowed", "give each item of a list a line of its own"},
		{"found character that cannot start any token", "put quotes around a value that starts with @, % or `"},
		{"unknown anchor", "put quotes around a value that starts with *"},
		{"did not find expected alphabetic or numeric character", "put quotes around a value that starts with * or &"},
		{"found unexpected end of stream", "close the quotes"},
	} {
		if strings.Contains(msg, known.part) {
			return known.hint
		}
	}
	return ""
}

// openBracket finds the last bracket that nothing closes. It looks at
// characters alone, which is enough to tell where a reader has to look.
func (p *yamlParser) openBracket() (diag.Pos, bool) {
	var open []diag.Pos
	quote := rune(0)
	for n := range p.lines {
		before := ' '
		for column, c := range []rune(p.line(n + 1)) {
			switch {
			case quote != 0:
				if c == quote && (quote == '\'' || before != '\\') {
					quote = 0
				}
			case c == '#' && before == ' ':
				c = '\n'
			case c == '"' || c == '\'' && !unicode.IsLetter(before):
				quote = c
			case c == '[' || c == '{':
				open = append(open, diag.Pos{Line: n + 1, Column: column + 1})
			case (c == ']' || c == '}') && len(open) > 0:
				open = open[:len(open)-1]
			}
			if before = c; c == '\n' {
				break
			}
		}
	}
	if len(open) == 0 {
		return diag.Pos{}, false
	}
	return open[len(open)-1], true
}

func (p *yamlParser) line(n int) string {
	if n < 1 || n > len(p.lines) {
		return ""
	}
	return strings.TrimRight(p.lines[n-1], "\r")
}

// behind is what s has from the given column on; ok is false when it has no
// such column.
func behind(s string, column int) (rest string, ok bool) {
	for range column - 1 {
		if s == "" {
			return "", false
		}
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s, column > 0
}

// bounded reports whether the tree with every alias followed is finite and at
// most MaxNodes large, and says so when it is not.
func (p *yamlParser) bounded(top *yaml.Node) bool {
	sizes := map[*yaml.Node]int{} // -1 while the node is being measured
	var measure func(n *yaml.Node) int
	measure = func(n *yaml.Node) int {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind == yaml.ScalarNode {
			return 1
		}
		if s, ok := sizes[n]; ok {
			if s < 0 {
				p.diags.Errorf(p.at(n), "yaml-alias", "this value contains itself through the alias %q", n.Anchor)
				return MaxNodes + 1
			}
			return s
		}
		sizes[n] = -1
		size := 1
		for _, c := range n.Content {
			if size += measure(c); size > MaxNodes {
				break
			}
		}
		sizes[n] = size
		return size
	}
	if measure(top) <= MaxNodes {
		return true
	}
	if !p.diags.HasErrors() {
		p.diags.Errorf(p.at(top), "yaml-alias", "the file grows beyond %d values when its aliases are followed", MaxNodes)
	}
	return false
}

func (p *yamlParser) at(n *yaml.Node) diag.Range {
	return diag.Range{File: p.file, Start: diag.Pos{Line: n.Line, Column: n.Column}}
}

// scalarRange is the range of a scalar; its end is known when it stands on one line.
func (p *yamlParser) scalarRange(n *yaml.Node) diag.Range {
	r := p.at(n)
	rest, ok := behind(p.line(n.Line), n.Column)
	if !ok {
		return r
	}
	tag := ""
	if strings.HasPrefix(rest, "!") || strings.HasPrefix(rest, "&") {
		if i := strings.IndexByte(rest, ' '); i > 0 {
			spaces := len(rest[i:]) - len(strings.TrimLeft(rest[i:], " "))
			tag, rest = rest[:i+spaces], rest[i+spaces:]
		}
	}
	width := -1
	switch {
	case strings.HasPrefix(rest, n.Value) && n.Value != "" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0:
		width = utf8.RuneCountInString(n.Value)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		width = quotedWidth(rest, '"', '\\')
	case n.Style&yaml.SingleQuotedStyle != 0:
		width = quotedWidth(rest, '\'', '\'')
	}
	if width >= 0 {
		r.End = diag.Pos{Line: n.Line, Column: n.Column + utf8.RuneCountInString(tag) + width}
	}
	return r
}

// quotedWidth counts the characters of the quoted string at the start of s,
// quotes included; -1 when it does not end in s.
func quotedWidth(s string, quote, escape rune) int {
	runes := []rune(s)
	for i := 1; i < len(runes); i++ {
		switch {
		case runes[i] == escape && i+1 < len(runes) && (escape != quote || runes[i+1] == quote):
			i++
		case runes[i] == quote:
			return i + 1
		}
	}
	return -1
}

func (p *yamlParser) node(n *yaml.Node) *Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if done, ok := p.shared[n]; ok {
		return done
	}
	out := p.build(n)
	if isShortForm(n.Tag) {
		out = shortForm(n.Tag, out)
	}
	if n.Anchor != "" {
		p.shared[n] = out
	}
	return out
}

func (p *yamlParser) build(n *yaml.Node) *Node {
	switch n.Kind {
	case yaml.MappingNode:
		return p.mapping(n)
	case yaml.SequenceNode:
		out := &Node{Kind: List, Range: p.at(n), Items: make([]*Node, 0, len(n.Content))}
		for _, c := range n.Content {
			out.Items = append(out.Items, p.node(c))
		}
		return out
	}
	return p.scalar(n)
}

func (p *yamlParser) scalar(n *yaml.Node) *Node {
	out := &Node{Text: n.Value, Range: p.scalarRange(n)}
	quoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	out.Plain = !quoted
	switch {
	case n.Tag == "!!binary" && n.Style&yaml.TaggedStyle != 0:
		if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), "")); err == nil {
			out.Text = string(b)
		}
		out.Kind, out.Value = String, out.Text
	case quoted || isShortForm(n.Tag) || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0:
		out.Kind, out.Value = String, n.Value
	default:
		out.Kind, out.Value = p.dialect.resolve(n.Value)
	}
	return out
}

func (p *yamlParser) mapping(n *yaml.Node) *Node {
	out := &Node{Kind: Map, Range: p.at(n), Pairs: make([]Pair, 0, len(n.Content)/2)}
	index := make(map[string]int, len(n.Content)/2)
	var merges []*Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merges = append(merges, p.node(value))
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			p.diags.Errorf(p.at(key), "yaml-key", "a key must be text, not a map or a list").Hint = `put quotes around a value that starts with { or [`
			continue
		}
		pair := Pair{Key: key.Value, KeyRange: p.scalarRange(key), Value: p.node(value)}
		if at, ok := index[pair.Key]; ok {
			reportDuplicate(&p.diags, out.Pairs[at], pair, p.dialect)
			out.Pairs[at] = pair
			continue
		}
		index[pair.Key] = len(out.Pairs)
		out.Pairs = append(out.Pairs, pair)
	}
	for _, m := range merges {
		p.merge(out, index, m)
	}
	return out
}

// merge adds what a merge key (<<) brings: a map's entries, or those of a list
// of maps of which the first wins. The map's own entries win over both.
func (p *yamlParser) merge(out *Node, index map[string]int, from *Node) {
	switch {
	case from.Is(Map):
		for _, pair := range from.Pairs {
			if _, ok := index[pair.Key]; !ok {
				index[pair.Key] = len(out.Pairs)
				out.Pairs = append(out.Pairs, pair)
			}
		}
	case from.Is(List):
		for _, item := range from.Items {
			p.merge(out, index, item)
		}
	default:
		p.diags.Errorf(from.At(), "yaml-merge", "a merge key (<<) needs a map or a list of maps, not %s", from.Kind)
	}
}

// reportDuplicate says that a map has the same key twice: an error in YAML 1.2
// and, as in PyYAML, an overwritten value in YAML 1.1.
func reportDuplicate(l *diag.List, first, second Pair, d Dialect) {
	text := "%q stands in this map twice, first in line %d"
	if d == YAML12 {
		l.Errorf(second.KeyRange, "duplicate-key", text, second.Key, first.KeyRange.Start.Line).Hint = "remove one of the two"
		return
	}
	l.Warnf(second.KeyRange, "duplicate-key", text, second.Key, first.KeyRange.Start.Line).Hint = "the first one is ignored; remove one of the two"
}

// isShortForm reports whether a tag is CloudFormation's short form of a function.
func isShortForm(tag string) bool {
	return len(tag) > 1 && tag[0] == '!' && tag[1] != '!'
}

// shortForm makes `!Sub x` the map that it abbreviates.
func shortForm(tag string, value *Node) *Node {
	name := tag[1:]
	r := value.Range
	switch name {
	case "Ref", "Condition":
	case "GetAtt":
		// Only the first dot parts the resource from the attribute: an
		// attribute such as Outputs.Name has dots of its own.
		if resource, attribute, ok := strings.Cut(value.Text, "."); value.Is(String) && ok {
			value = &Node{Kind: List, Range: r, Items: []*Node{NewString(resource, r), NewString(attribute, r)}}
		}
		name = "Fn::GetAtt"
	default:
		if !strings.HasPrefix(name, "Fn::") {
			name = "Fn::" + name
		}
	}
	return NewMap(name, value, r)
}
