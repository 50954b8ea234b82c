package cfn_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// rule is one kind of difference from SAM CLI in which lambkin is right.
type rule struct {
	reason string
	fields []string
	holds  func(*comparison) bool
}

var values = []string{"computed values", "literal values"}

// rules hold for templates, not for texts: each looks at what the template
// says and at the relation between the two answers. The first that holds counts.
func rules() []rule {
	return []rule{
		{"the nested template is not in the corpus, which is an error of lambkin's", []string{"functions"}, missingTemplate},
		{"SAM CLI drops functions whose code is in S3 or ECR, lambkin lists them", []string{"functions"}, remoteCode},
		{"the value is not known here; lambkin says so", []string{"name", "handler", "runtime", "timeout", "memory", "architecture", "code path"}, saidToBeUnknown},
		{"lambkin takes the path as the template has it, SAM CLI the one that it had before it was copied here", []string{"code path"}, pathAsWritten},
		{"lambkin leaves out a layer that only AWS knows, with a warning; SAM CLI takes the expression's name for an ARN", []string{"layers"}, unknownLayer},
		{"AWS::URLSuffix is AWS's domain, as on AWS; SAM CLI says localhost", values, suffix},
		{"only AWS knows the value; lambkin warns, SAM CLI makes one up", values, unresolved},
		{"!GetAtt … Arn is the ARN of the resource's own type; SAM CLI's is always a function's", values, ownARN},
		{"a function's Alias is the ARN of its alias; SAM CLI gives the words of the expression", values, alias},
		{"!Ref is the name that the template gives the resource; SAM CLI's is the logical id", values, physicalName},
		{"!Ref of such a resource is its ARN or URL; SAM CLI's is the logical id", values, refIsAddress},
		{"SAM CLI leaves the expression without a value", values, samEmpty},
	}
}

// reason says why a difference is right, "" when it is not known to be.
func (c *comparison) reason() string {
	for _, r := range rules() {
		if slices.Contains(r.fields, c.field) && r.holds(c) {
			return r.reason
		}
	}
	return ""
}

func missingTemplate(c *comparison) bool {
	stack, _, nested := strings.Cut(c.item, "/")
	return nested && c.ours == "" && c.diags.For(stack).HasErrors()
}

func remoteCode(c *comparison) bool {
	return c.sam == "" && c.fn != nil && (c.fn.Code.Remote != "" || c.fn.PackageType == lambda.Image)
}

// properties are what lambkin's messages call the fields.
var properties = map[string]string{
	"name": "FunctionName", "handler": "Handler", "runtime": "Runtime", "timeout": "Timeout", "memory": "MemorySize",
	"architecture": "Architectures", "code path": "Code",
}

func saidToBeUnknown(c *comparison) bool {
	return slices.ContainsFunc(c.diags.For(c.fn.Path), func(d diag.Diagnostic) bool {
		return strings.HasPrefix(d.Detail, properties[c.field])
	})
}

func pathAsWritten(c *comparison) bool {
	for _, property := range []string{"CodeUri", "Code"} {
		if text := c.property(c.fn, property).textOr(""); text != "" && filepath.Clean(text) == c.ours {
			return strings.HasPrefix(c.ours, "..") && filepath.Base(c.ours) == filepath.Base(c.sam)
		}
	}
	return false
}

// unknownLayer holds when the others are the same and every layer that is
// left out was warned of.
func unknownLayer(c *comparison) bool {
	sam, ours := strings.Fields(c.sam), strings.Fields(c.ours)
	warned := 0
	for _, d := range c.diags.For(c.fn.Path) {
		if d.Severity == diag.Warning && (strings.Contains(d.Detail, "The layer is left") || d.Code == "remote-layer") {
			warned++
		}
	}
	i := 0
	for _, l := range sam {
		if i < len(ours) && ours[i] == l {
			i++
		}
	}
	return i == len(ours) && len(sam) > len(ours) && warned > 0
}

func suffix(c *comparison) bool {
	return c.sam != c.ours && strings.ReplaceAll(c.sam, "localhost", "amazonaws.com") == c.ours
}

func unresolved(c *comparison) bool { return c.unresolved }

// functionARN is what SAM CLI makes of the Arn of anything.
var functionARN = regexp.MustCompile(`arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+`)

func ownARN(c *comparison) bool {
	return functionARN.MatchString(c.sam) && strings.Contains(c.ours, "arn:aws:") && !functionARN.MatchString(c.ours) &&
		slices.ContainsFunc(c.references(), func(r reference) bool {
			return r.attribute != "" && !strings.HasSuffix(c.resource(r.name).Get("Type").textOr(""), "::Function")
		})
}

// aliasARN is the ARN of a function's alias.
var aliasARN = regexp.MustCompile(`^arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+:[\w-]+$`)

