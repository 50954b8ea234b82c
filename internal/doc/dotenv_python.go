package doc

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// ParsePythonDotenv reads a dotenv file as the Python package python-dotenv
// does, which SAM CLI uses: NAME=value, one a line, with an optional "export"
// before it, values in single or double quotes over several lines, comments
// behind a blank and #. ${NAME} and ${NAME:-default} stand for what earlier
// lines give the name, else for what env does, else for the default or
// nothing. A name without an equals sign has Null for a value. A name that
// stands twice keeps its first place and its last value. Lines that are none
// of this are warnings.
func ParsePythonDotenv(src []byte, file string, env map[string]string) ([]Pair, diag.List) {
	text := strings.TrimPrefix(string(src), "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	p := pythonDotenv{dotenvParser: dotenvParser{file: file, src: text, line: 1}, env: env, index: map[string]int{}}
	for p.skipSpace(); p.pos < len(p.src); p.skipSpace() {
		start := diag.Range{File: file, Start: p.place()}
		pair, ok := p.binding()
		switch {
		case !ok:
			p.diags.Warnf(start, "dotenv-syntax", "this is no assignment; the line is left out").Hint = "write NAME=value, with quotes around what has blanks"
			p.skipLine()
		case pair.Key != "":
			p.put(pair)
		}
	}
	return p.pairs, p.diags
}

type pythonDotenv struct {
	dotenvParser
	env   map[string]string
	pairs []Pair
	index map[string]int
	diags diag.List
}

// put adds an assignment whose references are replaced.
func (p *pythonDotenv) put(pair Pair) {
	if text, ok := pair.Value.Str(); ok {
		value := p.expand(text)
		if len(value) > maxDotenvValue {
			p.diags.Errorf(pair.KeyRange, "dotenv-size", "the value of %q is longer than %d bytes when its references are replaced", pair.Key, maxDotenvValue)
			value = ""
		}
		pair.Value = NewString(value, pair.Value.Range)
	}
	if at, again := p.index[pair.Key]; again {
		p.pairs[at] = pair
		return
	}
	p.index[pair.Key] = len(p.pairs)
	p.pairs = append(p.pairs, pair)
}

var pythonReference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{([^}:]*)(?::-([^}]*))?\}`) })

func (p *pythonDotenv) expand(text string) string {
	return pythonReference().ReplaceAllStringFunc(text, func(ref string) string {
		m := pythonReference().FindStringSubmatch(ref)
		if at, ok := p.index[m[1]]; ok {
			return p.pairs[at].Value.Text // "" for Null
		}
		if value, ok := p.env[m[1]]; ok {
			return value
		}
		return m[2]
	})
}

func (p *pythonDotenv) skipSpace() {
	rest := p.src[p.pos:]
	p.advance(len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace)))
}

// binding reads one assignment or comment to the end of its line. The Key is
// "" for a comment; false means that the line is neither.
func (p *pythonDotenv) binding() (Pair, bool) {
	if after, ok := strings.CutPrefix(p.rest(), "export"); ok && after != strings.TrimLeftFunc(after, unicode.IsSpace) {
		p.advance(len("export"))
		p.skipBlanks()
	}
	if strings.HasPrefix(p.rest(), "#") {
		p.skipLine()
		return Pair{}, true
	}
	start := p.place()
	key, size := pythonName(p.src[p.pos:])
	if key == "" {
		return Pair{}, false
	}
	p.advance(size)
	pair := Pair{Key: key, KeyRange: diag.Range{File: p.file, Start: start, End: p.place()}}
	pair.Value = &Node{Kind: Null, Range: pair.KeyRange}
	p.skipBlanks()
	if strings.HasPrefix(p.rest(), "=") {
		p.advance(1)
		p.skipBlanks()
		at := diag.Range{File: p.file, Start: p.place()}
		text, ok := p.pythonValue()
		if !ok {
			return Pair{}, false
		}
		pair.Value = NewString(text, at)
	}
	if !endsLine(p.src[p.pos:]) {
		return Pair{}, false
	}
	p.skipLine()
	return pair, true
}

// pythonName reads the name at the start of s, and how many bytes it takes.
func pythonName(s string) (name string, size int) {
	if quoted, ok := strings.CutPrefix(s, "'"); ok {
		if end := strings.IndexByte(quoted, '\''); end > 0 {
			return quoted[:end], end + 2
		}
		return "", 0
	}
	end := strings.IndexFunc(s, func(r rune) bool { return r == '=' || r == '#' || unicode.IsSpace(r) })
	if end < 0 {
		end = len(s)
	}
	return s[:end], end
}

// pythonValue reads what stands behind the equals sign; false when a quote is
// not closed.
func (p *pythonDotenv) pythonValue() (string, bool) {
	line := p.rest()
	if line == "" {
		return "", true
	}
	if line[0] != '\'' && line[0] != '"' {
		p.advance(len(line))
		return strings.TrimRightFunc(beforeComment(line), unicode.IsSpace), true
	}
	body := p.src[p.pos:]
	end := lastQuote(body)
	if end < 0 {
		return "", false
	}
	p.advance(end + 1)
	escapes := pythonSingle
	if line[0] == '"' {
		escapes = pythonDouble
	}
	return strings.NewReplacer(escapes...).Replace(body[1:end]), true
}

// What a backslash escapes, by the kind of quotes.
var (
	pythonSingle = []string{`\\`, `\`, `\'`, `'`}
	pythonDouble = []string{
		`\\`, `\`, `\'`, `'`, `\"`, `"`, `\a`, "\a", `\b`, "\b", `\f`, "\f", `\n`, "\n", `\r`, "\r", `\t`, "\t", `\v`, "\v",
	}
)

// beforeComment is the part of a line before a blank that # follows.
func beforeComment(line string) string {
	for i := 1; i < len(line); i++ {
		if line[i] == '#' && strings.IndexByte(" \t\v\f", line[i-1]) >= 0 {
			return line[:i]
		}
	}
	return line
}

// lastQuote finds the quote that ends the string at the start of s: the first
// that no backslash precedes, else the last of those that one does; -1 when
// there is neither.
func lastQuote(s string) int {
	escaped := -1
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == s[0]:
			escaped = i + 1
			i++
		case s[i] == s[0]:
			return i
		}
	}
	return escaped
}
