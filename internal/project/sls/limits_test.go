package sls

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// chain is a custom section of n values, each made by format of the next one's name.
func chain(n int, format, last string) string {
	var b strings.Builder
	b.WriteString("custom:\n")
	for i := range n {
		fmt.Fprintf(&b, "  v%d: %s\n", i, strings.ReplaceAll(format, "NEXT", fmt.Sprintf("self:custom.v%d", i+1)))
	}
	fmt.Fprintf(&b, "  v%d: %s\n", n, last)
	return b.String()
}

func TestLongChainsOfVariablesAreFollowed(t *testing.T) {
	p, diags := files{"serverless.yml": withEnvironment("V: ${self:custom.v0}") + chain(400, "${NEXT}", "end")}.load(t, project.Options{})
	if got := environment(p.Functions[0])["V"]; got != "end" {
		t.Errorf("got %q: %v", got, diags)
	}
}

func TestWhatGrowsWithoutEndIsGivenUp(t *testing.T) {
	tests := []struct{ name, custom, code string }{
		{"chain of variables", chain(600, "${NEXT}", "end"), "variable-depth"},
		{"text that doubles", chain(30, "${NEXT}${NEXT}", "end"), "variable-too-large"},
		{"map that doubles", chain(30, "{a: '${NEXT}', b: '${NEXT}'}", "end"), "variable-too-large"},
		{"list in itself", "custom: {v0: ['${self:custom.v0}']}\n", "variable-too-large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := files{"serverless.yml": withEnvironment("V: ${self:custom.v0}") + tt.custom}.load(t, project.Options{})
			if len(diags) != 1 || diags[0].Code != tt.code || diags[0].Subject != "f" {
				t.Errorf("got %v", lines(diags))
			}
		})
	}
}

func TestFilesThatVariablesCannotRead(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"folder", "${file(sub)}", `Cannot resolve variable at "functions.f.environment.V": Cannot parse "DIR/sub": it is a folder`},
		{"no text", "${file(bytes.txt)}", `Cannot resolve variable at "functions.f.environment.V": Cannot parse "DIR/bytes.txt": it is not a UTF-8 text`},
		{"number for a name", "${file(1)}", `Cannot resolve variable at "functions.f.environment.V": Missing path argument in variable "file" source`},
		{"map for a name", "${file(${self:provider})}", `Cannot resolve variable at "functions.f.environment.V": Missing path argument in variable "file" source`},
		{"broken JSON", "${file(bad.json):a}", "invalid character '}' looking for beginning of object key string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{
				"serverless.yml": withEnvironment("V: " + tt.in), "sub/x": "", "bytes.txt": "\xff", "bad.json": `{"a": 1,}`,
			}.load(t, project.Options{})
			if len(diags) != 1 || strings.ReplaceAll(diags[0].Summary, filepath.ToSlash(p.Dir), "DIR") != tt.want {
				t.Errorf("got %v\nwant %s", lines(diags), tt.want)
			}
		})
	}
}

func TestFileOutsideOfTheServiceAndByAbsolutePath(t *testing.T) {
	other := files{"shared.yml": "a: shared\n"}.write(t)
	p, diags := files{
		"serverless.yml": withEnvironment("V: ${file("+filepath.ToSlash(other)+"/shared.yml):a}", "W: ${file(sub/../up.yml):a}"),
		"up.yml":         "a: up\n", "sub/x": "",
	}.load(t, project.Options{})
	if diff := cmp.Diff(map[string]string{"V": "shared", "W": "up"}, environment(p.Functions[0])); diff != "" {
		t.Errorf("%v (-want +got):\n%s", diags, diff)
	}
}

func TestAKeyThatStandsTwiceInJSONIsAWarning(t *testing.T) {
	p, diags := files{"serverless.yml": withEnvironment("V: ${file(f.json):a}"), "f.json": `{"a": 1, "a": 2}`}.load(t, project.Options{})
	if environment(p.Functions[0])["V"] != "2" || len(diags) != 1 || diags[0].Severity != diag.Warning {
		t.Errorf("got %v, %v", environment(p.Functions[0]), diags)
	}
}

func TestProviderThatCannotBeHad(t *testing.T) {
	p, diags := files{"serverless.yml": "service: svc\nprovider: ${file(nope.yml)}\nfunctions: {}\n"}.load(t, project.Options{})
	if p != nil || !hasCode(diags, "variable-missing") {
		t.Errorf("got %v, %v", p, diags)
	}
}

func TestPartsOfAWS(t *testing.T) {
	tests := []struct{ region, partition, suffix string }{
		{"eu-west-1", "aws", "amazonaws.com"},
		{"cn-north-1", "aws-cn", "amazonaws.com.cn"},
		{"us-gov-west-1", "aws-us-gov", "amazonaws.com"},
	}
	for _, tt := range tests {
		t.Run(tt.region, func(t *testing.T) {
			p, diags := files{"serverless.yml": withEnvironment("P: ${aws:partition}", "Q: !Ref AWS::Partition", "S: !Sub '${AWS::URLSuffix}'")}.
				load(t, project.Options{Region: tt.region})
			want := map[string]string{"P": tt.partition, "Q": tt.partition, "S": tt.suffix}
			if diff := cmp.Diff(want, environment(p.Functions[0])); diff != "" || len(diags) > 0 {
				t.Errorf("%v (-want +got):\n%s", diags, diff)
			}
		})
	}
}

func TestStackNameOfTheProvider(t *testing.T) {
	f, diags, _ := loadFunction(t, "stackName: 'my-${sls:stage}'", "{handler: h.f, environment: {V: !Ref AWS::StackName}}", nil)
	if environment(f)["V"] != "my-dev" || diags != nil {
		t.Errorf("got %v, %v", environment(f), diags)
	}
}

func TestTruthyIsJavaScripts(t *testing.T) {
	tests := []struct {
		name string
		node *doc.Node
		want bool
	}{
		{"nothing", nil, false},
		{"null", nullNode(), false},
		{"false", scalar("false"), false},
		{"true", scalar("true"), true},
		{"zero", scalar("0"), false},
		{"fraction", scalar("0.5"), true},
		{"zero fraction", scalar("0.0"), false},
		{"empty text", doc.NewString("", diag.Range{}), false},
		{"text", doc.NewString("false", diag.Range{}), true},
		{"map", &doc.Node{Kind: doc.Map}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := truthy(tt.node); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWithinNarrowsARangeToTheVariable(t *testing.T) {
	at := func(start, end int) diag.Range {
		return diag.Range{Start: diag.Pos{Line: 3, Column: start}, End: diag.Pos{Line: 3, Column: end}}
	}
	tests := []struct {
		name   string
		text   string
		have   diag.Range
		offset int
		want   diag.Range
	}{
		{"plain", "ab${x:y}", at(5, 13), 2, at(7, 13)},
		{"in quotes", "ab${x:y}", at(5, 15), 2, at(8, 14)},
		{"letters of two bytes", "äb${x:y}", at(5, 13), 3, at(7, 13)},
		{"with escapes", "ab${x:y}", at(5, 17), 2, at(5, 17)},
		{"from elsewhere", "ab", at(5, 13), 7, at(5, 13)},
		{"several lines", "ab${x:y}", diag.Range{Start: diag.Pos{Line: 3, Column: 5}}, 2, diag.Range{Start: diag.Pos{Line: 3, Column: 5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, within(doc.NewString(tt.text, tt.have), tt.offset)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
