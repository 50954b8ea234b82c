// Package cfn loads AWS SAM and CloudFormation templates: it merges Globals,
// resolves parameters, conditions and intrinsic functions as far as one
// machine can, follows local nested stacks, and makes a [lambda.Function] of
// every function resource. Nothing is looked up in AWS: what only AWS knows is
// a warning and an unresolved value.
//
// Values are resolved when a function needs them, so a mistake elsewhere in a
// template costs nothing. A new intrinsic function is one Go function and one
// row in the table in intrinsics.go; a new resource type is one row in the
// table in attributes.go.
package cfn

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// Loader loads CloudFormation and SAM templates.
type Loader struct{}

var _ project.Loader = Loader{}

// Kind is [lambda.KindCloudFormation].
func (Loader) Kind() lambda.Kind { return lambda.KindCloudFormation }

// Names are the files that SAM CLI looks for, what `sam build` wrote first.
func (Loader) Names() []string {
	return []string{".aws-sam/build/template.yaml", "template.yaml", "template.yml", "template.json"}
}

var (
	templateKey   = regexp.MustCompile(`(?m)^["']?(Resources|Transform|AWSTemplateFormatVersion)["']?[ \t]*:`)
	serverlessKey = regexp.MustCompile(`(?m)^["']?(service|provider)["']?[ \t]*:`)
)

// Accepts takes a map with a template's sections. It also takes a broken file
// that has them or is called a template, so that Load can say what is wrong.
func (Loader) Accepts(file string, content []byte) bool {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if serverlessKey.Match(content) {
		return false
	}
	base := filepath.Base(file)
	if templateKey.Match(content) || strings.TrimSuffix(base, filepath.Ext(base)) == "template" {
		return true
	}
	root, _ := doc.Parse(content, file, doc.YAML11)
	if root.Get("service") != nil && root.Get("provider") != nil {
		return false
	}
	return root.Get("Resources") != nil || root.Get("Transform") != nil || root.Get("AWSTemplateFormatVersion") != nil
}

// Load reads the template and the local templates it nests. Names of functions
// are their FunctionName or, as SAM CLI has it, their logical id: AWS would
// make up a name.
func (Loader) Load(ctx context.Context, file string, opts project.Options) (*lambda.Project, diag.List) {
	return load(ctx, file, opts)
}
