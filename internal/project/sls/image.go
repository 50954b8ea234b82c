package sls

import (
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// image reads a function's image: where it is or how it is built, and what the
// function puts in the place of what it says.
func (b *builder) image(s setting) {
	settings := &lambda.ImageSettings{}
	if s.node.Is(doc.Map) {
		own := s
		inner, ok := b.from(s.node, s.path, "uri")
		if !ok {
			inner, ok = b.from(s.node, s.path, "name")
		}
		if !ok {
			b.list.Errorf(s.at, "image", "%q has neither a name nor a uri", s.path)
			return
		}
		s = inner
		settings.Entrypoint, settings.Command = b.words(own, "entryPoint"), b.words(own, "command")
		if dir, ok := b.from(own.node, own.path, "workingDirectory"); ok {
			settings.Dir = b.text(dir)
		}
	}
	b.fn.Code.ImageURI, settings.Build = b.imageAt(s)
	if settings.Entrypoint != nil || settings.Command != nil || settings.Dir != "" || settings.Build != nil {
		b.fn.Image = settings
	}
}

// words is an entry that must be a list of texts, nil when it is not there.
func (b *builder) words(s setting, key string) (out []string) {
	list, ok := b.from(s.node, s.path, key)
	if !ok || list.node == nil {
		return nil
	}
	if !list.node.Is(doc.List) {
		b.list.Errorf(list.at, "bad-value", "%q must be a list of texts, not %s", list.path, list.node.Kind)
		return nil
	}
	n, p := b.deep(list.node, list.path)
	b.report(p)
	if p != nil {
		return nil
	}
	for _, item := range n.Items {
		out = append(out, scalarText(item))
	}
	return out
}

// imageAt is where an image is or, for one that is built from a folder, how.
func (b *builder) imageAt(s setting) (uri string, build *lambda.ImageBuild) {
	name := b.text(s)
	if name == "" || strings.ContainsAny(name, "/:@") {
		return name, nil
	}
	images, p := b.walk(b.provider, "provider", "ecr", "images")
	b.report(p)
	image := images.node.Pair(name)
	if image == nil {
		if p == nil {
			d := b.list.Errorf(s.at, "image", "the image %q is not in provider.ecr.images", name)
			if near := diag.Nearest(name, images.node.Keys()); near != "" {
				d.Hint = didYouMean(near)
			}
		}
		return "", nil
	}
	path := "provider.ecr.images." + name
	v, p := b.value(image.Value, path)
	b.report(p)
	if text, ok := v.Str(); ok {
		if strings.ContainsAny(text, ":@") {
			return text, nil
		}
		return "", b.imageBuild(setting{node: &doc.Node{Kind: doc.Map}, path: path, at: image.Value.At()}, text)
	}
	if uri, ok := b.from(v, path, "uri"); ok {
		return b.text(uri), nil
	}
	folder, ok := b.from(v, path, "path")
	if !ok {
		return "", nil
	}
	return "", b.imageBuild(setting{node: v, path: path, at: folder.at}, b.text(folder))
}

// imageBuild is how the framework builds an image of the folder.
func (b *builder) imageBuild(s setting, folder string) *lambda.ImageBuild {
	out := &lambda.ImageBuild{Context: filepath.FromSlash(folder), Dockerfile: "Dockerfile", Source: place(s.at)}
	if !filepath.IsAbs(out.Context) {
		out.Context = filepath.Join(b.dir, out.Context)
	}
	if file, ok := b.from(s.node, s.path, "file"); ok {
		out.Dockerfile = b.text(file)
	}
	args, ok := b.from(s.node, s.path, "buildArgs")
	if !ok || !args.node.Is(doc.Map) {
		return out
	}
	n, p := b.deep(args.node, args.path)
	b.report(p)
	for _, pair := range n.Pairs {
		out.Args = append(out.Args, lambda.Variable{Name: pair.Key, Value: scalarText(pair.Value), Source: place(pair.Value.At())})
	}
	return out
}
