package sls

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// The grammar of variables, in the framework's words:
//
//	variable  = "${" source { "," source } [ "," literal ] "}"
//	source    = type [ "(" [ operand { "," operand } ] ")" ] [ ":" operand ]
//	type      = lower-case letter { letter | digit | "." | "-" }
//	operand   = quoted | text with variables in it
//	literal   = quoted | "true" | "false" | "null" | number
//
// "${" that starts no variable is foreign text: "${AWS::Region}", "${Foo.Arn}"
// and "${ self:x }" stay as they are. "\${" is the text "${"; two backslashes
// before it are one.

// text is a string taken apart. Its literals are not empty.
type text []piece

// piece is a literal or, when variable is set, a variable.
type piece struct {
	literal  string
	variable *variable
}

// variable is one "${…}". The first of its candidates that has a value is taken.
type variable struct {
	source     string // as it stands in the file
	start      int    // offset of source in the string
	candidates []candidate
}

// candidate is one source of a variable or, when kind is "", a literal.
type candidate struct {
	kind    string
	params  []operand
	address *operand
	literal *doc.Node
	start   int // offset in the string
}

// operand is a parameter or an address: a literal or, when that is nil, a text.
type operand struct {
	literal *doc.Node
	text    text
}

// whole is the variable that the text consists of, nil when there is more or less to it.
func (t text) whole() *variable {
	if len(t) != 1 {
		return nil
	}
	return t[0].variable
}

func (t text) add(literal string) text {
	if literal == "" {
		return t
	}
	if n := len(t); n > 0 && t[n-1].variable == nil {
		t[n-1].literal += literal
		return t
	}
	return append(t, piece{literal: literal})
}

// withoutDollars takes dollars away from the end: the framework takes those
// right before a variable for a part of it.
func (t text) withoutDollars() text {
	if n := len(t); n > 0 && t[n-1].variable == nil {
		t[n-1].literal = strings.TrimRight(t[n-1].literal, "$")
		if t[n-1].literal == "" {
			return t[:n-1]
		}
	}
	return t
}

// syntaxError says what is wrong at an offset of a string.
type syntaxError struct {
	code   string
	offset int
	msg    string
	hint   string
}

// maxNesting bounds how deep variables may stand in variables.
const maxNesting = 50

var (
	variableStart = regexp.MustCompile(`^[a-z][a-zA-Z0-9.-]*(\(|: *([^: ]|$))`)
	plainWord     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9. ]+$`) })
	sourceType    = regexp.MustCompile(`^([a-z][a-zA-Z0-9.-]*)([(:])`)
)

// parseText takes a string apart.
func parseText(src string) (text, *syntaxError) {
	p := parser{src: src}
	var out text
	for p.pos < len(src) {
		i := strings.Index(src[p.pos:], "${")
		if i < 0 {
			return out.add(src[p.pos:]), nil
		}
		start := p.pos + i
		before := strings.TrimRight(src[p.pos:start], `\`)
		slashes := start - p.pos - len(before)
		out = out.add(before + strings.Repeat(`\`, slashes/2))
		p.pos = start + len("${")
		if slashes%2 == 1 || !variableStart.MatchString(src[p.pos:]) {
			out = out.add("${")
			continue
		}
		v, err := p.variable(start)
		if err != nil {
			return nil, err
		}
		out = append(out.withoutDollars(), piece{variable: v})
	}
	return out, nil
}

type parser struct {
	src   string
	pos   int
	depth int
}

// peek is the next character, 0 at the end.
func (p *parser) peek() byte {
	if p.pos == len(p.src) {
		return 0
	}
	return p.src[p.pos]
}

func (p *parser) skipBlanks() {
	rest := p.src[p.pos:]
	p.pos += len(rest) - len(strings.TrimLeft(rest, " \t\n"))
}

func (p *parser) fail(code string, offset int, format string, args ...any) *syntaxError {
	return &syntaxError{code: code, offset: offset, msg: fmt.Sprintf(format, args...)}
}

func (p *parser) unterminated(start int) *syntaxError {
	e := p.fail("variable-syntax", start, "a variable is not closed: %q", p.src[start:])
	e.hint = "add the } that ends it"
	return e
}

// variable reads the variable that starts at start; "${" has been read.
func (p *parser) variable(start int) (*variable, *syntaxError) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return nil, p.fail("variable-syntax", start, "variables are nested more than %d deep", maxNesting)
	}
	v := &variable{start: start}
	for {
		p.skipBlanks()
		c, err := p.candidate(start)
		if err != nil {
			return nil, err
		}
		v.candidates = append(v.candidates, c)
		p.skipBlanks()
		switch p.peek() {
		case '}':
			p.pos++
			v.source = p.src[start:p.pos]
			return v, nil
		case ',':
			if c.kind == "" {
				return nil, p.fail("variable-syntax", c.start, "a literal must be the last in its variable")
			}
			p.pos++
		case 0:
			return nil, p.unterminated(start)
		default:
			return nil, p.fail("variable-syntax", p.pos, "unexpected %q in a variable", p.src[p.pos:p.pos+1])
		}
	}
}

// candidate reads one source or literal of the variable that starts at start.
func (p *parser) candidate(start int) (candidate, *syntaxError) {
	c := candidate{start: p.pos}
	if q := p.peek(); q == '\'' || q == '"' {
		s, err := p.quoted(start)
		c.literal = s
		return c, err
	}
	m := sourceType.FindStringSubmatch(p.src[p.pos:])
	if m == nil {
		n, err := p.word(start)
		c.literal = n
		return c, err
	}
	c.kind = m[1]
	p.pos += len(c.kind)
	if p.peek() == '(' {
		p.pos++
		var err *syntaxError
		if c.params, err = p.params(start); err != nil {
			return c, err
		}
		p.skipBlanks()
	}
	if p.peek() == ':' {
		p.pos++
		return c, p.address(&c, start)
	}
	return c, nil
}

// word reads a literal without quotes.
func (p *parser) word(start int) (*doc.Node, *syntaxError) {
	at := p.pos
	end := strings.IndexAny(p.src[at:], ",}")
	if end < 0 {
		return nil, p.unterminated(start)
	}
	word := strings.TrimSpace(p.src[at : at+end])
	n := scalar(word)
	if n == nil {
		err := p.fail("variable-literal", at, "Invalid literal source %q at index %d in %q", word, at, p.src)
		if !plainWord().MatchString(word) || p.src[at+end] == ',' {
			err.msg = fmt.Sprintf("Invalid variable source at index %d in %q", at, p.src)
		}
		if word != "" && !strings.ContainsAny(word, `'"$(:`) {
			err.hint = fmt.Sprintf("put quotes around it: '%s'", word)
		}
		return nil, err
	}
	p.pos = at + end
	return n, nil
}

