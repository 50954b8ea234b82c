package doc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// Parse reads a file that may be YAML or JSON, as both peers do: a file that
// looks like JSON is read as JSON, and as YAML when that fails. The message of
// a broken .json file is the JSON reader's.
func Parse(src []byte, file string, d Dialect) (*Node, diag.List) {
	isJSON := strings.EqualFold(filepath.Ext(file), ".json")
	if !isJSON && !bytes.HasPrefix(bytes.TrimSpace(src), []byte("{")) {
		return ParseYAML(src, file, d)
	}
	n, diags := ParseJSON(src, file)
	if !diags.HasErrors() || isJSON {
		return n, diags
	}
	return ParseYAML(src, file, d)
}

// ParseJSON reads one JSON value. A key that stands twice in an object is a
// warning; the last one wins, as it does everywhere.
func ParseJSON(src []byte, file string) (*Node, diag.List) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	p := jsonParser{file: file, src: src, dec: json.NewDecoder(bytes.NewReader(src))}
	p.dec.UseNumber()
	if len(bytes.TrimSpace(src)) == 0 {
		p.diags.Errorf(p.span(0, 0), "json-syntax", "the file is empty, which is not JSON")
		return nil, p.diags
	}
	n, err := p.value()
	if err == nil {
		at := p.next(p.dec.InputOffset())
		if _, more := p.dec.Token(); !errors.Is(more, io.EOF) {
			p.diags.Errorf(p.span(at, at), "json-syntax", "text after the end of the JSON value")
			return nil, p.diags
		}
		return n, p.diags
	}
	p.fail(err)
	return nil, p.diags
}

type jsonParser struct {
	file  string
	src   []byte
	dec   *json.Decoder
	depth int
	lines []int // offsets at which lines start, made when first needed
	// last is the place that was asked for last: columns are counted from it
	// on, since a whole file may stand on one line.
	last struct {
		offset int
		pos    diag.Pos
	}
	diags diag.List
}

func (p *jsonParser) fail(err error) {
	at := p.next(p.dec.InputOffset())
	text := err.Error()
	// The decoder that reads token by token is vague about where an error is;
	// the one that reads all at once points behind the character.
	var all json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(p.src, &all))
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, text = int64(len(bytes.TrimRight(p.src, " \t\r\n"))), "the JSON text ends too early"
	case ok:
		at, text = max(syntax.Offset-1, 0), syntax.Error()
	}
	d := p.diags.Errorf(p.span(at, at), "json-syntax", "%s", strings.TrimPrefix(text, "json: "))
	before := bytes.TrimRight(p.src[:min(at, int64(len(p.src)))], " \t\r\n")
	if at < int64(len(p.src)) && (p.src[at] == '}' || p.src[at] == ']') && bytes.HasSuffix(before, []byte(",")) {
		d.Hint = "remove the comma before it: JSON allows none after the last element"
	}
}

// next is the offset of the first character at or behind from that is no
// white space, comma or colon.
func (p *jsonParser) next(from int64) int64 {
	for from < int64(len(p.src)) && strings.IndexByte(" \t\r\n,:", p.src[from]) >= 0 {
		from++
	}
	return from
}

func (p *jsonParser) span(start, end int64) diag.Range {
	r := diag.Range{File: p.file, Start: p.pos(start)}
	if end > start {
		r.End = p.pos(end)
	}
	return r
}

func (p *jsonParser) pos(offset int64) diag.Pos {
	if p.lines == nil {
		p.lines = []int{0}
		for i, c := range p.src {
			if c == '\n' {
				p.lines = append(p.lines, i+1)
			}
		}
	}
	at := int(min(offset, int64(len(p.src))))
	line := sort.SearchInts(p.lines, at+1)
	from, column := p.lines[line-1], 1
	if p.last.pos.Line == line && p.last.offset <= at {
		from, column = p.last.offset, p.last.pos.Column
	}
	p.last.offset, p.last.pos = at, diag.Pos{Line: line, Column: column + utf8.RuneCount(p.src[from:at])}
	return p.last.pos
}

// maxDepth is how deep maps and lists may nest, which is the YAML parser's limit too.
const maxDepth = 10_000

var errTooDeep = fmt.Errorf("nested deeper than %d levels", maxDepth)

func (p *jsonParser) value() (*Node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errTooDeep
	}
	defer func() { p.depth-- }()
	start := p.next(p.dec.InputOffset())
	tok, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &Node{}
	switch v := tok.(type) {
	case json.Delim:
		n.Range = p.span(start, start)
		if v == '{' {
			n.Kind = Map
			err = p.object(n)
		} else {
			n.Kind = List
			err = p.array(n)
		}
		return n, err
	case string:
		n.Kind, n.Text, n.Value = String, v, v
	case json.Number:
		n.Text = v.String()
		if i, err := v.Int64(); err == nil {
			n.Kind, n.Value = Int, i
		} else {
			f, _ := v.Float64() // out of range is infinite
			n.Kind, n.Value = Float, f
		}
	case bool:
		n.Kind, n.Value, n.Text = Bool, v, map[bool]string{true: "true", false: "false"}[v]
	case nil:
		n.Text = "null"
	}
	n.Range = p.span(start, p.dec.InputOffset())
	return n, nil
}

func (p *jsonParser) object(n *Node) error {
	index := map[string]int{}
	for p.dec.More() {
		start := p.next(p.dec.InputOffset())
		tok, err := p.dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string) // the decoder lets nothing else be a key
		pair := Pair{Key: key, KeyRange: p.span(start, p.dec.InputOffset())}
		if pair.Value, err = p.value(); err != nil {
			return err
		}
		if at, ok := index[key]; ok {
			reportDuplicate(&p.diags, n.Pairs[at], pair, YAML11)
			n.Pairs[at] = pair
			continue
		}
		index[key] = len(n.Pairs)
		n.Pairs = append(n.Pairs, pair)
	}
	_, err := p.dec.Token()
	return err
}

func (p *jsonParser) array(n *Node) error {
	for p.dec.More() {
		item, err := p.value()
		if err != nil {
			return err
		}
		n.Items = append(n.Items, item)
	}
	_, err := p.dec.Token()
	return err
}
