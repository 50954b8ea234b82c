package sls

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// imageURI is where a function's image is, "" for one that is built from a folder.
func (b *builder) imageURI(s setting) string {
	if s.node.Is(doc.Map) {
		inner, ok := b.from(s.node, s.path, "uri")
		if !ok {
			inner, ok = b.from(s.node, s.path, "name")
		}
		if !ok {
			b.list.Errorf(s.at, "image", "%q has neither a name nor a uri", s.path)
			return ""
		}
		s = inner
	}
	name := b.text(s)
	if name == "" || strings.ContainsAny(name, "/:@") {
		return name
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
		return ""
	}
	v, p := b.value(image.Value, "provider.ecr.images."+name)
	b.report(p)
	if text, ok := v.Str(); ok {
		return text
	}
	uri, ok := b.from(v, "provider.ecr.images."+name, "uri")
	if !ok {
		return ""
	}
	return b.text(uri)
}

// code is where the function's code is: its artifact or the service's, else
// the service's folder.
func (b *builder) code() lambda.Code {
	for _, from := range []struct {
		node *doc.Node
		path string
	}{{b.node, b.entry.path()}, {b.root, ""}} {
		s, ok := b.from(from.node, from.path, "package")
		if ok {
			s, ok = b.from(s.node, s.path, "artifact")
		}
		if !ok {
			continue
		}
		artifact := b.text(s)
		if artifact == "" {
			break
		}
		b.fn.Sources["Code"] = place(s.at)
		if strings.Contains(artifact, "://") {
			return lambda.Code{Remote: artifact}
		}
		file := b.abs(artifact)
		if _, err := os.Stat(file); err != nil && runsInPlace(b.fn.Runtime) {
			b.list.Notef(s.at, "artifact", "the artifact %q is not built; the code runs from the service's folder", artifact)
			break
		}
		return lambda.Code{Archive: file}
	}
	// serverless-python-requirements packages a function with a module as if
	// that folder were the service.
	if s, ok := b.own("module"); ok && b.has(pluginPython) && strings.HasPrefix(b.fn.Runtime, "python") {
		b.fn.Sources["Code"] = place(s.at)
		return lambda.Code{Dir: b.abs(b.text(s))}
	}
	return lambda.Code{Dir: b.dir}
}

// runsInPlace reports whether a runtime's code needs no build to run.
func runsInPlace(runtime string) bool {
	return strings.HasPrefix(runtime, "nodejs") || strings.HasPrefix(runtime, "python") || strings.HasPrefix(runtime, "ruby")
}

// abs makes a path of the service absolute.
func (s *service) abs(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}
