package cfn

import (
	"path/filepath"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// image is the image of an Image function.
func (b *builder) image() lambda.Code {
	property, pair := "ImageUri", b.props.Pair("ImageUri")
	if b.r.typ == lambdaFunction {
		property, pair = "Code.ImageUri", b.inner("Code", "ImageUri")
	}
	if path := assetPath(b.r, property); path != "" {
		return lambda.Code{ImageURI: path}
	}
	if pair == nil {
		return lambda.Code{}
	}
	v := b.eval(pair.Value)
	b.unresolved(property, v)
	text, _ := v.text()
	return lambda.Code{ImageURI: text}
}

// imageSettings are the function's ImageConfig, and in Metadata how `sam build`
// makes its image.
func (b *builder) imageSettings() *lambda.ImageSettings {
	out := &lambda.ImageSettings{
		Entrypoint: b.words("EntryPoint"), Command: b.words("Command"), Dir: b.innerText("ImageConfig", "WorkingDirectory"),
		Build: b.imageBuild(),
	}
	if out.Entrypoint == nil && out.Command == nil && out.Dir == "" && out.Build == nil {
		return nil
	}
	return out
}

// words is an entry of ImageConfig that must be a list of texts, nil when it is
// not there or empty.
func (b *builder) words(key string) (out []string) {
	pair := b.inner("ImageConfig", key)
	if pair == nil {
		return nil
	}
	name := "ImageConfig." + key
	v := b.eval(pair.Value)
	b.unresolved(name, v)
	if v.absent || len(v.problems) > 0 {
		return nil
	}
	if !v.node.Is(doc.List) {
		b.errorf(pair.Value.At(), "property-type", `write it as a list: ["app.handler"]`, "%s must be a list of texts, not %s", name, v.node.Kind)
		return nil
	}
	for _, item := range v.node.Items {
		text, ok := known(item).text()
		if !ok {
			b.errorf(item.At(), "property-type", "", "%s must be a list of texts; %s is none", name, item.Kind)
		}
		out = append(out, text)
	}
	return out
}

// buildKeys are the entries of Metadata that say how an image is built.
type buildKeys struct{ context, dockerfile, tag, target, args string }

var (
	samKeys = buildKeys{"DockerContext", "Dockerfile", "DockerTag", "DockerBuildTarget", "DockerBuildArgs"}
	cdkKeys = buildKeys{"aws:asset:path", "aws:asset:dockerfile-path", "", "aws:asset:docker-build-target", "aws:asset:docker-build-args"}
)

// imageBuild reads the entries of Metadata that are about images, SAM's or the
// CDK's; nil without a context.
func (b *builder) imageBuild() *lambda.ImageBuild {
	metadata := b.r.node.Get("Metadata")
	keys := samKeys
	context := metadata.Pair(keys.context)
	if context == nil {
		keys = cdkKeys
		context = metadata.Pair(keys.context)
	}
	if context == nil {
		return nil
	}
	text := func(key, otherwise string) string {
		n := metadata.Get(key)
		if n == nil {
			return otherwise
		}
		v := b.eval(n)
		b.unresolved("Metadata."+key, v)
		text, _ := v.text()
		return text
	}
	out := &lambda.ImageBuild{
		Context: filepath.FromSlash(text(keys.context, "")), Dockerfile: text(keys.dockerfile, "Dockerfile"),
		Tag: text(keys.tag, ""), Target: text(keys.target, ""), Source: placeOf(*context),
	}
	if !filepath.IsAbs(out.Context) {
		out.Context = filepath.Join(b.dir, out.Context)
	}
	if args := metadata.Get(keys.args); args.Is(doc.Map) {
		for _, p := range args.Pairs {
			v := b.eval(p.Value)
			b.unresolved("Metadata."+keys.args+"."+p.Key, v)
			value, _ := v.text()
			out.Args = append(out.Args, lambda.Variable{Name: p.Key, Value: value, Source: placeOf(p)})
		}
	}
	return out
}
