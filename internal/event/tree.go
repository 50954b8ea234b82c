package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// object is a JSON object that keeps the order of its members. The other
// values of a tree are []any, string, json.Number, bool and nil.
type object []member

type member struct {
	key   string
	value any
}

// set gives a member its value: at its place when there is one, else at the end.
func (o object) set(key string, value any) object {
	for i := range o {
		if o[i].key == key {
			o[i].value = value
			return o
		}
	}
	return append(o, member{key, value})
}

// parse reads a JSON text.
func parse(text []byte) (any, error) {
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil { // the decoder's own errors say less
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return parseValue(dec)
}

func parseValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, noEOF(err)
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, noEOF(err)
	case json.Delim('{'):
		o := object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, noEOF(err)
			}
			v, err := parseValue(dec)
			if err != nil {
				return nil, err
			}
			o = o.set(fmt.Sprint(key), v)
		}
		_, err = dec.Token()
		return o, noEOF(err)
	}
	return token, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// compact is a tree's text without any blanks.
func compact(tree any) string {
	var p printer
	p.value(tree, "")
	return string(p.out)
}

// printer writes trees as Python's json module does.
type printer struct {
	indent string // of one level; "" writes everything on one line
	ascii  bool
	out    []byte
}

// value writes a value. newline is what starts a line at the value's depth.
func (p *printer) value(v any, newline string) {
	inner := newline + p.indent
	switch v := v.(type) {
	case object:
		p.out = append(p.out, '{')
		for i, m := range v {
			p.separate(i, inner)
			p.text(m.key)
			p.out = append(p.out, ':')
			if p.indent != "" {
				p.out = append(p.out, ' ')
			}
			p.value(m.value, inner)
		}
		p.close('}', len(v), newline)
	case []any:
		p.out = append(p.out, '[')
		for i, item := range v {
			p.separate(i, inner)
			p.value(item, inner)
		}
		p.close(']', len(v), newline)
	case string:
		p.text(v)
	case nil:
		p.out = append(p.out, "null"...)
	default: // json.Number, bool
		p.out = fmt.Append(p.out, v)
	}
}

// separate goes to the place of the item with the index i.
func (p *printer) separate(i int, newline string) {
	if i > 0 {
		p.out = append(p.out, ',')
	}
	p.out = append(p.out, newline...)
}

func (p *printer) close(bracket byte, items int, newline string) {
	if items > 0 {
		p.out = append(p.out, newline...)
	}
	p.out = append(p.out, bracket)
}

// text writes a string. What is no UTF-8 in it becomes U+FFFD.
func (p *printer) text(s string) {
	p.out = append(p.out, '"')
	for _, c := range s {
		switch i := strings.IndexRune("\"\\\n\r\t\b\f", c); {
		case i >= 0:
			p.out = append(p.out, '\\', `"\nrtbf`[i])
		case c < 0x20, p.ascii && c > '~' && c < 0x10000:
			p.escape(c)
		case p.ascii && c >= 0x10000:
			high, low := utf16.EncodeRune(c)
			p.escape(high)
			p.escape(low)
		default:
			p.out = append(p.out, string(c)...)
		}
	}
	p.out = append(p.out, '"')
}

func (p *printer) escape(c rune) {
	p.out = append(p.out, `\u`...)
	p.out = append(p.out, strconv.FormatInt(int64(c)+0x10000, 16)[1:]...)
}
