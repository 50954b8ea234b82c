package script

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// Error is what is wrong in a file of the user's. Its Range is the line at
// fault, or only the file where nothing tells more. The codes are
//
//	script-read      the file cannot be read
//	script-syntax    it is not JavaScript or TypeScript
//	script-module    a module that it needs is not there
//	script-error     it threw, or a promise of its was rejected
//	script-value     its value has no JSON text
//	script-unsettled it waits for what can happen no more
//	script-exit      it ended the process
//	script-timeout   it took too long
//	script-node      this version of Node.js cannot run it
type Error struct {
	diag.Diagnostic
	// Stack is JavaScript's stack, "" when there is none; Node.js's own frames
	// are left out.
	Stack string
}

func (s script) whole() diag.Range { return diag.Range{File: s.name} }

func (s script) problem(code, format string, args ...any) *Error {
	return &Error{Diagnostic: diag.Diagnostic{
		Severity: diag.Error, Code: code, Range: s.whole(), Summary: fmt.Sprintf(format, args...),
	}}
}

// failure is the error that a script threw.
func (e *Engine) failure(s script, t *thrown) *Error {
	text, more, _ := strings.Cut(t.Text, "\n")
	err := s.problem("script-error", "%q failed: %s", s.name, text)
	switch {
	case t.Kind == "unsettled":
		err = s.problem("script-unsettled", "%q waits for a promise that nothing can settle any more", s.name)
		err.Hint = "see that every promise is resolved or rejected, also where something fails"
		return err
	case t.Kind == "value":
		return s.problem("script-value", "%q gives %s", s.name, strings.TrimPrefix(text, "Error: "))
	case t.Kind == "node":
		err = s.problem("script-node", "%q needs a newer Node.js: %s", s.name, strings.TrimPrefix(text, "Error: "))
		err.Hint = "use Node.js 20 or newer, or do without await at the top level and packages that can only be imported"
		return err
	case t.Name == "SyntaxError":
		err.Code = "script-syntax"
	case t.Code == "MODULE_NOT_FOUND" || t.Code == "ERR_MODULE_NOT_FOUND":
		err.Code = "script-module"
		err.Hint = missingModule(text)
		more = "" // Node.js lists the files that led there, which the stack does too
	case t.Old:
		err.Hint = "since version 3 of the framework a function gets {options, resolveVariable, resolveConfigurationProperty}, not the framework"
	}
	err.Stack = ownFrames(t.Stack)
	err.locate(s, t.Stack)
	err.Detail = strings.TrimSpace(more)
	if err.Code == "script-syntax" && err.Range.Start.Line == 0 {
		// Node.js does not tell where an ES module is wrong. The bundler does,
		// in its own words.
		if b := e.bundle(s, esModule); b.err != nil {
			b.err.Stack = err.Stack
			return b.err
		}
	}
	return err
}

// exited is the error of a script that ended the process.
func (s script) exited(x exit) error {
	err := s.problem("script-exit", "%q ended Node.js with exit status %d", s.name, x.Code)
	err.Hint = "give a value, or throw an error that says what is wrong"
	err.Stack = ownFrames(x.Stack)
	err.locate(s, x.Stack)
	return err
}

var (
	moduleName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`Cannot find (?:module|package) '([^']+)'`) })
	frame      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s+at (?:.*? \()?(?:async )?(.+?):(\d+):(\d+)\)?$`) })
	syntaxAt   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\S.*):(\d+)$`) })
)

// missingModule says how a module comes to be there.
func missingModule(text string) string {
	m := moduleName().FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(m[1], ".") || filepath.IsAbs(m[1]) {
		return "is the path right? An import of an ES module needs the file's ending"
	}
	name := strings.SplitN(m[1], "/", 3)
	if strings.HasPrefix(name[0], "@") && len(name) > 1 {
		name[0] += "/" + name[1]
	}
	return fmt.Sprintf("install it in the service's folder: npm install %s", name[0])
}

// locate finds the line at fault: the first of a stack that is not in a
// package, else the first in a file.
func (err *Error) locate(s script, stack string) {
	lines := strings.Split(stack, "\n")
	if m := syntaxAt().FindStringSubmatch(lines[0]); m != nil && filepath.IsAbs(framePath(m[1])) {
		err.Range = s.at(framePath(m[1]), number(m[2]), 1)
		if len(lines) > 2 && strings.HasSuffix(strings.TrimRight(lines[2], "^~"), " ") {
			err.Range.Start.Column = strings.IndexAny(lines[2], "^~") + 1
		}
		return
	}
	found := false
	for _, line := range lines {
		m := frame().FindStringSubmatch(line)
		if m == nil || !filepath.IsAbs(framePath(m[1])) || isOwn(line) {
			continue
		}
		path := framePath(m[1])
		inPackage := strings.Contains(filepath.ToSlash(path), "/node_modules/")
		if !found || !inPackage {
			err.Range = s.at(path, number(m[2]), number(m[3]))
			found = true
		}
		if !inPackage {
			return
		}
	}
}

func (s script) at(path string, line, column int) diag.Range {
	r := diag.Range{File: s.show(path), Start: diag.Pos{Line: line, Column: column}}
	if n := len([]rune(places(path))); r.Start.Line == 1 && r.Start.Column > n {
		r.Start.Column -= n // what a bundle has before the first line
	}
	return r
}

// number reads digits that a pattern has found.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0 // more than there can be
	}
	return n
}

// framePath is the path of a file in a stack, which may be a URL.
func framePath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "file" {
		return text
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.FromSlash(path)
}

// isOwn tells frames of Node.js and of lambkin's own half.
func isOwn(line string) bool {
	return strings.Contains(line, "node:") || strings.Contains(line, hostName)
}

// ownFrames leaves out of a stack what is not the user's.
func ownFrames(stack string) string {
	var kept []string
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(strings.TrimSpace(line), "at ") && isOwn(line) {
			continue
		}
		kept = append(kept, line)
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}
