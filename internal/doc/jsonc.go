package doc

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// ParseJSONC reads one JSON value as [ParseJSON] does, but lets comments, //
// and /* */, and a comma behind the last element stand, as people write them
// in files for themselves.
func ParseJSONC(src []byte, file string) (*Node, diag.List) {
	return ParseJSON(PlainJSON(src), file)
}

// PlainJSON blanks out comments and commas behind last elements. What is left
// keeps its line and column.
func PlainJSON(src []byte) []byte {
	s := jsoncScanner{src: src, out: make([]byte, 0, len(src)), comma: -1}
	for s.pos < len(src) {
		s.step()
	}
	return s.out
}

type jsoncScanner struct {
	src    []byte
	pos    int
	out    []byte
	before byte // the last character that is no blank, 0 at the start
	comma  int  // where in out the comma is that nothing has followed yet, -1 for none
}

// step copies what begins at the current position.
func (s *jsoncScanner) step() {
	rest := s.src[s.pos:]
	switch c := rest[0]; {
	case bytes.HasPrefix(rest, []byte("//")):
		end := bytes.IndexAny(rest, "\r\n")
		if end < 0 {
			end = len(rest)
		}
		s.blank(end)
	case bytes.HasPrefix(rest, []byte("/*")) && bytes.Contains(rest[2:], []byte("*/")):
		s.blank(2 + bytes.Index(rest[2:], []byte("*/")) + 2)
	case strings.IndexByte(" \t\r\n", c) >= 0:
		s.copy(1)
	case c == '"':
		s.before, s.comma = c, -1
		s.copy(stringEnd(rest))
	case c == ',':
		s.comma = -1
		if strings.IndexByte("[{,:\x00", s.before) < 0 {
			s.comma = len(s.out)
		}
		s.before = c
		s.copy(1)
	default:
		if (c == '}' || c == ']') && s.comma >= 0 {
			s.out[s.comma] = ' '
		}
		s.before, s.comma = c, -1
		s.copy(1)
	}
}

func (s *jsoncScanner) copy(n int) {
	s.out = append(s.out, s.src[s.pos:s.pos+n]...)
	s.pos += n
}

// blank writes a blank for each character of a comment, but keeps its lines.
func (s *jsoncScanner) blank(n int) {
	for end := s.pos + n; s.pos < end; {
		r, size := utf8.DecodeRune(s.src[s.pos:end])
		if r == '\n' || r == '\r' {
			s.out = append(s.out, byte(r))
		} else {
			s.out = append(s.out, ' ')
		}
		s.pos += size
	}
}

// stringEnd is the length of the JSON string that s starts with, or of the
// line's rest when no quote ends it.
func stringEnd(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		case '\n':
			return i
		}
	}
	return len(s)
}
