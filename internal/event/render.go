package event

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Templates are JSON. Strings and keys in them hold placeholders, {{option}}
// or {{option|filter}}, of which a filter in trees below stands alone in its
// string and takes the string's place with what it makes. An object whose one
// key is a directive, {{directive}}, is replaced as a whole:
//
//	{"{{text}}": X}        the JSON text of X, as a string
//	{"{{gzip}}": X}        that text, compressed, in base64
//	{"{{merge}}": [X, Y]}  one object with the members of all
//
// Values are put into the tree that a template is parsed to, never into its
// text, so that they may hold anything.
var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\{([A-Za-z0-9-]+)(?:\|([a-z0-9]+))?\}\}`) })

// texts are the filters that make a text of a value.
var texts = map[string]func(string) string{
	"":         func(s string) string { return s },
	"base64":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"md5":      func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) },
	"url":      quote,
	"rooted":   func(s string) string { return "/" + strings.TrimPrefix(s, "/") },
	"relative": func(s string) string { return strings.TrimPrefix(s, "/") },
}

// trees are the filters that make something else of a value, which is JSON.
var trees = map[string]func(any) (any, error){
	"json":   func(v any) (any, error) { return v, nil },
	"list":   list,
	"object": members(func(o object) any { return o }),
	"multi":  members(func(o object) any { return each(o, func(v any) any { return all(v) }) }),
	"joined": members(func(o object) any { return each(o, joined) }),
	"query":  members(query),
}

// quote escapes as Python's urllib.parse.quote does.
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func list(v any) (any, error) {
	if l, ok := v.([]any); ok {
		return l, nil
	}
	return nil, fmt.Errorf("must be a JSON list, not %s", compact(v))
}

// members lifts a filter of objects.
func members(f func(object) any) func(any) (any, error) {
	return func(v any) (any, error) {
		if o, ok := v.(object); ok {
			return f(o), nil
		}
		return nil, fmt.Errorf("must be a JSON object, not %s", compact(v))
	}
}

// each is the object with every value changed.
func each(o object, f func(any) any) object {
	out := object{}
	for _, m := range o {
		out = append(out, member{m.key, f(m.value)})
	}
	return out
}

// all is the texts of a query parameter, which has one or a list.
func all(v any) []any {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	out := []any{}
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			s = compact(item)
		}
		out = append(out, s)
	}
	return out
}

// joined is a query parameter as HTTP APIs show it.
func joined(v any) any {
	var b strings.Builder
	for i, s := range all(v) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, s)
	}
	return b.String()
}

// query is the query string that has an object's parameters.
func query(o object) any {
	var pairs []string
	for _, m := range o {
		for _, v := range all(m.value) {
			pairs = append(pairs, url.QueryEscape(m.key)+"="+url.QueryEscape(fmt.Sprint(v)))
		}
	}
	return strings.Join(pairs, "&")
}

// renderer puts values into a template.
type renderer struct{ values map[string]string }

func (r renderer) render(n any) (any, error) {
	switch n := n.(type) {
	case object:
		if len(n) == 1 {
			if directive, ok := directives[n[0].key]; ok {
				v, err := r.render(n[0].value)
				if err != nil {
					return nil, err
				}
				return directive(v)
			}
		}
		return r.object(n)
	case []any:
		out := []any{}
		for _, item := range n {
			v, err := r.render(item)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case string:
		return r.text(n)
	}
	return n, nil
}

func (r renderer) object(o object) (any, error) {
	out := object{}
	for _, m := range o {
		key, err := r.text(m.key)
		if err != nil {
			return nil, err
		}
		v, err := r.render(m.value)
		if err != nil {
			return nil, err
		}
		out = append(out, member{fmt.Sprint(key), v})
	}
	return out, nil
}

// text replaces the placeholders of a string.
func (r renderer) text(s string) (any, error) {
	var b strings.Builder
	last := 0
	for _, m := range placeholder().FindAllStringSubmatchIndex(s, -1) {
		name, filter := s[m[2]:m[3]], ""
		if m[4] >= 0 {
			filter = s[m[4]:m[5]]
		}
		value, ok := r.values[name]
		if !ok {
			return nil, fmt.Errorf("rendering the template: %q names no option", s)
		}
		if f, ok := trees[filter]; ok && m[0] == 0 && m[1] == len(s) {
			return fromJSON(name, value, f)
		}
		f, ok := texts[filter]
		if !ok {
			return nil, fmt.Errorf("rendering the template: no filter fits %q", s)
		}
		b.WriteString(s[last:m[0]])
		b.WriteString(f(value))
		last = m[1]
	}
	b.WriteString(s[last:])
	return b.String(), nil
}

func fromJSON(name, value string, filter func(any) (any, error)) (any, error) {
	v, err := parse([]byte(value))
	if err != nil {
		return nil, &ValueError{name, "must be JSON: " + err.Error()}
	}
	if v, err = filter(v); err != nil {
		return nil, &ValueError{name, err.Error()}
	}
	return v, nil
}

var directives = map[string]func(any) (any, error){
	"{{text}}":  func(v any) (any, error) { return compact(v), nil },
	"{{gzip}}":  zipped,
	"{{merge}}": merge,
}

func zipped(v any) (any, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(compact(v))); err != nil {
		return nil, fmt.Errorf("compressing the data: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing the data: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func merge(v any) (any, error) {
	out := object{}
	parts, _ := v.([]any)
	for _, part := range parts {
		o, ok := part.(object)
		if !ok {
			return nil, fmt.Errorf("rendering the template: %s cannot be merged", compact(part))
		}
		for _, m := range o {
			out = out.set(m.key, m.value)
		}
	}
	return out, nil
}
