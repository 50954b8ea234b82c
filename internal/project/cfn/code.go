package cfn

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// code finds the function's code.
func (b *builder) code() {
	switch {
	case b.fn.PackageType == lambda.Image:
		b.fn.Code, b.fn.Image = b.image(), b.imageSettings()
	case b.r.typ == serverlessFunction:
		b.fn.Code = b.serverlessCode()
	default:
		b.fn.Code = b.lambdaCode()
	}
	b.checkCode()
}

// codeProperty is the property that says where a Zip function's code is.
func (b *builder) codeProperty() string {
	if b.r.typ == serverlessFunction {
		return "CodeUri"
	}
	return "Code"
}

// serverlessCode reads InlineCode or CodeUri; without both the code lies
// beside the template.
func (b *builder) serverlessCode() lambda.Code {
	if path := assetPath(b.r, "CodeUri"); path != "" {
		return b.codeAt(path)
	}
	// Code in the template wins over a CodeUri from Globals.
	if b.props.Pair("InlineCode") != nil {
		if text := b.text("InlineCode"); text != "" {
			return lambda.Code{Inline: text}
		}
	}
	return b.codeFrom("CodeUri", b.props.Get("CodeUri"))
}

// lambdaCode reads the Code of an AWS::Lambda::Function.
func (b *builder) lambdaCode() lambda.Code {
	if path := assetPath(b.r, "Code"); path != "" {
		return b.codeAt(path)
	}
	code := b.props.Get("Code")
	if code.Is(doc.Map) && !isIntrinsic(code) {
		if inline := code.Pair("ZipFile"); inline != nil {
			v := b.eval(inline.Value)
			b.unresolved("Code.ZipFile", v)
			if text, ok := v.text(); ok && text != "" {
				return lambda.Code{Inline: text}
			}
		}
	}
	return b.codeFrom("Code", code)
}

// codeFrom reads a path, or the map that names an S3 object.
func (b *builder) codeFrom(property string, n *doc.Node) lambda.Code {
	v := b.eval(n)
	switch {
	case v.absent || v.node.Is(doc.Null):
		return b.codeAt(".")
	case v.node.Is(doc.Map):
		return b.codeInS3(v.node)
	case len(v.problems) > 0:
		b.unresolved(property, value{problems: v.problems})
		return lambda.Code{Remote: "code that " + property + " does not name here"}
	}
	text, ok := v.text()
	if !ok {
		b.errorf(n.At(), "property-type", "", "%s must be a path, not %s", property, v.node.Kind)
	}
	return b.codeAt(text)
}

// codeInS3 is the object that a map names. A map without a bucket is what SAM
// CLI takes for the template's own folder.
func (b *builder) codeInS3(n *doc.Node) lambda.Code {
	for _, names := range [][2]string{{"Bucket", "Key"}, {"S3Bucket", "S3Key"}} {
		if n.Get(names[0]) != nil {
			bucket, _ := known(n.Get(names[0])).text()
			key, _ := known(n.Get(names[1])).text()
			return lambda.Code{Remote: "s3://" + bucket + "/" + key}
		}
	}
	return b.codeAt(".")
}

// codeAt is the code at a path of the template, or an address.
func (s *stack) codeAt(path string) lambda.Code {
	if strings.Contains(path, "://") {
		return lambda.Code{Remote: path}
	}
	full := filepath.FromSlash(path)
	if !filepath.IsAbs(full) {
		full = filepath.Join(s.dir, full)
	}
	switch strings.ToLower(filepath.Ext(full)) {
	case ".zip", ".jar":
		return lambda.Code{Archive: full}
	}
	return lambda.Code{Dir: filepath.Clean(full)}
}

// checkCode says that the code is not there. It names the property, or the
// function where that leaves the path to its default.
func (b *builder) checkCode() {
	path := b.fn.Code.Dir + b.fn.Code.Archive
	if path == "" {
		return
	}
	property := b.codeProperty()
	at := b.r.at
	if pair := b.props.Pair(property); pair != nil {
		at = pair.Value.At()
	}
	info, err := os.Stat(path)
	what, hint := "", ""
	switch {
	case err != nil:
		what, hint = unusable(err), "build the function first, or correct its "+property
	case b.fn.Code.Dir != "" && !info.IsDir():
		what = "is a file; it must be a folder, a .zip or a .jar"
	case b.fn.Code.Archive != "" && info.IsDir():
		b.fn.Code = lambda.Code{Dir: path} // a folder that is named like an archive
		return
	default:
		return
	}
	b.errorf(at, "code-not-found", hint, "the code of the function %q, %s, %s", b.r.id, path, what)
}
