package cfn

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// transform is Fn::Transform, of whose macros only AWS::Include runs without AWS.
func transform(c call) value {
	root, failure := c.include()
	if root == nil {
		return failure
	}
	return c.eval(root)
}

// include reads the file that an AWS::Include names, relative to the template.
func (c call) include() (*doc.Node, value) {
	if name, _ := c.arg.Get("Name").Str(); name != "AWS::Include" {
		return nil, c.fail("macro", "runs the macro %q, which only AWS can", name)
	}
	location, v, ok := c.argText(c.arg.Get("Parameters").Get("Location"), "Location")
	if !ok {
		return nil, v
	}
	if strings.Contains(location, "://") {
		return nil, c.fail("remote-include", "includes %q, which is not a file of this project", location)
	}
	file := filepath.FromSlash(location)
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(c.file), file)
	}
	p := c.loading.tree(file)
	if p.root != nil {
		return p.root, value{}
	}
	var problems []problem
	for _, d := range p.diags {
		at := d.Range
		if at.Start.Line == 0 {
			at = c.at
		}
		problems = also(problems, problem{at: at, code: d.Code, summary: d.Summary, hint: d.Hint})
	}
	return nil, value{problems: problems}
}

// included is n with the entries of the files that a Fn::Transform among its
// own entries includes. The map's own entries win.
func (s *stack) included(n *doc.Node) *doc.Node {
	if !n.Is(doc.Map) {
		return n
	}
	for range maxIncludes {
		pair := n.Pair("Fn::Transform")
		if pair == nil {
			return n
		}
		c := call{stack: s, name: pair.Key, arg: pair.Value, at: pair.KeyRange}
		root, failure := c.include()
		for _, p := range failure.problems {
			s.loading.report.add(diag.Diagnostic{Severity: diag.Warning, Range: p.at, Code: p.code, Summary: p.summary, Hint: p.hint})
		}
		own := &doc.Node{Kind: doc.Map, Range: n.Range, Pairs: slices.DeleteFunc(slices.Clone(n.Pairs), func(p doc.Pair) bool {
			return p.Key == "Fn::Transform"
		})}
		if !root.Is(doc.Map) {
			return own
		}
		n = mergedMaps(root, own)
	}
	return n
}

// maxIncludes bounds files that include each other in one place.
const maxIncludes = 16
