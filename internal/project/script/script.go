// Package script evaluates configuration that is a program in JavaScript or
// TypeScript, with the user's own Node.js: services, files that variables
// name, events. It starts one process and asks it questions; TypeScript is
// bundled in this process first, so that nothing need be installed for it.
package script

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// Options is what an Engine needs to know.
type Options struct {
	// Dir is the scripts' working folder, which is the service's.
	Dir string
	// Env gives the scripts' environment. It is asked before each question, so
	// that what a .env file adds on the way reaches the scripts too; it must not
	// ask the engine itself. nil means an empty environment.
	Env func() map[string]string
	// Args is process.argv behind the interpreter: a program and its
	// arguments. Scripts look for --stage there.
	Args []string
	// Node gives the path of the interpreter. It is asked once, at the first
	// question; its error is the answer to all of them.
	Node func() (string, error)
	// Output takes what the scripts print, standard output and error alike, as
	// it comes and one write at a time; all of it has arrived when Close
	// returns. nil discards it.
	Output io.Writer
	// Timeout is how long a question may take, without the time that the
	// Resolver needs; 0 means a minute.
	Timeout time.Duration
}

// ErrClosed is the answer of an Engine that is closed.
var ErrClosed = errors.New("the scripts' engine is closed")

// Engine runs scripts in one process, which it starts at the first question
// and keeps until Close: what a file does when it is loaded happens once. After
// a script has ended the process, the next question starts a new one.
//
// Its methods may be called from several goroutines, and from a Resolver that
// answers one of its questions. A question that takes too long, or whose context
// ends, ends the process, and the other questions with it.
type Engine struct {
	opts  Options
	node  func() (string, error)
	stdio bool // the channel is standard input and output: there are no pipes beyond

	mu      sync.Mutex // guards what follows
	process *process
	env     map[string]string // what the process knows
	bundles map[string]bundle // by format and path
	hung    map[string]error  // files that gave no value in time, by path
	closed  bool
}

// New makes an engine that has started nothing yet.
func New(o Options) *Engine {
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Env == nil {
		o.Env = func() map[string]string { return nil }
	}
	return &Engine{
		opts: o, node: sync.OnceValues(o.Node), stdio: runtime.GOOS == "windows",
		bundles: map[string]bundle{}, hung: map[string]error{},
	}
}

// Resolver answers what the functions of a script ask for. Its members are
// called on the goroutine that waits in Value, one after the other, and may
// ask the engine in turn. While they do, what the outer question's functions
// ask for next has to wait, so that an inner one must not need its answer. An
// error of theirs that a function does not handle is what Value returns, as it is.
type Resolver struct {
	// Options are the command's, by long name: strings, booleans, lists of strings.
	Options map[string]any
	// Variable gives the value of the variable ${text}. A nil node is undefined.
	Variable func(text string) (*doc.Node, error)
	// Property gives what the configuration holds at a path, all variables
	// replaced. A nil node is undefined.
	Property func(keys []string) (*doc.Node, error)
	// Text gives the value of a text that holds variables and through which an
	// address leads on.
	Text func(text string) (*doc.Node, error)
}

// Close ends the process with all that it has started in its group, whatever
// it still does, and waits until it is gone. Questions without an answer are
// answered with ErrClosed.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	p := e.process
	e.mu.Unlock()
	if p != nil {
		p.kill(ErrClosed)
		<-p.done
	}
	return nil
}

// Value gives what stands at the address in the exports of file, as the file
// source of the Serverless Framework's version 3 finds it: the export is
// awaited or, when it is a function, called with the resolver; so is each
// member on the way until one function has been called. The keys of a module
// with a default export lead into that, and to a named export only where it
// has no such member. Classes are not called.
//
// The value crosses as JSON does: functions and undefined members are left out
// of maps, dates are ISO texts, NaN is null. Nodes stand in the file, without
// a line. The node is nil when there is no such file or member.
//
// file may be relative to lambkin's working folder; messages name it as it is
// given. Errors are *[Error] for what is wrong in the user's files, the
// resolver's own, the context's, or about starting Node.js.
func (e *Engine) Value(ctx context.Context, file string, address []string, r Resolver) (*doc.Node, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if address == nil {
		address = []string{}
	}
	return e.evaluate(ctx, file, question{Address: &address, Options: r.Options}, r)
}

