package doc

import (
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// ParseDotenv reads a dotenv file as the npm package dotenv does: NAME=value
// or "NAME: value", one a line, with an optional "export" before it, values in
// single, double or back quotes over several lines, comments behind #. Lines
// that are none of this are skipped. A name that stands twice keeps its first
// place and its last value. The values are not expanded; see [ExpandDotenv].
func ParseDotenv(src []byte, file string) []Pair {
	text := strings.TrimPrefix(string(src), "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	p := dotenvParser{file: file, src: text, line: 1}
	index := map[string]int{}
	var pairs []Pair
	for p.pos < len(p.src) {
		pair, ok := p.assignment()
		p.skipLine()
		if !ok {
			continue
		}
		if at, again := index[pair.Key]; again {
			pairs[at] = pair
			continue
		}
		index[pair.Key] = len(pairs)
		pairs = append(pairs, pair)
	}
	return pairs
}

type dotenvParser struct {
	file      string
	src       string
	pos       int
	line      int // of pos, from 1
	lineStart int // offset of that line
}

// rest is the current line from the current position on.
func (p *dotenvParser) rest() string {
	line, _, _ := strings.Cut(p.src[p.pos:], "\n")
	return line
}

func (p *dotenvParser) skipLine() {
	p.advance(len(p.rest()))
	if p.pos < len(p.src) {
		p.advance(1)
	}
}

// advance moves n bytes on and keeps count of the lines.
func (p *dotenvParser) advance(n int) {
	passed := p.src[p.pos : p.pos+n]
	if i := strings.LastIndexByte(passed, '\n'); i >= 0 {
		p.line += strings.Count(passed, "\n")
		p.lineStart = p.pos + i + 1
	}
	p.pos += n
}

func (p *dotenvParser) skipBlanks() {
	line := p.rest()
	p.advance(len(line) - len(strings.TrimLeft(line, " \t\v\f\u00a0")))
}

func (p *dotenvParser) place() diag.Pos {
	return diag.Pos{Line: p.line, Column: utf8.RuneCountInString(p.src[p.lineStart:p.pos]) + 1}
}

// assignment reads what stands at the start of a line; false when that is no assignment.
func (p *dotenvParser) assignment() (Pair, bool) {
	p.skipBlanks()
	if after, ok := strings.CutPrefix(p.rest(), "export"); ok {
		name := strings.TrimLeft(after, " \t")
		if name != after && strings.TrimLeft(name, dotenvNameChars) != name {
			p.advance(len("export"))
			p.skipBlanks()
		}
	}
	start := p.place()
	line := p.rest()
	name := line[:len(line)-len(strings.TrimLeft(line, dotenvNameChars))]
	if name == "" {
		return Pair{}, false
	}
	p.advance(len(name))
	pair := Pair{Key: name, KeyRange: diag.Range{File: p.file, Start: start, End: p.place()}}
	if after := p.rest(); strings.HasPrefix(after, ": ") || strings.HasPrefix(after, ":\t") {
		p.advance(1)
	} else {
		p.skipBlanks()
		if !strings.HasPrefix(p.rest(), "=") {
			return Pair{}, false
		}
		p.advance(1)
	}
	p.skipBlanks()
	at := diag.Range{File: p.file, Start: p.place()}
	pair.Value = NewString(p.value(), at)
	return pair, true
}

const dotenvNameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

// value reads what stands behind the equals sign.
func (p *dotenvParser) value() string {
	line := p.rest()
	if line == "" {
		return ""
	}
	quote := line[0]
	if quote != '\'' && quote != '"' && quote != '`' {
		return bare(line)
	}
	value := ""
	if end := closingQuote(p.src[p.pos:]); end > 0 {
		value = p.src[p.pos+1 : p.pos+end]
		p.advance(end + 1)
	} else if value = bare(line); len(value) > 1 && value[len(value)-1] == quote {
		value = value[1 : len(value)-1]
	}
	if quote == '"' {
		value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
	}
	return value
}

// bare is a value without quotes: it ends before a comment.
func bare(line string) string {
	value, _, _ := strings.Cut(line, "#")
	return strings.TrimSpace(value)
}

// closingQuote finds the quote that ends the string at the start of s: the
// first that no backslash precedes or, when more than a comment follows that
// one, the last before it. It returns -1 when there is none.
func closingQuote(s string) int {
	var escaped []int
	end := -1
	for i := 1; i < len(s) && end < 0; i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == s[0]:
			escaped = append(escaped, i+1)
			i++
		case s[i] == s[0]:
			end = i
		}
	}
	if end > 0 && endsLine(s[end+1:]) {
		return end
	}
	for i := len(escaped) - 1; i >= 0; i-- {
		if endsLine(s[escaped[i]+1:]) {
			return escaped[i]
		}
	}
	return -1
}

