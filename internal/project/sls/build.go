package sls

import (
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// build says how the function's code is made of its sources: by esbuild, with
// the settings of version 4's "build" or of serverless-esbuild. The other
// bundlers' own settings are programs for themselves; esbuild's defaults stand
// in for them. nil is left to the language of the sources.
func (b *builder) build() *lambda.Build {
	if !strings.HasPrefix(b.fn.Runtime, "nodejs") || b.fn.Code.Dir == "" {
		return nil
	}
	if s, ok := b.from(b.root, "", "build"); ok {
		if text, isText := s.node.Str(); isText && text == "esbuild" {
			return &lambda.Build{Source: place(s.at)}
		}
		if own, ok := b.from(s.node, s.path, "esbuild"); ok && truthy(own.node) {
			return b.settings(own)
		}
		return nil
	}
	if b.has(pluginEsbuild) {
		at := b.root.Pair("plugins").KeyRange
		if custom, ok := b.from(b.root, "", "custom"); ok {
			if own, ok := b.from(custom.node, custom.path, "esbuild"); ok {
				return b.settings(own)
			}
		}
		return &lambda.Build{Source: place(at)}
	}
	if !b.has(bundlers...) {
		return nil
	}
	at := b.root.Pair("plugins").KeyRange
	out := &lambda.Build{Source: place(at)}
	if b.has(pluginTypeScript) {
		out.Settings = []byte(`{"bundle":false}`) // it compiles, and leaves every file where it is
	} else {
		b.list.Notef(at, "bundler", "esbuild bundles the function in the place of the service's bundler, whose own settings are not read")
		out.Settings = []byte(`{"loader":{".js":"jsx"}}`) // Babel takes JSX in every file
	}
	return out
}

func (b *builder) settings(s setting) *lambda.Build {
	out := &lambda.Build{Source: place(s.at)}
	if s.node == nil || s.node.Kind != doc.Map {
		return out
	}
	n, p := b.deep(s.node, s.path)
	b.report(p)
	if p == nil {
		out.Settings = []byte(n.JSON())
	}
	return out
}