// Export gives what file exports, its default export where it has one, as the
// framework reads a service: a promise is awaited. A function is called
// without arguments, which the framework does not do. The rest is as Value
// says, but that a missing file is an error.
func (e *Engine) Export(ctx context.Context, file string) (*doc.Node, error) {
	return e.evaluate(ctx, file, question{}, Resolver{})
}

// evaluate asks until it has found a form of the file that this Node.js can
// load: the file itself, or a bundle in one of two formats.
func (e *Engine) evaluate(ctx context.Context, file string, q question, r Resolver) (*doc.Node, error) {
	s, err := newScript(file)
	if err != nil {
		return nil, err
	}
	q.File, q.Module = s.path, s.isModule()
	format := ""
	switch {
	case s.isTypeScript() && q.Module:
		format = esModule
	case s.isTypeScript():
		format = commonJS
	}
	for bundled := false; ; {
		if format != "" {
			b := e.bundle(s, format)
			if b.err != nil {
				return nil, b.err
			}
			q.Format, q.Code = b.format, b.code
			q.Last = bundled
			bundled = true
		}
		a, err := e.ask(ctx, s, q, r)
		if err != nil {
			return nil, err
		}
		if a.Again == "" {
			return s.node(a.Value)
		}
		format = a.Again
	}
}

// ask puts one question and answers what the script asks meanwhile.
func (e *Engine) ask(ctx context.Context, s script, q question, r Resolver) (message, error) {
	if err := ctx.Err(); err != nil {
		return message{}, err
	}
	p, c, err := e.begin(s, &q)
	if err != nil {
		return message{}, err
	}
	defer p.end(c)
	defer context.AfterFunc(ctx, func() { p.kill(ctx.Err()) })()
	left := e.opts.Timeout
	limit := time.AfterFunc(left, func() { e.giveUp(s, p) })
	defer limit.Stop()
	since := time.Now()
	p.send(q)
	for {
		m, ok := c.next(p)
		switch {
		case !ok:
			return m, p.why(s)
		case m.Error != nil && m.Error.Cause > 0:
			return m, p.refusal(m.Error.Cause)
		case m.Error != nil && m.Error.Kind == "unsettled":
			return m, e.failure(s, cmp.Or(p.unseen(), m.Error))
		case m.Error != nil:
			return m, e.failure(s, m.Error)
		case m.Ask == 0:
			return m, nil
		}
		limit.Stop()
		left -= time.Since(since)
		value, err := r.answer(m)
		p.reply(m.Ask, value, err)
		since = time.Now()
		limit.Reset(max(left, 0))
	}
}

// begin registers a question with a process that runs.
func (e *Engine) begin(s script, q *question) (*process, *call, error) {
	env := e.opts.Env()
	node, err := e.node()
	if err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, ErrClosed
	}
	if err := e.hung[s.path]; err != nil {
		return nil, nil, err
	}
	if e.process != nil && e.process.ended() {
		e.process.kill(ErrClosed)
		<-e.process.done
		e.process = nil
	}
	if e.process == nil {
		if e.process, err = start(node, env, e.opts, e.stdio); err != nil {
			return nil, nil, fmt.Errorf("starting %q: %w", node, err)
		}
	} else {
		q.Env = changes(e.env, env)
	}
	e.env = maps.Clone(env)
	c := e.process.begin()
	q.ID = c.id
	return e.process, c, nil
}

