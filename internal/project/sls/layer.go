package sls

import (
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// layers are the function's layers or, in their place, the provider's.
func (b *builder) layers() []lambda.Layer {
	s, ok := b.setting("layers")
	if !ok || s.node == nil {
		return nil
	}
	b.fn.Sources["Layers"] = place(s.at)
	if s.node.Kind != doc.List {
		b.list.Errorf(s.at, "layers", "%q must be a list, not %s", s.path, s.node.Kind)
		return nil
	}
	var out []lambda.Layer
	for i, item := range s.node.Items {
		n, p := b.deep(item, fmt.Sprintf("%s.%d", s.path, i))
		b.report(p)
		if p != nil || n.Kind == doc.Null {
			continue
		}
		if layer, ok := b.layer(n, item.At()); ok {
			layer.Source = place(item.At())
			out = append(out, layer)
		}
	}
	return out
}

// layer makes one layer: a layer of the service, or a published one by its ARN.
func (b *builder) layer(n *doc.Node, at diag.Range) (lambda.Layer, bool) {
	if id, ok := n.Get("Ref").Str(); ok && isIntrinsic(n) && !strings.HasPrefix(id, "AWS::") {
		return b.ownLayer(id, at)
	}
	arn, why := b.certain(n)
	if why != "" {
		b.list.Warnf(at, "layer-unresolved", "the layer cannot be resolved on this machine: %s", why).Hint = "name it by its ARN, or add it to the service's layers"
		return lambda.Layer{}, false
	}
	if !strings.HasPrefix(arn, "arn:") {
		b.list.Warnf(at, "layer", "%q is no ARN of a layer", arn).Hint = "a layer of the service is written {Ref: NameLambdaLayer}"
		return lambda.Layer{}, false
	}
	return lambda.Layer{ARN: arn}, true
}

// ownLayer finds the layer of the service that has a logical id.
func (b *builder) ownLayer(id string, at diag.Range) (lambda.Layer, bool) {
	all, p := b.walk(b.root, "", "layers")
	b.report(p)
	var ids []string
	for _, key := range all.node.Keys() {
		own := normalized(key) + "LambdaLayer"
		if own == id {
			return b.layerFiles(all.node.Get(key), "layers."+key, at)
		}
		ids = append(ids, own)
	}
	if p == nil {
		d := b.list.Warnf(at, "layer", "%q is no layer of the service", id)
		if near := diag.Nearest(id, ids); near != "" {
			d.Hint = didYouMean(near)
		}
	}
	return lambda.Layer{}, false
}

// layerFiles says where a layer of the service has its files.
func (b *builder) layerFiles(n *doc.Node, path string, at diag.Range) (lambda.Layer, bool) {
	n, p := b.value(n, path)
	b.report(p)
	if s, ok := b.from(n, path, "path"); ok {
		text := b.text(s)
		return lambda.Layer{Dir: b.abs(text)}, text != ""
	}
	s, ok := b.from(n, path, "package")
	if ok {
		s, ok = b.from(s.node, s.path, "artifact")
	}
	if ok {
		text := b.text(s)
		return lambda.Layer{Archive: b.abs(text)}, text != ""
	}
	if p == nil {
		b.list.Warnf(at, "layer", "%q has neither a path nor an artifact", path)
	}
	return lambda.Layer{}, false
}
