package diag

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// Printer writes diagnostics as text for people:
//
//	template.yaml:14:16: error: !GetAtt refers to "Tabel", which is not a resource
//	   14 |       TABLE: !GetAtt Tabel.Arn
//	      |              ^~~~~~~~~~~~~~~~~
//	hint: did you mean "Table"?
type Printer struct {
	W io.Writer
	// Color switches ANSI colours on.
	Color bool
	// ReadFile returns a file's content for the snippet; nil means os.ReadFile.
	// When it fails the snippet is left out.
	ReadFile func(string) ([]byte, error)

	files map[string][]string
}

const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// Print writes the diagnostics in order.
func (p *Printer) Print(l List) {
	for _, d := range l {
		p.print(d)
	}
}

func (p *Printer) print(d Diagnostic) {
	at := "lambkin"
	if d.Range.File != "" {
		at = d.Range.String()
	}
	word := map[Severity]string{Error: red, Warning: yellow, Note: cyan}[d.Severity]
	fmt.Fprintf(p.W, "%s: %s %s\n", p.paint(bold, at), p.paint(word, d.Severity.String()+":"), d.Summary)
	p.snippet(d.Range)
	for line := range strings.Lines(d.Detail) {
		fmt.Fprintf(p.W, "  %s\n", strings.TrimRight(line, "\n"))
	}
	if d.Hint != "" {
		fmt.Fprintf(p.W, "%s %s\n", p.paint(cyan, "hint:"), d.Hint)
	}
}

func (p *Printer) paint(color, s string) string {
	if !p.Color {
		return s
	}
	return color + s + reset
}

// snippet shows the first line of the range and underlines its part of it.
func (p *Printer) snippet(r Range) {
	lines := p.lines(r.File)
	if r.Start.Line < 1 || r.Start.Line > len(lines) {
		return
	}
	text := []rune(lines[r.Start.Line-1])
	const widest = 160
	if len(text) > widest || r.Start.Column < 1 || r.Start.Column > len(text)+1 {
		return
	}
	end := len(text) + 1
	switch {
	case r.End.Line == 0:
		end = r.Start.Column + 1
	case r.End.Line == r.Start.Line:
		end = min(r.End.Column, end)
	}
	var pad strings.Builder
	for _, c := range text[:r.Start.Column-1] {
		if c != '\t' {
			c = ' '
		}
		pad.WriteRune(c)
	}
	mark := "^" + strings.Repeat("~", max(end-r.Start.Column-1, 0))
	fmt.Fprintf(p.W, "%5d | %s\n", r.Start.Line, string(text))
	fmt.Fprintf(p.W, "      | %s%s\n", pad.String(), p.paint(red, mark))
}

func (p *Printer) lines(file string) []string {
	if file == "" {
		return nil
	}
	if l, ok := p.files[file]; ok {
		return l
	}
	read := p.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	var lines []string
	if src, err := read(file); err == nil && utf8.Valid(src) {
		lines = strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n")
	}
	if p.files == nil {
		p.files = map[string][]string{}
	}
	p.files[file] = lines
	return lines
}
