package cfn

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// isNested reports whether resources of the type are stacks of their own.
func isNested(typ string) bool {
	return typ == "AWS::CloudFormation::Stack" || typ == "AWS::Serverless::Application"
}

// child is the stack that a resource nests, nil when its template is not on
// this machine or cannot be used, which is reported once.
func (s *stack) child(r *resource) *stack {
	if child, done := s.nested[r.id]; done {
		return child
	}
	s.nested[r.id] = nil // a stack that needs itself finds this
	path := s.subject(resourceID(r))
	file, ok := s.childFile(r, path)
	if !ok {
		return nil
	}
	root := s.loading.template(file, path)
	if root == nil {
		return nil
	}
	child := s.loading.stack(root, file, path, s.childParameters(r))
	child.parent = s
	s.nested[r.id] = child
	return child
}

// childFile is the template that a nested stack names.
func (s *stack) childFile(r *resource, path string) (file string, ok bool) {
	property := "TemplateURL"
	if r.typ == "AWS::Serverless::Application" {
		property = "Location"
	}
	say := func(severity diag.Severity, at diag.Range, code, format string, args ...any) (string, bool) {
		s.loading.report.add(diag.Diagnostic{
			Severity: severity, Code: code, Subject: path, Range: at, Summary: fmt.Sprintf(format, args...),
		})
		return "", false
	}
	location, at := assetPath(r, property), r.at
	if location == "" {
		v := s.eval(s.properties(r).Get(property))
		location, ok = v.text()
		if pair := s.properties(r).Pair(property); pair != nil {
			at = pair.Value.At()
		}
		if !ok || len(v.problems) > 0 {
			return say(diag.Note, at, "remote-stack", "the functions of the nested stack %q are left out: its template is not a file of this project", r.id)
		}
	}
	location = strings.TrimPrefix(location, "file://")
	if strings.Contains(location, "://") {
		return say(diag.Note, at, "remote-stack", "the functions of the nested stack %q are left out: its template is at %q", r.id, location)
	}
	file = filepath.FromSlash(location)
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(s.file), file)
	}
	if _, err := os.Stat(file); err != nil {
		return say(diag.Error, at, "read", "the template %q of the nested stack %q %s", location, r.id, unusable(err))
	}
	for up := s; up != nil; up = up.parent {
		if up.file == file {
			return say(diag.Error, at, "nested-cycle", "the nested stack %q has the template %q, which nests it", r.id, location)
		}
	}
	if s.loading.stacks >= maxStacks {
		return say(diag.Error, at, "nested-limit", "the project has more than %d nested stacks", maxStacks)
	}
	return file, true
}

// childParameters are the values that a nested stack is given.
func (s *stack) childParameters(r *resource) map[string]value {
	out := map[string]value{}
	for name, v := range s.overrides {
		if strings.HasPrefix(name, "AWS::") {
			out[name] = v
		}
	}
	given := s.properties(r).Get("Parameters")
	if !given.Is(doc.Map) {
		return out
	}
	for _, p := range given.Pairs {
		v := s.eval(p.Value)
		if v.absent {
			continue
		}
		if v.node.Is(doc.List) {
			c := call{stack: s, name: "the parameter", at: p.Value.At()}
			v = c.joined(",", v.node.Items).with(v.problems...)
		}
		out[p.Key] = v
	}
	return out
}

// output is the value of a nested stack's output.
func (c call) output(r *resource, name string) value {
	child := c.child(r)
	if child == nil {
		return c.fail("unknown-attribute",
			"asks for the output %q of the nested stack %q, whose template is not at hand", name, r.id)
	}
	outputs := child.section("Outputs")
	out := outputs.Get(name)
	if out == nil {
		hint := suggestion(name, outputs.Keys())
		return c.failHint(hint, "unknown-attribute", "asks for the output %q, which the nested stack %q does not have", name, r.id)
	}
	v := child.eval(out.Get("Value"))
	if v.node.Is(doc.List) {
		return c.joined(",", v.node.Items).with(v.problems...)
	}
	return v
}

// resourceID is the id that a resource's metadata gives it in place of the
// logical id: what `sam build` kept, or the construct's id in a CDK path.
func resourceID(r *resource) string {
	metadata := r.node.Get("Metadata")
	if id, _ := metadata.Get("SamResourceId").Str(); id != "" {
		return id
	}
	path, _ := metadata.Get("aws:cdk:path").Str()
	parts := strings.Split(path, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return r.id
	}
	last := parts[len(parts)-1]
	if isNested(r.typ) || last == "Resource" {
		last = strings.TrimSuffix(parts[len(parts)-2], ".NestedStack")
	}
	if last == "" {
		return r.id
	}
	return last
}

// assetPath is where the CDK put the file or folder of a property, "" when the
// resource's metadata does not say.
func assetPath(r *resource, property string) string {
	metadata := r.node.Get("Metadata")
	if of, _ := metadata.Get("aws:asset:property").Str(); of != property {
		return ""
	}
	path, _ := metadata.Get("aws:asset:path").Str()
	return path
}