// endsLine reports whether nothing but a comment stands in the first line of s.
func endsLine(s string) bool {
	line, _, _ := strings.Cut(s, "\n")
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

// maxDotenvValue bounds an expanded value: values that name each other may
// multiply.
const maxDotenvValue = 1 << 20

// ExpandDotenv replaces $NAME, ${NAME} and ${NAME:-default} in the values of a
// dotenv file, as the npm package dotenv-expand does: env wins over the file,
// the file over the default, and what is nowhere is empty. \$ stands for a
// dollar sign. A variable of env is taken as it is; a value of the file may
// name others, before or behind it, and is empty where it names itself.
func ExpandDotenv(pairs []Pair, env map[string]string) []Pair {
	x := dotenvExpansion{env: env, raw: map[string]string{}, done: map[string]string{}, active: map[string]bool{}}
	for _, p := range pairs {
		x.raw[p.Key] = p.Value.Text
	}
	out := make([]Pair, len(pairs))
	for i, p := range pairs {
		value, _ := x.own(p.Key)
		out[i] = Pair{Key: p.Key, KeyRange: p.KeyRange, Value: NewString(value, p.Value.Range)}
	}
	return out
}

type dotenvExpansion struct {
	env, raw, done map[string]string
	active         map[string]bool // the names that are being expanded
}

// own is the expanded value that the file gives name, and whether it gives one.
func (x *dotenvExpansion) own(name string) (string, bool) {
	raw, ok := x.raw[name]
	if !ok || x.active[name] {
		return "", false
	}
	if value, ok := x.done[name]; ok {
		return value, true
	}
	x.active[name] = true
	value := x.expand(raw)
	delete(x.active, name)
	x.done[name] = value
	return value, true
}

func (x *dotenvExpansion) expand(raw string) string {
	var b strings.Builder
	for raw != "" && b.Len() < maxDotenvValue {
		i := strings.IndexByte(raw, '$')
		if i < 0 {
			b.WriteString(raw)
			break
		}
		if i > 0 && raw[i-1] == '\\' {
			b.WriteString(raw[:i-1] + "$")
			raw = raw[i+1:]
			continue
		}
		b.WriteString(raw[:i])
		name, fallback, size := reference(raw[i:])
		if name == "" {
			b.WriteByte('$')
			raw = raw[i+1:]
			continue
		}
		b.WriteString(x.lookup(name, fallback))
		raw = raw[i+size:]
	}
	return b.String()
}

func (x *dotenvExpansion) lookup(name, fallback string) string {
	if value := x.env[name]; value != "" {
		return value
	}
	if value, _ := x.own(name); value != "" {
		return value
	}
	return x.expand(fallback)
}

// reference reads $NAME or ${NAME:-default} at the start of s; name is "" when
// s starts with neither.
func reference(s string) (name, fallback string, size int) {
	body := s[1:]
	braced := strings.HasPrefix(body, "{")
	if braced {
		body = body[1:]
	}
	after := strings.TrimLeft(body, dotenvNameChars[:len(dotenvNameChars)-len(".-")])
	name = body[:len(body)-len(after)]
	if braced && name != "" {
		if def, ok := strings.CutPrefix(after, ":-"); ok {
			fallback, after = splitFallback(def)
		}
		after = strings.TrimPrefix(after, "}")
	}
	return name, fallback, len(s) - len(after)
}

// splitFallback parts a default value from the brace that ends it; braces of
// references in the default are its own.
func splitFallback(s string) (fallback, after string) {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '{' && i > 0 && s[i-1] == '$':
			depth++
		case s[i] == '}' && depth == 0:
			return s[:i], s[i:]
		case s[i] == '}':
			depth--
		}
	}
	return s, ""
}
