// Package sls loads services of the Serverless Framework. Their variables are
// resolved lazily: what the wanted function does not need is not looked up, so
// a secret that only another function reads is no reason to fail. It reads
// files, runs those that are programs with the user's own Node.js, and asks
// AWS only what nobody else knows.
package sls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// Loader is the project.Loader of Serverless services. The zero Loader is ready for use.
type Loader struct {
	// Now gives the time for ${sls:instanceId}; nil means time.Now.
	Now func() time.Time
}

var _ project.Loader = Loader{}

// Kind returns lambda.KindServerless.
func (Loader) Kind() lambda.Kind { return lambda.KindServerless }

// Names are the files that the framework looks for and lambkin reads, in the framework's order.
func (Loader) Names() []string {
	return []string{
		"serverless.yml", "serverless.yaml", "serverless.json", "serverless.js", "serverless.mjs", "serverless.cjs", "serverless.ts",
	}
}

// Accepts takes maps that have a service, or a provider with functions. It
// also takes what is called serverless.* but cannot be read, for Load to say why.
func (Loader) Accepts(file string, content []byte) bool {
	if isScript(file) {
		return true
	}
	root, _ := doc.Parse(content, file, doc.YAML12)
	if !root.Is(doc.Map) {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		return name == "serverless"
	}
	return root.Get("service") != nil || root.Get("provider") != nil && root.Get("functions") != nil
}

// isScript reports whether a service file is a program.
func isScript(file string) bool {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts":
		return true
	}
	return false
}

// Load reads the service in file, as project.Loader says.
func (l Loader) Load(ctx context.Context, file string, opts project.Options) (p *lambda.Project, diags diag.List) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		diags.Errorf(diag.Range{File: file}, "read", "%v", err)
		return nil, diags
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	r := &resolver{
		ctx: ctx, file: file, dir: dir, opts: opts, now: l.Now,
		sources: sources(), files: map[string]*included{}, done: map[*doc.Node]result{},
	}
	defer func() {
		if err := r.endScripts(); err != nil {
			diags.Errorf(diag.Range{File: file}, "script", "ending Node.js: %v", err)
		}
	}()
	root, diags := r.read()
	if root == nil {
		return nil, diags
	}
	r.root = normalize(root)
	s := &service{diags: diags, names: map[string]resourceName{}, resolver: r}
	return s.load()
}

// read gives the map that the service's file holds, nil when there is none.
func (r *resolver) read() (*doc.Node, diag.List) {
	root, diags := r.parse()
	if root == nil {
		return nil, diags
	}
	if root.Kind == doc.Map {
		return root, diags
	}
	// The words are the framework's, the rest is ours.
	d := diags.Errorf(root.At(), "not-a-map", "Invalid configuration at %q: Plain object expected", filepath.Base(r.file))
	d.Detail = fmt.Sprintf("A service is a map, not %s.", root.Kind)
	d.Hint = `a service starts with "service: its-name" and needs "provider" and "functions"`
	return nil, diags
}

func (r *resolver) parse() (*doc.Node, diag.List) {
	var diags diag.List
	if _, err := os.Stat(r.file); isScript(r.file) && err == nil {
		n, err := r.scripts().Export(r.ctx, r.file)
		if err != nil {
			diags = append(diags, scriptProblem(err, r.file))
			return nil, diags
		}
		if n == nil {
			n = nullNode()
			n.Range = diag.Range{File: r.file}
		}
		return n, nil
	}
	src, err := os.ReadFile(r.file)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		diags.Errorf(diag.Range{File: r.file}, "read", "reading the service: %v", err)
		return nil, diags
	}
	root, diags := doc.Parse(src, r.file, doc.YAML12)
	for i := range diags {
		if diags[i].Severity == diag.Error {
			diags[i].Summary = fmt.Sprintf("Cannot parse %q: %s", filepath.Base(r.file), diags[i].Summary)
		}
	}
	return root, diags
}

// normalize gives the short form "provider: aws" its long form, for variables
// that read ${self:provider.name}.
func normalize(root *doc.Node) *doc.Node {
	out := *root
	out.Pairs = append([]doc.Pair(nil), root.Pairs...)
	if p := out.Pair("provider"); p != nil && p.Value.Is(doc.String) && !strings.Contains(p.Value.Text, "${") {
		p.Value = doc.NewMap("name", p.Value, p.Value.Range)
	}
	return &out
}

// place turns a range into the model's kind of place.
func place(r diag.Range) lambda.Source {
	return lambda.Source{File: r.File, Line: r.Start.Line, Column: r.Start.Column}
}

// quotedList writes names for a message.
func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, ", ")
}

func didYouMean(name string) string { return fmt.Sprintf("did you mean %q?", name) }

func meantToBe(have, want string) string { return fmt.Sprintf("was %q meant to be %q?", have, want) }
