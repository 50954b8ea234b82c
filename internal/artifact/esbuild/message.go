package esbuild

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// messages are esbuild's warnings and errors as diagnostics.
func messages(warnings, errors []api.Message) diag.List {
	var l diag.List
	for _, m := range errors {
		describe(l.Errorf(place(m.Location), "esbuild", "%s", lower(m.Text)), m)
	}
	for _, m := range warnings {
		describe(l.Warnf(place(m.Location), "esbuild", "%s", lower(m.Text)), m)
	}
	return l
}

func describe(d *diag.Diagnostic, m api.Message) {
	if m.ID != "" {
		d.Code = "esbuild-" + m.ID
	}
	if m.Location != nil && m.Location.Suggestion != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", strings.Trim(m.Location.Suggestion, `"'`))
	}
	var notes []string
	for _, n := range m.Notes {
		if d.Hint != "" && strings.HasPrefix(n.Text, "Did you mean ") {
			continue // the same in more words
		}
		text := n.Text
		if at := place(n.Location); at.File != "" {
			text = at.String() + ": " + text
		}
		notes = append(notes, text)
	}
	d.Detail = strings.Join(notes, "\n")
}

// place makes a range of a location: esbuild counts columns in bytes, from 0.
func place(l *api.Location) diag.Range {
	if l == nil {
		return diag.Range{}
	}
	column := characters(l.LineText, l.Column)
	r := diag.Range{File: l.File, Start: diag.Pos{Line: l.Line, Column: column + 1}}
	if l.Length > 0 {
		r.End = diag.Pos{Line: l.Line, Column: characters(l.LineText, l.Column+l.Length) + 1}
	}
	return r
}

func characters(line string, bytes int) int {
	return utf8.RuneCountInString(line[:min(bytes, len(line))])
}

// lower makes a message one of lambkin's: no capital at its start, unless the
// word has more of them, and no full stop.
func lower(text string) string {
	word, _, _ := strings.Cut(text, " ")
	first, size := utf8.DecodeRuneInString(word)
	if strings.IndexFunc(word[size:], unicode.IsUpper) < 0 {
		text = string(unicode.ToLower(first)) + text[size:]
	}
	return strings.TrimSuffix(text, ".")
}
