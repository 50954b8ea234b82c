package doc

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// ParseTOML reads a TOML document, which is always a Map. Dates and times are
// strings. The node is nil when the list has an error.
func ParseTOML(src []byte, file string) (*Node, diag.List) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	p := tomlParser{file: file, src: src}
	// The decoder knows all rules of the language, the parser below only the
	// grammar: which tables may be opened twice, which numbers there are.
	if err := toml.Unmarshal(src, &map[string]any{}); err != nil {
		p.fail(err)
		return nil, p.diags
	}
	root := &Node{Kind: Map, Range: diag.Range{File: file, Start: diag.Pos{Line: 1, Column: 1}}}
	table := root
	var parser unstable.Parser
	parser.Reset(src)
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.Table:
			table = p.open(root, e.Key())
		case unstable.ArrayTable:
			table = p.item(root, e.Key())
		case unstable.KeyValue:
			p.assign(table, e)
		}
	}
	return root, p.diags
}

type tomlParser struct {
	file  string
	src   []byte
	diags diag.List

	line      int // of the offset lineStart, from 1; 0 before the first look-up
	lineStart int
}

// fail turns the decoder's error into a diagnostic.
func (p *tomlParser) fail(err error) {
	r := diag.Range{File: p.file}
	text := strings.TrimPrefix(err.Error(), "toml: ")
	var de *toml.DecodeError
	if errors.As(err, &de) {
		line, column := de.Position() // the column counts bytes
		r.Start = diag.Pos{Line: line, Column: column}
		if lines := bytes.SplitAfter(p.src, []byte("\n")); line >= 1 && line <= len(lines) && column >= 1 {
			before := lines[line-1]
			r.Start.Column = utf8.RuneCount(before[:min(column-1, len(before))]) + 1
		}
	}
	p.diags.Errorf(r, "toml-syntax", "%s", text)
}

// open is the table that a header or a dotted key names, below from; what is
// not there yet is made. A list of tables stands for its last one.
func (p *tomlParser) open(from *Node, keys unstable.Iterator) *Node {
	for keys.Next() {
		from = p.enter(from, keys.Node())
	}
	return from
}

func (p *tomlParser) enter(from *Node, key *unstable.Node) *Node {
	name, at := string(key.Data), p.span(int(key.Raw.Offset), int(key.Raw.Length))
	next := from.Get(name)
	if next == nil {
		next = &Node{Kind: Map, Range: at}
		from.Pairs = append(from.Pairs, Pair{Key: name, KeyRange: at, Value: next})
	}
	if next.Is(List) {
		next = next.Items[len(next.Items)-1]
	}
	return next
}

// item adds a table to the list of tables that a [[header]] names.
func (p *tomlParser) item(from *Node, keys unstable.Iterator) *Node {
	for keys.Next() {
		key := keys.Node()
		if key.Next() != nil && key.Next().Kind == unstable.Key {
			from = p.enter(from, key)
			continue
		}
		name, at := string(key.Data), p.span(int(key.Raw.Offset), int(key.Raw.Length))
		list := from.Get(name)
		if list == nil {
			list = &Node{Kind: List, Range: at}
			from.Pairs = append(from.Pairs, Pair{Key: name, KeyRange: at, Value: list})
		}
		from = &Node{Kind: Map, Range: at}
		list.Items = append(list.Items, from)
	}
	return from
}

// assign puts the value of `key = value` where its key says, below table.
func (p *tomlParser) assign(table *Node, e *unstable.Node) {
	keys := e.Key()
	for keys.Next() {
		key := keys.Node()
		if key.Next() != nil && key.Next().Kind == unstable.Key {
			table = p.enter(table, key)
			continue
		}
		start, end := valueSpan(p.src, e, key)
		at := p.span(start, end-start)
		table.Pairs = append(table.Pairs, Pair{
			Key: string(key.Data), KeyRange: p.span(int(key.Raw.Offset), int(key.Raw.Length)),
			Value: p.value(e.Value(), at),
		})
	}
}

// valueSpan is where the value of an assignment stands, last being the last
// part of its key.
func valueSpan(src []byte, e, last *unstable.Node) (start, end int) {
	end = int(e.Raw.Offset + e.Raw.Length)
	start = int(last.Raw.Offset + last.Raw.Length)
	start += bytes.IndexByte(src[start:end], '=') + 1
	start += len(src[start:end]) - len(bytes.TrimLeft(src[start:end], " \t"))
	return start, end
}

// value makes a node of a value. The parser does not say where lists stand;
// around is where the value of the whole assignment does.
func (p *tomlParser) value(n *unstable.Node, around diag.Range) *Node {
	at := around
	if n.Raw.Length > 0 && n.Kind != unstable.InlineTable {
		at = p.span(int(n.Raw.Offset), int(n.Raw.Length))
	}
	out := &Node{Kind: String, Text: string(n.Data), Range: at}
	children := n.Children()
	switch n.Kind {
	case unstable.Array:
		out.Kind, out.Text = List, ""
		for children.Next() {
			out.Items = append(out.Items, p.value(children.Node(), diag.Range{File: around.File, Start: around.Start}))
		}
		return out
	case unstable.InlineTable:
		out.Kind, out.Text = Map, ""
		for children.Next() {
			p.assign(out, children.Node())
		}
		return out
	case unstable.Bool:
		out.Kind, out.Value, out.Plain = Bool, out.Text == "true", true
	case unstable.Integer:
		out.Plain = true
		out.Kind, out.Value = tomlInteger(out.Text)
	case unstable.Float:
		out.Kind, out.Value, out.Plain = Float, tomlFloat(out.Text), true
	default:
		out.Value = out.Text
	}
	return out
}

func tomlInteger(text string) (Kind, any) {
	// The decoder has refused all that ParseInt would, zeros in front included.
	v, _ := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 0, 64)
	return Int, v
}

func tomlFloat(text string) float64 {
	switch strings.TrimLeft(text, "+-") {
	case "nan":
		return math.NaN()
	case "inf":
		if text[0] == '-' {
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	v, _ := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	return v
}

// span is the range of length bytes from offset on; its end is left out when
// it is on another line. Offsets mostly grow, so it counts lines from the last one.
func (p *tomlParser) span(offset, length int) diag.Range {
	if p.line == 0 || offset < p.lineStart {
		p.line, p.lineStart = 1, 0
	}
	for {
		i := bytes.IndexByte(p.src[p.lineStart:offset], '\n')
		if i < 0 {
			break
		}
		p.line++
		p.lineStart += i + 1
	}
	r := diag.Range{File: p.file, Start: diag.Pos{Line: p.line, Column: utf8.RuneCount(p.src[p.lineStart:offset]) + 1}}
	if raw := p.src[offset : offset+length]; length > 0 && bytes.IndexByte(raw, '\n') < 0 {
		r.End = diag.Pos{Line: p.line, Column: r.Start.Column + utf8.RuneCount(raw)}
	}
	return r
}