// params reads the parameters of a source; "(" has been read.
func (p *parser) params(start int) ([]operand, *syntaxError) {
	params := []operand{}
	for {
		p.skipBlanks()
		switch p.peek() {
		case ')':
			p.pos++
			return params, nil
		case ',':
			p.pos++
			params = append(params, operand{literal: nullNode()})
			continue
		}
		o, err := p.operand(start, ",)", "}")
		if err != nil {
			return nil, err
		}
		if len(o.text) == 1 && o.text[0].variable == nil {
			if n := scalar(o.text[0].literal); n != nil {
				o = operand{literal: n}
			}
		}
		params = append(params, o)
		if p.peek() == ',' {
			p.pos++
		}
	}
}

// address reads a source's address; ":" has been read.
func (p *parser) address(c *candidate, start int) *syntaxError {
	p.skipBlanks()
	if p.peek() == ',' || p.peek() == '}' {
		return nil
	}
	// Version 3 takes no colon in an address; version 4 and some names need it.
	o, err := p.operand(start, ",}", "")
	c.address = &o
	return err
}

// operand reads a quoted string or a text up to one of the characters of stop,
// at which it leaves the parser. The characters of bad must not stand in it.
func (p *parser) operand(start int, stop, bad string) (operand, *syntaxError) {
	if q := p.peek(); q == '\'' || q == '"' {
		n, err := p.quoted(start)
		if err != nil {
			return operand{}, err
		}
		p.skipBlanks()
		if c := p.peek(); c != 0 && strings.IndexByte(stop, c) < 0 {
			return operand{}, p.fail("variable-syntax", p.pos, "unexpected %q behind a quoted text", p.src[p.pos:p.pos+1])
		}
		return operand{literal: n}, nil
	}
	var out text
	for {
		i := strings.IndexAny(p.src[p.pos:], "$"+stop+bad)
		if i < 0 {
			return operand{}, p.unterminated(start)
		}
		out = out.add(p.src[p.pos : p.pos+i])
		p.pos += i
		switch c := p.peek(); {
		case strings.IndexByte(stop, c) >= 0:
			return operand{text: trimEnd(out)}, nil
		case c != '$':
			return operand{}, p.fail("variable-syntax", p.pos, "unexpected %q in a variable", string(c))
		case !strings.HasPrefix(p.src[p.pos:], "${"):
			out = out.add("$")
			p.pos++
			continue
		}
		v, err := p.nested()
		if err != nil {
			return operand{}, err
		}
		out = append(out, piece{variable: v})
	}
}

// nested reads a variable within a variable.
func (p *parser) nested() (*variable, *syntaxError) {
	at := p.pos
	p.pos += len("${")
	if !variableStart.MatchString(p.src[p.pos:]) {
		return nil, p.fail("variable-syntax", at, "what stands in a variable must be a variable itself")
	}
	return p.variable(at)
}

// trimEnd takes the white space off the end of a text.
func trimEnd(t text) text {
	n := len(t) - 1
	if n < 0 || t[n].variable != nil {
		return t
	}
	t[n].literal = strings.TrimRight(t[n].literal, " \t\n")
	if t[n].literal == "" {
		return t[:n]
	}
	return t
}
