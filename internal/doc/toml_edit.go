package doc

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// ErrTOMLForm says that a document holds a table in a form that [SetTOML] does
// not add to: an inline table, dotted keys or a list of tables.
var ErrTOMLForm = errors.New("the table is not written as one with a header of its own")

// SetTOML returns the document with key set to value in the table at path. The
// rest of it, comments too, stays as it is; the table is added at the end when
// there is none. value is a string, bool, int or a slice of strings or ints.
// src must be a document that [ParseTOML] reads.
func SetTOML(src []byte, path []string, key string, value any) ([]byte, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	text := tomlText(value)
	e := findTOML(src, path, key)
	var out []byte
	switch {
	case e.end > e.start:
		out = slices.Concat(src[:e.start], []byte(text), src[e.end:])
	case e.after > 0:
		line := lineEnd(src, e.after)
		out = slices.Concat(src[:line], brokenLine(src[:line]), []byte(tomlKey(key)+" = "+text+"\n"), src[line:])
	default:
		out = slices.Concat(src, brokenLine(src))
		if len(out) > 0 {
			out = append(out, '\n')
		}
		quoted := make([]string, len(path))
		for i, part := range path {
			quoted[i] = tomlKey(part)
		}
		out = append(out, "["+strings.Join(quoted, ".")+"]\n"+tomlKey(key)+" = "+text+"\n"...)
	}
	n, diags := ParseTOML(out, "")
	for _, part := range append(slices.Clone(path), key) {
		n = n.Get(part)
	}
	if diags.HasErrors() || n == nil { // nil where the path leads through a list
		return nil, ErrTOMLForm
	}
	return out, nil
}

// edit is where in a document something is to be put: over src[start:end], or
// in a line of its own behind the one that the offset after is in.
type edit struct{ start, end, after int }

// findTOML finds the place of a key in the table with the header [path].
func findTOML(src []byte, path []string, key string) edit {
	var (
		found  edit
		inside bool
		parser unstable.Parser
	)
	parser.Reset(src)
	for parser.NextExpression() {
		e := parser.Expression()
		names, last := keyParts(e)
		if e.Kind != unstable.KeyValue {
			if inside = e.Kind == unstable.Table && slices.Equal(names, path); inside {
				found.after = int(last.Raw.Offset + last.Raw.Length)
			}
			continue
		}
		if !inside {
			continue
		}
		found.after = int(e.Raw.Offset + e.Raw.Length)
		if len(names) == 1 && names[0] == key {
			found.start, found.end = valueSpan(src, e, last)
			return found
		}
	}
	return found
}

func keyParts(e *unstable.Node) (names []string, last *unstable.Node) {
	keys := e.Key()
	for keys.Next() {
		last = keys.Node()
		names = append(names, string(last.Data))
	}
	return names, last
}

// lineEnd is the offset of the line behind the one that offset is in.
func lineEnd(src []byte, offset int) int {
	if i := bytes.IndexByte(src[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(src)
}

// brokenLine is the line feed that src lacks at its end.
func brokenLine(src []byte) []byte {
	if len(src) == 0 || src[len(src)-1] == '\n' {
		return nil
	}
	return []byte("\n")
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlKey(key string) string {
	if bareKey.MatchString(key) {
		return key
	}
	return tomlString(key)
}

// tomlText writes a value as TOML.
func tomlText(value any) string {
	switch v := value.(type) {
	case string:
		return tomlString(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case []string:
		parts := make([]string, len(v))
		for i, s := range v {
			parts[i] = tomlString(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []int:
		parts := make([]string, len(v))
		for i, n := range v {
			parts[i] = strconv.Itoa(n)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	panic("doc: a TOML value of another type than SetTOML takes")
}

// tomlString is a basic string, whose escapes are JSON's; DEL must be escaped, too.
func tomlString(s string) string {
	var b bytes.Buffer
	writeJSONString(&b, s)
	return strings.ReplaceAll(b.String(), "\x7f", `\u007F`)
}
