package sls

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// environment is what ${env:…} reads: the caller's environment and, below it,
// the .env files of the service.
func (r *resolver) environment() map[string]string {
	if r.env != nil {
		return r.env
	}
	// What says whether there is a .env file must do without it.
	r.env = maps.Clone(r.opts.Env)
	if r.env == nil {
		r.env = map[string]string{}
	}
	a, p := r.walk(r.root, "", "useDotenv")
	if p != nil {
		r.notes = append(r.notes, p.Diagnostic)
		return r.env
	}
	stage, _ := r.stage() // a problem is reported where the stage matters
	names := []string{".env." + stage, ".env"}
	// Version 4 reads both files, asked or not, and expands nothing; before, a
	// service had to ask, and got one.
	later, more := r.isVersion4(), paths(a.node)
	if later && !(a.node.Is(doc.Bool) && !truthy(a.node)) || more != nil {
		for _, name := range append(more, names...) {
			r.readDotenv(name, false)
		}
		return r.env
	}
	if !later && truthy(a.node) && !r.readDotenv(names[0], true) {
		r.readDotenv(names[1], true)
	}
	return r.env
}

// dotenvPlugin are the variables of the files that serverless-dotenv-plugin
// reads; the most specific file wins.
func (s *service) dotenvPlugin() []doc.Pair {
	if path := s.text("custom.dotenv.path"); path != "" {
		return s.merged([]string{path})
	}
	env := s.environment()
	name := cmp.Or(env["NODE_ENV"], s.stageName, "development")
	names := []string{".env." + name + ".local", ".env." + name, ".env.local", ".env"}
	if name == "test" {
		names = slices.Delete(names, 2, 3) // its runs are to be the same everywhere
	}
	base := s.text("custom.dotenv.basePath")
	for i := range names {
		names[i] = base + names[i]
	}
	return s.merged(names)
}

// merged are the variables of several files; the first that has one wins.
func (s *service) merged(names []string) []doc.Pair {
	var all []doc.Pair
	for _, name := range names {
		src, err := readRegular(s.abs(name))
		if err != nil {
			continue
		}
		pairs := doc.ParseDotenv(src, filepath.Join(filepath.Dir(s.file), name))
		if s.text("custom.dotenv.variableExpansion") != "false" {
			pairs = doc.ExpandDotenv(pairs, s.opts.Env)
		}
		for _, pair := range pairs {
			if !slices.ContainsFunc(all, func(have doc.Pair) bool { return have.Key == pair.Key }) {
				all = append(all, pair)
			}
		}
	}
	return all
}

// paths are the files that useDotenv names, nil when it names none.
func paths(n *doc.Node) []string {
	if text, ok := n.Str(); ok && text != "" {
		return []string{text}
	}
	var names []string
	if n.Is(doc.List) {
		for _, item := range n.Items {
			if text, ok := item.Str(); ok {
				names = append(names, text)
			}
		}
	}
	return names
}

// version4 matches a range of versions of the framework that begins with its fourth.
var version4 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\^~>=v ]*4(\D|$)`) })

// isVersion4 reports whether the service is for version 4 of the framework.
func (r *resolver) isVersion4() bool {
	a, p := r.walk(r.root, "", "frameworkVersion")
	return p == nil && a.node.IsScalar() && version4().MatchString(scalarText(a.node))
}

// readDotenv adds the variables of a file; false when it is not there.
func (r *resolver) readDotenv(name string, expand bool) bool {
	shown, path := filepath.Join(filepath.Dir(r.file), name), filepath.Join(r.dir, name)
	if filepath.IsAbs(name) {
		shown, path = name, name
	}
	src, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		r.notes.Errorf(diag.Range{File: shown}, "dotenv", "reading the file: %v", err)
		return true
	}
	pairs := doc.ParseDotenv(src, shown)
	if expand {
		pairs = doc.ExpandDotenv(pairs, r.opts.Env)
	}
	for _, pair := range pairs {
		if _, there := r.env[pair.Key]; !there {
			r.env[pair.Key] = pair.Value.Text
			r.dotenv = append(r.dotenv, pair)
		}
	}
	return true
}
