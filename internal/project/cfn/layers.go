package cfn

import (
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// localLayer is a layer whose content is in the project. Its owner tells
// layers of the same name apart.
type localLayer struct {
	owner *resource
	code  lambda.Code
}

// layerVersion is the ARN that stands for a layer of the template wherever its
// value goes: through parameters, joins and outputs, across nested stacks.
func (c call) layerVersion(r *resource) value {
	name, problems := c.physicalName(r)
	arn := c.loading.expand(layerARN, name)
	for version := 1; ; version++ {
		numbered := arn + ":" + strconv.Itoa(version)
		there, ok := c.loading.layers[numbered]
		if !ok {
			c.loading.layers[numbered] = localLayer{owner: r, code: c.layerCode(r)}
		} else if there.owner != r {
			continue
		}
		return c.ok(numbered).with(problems...)
	}
}

// layerCode says where a layer's content is.
func (s *stack) layerCode(r *resource) lambda.Code {
	property := "ContentUri"
	if r.typ == lambdaLayer {
		property = "Content"
	}
	if path := assetPath(r, property); path != "" {
		return s.codeAt(path)
	}
	content := s.eval(s.properties(r).Get(property))
	if path, ok := content.text(); ok && len(content.problems) == 0 {
		return s.codeAt(path)
	}
	if content.absent {
		return s.codeAt(".")
	}
	return lambda.Code{Remote: "an S3 object"}
}

var layerVersionARN = regexp.MustCompile(`^arn:[\w-]+:lambda:[\w-]*:\d*:layer:[\w-]+:\d+$`)

// layers are those of the function, in order.
func (b *builder) layers() {
	pair := b.props.Pair("Layers")
	if pair == nil {
		return
	}
	items := []*doc.Node{pair.Value}
	if pair.Value.Is(doc.List) {
		items = pair.Value.Items
	}
	for _, item := range items {
		v := b.eval(item)
		if len(v.problems) > 0 {
			b.unresolved("The layer", value{problems: v.problems})
			continue
		}
		if v.node.Is(doc.List) {
			for _, inner := range v.node.Items {
				b.layer(inner, item.At())
			}
			continue
		}
		b.layer(v.node, item.At())
	}
	if n := len(b.fn.Layers); n > maxLayers {
		b.warnf(pair.KeyRange, "too-many-layers", "", "the function %q has %d layers, but AWS takes at most %d", b.r.id, n, maxLayers)
	}
}

// maxLayers is how many layers AWS lets a function have.
const maxLayers = 5

// layer adds one layer; nothing for AWS::NoValue.
func (b *builder) layer(n *doc.Node, at diag.Range) {
	if n == nil || n.Kind == doc.Null {
		return
	}
	arn, ok := known(n).text()
	switch {
	case !ok:
		b.errorf(at, "layer", "", "a layer must be the ARN of a layer version, not %s", n.Kind)
		return
	case strings.HasPrefix(arn, "arn:aws:lambda:::awslayer:"):
		return // the old runtimes' own system, which is no layer
	}
	layer := lambda.Layer{Source: sourceOf(at)}
	if local, ok := b.loading.layers[arn]; ok {
		layer.Dir, layer.Archive = local.code.Dir, local.code.Archive
		if local.code.Remote != "" {
			b.warnf(at, "remote-layer", "", "the layer %q is left out: its content is in S3", local.owner.id)
			return
		}
		b.checkLayer(local, at)
	} else if layerVersionARN.MatchString(arn) {
		layer.ARN = arn
	} else {
		b.errorf(at, "layer-arn", "it looks like arn:aws:lambda:us-east-1:123456789012:layer:name:1",
			"%q is not the ARN of a layer version", arn)
		return
	}
	b.fn.Layers = append(b.fn.Layers, layer)
}

// checkLayer warns of a layer whose content is not there.
func (b *builder) checkLayer(l localLayer, at diag.Range) {
	path := l.code.Dir + l.code.Archive
	if _, err := os.Stat(path); err != nil {
		b.warnf(at, "layer-not-found", "build the layer first, or correct its content's path",
			"the content of the layer %q, %s, %s", l.owner.id, path, unusable(err))
	}
}