func alias(c *comparison) bool {
	return aliasARN.MatchString(c.ours) && slices.ContainsFunc(c.references(), func(r reference) bool {
		return strings.Contains(r.name+"."+r.attribute, "Alias")
	})
}

// physicalName holds when SAM CLI's logical id in its value stands where
// lambkin has a name that the resource's own properties give.
func physicalName(c *comparison) bool {
	return c.replaced(func(resource *doc.Node, with string) bool {
		for _, p := range pairs(resource.Get("Properties")) {
			if text, ok := p.Value.Str(); ok && text == with || strings.HasSuffix(p.Key, "Name") && !p.Value.IsScalar() {
				return true
			}
		}
		return false
	})
}

// refIsAddress holds when lambkin has an ARN or a URL in place of the logical id.
func refIsAddress(c *comparison) bool {
	return c.replaced(func(_ *doc.Node, with string) bool {
		return strings.HasPrefix(with, "arn:aws:") || strings.HasPrefix(with, "https://")
	})
}

// replaced reports whether lambkin's value is SAM CLI's with the logical id of
// a resource that the expression refers to replaced by something acceptable.
func (c *comparison) replaced(acceptable func(resource *doc.Node, with string) bool) bool {
	return slices.ContainsFunc(c.references(), func(r reference) bool {
		before, after, ok := strings.Cut(c.sam, r.name)
		if !ok || c.resource(r.name).Node == nil || len(c.ours) < len(before)+len(after) ||
			!strings.HasPrefix(c.ours, before) || !strings.HasSuffix(c.ours, after) {
			return false
		}
		return acceptable(c.resource(r.name).Node, c.ours[len(before):len(c.ours)-len(after)])
	})
}

func samEmpty(c *comparison) bool {
	return c.sam == "" && c.field == "computed values" && !c.expression(c.fn, c.item).IsScalar()
}

// node is a place in a template; one that is not there has nothing in it.
type node struct{ *doc.Node }

// Get returns an entry of a map.
func (n node) Get(key string) node { return node{n.Node.Get(key)} }

func (n node) textOr(other string) string {
	if text, ok := n.Str(); ok {
		return text
	}
	return other
}

// tree is a file of the template.
func (tm *template) tree(file string) node {
	if n, ok := tm.trees[file]; ok {
		return node{n}
	}
	var root *doc.Node
	if src, err := os.ReadFile(file); err == nil {
		root, _ = doc.Parse(src, file, doc.YAML11)
	}
	tm.trees[file] = root
	return node{root}
}

// resource is a resource of the root template.
func (tm *template) resource(id string) node {
	return tm.tree(tm.project.File).Get("Resources").Get(id)
}

// property is a function's property as it is written, Globals' where the
// function has none.
func (tm *template) property(fn *lambda.Function, name string) node {
	root := tm.tree(fn.Source.File)
	if n := root.Get("Resources").Get(fn.LogicalID).Get("Properties").Get(name); n.Node != nil {
		return n
	}
	return root.Get("Globals").Get("Function").Get(name)
}

// expression is a variable's value as it is written.
func (tm *template) expression(fn *lambda.Function, variable string) node {
	root := tm.tree(fn.Source.File)
	for _, n := range []node{root.Get("Resources").Get(fn.LogicalID).Get("Properties"), root.Get("Globals").Get("Function")} {
		if v := n.Get("Environment").Get("Variables").Get(variable); v.Node != nil {
			return v
		}
	}
	return node{}
}

// reference is a resource that an expression refers to, with the attribute
// that it asks for, "" for Ref.
type reference struct{ name, attribute string }

var placeholder = regexp.MustCompile(`\$\{(\w+)(?:\.([\w.]+))?\}`)

// references are all that the comparison's expression refers to.
func (c *comparison) references() []reference {
	var out []reference
	var walk func(n *doc.Node, key string)
	walk = func(n *doc.Node, key string) {
		if n == nil {
			return
		}
		if text, ok := n.Str(); ok {
			out = append(out, referencesIn(key, text)...)
		}
		for _, p := range n.Pairs {
			walk(p.Value, p.Key)
		}
		if key == "Fn::GetAtt" && len(n.Items) == 2 {
			out = append(out, reference{node{n.Items[0]}.textOr(""), node{n.Items[1]}.textOr("")})
			return
		}
		for _, item := range n.Items {
			walk(item, key)
		}
	}
	walk(c.expression(c.fn, c.item).Node, "")
	return out
}

// referencesIn are the references in the text of an intrinsic.
func referencesIn(intrinsic, text string) []reference {
	var out []reference
	switch intrinsic {
	case "Ref", "Fn::GetAtt":
		name, attribute, _ := strings.Cut(text, ".")
		out = append(out, reference{name, attribute})
	case "Fn::Sub":
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			out = append(out, reference{m[1], m[2]})
		}
	}
	return out
}

func pairs(n *doc.Node) []doc.Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}
