package cfn_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
)

var fileHeader = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

// unpack writes the files of an archive, each behind a line "-- name --", into
// a new folder. Text before the first of these is template.yaml.
func unpack(t testing.TB, archive string) string {
	t.Helper()
	dir, name := t.TempDir(), "template.yaml"
	for archive != "" {
		content, next, rest := archive, "", ""
		if m := fileHeader.FindStringSubmatchIndex(archive); m != nil {
			content, next, rest = archive[:m[0]], archive[m[2]:m[3]], archive[m[1]:]
		}
		if name != "template.yaml" || content != "" {
			write(t, filepath.Join(dir, filepath.FromSlash(name)), content)
		}
		if name, archive = next, rest; next != "" && rest == "" {
			write(t, filepath.Join(dir, filepath.FromSlash(next)), "")
		}
	}
	return dir
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// loadIn loads template.yaml of the folder.
func loadIn(t testing.TB, dir string, opts project.Options) (*lambda.Project, diag.List) {
	t.Helper()
	return cfn.Loader{}.Load(context.Background(), filepath.Join(dir, "template.yaml"), opts)
}

// load loads an archive and drops what it says of code that is not there.
func load(t testing.TB, archive string, opts project.Options) (*lambda.Project, diag.List) {
	t.Helper()
	p, diags := loadIn(t, unpack(t, archive), opts)
	var rest diag.List
	for _, d := range diags {
		if d.Code != "code-not-found" {
			rest = append(rest, d)
		}
	}
	return p, rest
}

// function loads an archive and returns its function of the given path.
func function(t testing.TB, archive, path string) *lambda.Function {
	t.Helper()
	p, diags := load(t, archive, project.Options{})
	if p == nil {
		t.Fatalf("the template does not load: %v", diags)
	}
	return find(t, p, path)
}

func find(t testing.TB, p *lambda.Project, path string) *lambda.Function {
	t.Helper()
	for _, fn := range p.Functions {
		if fn.Path == path {
			return fn
		}
	}
	t.Fatalf("no function %q in %v", path, paths(p))
	return nil
}

func paths(p *lambda.Project) []string {
	var out []string
	for _, fn := range p.Functions {
		out = append(out, fn.Path)
	}
	return out
}

// said writes diagnostics one a line, without the folder of the test:
// "5:7 warning code: summary | detail | hint [subject]".
func said(l diag.List) []string {
	out := []string{}
	for _, d := range l {
		var b strings.Builder
		if d.Range.Start.Line > 0 {
			if base := filepath.Base(d.Range.File); base != "template.yaml" {
				b.WriteString(base + ":")
			}
			b.WriteString(strconv.Itoa(d.Range.Start.Line) + ":" + strconv.Itoa(d.Range.Start.Column) + " ")
		}
		b.WriteString(d.Severity.String() + " " + d.Code + ": " + d.Summary)
		if d.Detail != "" {
			b.WriteString(" | " + d.Detail)
		}
		if d.Hint != "" {
			b.WriteString(" | hint: " + d.Hint)
		}
		if d.Subject != "" {
			b.WriteString(" [" + d.Subject + "]")
		}
		out = append(out, b.String())
	}
	return out
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func BenchmarkLoad500Functions(b *testing.B) {
	dir := unpack(b, manyFunctions(500))
	b.ResetTimer()
	for range b.N {
		p, _ := loadIn(b, dir, project.Options{})
		if len(p.Functions) != 500 {
			b.Fatalf("%d functions", len(p.Functions))
		}
	}
}

func BenchmarkLoadOneOf500Functions(b *testing.B) {
	dir := unpack(b, manyFunctions(500))
	b.ResetTimer()
	for range b.N {
		p, _ := loadIn(b, dir, project.Options{Only: "Function250"})
		if p.Functions[250].Handler == "" {
			b.Fatal("the wanted function was not resolved")
		}
	}
}

// manyFunctions is a template with n functions of ordinary size.
func manyFunctions(n int) string {
	var b strings.Builder
	b.WriteString(`Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function:
    Runtime: python3.13
    Timeout: 10
    Environment:
      Variables:
        STAGE: !Ref Stage
        TABLE: !Ref Table
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "${AWS::StackName}-table-${Stage}"
`)
	for i := range n {
		id := strconv.Itoa(i)
		b.WriteString("  Function" + id + `:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      FunctionName: !Sub "${AWS::StackName}-fn-` + id + `"
      MemorySize: 256
      Environment:
        Variables:
          URL: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/${Stage}"
          TABLE_ARN: !GetAtt Table.Arn
      Policies:
        - DynamoDBCrudPolicy:
            TableName: !Ref Table
      Events:
        Get:
          Type: Api
          Properties:
            Path: /items/` + id + `
            Method: get
`)
	}
	b.WriteString("-- src/app.py --\n")
	return b.String()
}
