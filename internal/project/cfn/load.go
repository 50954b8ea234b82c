package cfn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

const (
	defaultRegion  = "us-east-1"
	defaultAccount = "123456789012"
	// stackName is what AWS::StackName says when nothing is deployed.
	stackName = "local"
	// maxStacks bounds the nested stacks of a project, which would otherwise
	// multiply where templates nest each other more than once.
	maxStacks = 500
)

// loading is the state of one Load. It is used by one goroutine.
type loading struct {
	ctx             context.Context
	region, account string
	only            string
	intrinsics      map[string]intrinsic
	report          reporter
	places          *strings.Replacer // for the texts of the table of resource types
	// trees are the files read so far, by path.
	trees map[string]parsed
	// layers are the layers in this project's files, by the ARN that stands
	// for them in every value.
	layers map[string]localLayer
	// copied counts the nodes that loops made.
	copied  int
	stacks  int
	project *lambda.Project
	// taken are the functions' paths so far.
	taken map[string]bool
}

func load(ctx context.Context, file string, opts project.Options) (*lambda.Project, diag.List) {
	dir, err := filepath.Abs(filepath.Dir(file))
	only, _ := project.PlainName(opts.Only)
	l := &loading{
		ctx:        ctx,
		region:     cmp.Or(opts.Region, defaultRegion),
		account:    cmp.Or(opts.Account, defaultAccount),
		only:       only,
		intrinsics: intrinsicTable(),
		trees:      map[string]parsed{},
		layers:     map[string]localLayer{},
		taken:      map[string]bool{},
		project:    &lambda.Project{Kind: lambda.KindCloudFormation, Dir: dir, File: file},
	}
	if err != nil {
		l.report.errorf(diag.Range{File: file}, "read", "finding the template's folder: %v", err)
		return nil, l.report.list
	}
	root := l.template(file, "")
	if root == nil {
		return nil, l.report.list
	}
	l.stack(root, file, "", overridesFrom(opts.Parameters)).load()
	if err := ctx.Err(); err != nil {
		l.report.errorf(diag.Range{File: file}, "cancelled", "loading the template: %v", err)
		return nil, l.report.list
	}
	return l.project, l.report.list
}

// parsed is a file that was read: its tree, nil when it cannot be used, and
// what is wrong with it.
type parsed struct {
	root  *doc.Node
	diags diag.List
}

// tree reads a file of the project. A file is read once, so that the same
// place in it is the same node however often it is used.
func (l *loading) tree(file string) parsed {
	if p, done := l.trees[file]; done {
		return p
	}
	var p parsed
	if src, err := os.ReadFile(file); err != nil {
		p.diags.Errorf(diag.Range{File: file}, "read", "the file %q %s", file, unusable(err))
	} else if p.root, p.diags = doc.Parse(src, file, doc.YAML11); p.diags.HasErrors() {
		p.root = nil
	}
	l.trees[file] = p
	return p
}

// template reads a file that must be a template; nil when it cannot be used,
// which is then reported for the subject.
func (l *loading) template(file, subject string) *doc.Node {
	p := l.tree(file)
	for _, d := range p.diags {
		d.Subject = subject
		l.report.add(d)
	}
	if p.root == nil || !l.isTemplate(p.root, file, subject) {
		return nil
	}
	return p.root
}

// unusable says why a file cannot be used, in words that follow its name.
func unusable(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "does not exist"
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return "cannot be read: " + err.Error()
}

// isTemplate reports whether root has resources, and says so when it has not.
func (l *loading) isTemplate(root *doc.Node, file, subject string) bool {
	at := diag.Range{File: file, Start: diag.Pos{Line: 1, Column: 1}}
	d := diag.Diagnostic{Subject: subject, Range: at}
	resources := root.Get("Resources")
	switch {
	case !root.Is(doc.Map):
		d.Code, d.Summary = "template", fmt.Sprintf("a template must be a map with Resources, not %s", root.Kind)
	case root.Pair("Resources") == nil:
		d.Code, d.Summary = "resources", "the template has no Resources"
		if near := diag.Nearest("Resources", root.Keys()); near != "" {
			pair := root.Pair(near)
			d.Range, d.Hint = pair.KeyRange, fmt.Sprintf("did you mean \"Resources\" instead of %q?", near)
		}
	case !resources.Is(doc.Map) && !resources.Is(doc.Null):
		d.Code, d.Summary, d.Range = "resources", fmt.Sprintf("Resources must be a map, not %s", resources.Kind), resources.Range
	case len(resources.Pairs) == 0:
		d.Code, d.Summary, d.Range = "resources", "Resources is empty", root.Pair("Resources").KeyRange
	default:
		return true
	}
	l.report.add(d)
	return false
}

// partition is the part of AWS that the region belongs to.
func (l *loading) partition() string {
	switch {
	case strings.HasPrefix(l.region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(l.region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func (l *loading) urlSuffix() string {
	if l.partition() == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// expand fills a text of the table of resource types.
func (l *loading) expand(text, name string) string {
	if l.places == nil {
		l.places = strings.NewReplacer("{region}", l.region, "{account}", l.account,
			"{partition}", l.partition(), "{suffix}", l.urlSuffix())
	}
	return strings.ReplaceAll(l.places.Replace(text), "{name}", name)
}
