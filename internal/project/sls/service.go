package sls

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// service is a service that is being loaded.
type service struct {
	*resolver
	diags diag.List

	title      string    // the service's name
	provider   *doc.Node // nil when it cannot be had
	stageName  string
	regionName string
	entries    []entry
	plugins    []string
	names      map[string]resourceName // of resources, by logical id
}

// entry is one function of a service, as yet unresolved.
type entry struct {
	key  string
	at   diag.Range // of the key
	node *doc.Node
}

func (e entry) path() string { return "functions." + e.key }

// load makes the project of the service.
func (s *service) load() (*lambda.Project, diag.List) {
	if !s.readProvider() {
		return nil, s.diags
	}
	s.readName()
	var p *problem
	s.stageName, p = s.stage()
	s.reportForAll(p)
	s.regionName, p = s.region()
	s.reportForAll(p)
	s.readPlugins()

	out := &lambda.Project{
		Kind: lambda.KindServerless, Name: s.title, Dir: s.dir, File: s.file, Region: s.regionName,
		Stage: s.stageName, Profile: s.profile(),
	}
	pending := s.readFunctions()
	wanted := s.wanted()
	if len(wanted) == 0 || s.opts.Only == "" {
		for _, p := range pending { // the wanted function may have been in there
			s.reportForAll(p)
		}
	}
	for _, e := range s.entries {
		if s.opts.Only != "" && !slices.Contains(wanted, e.key) {
			out.Functions = append(out.Functions, s.outline(e))
			continue
		}
		if fn := s.build(e); fn != nil {
			out.Functions = append(out.Functions, fn)
		}
	}
	s.environment()
	for _, pair := range s.dotenv {
		out.Inherited = append(out.Inherited, lambda.Variable{Name: pair.Key, Value: pair.Value.Text, Source: place(pair.KeyRange)})
	}
	return out, shareCommon(append(s.diags, s.notes...), out.Functions)
}

// reportForAll adds a problem of the whole service.
func (s *service) reportForAll(p *problem) {
	if p != nil {
		s.diags = append(s.diags, p.Diagnostic)
	}
}

// readProvider reports whether the service is one for AWS.
func (s *service) readProvider() bool {
	top := s.root.Pair("provider")
	if top == nil {
		d := s.diags.Errorf(s.root.At(), "provider-missing", "%q has no \"provider\"", s.file)
		d.Hint = "add: provider: {name: aws}"
		if near := diag.Nearest("provider", s.root.Keys()); near != "" {
			d.Hint = meantToBe(near, "provider")
		}
		return false
	}
	n, p := s.value(top.Value, "provider")
	if p != nil {
		s.reportForAll(p)
		return false
	}
	if !n.Is(doc.Map) {
		s.diags.Errorf(top.Value.At(), "provider", "\"provider\" must be a map, not %s", n.Kind).Hint = "write: provider: {name: aws}"
		return false
	}
	s.provider = n
	name, p := s.walk(n, "provider", "name")
	switch {
	case p != nil:
		s.reportForAll(p)
		return false
	case name.node.Is(doc.String) && name.node.Text == "aws":
		return true
	case name.node.Is(doc.String):
		d := s.diags.Errorf(n.Get("name").At(), "provider", "the service is for the provider %q, not for AWS", name.node.Text)
		d.Hint = "lambkin runs services whose provider.name is aws"
	default:
		s.diags.Errorf(top.KeyRange, "provider", "\"provider\" has no name").Hint = "add: name: aws"
	}
	return false
}

// readName reads the service's name. Its object form is of version 1.
func (s *service) readName() {
	top := s.root.Pair("service")
	if top == nil {
		d := s.diags.Errorf(s.root.At(), "service-missing", "\"service\" property is missing in %s", filepath.Base(s.file))
		d.Hint = "add: service: its-name"
		if near := diag.Nearest("service", s.root.Keys()); near != "" {
			d.Hint = meantToBe(near, "service")
		}
		return
	}
	a, p := s.walk(top.Value, "service")
	if a.node.Is(doc.Map) {
		s.diags.Notef(top.KeyRange, "service-object", "a service with a map for its name is read as in version 1").Hint = "write: service: its-name"
		a, p = s.walk(a.node, "service", "name")
	}
	switch {
	case p != nil:
		s.reportForAll(p)
	case a.node.IsScalar():
		s.title = scalarText(a.node)
	default:
		s.diags.Errorf(top.Value.At(), "service-missing", "\"service\" must be the service's name")
	}
}

