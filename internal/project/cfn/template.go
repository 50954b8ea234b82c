package cfn

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// The resource types that lambkin makes something of.
const (
	serverlessFunction = "AWS::Serverless::Function"
	lambdaFunction     = "AWS::Lambda::Function"
	serverlessLayer    = "AWS::Serverless::LayerVersion"
	lambdaLayer        = "AWS::Lambda::LayerVersion"
)

// stack is one template with the parameters that it was given: the root, or a
// nested one.
type stack struct {
	loading *loading
	// path is the stack's place in the project, "" for the root.
	path string
	// parent is the stack that nests this one, nil for the root.
	parent *stack
	// file is the template as messages name it, dir its absolute folder.
	file, dir string
	root      *doc.Node

	sections   map[string]*doc.Node
	globals    *doc.Node // Globals.Function
	parameters map[string]*parameter
	overrides  map[string]value
	resources  map[string]*resource
	nested     map[string]*stack

	memo     map[*doc.Node]value
	busy     map[*doc.Node]bool
	verdicts map[string]verdict
	judging  map[string]bool
}

// resource is one entry of Resources.
type resource struct {
	id, typ string
	// at is where the logical id stands.
	at   diag.Range
	node *doc.Node
	// merged are the properties with Globals, made when first needed.
	merged *doc.Node
}

// properties are the resource's own properties as they stand in the file.
func (r *resource) properties() *doc.Node { return r.node.Get("Properties") }

func (l *loading) stack(root *doc.Node, file, path string, overrides map[string]value) *stack {
	l.stacks++
	dir := l.project.Dir
	if path != "" {
		dir = absolute(l.project.Dir, l.project.File, file)
	}
	s := &stack{
		loading: l, path: path, file: file, dir: dir, root: root, overrides: overrides,
		sections: map[string]*doc.Node{}, resources: map[string]*resource{}, nested: map[string]*stack{},
		memo: map[*doc.Node]value{}, busy: map[*doc.Node]bool{},
		verdicts: map[string]verdict{}, judging: map[string]bool{},
	}
	s.declareParameters()
	for _, name := range []string{"Mappings", "Conditions", "Outputs", "Resources"} {
		s.sections[name] = s.included(s.unrolled(s.section(name)))
	}
	s.readGlobals()
	for _, p := range s.entries("Resources") {
		typ, _ := p.Value.Get("Type").Str()
		s.resources[p.Key] = &resource{id: p.Key, typ: typ, at: p.KeyRange, node: p.Value}
	}
	return s
}

// absolute is the folder of a file that is named as the template of the
// project is: relative to the working folder or absolute.
func absolute(projectDir, projectFile, file string) string {
	rel, err := filepath.Rel(filepath.Dir(projectFile), filepath.Dir(file))
	if err != nil {
		return filepath.Dir(file)
	}
	return filepath.Join(projectDir, rel)
}

// section is a top-level section of the template, nil when it has none.
func (s *stack) section(name string) *doc.Node {
	if n, ok := s.sections[name]; ok {
		return n
	}
	return s.root.Get(name)
}

// entries are those of a section that is a map.
func (s *stack) entries(name string) []doc.Pair {
	if n := s.section(name); n != nil {
		return n.Pairs
	}
	return nil
}

// subject is the path of the resource with the given id.
func (s *stack) subject(id string) string {
	if s.path == "" {
		return id
	}
	return s.path + "/" + id
}

// load adds the stack's functions and those of its nested stacks to the project.
func (s *stack) load() {
	if s.loading.ctx.Err() != nil {
		return
	}
	for _, p := range s.entries("Resources") {
		r := s.resources[p.Key]
		switch {
		case !r.node.Is(doc.Map):
			s.warnResource(r, r.node.At(), "resource", fmt.Sprintf("the resource %q must be a map, not %s", r.id, r.node.Kind), "")
		case r.typ == serverlessFunction, r.typ == lambdaFunction:
			s.addFunction(r)
		case isNested(r.typ):
			if child := s.child(r); child != nil {
				child.load()
			}
		default:
			s.checkType(r)
		}
	}
}

func (s *stack) warnResource(r *resource, at diag.Range, code, summary, hint string) {
	s.loading.report.add(diag.Diagnostic{
		Severity: diag.Warning, Code: code, Subject: s.subject(r.id), Range: at, Summary: summary, Hint: hint,
	})
}

// serviceTypes are the types of the two services that functions come from.
// What is not in here was probably meant to be.
var serviceTypes = map[string][]string{
	"Serverless": {
		"Api", "Application", "CapacityProvider", "Connector", "Function", "GraphQLApi", "HttpApi",
		"LayerVersion", "SimpleTable", "StateMachine", "WebSocketApi",
	},
	"Lambda": {
		"Alias", "CapacityProvider", "CodeSigningConfig", "EventInvokeConfig", "EventSourceMapping", "Function",
		"LayerVersion", "LayerVersionPermission", "MicrovmImage", "Permission", "Url", "Version",
	},
}

// checkType looks for a misspelt type of a resource, which would hide a function.
func (s *stack) checkType(r *resource) {
	pair := r.node.Pair("Type")
	if r.typ == "" {
		at := r.at
		if pair != nil {
			at = pair.Value.At()
		}
		s.warnResource(r, at, "resource-type", fmt.Sprintf("the resource %q has no Type", r.id), "")
		return
	}
	if meant := meantType(r.typ); meant != "" {
		s.warnResource(r, pair.Value.At(), "resource-type", fmt.Sprintf("the resource %q has the unknown type %q", r.id, r.typ), fmt.Sprintf("did you mean %q?", meant))
	}
}

// meantType is the type that a misspelt one was meant to be, "" for a good one.
func meantType(typ string) string {
	parts := strings.Split(typ, "::")
	if len(parts) != 3 || !strings.EqualFold(parts[0], "AWS") {
		return ""
	}
	service, name := parts[1], parts[2]
	names, ok := serviceTypes[service]
	if !ok {
		if service = diag.Nearest(service, []string{"Serverless", "Lambda"}); service == "" {
			return ""
		}
		names = serviceTypes[service]
	}
	if !slices.Contains(names, name) {
		if name = diag.Nearest(name, names); name == "" {
			return ""
		}
	}
	if meant := "AWS::" + service + "::" + name; meant != typ {
		return meant
	}
	return ""
}