// giveUp ends a process that has no value in time. A file is not waited for twice.
func (e *Engine) giveUp(s script, p *process) {
	err := s.problem("script-timeout", "%q gave no value within %v", s.name, e.opts.Timeout)
	err.Hint = "look for a loop, a request without an answer, or a promise that is never resolved"
	if t := p.unseen(); t != nil {
		err = e.failure(s, t)
	}
	e.mu.Lock()
	e.hung[s.path] = err
	e.mu.Unlock()
	p.kill(err)
}

// bundle gives a TypeScript file, or another that Node.js could not load as it
// is, in a form that it can.
func (e *Engine) bundle(s script, format string) bundle {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := format + " " + s.path
	b, ok := e.bundles[key]
	if !ok {
		b = build(s, format)
		e.bundles[key] = b
	}
	return b
}

// changes are what turns one environment into another; nil removes a variable.
func changes(from, to map[string]string) map[string]*string {
	out := map[string]*string{}
	for name, value := range to {
		if old, ok := from[name]; !ok || old != value {
			out[name] = &value
		}
	}
	for name := range from {
		if _, ok := to[name]; !ok {
			out[name] = nil
		}
	}
	return out
}

// answer gives the JSON text of what a script asks for, "" for undefined.
func (r Resolver) answer(m message) (json.RawMessage, error) {
	var n *doc.Node
	err := errors.New("there is nothing to look variables up in")
	switch {
	case m.Variable != nil && r.Variable != nil:
		n, err = r.Variable(*m.Variable)
	case m.Property != nil && r.Property != nil:
		n, err = r.Property(*m.Property)
	case m.Text != nil && r.Text != nil:
		n, err = r.Text(*m.Text)
	}
	if n == nil || err != nil {
		return nil, err
	}
	return n.MarshalJSON()
}

// script is a file of the user's.
type script struct {
	name string // as the user knows it
	path string // absolute, links followed, which is how Node.js knows it
}

func newScript(file string) (script, error) {
	path, err := filepath.Abs(file)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	s := script{name: file, path: path}
	if err != nil {
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err
		}
		return s, s.problem("script-read", "reading %q: %v", file, err)
	}
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return s, s.problem("script-read", "reading %q: it is not a regular file", file)
	}
	return s, nil
}

func (s script) isTypeScript() bool {
	switch strings.ToLower(filepath.Ext(s.path)) {
	case ".ts", ".cts", ".mts":
		return true
	}
	return false
}

// isModule reports whether a file is an ES module by its name or, where the
// name leaves it open, by the package that it is in.
func (s script) isModule() bool {
	switch ext := strings.ToLower(filepath.Ext(s.path)); ext {
	case ".mjs", ".mts":
		return true
	case ".cjs", ".cts":
		return false
	}
	for dir, last := filepath.Dir(s.path), ""; dir != last; dir, last = filepath.Dir(dir), dir {
		data, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err == nil {
			var p struct{ Type string }
			return json.Unmarshal(data, &p) == nil && p.Type == "module"
		}
	}
	return false
}

// show gives another file that a stack names the name that the user knows.
func (s script) show(path string) string {
	rel, err := filepath.Rel(filepath.Dir(s.path), path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return filepath.Join(filepath.Dir(s.name), rel)
}

// node reads the JSON text of a value, nil for none.
func (s script) node(text json.RawMessage) (*doc.Node, error) {
	if text == nil {
		return nil, nil
	}
	n, diags := doc.ParseJSON(text, s.name)
	if n == nil {
		return nil, s.problem("script-value", "%q gives a value that cannot be read: %v", s.name, diags.Err())
	}
	s.place(n)
	return n, nil
}

// place says that a node stands in the file, which is all that is known.
func (s script) place(n *doc.Node) {
	n.Range = s.whole()
	for i := range n.Pairs {
		n.Pairs[i].KeyRange = n.Range
		s.place(n.Pairs[i].Value)
	}
	for _, item := range n.Items {
		s.place(item)
	}
}