// readFunctions finds the functions: a map, or a list of maps of which later
// ones win. Problems are those of parts of the list.
func (s *service) readFunctions() []*problem {
	top := s.root.Pair("functions")
	if top == nil {
		d := s.diags.Warnf(s.root.At(), "no-functions", "the service has no \"functions\"")
		if near := diag.Nearest("functions", s.root.Keys()); near != "" {
			d.Hint = meantToBe(near, "functions")
		}
		return nil
	}
	n, p := s.value(top.Value, "functions")
	if p != nil {
		return []*problem{p}
	}
	parts := []*doc.Node{n}
	if n.Is(doc.List) {
		parts = n.Items
	}
	var problems []*problem
	for i, part := range parts {
		if n.Is(doc.List) {
			if part, p = s.value(part, fmt.Sprintf("functions.%d", i)); p != nil {
				problems = append(problems, p)
				continue
			}
		}
		switch {
		case part.Is(doc.Map):
			s.addFunctions(part)
		case part.Kind != doc.Null:
			problems = append(problems, s.fail(part, 0, "functions", "functions", "functions must be a map by name, not %s", part.Kind))
		}
	}
	return problems
}

func (s *service) addFunctions(part *doc.Node) {
	for _, pair := range part.Pairs {
		e := entry{key: pair.Key, at: pair.KeyRange, node: pair.Value}
		i := slices.IndexFunc(s.entries, func(have entry) bool { return have.key == e.key })
		switch {
		case pair.Value.Kind == doc.Null && i < 0: // dropped
		case i < 0:
			s.entries = append(s.entries, e)
		default:
			s.entries[i] = e
		}
	}
}

// wanted are the keys of the functions that Options.Only may mean.
func (s *service) wanted() []string {
	var byName []string
	for _, e := range s.entries {
		if e.key == s.opts.Only {
			return []string{e.key}
		}
	}
	for _, e := range s.entries {
		n, _ := s.value(e.node, e.path())
		name, p := s.functionName(e.key, n, e.path())
		if p == nil && name == s.opts.Only {
			byName = append(byName, e.key)
		}
	}
	return byName
}

// functionName is the name under which the function n is deployed.
func (s *service) functionName(key string, n *doc.Node, path string) (string, *problem) {
	generated := s.title + "-" + s.stageName + "-" + key
	pair := n.Pair("name")
	if pair == nil {
		return generated, nil
	}
	v, p := s.value(pair.Value, join(path, "name"))
	switch {
	case p != nil:
		return generated, p
	case v.Kind == doc.Null:
		return generated, nil
	case !v.IsScalar():
		return generated, s.fail(pair.Value, 0, join(path, "name"), "bad-value", "a function's name must be a text, not %s", v.Kind)
	}
	return scalarText(v), nil
}

// outline is a function that is not wanted: what can be said of it without
// looking anything up.
func (s *service) outline(e entry) *lambda.Function {
	literal := func(n *doc.Node) string {
		if text, ok := n.Str(); ok && !strings.Contains(text, "${") {
			return text
		}
		return ""
	}
	fn := newFunction(e)
	fn.Name = literal(e.node.Get("name"))
	if e.node.Is(doc.Map) && e.node.Get("name") == nil {
		fn.Name = s.title + "-" + s.stageName + "-" + e.key
	}
	fn.Handler = literal(e.node.Get("handler"))
	fn.Runtime = literal(e.node.Get("runtime"))
	if e.node.Is(doc.Map) && e.node.Get("runtime") == nil && e.node.Get("image") == nil {
		fn.Runtime = defaultRuntime
		if n := s.provider.Get("runtime"); n != nil {
			fn.Runtime = literal(n)
		}
	}
	if e.node.Get("image") != nil {
		fn.PackageType = lambda.Image
	}
	return fn
}

// shareCommon makes one diagnostic of the whole service out of one that every
// function has, and removes repetitions.
func shareCommon(list diag.List, functions []*lambda.Function) diag.List {
	count := map[diag.Diagnostic]int{}
	for _, d := range list {
		d.Subject = ""
		count[d]++
	}
	var out diag.List
	seen := map[diag.Diagnostic]bool{}
	for _, d := range list {
		bare := d
		bare.Subject = ""
		if len(functions) > 1 && d.Subject != "" && count[bare] == len(functions) {
			d = bare
		}
		if !seen[d] && !seen[bare] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}
