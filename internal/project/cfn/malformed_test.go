package cfn_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
)

// resolve gives the variable that an expression comes to in the surroundings,
// and the summaries of what is said about it.
func resolve(t *testing.T, expression string) (lambda.Variable, []string) {
	t.Helper()
	p, diags := load(t, strings.Replace(surroundings, "EXPRESSION", expression, 1), project.Options{})
	if p == nil {
		t.Fatalf("the template does not load: %v", diags)
	}
	var summaries []string
	for _, d := range diags {
		summaries = append(summaries, d.Summary)
	}
	v := find(t, p, "F").Environment
	if len(v) != 1 {
		t.Fatalf("the environment is %+v", v)
	}
	return v[0], summaries
}

func TestArgumentsThatAreWrongAreExplained(t *testing.T) {
	tests := []struct{ name, expression, want string }{
		{"Ref", "!Ref [a]", "!Ref takes the name of a parameter or a resource"},
		{"GetAtt without a dot", "!GetAtt Queue", "!GetAtt takes a resource and an attribute, such as Queue.Arn"},
		{"GetAtt of three", "!GetAtt [a, b, c]", "!GetAtt takes a resource and an attribute, such as Queue.Arn"},
		{"GetAtt of a map", "!GetAtt [{a: b}, c]", "!GetAtt needs text as the resource"},
		{"GetAtt of a list", "!GetAtt [Queue, [c]]", "!GetAtt needs text as the attribute"},
		{"Sub of a number", "{'Fn::Sub': 5}", "Fn::Sub takes a text, or a list of a text and a map of variables"},
		{"Sub of two texts", "!Sub [a, b]", "!Sub takes a text, or a list of a text and a map of variables"},
		{"Sub of a map", "!Sub ['${x}', {x: {a: b}}]", "!Sub has no text to put for ${x}"},
		{"Sub of a list of lists", "!Sub ['${x}', {x: [[a]]}]", "!Sub cannot join a list"},
		{"Join of one", "!Join [a]", "!Join takes a list of a delimiter and a list of values"},
		{"Join with a map", "!Join [{a: b}, []]", "!Join needs text as the delimiter"},
		{"Join of text", "!Join [a, b]", "!Join takes a list as its second value"},
		{"Join of maps", "!Join [a, [{b: c}]]", "!Join cannot join a map"},
		{"Split of one", "!Split [a]", "!Split takes a list of a delimiter and a text"},
		{"Split with a list", "!Split [[a], b]", "!Split needs text as the delimiter"},
		{"Split of a list", "!Split [a, [b]]", "!Split needs text as what it splits"},
		{"Split at nothing", "!Split ['', b]", "!Split takes a delimiter that is not empty"},
		{"Select of one", "!Select [a]", "!Select takes a list of an index and a list"},
		{"Select with text", "!Select [a, [b]]", `!Select needs a number as the index, not "a"`},
		{"Select with a list", "!Select [[a], [b]]", "!Select needs text as the index"},
		{"Select of text", "!Select [0, b]", "!Select takes a list as its second value"},
		{"Select below the first", "!Select [-1, [b]]", "!Select selects element -1 of a list of 1"},
		{"Base64 of a list", "!Base64 [a]", "!Base64 needs text as what it encodes"},
		{"Length of text", "!Length a", "!Length takes a list"},
		{"ToJsonString of text", "!ToJsonString a", "!ToJsonString takes a map or a list"},
		{"FindInMap of two", "!FindInMap [a, b]", "!FindInMap takes a list of a map's name and two keys"},
		{"FindInMap of a list", "!FindInMap [a, b, [c]]", "!FindInMap needs text as a key"},
		{"GetAZs of a list", "!GetAZs [a]", "!GetAZs needs text as the region"},
		{"ImportValue of a list", "!ImportValue [a]", "!ImportValue needs text as the export's name"},
		{"Cidr of one", "!Cidr [a]", "!Cidr takes a list of an address block, a count and a number of bits"},
		{"Cidr of a list", "!Cidr [[a], 1]", "!Cidr needs text as the address block"},
		{"Cidr of too many", "!Cidr [10.0.0.0/8, 257, 8]", `!Cidr needs a number from 1 to 256, not "257"`},
		{"Cidr of no number", "!Cidr [10.0.0.0/8, [1]]", "!Cidr needs text as a number"},
		{"Cidr of too many bits", "!Cidr [10.0.0.0/8, 1, 33]", `!Cidr needs a number from 1 to 32, not "33"`},
		{"If of two", "!If [Yes, a]", "!If takes a list of a condition's name and two values"},
		{"If of a list", "!If [[Yes], a, b]", "!If takes the name of a condition as its first value"},
		{"Equals of one", "!Equals [a]", "!Equals takes a list of two values"},
		{"Not of two", "!Not [a, b]", "!Not takes a list of one condition"},
		{"And of none", "!And []", "!And takes a list of up to ten conditions"},
		{"Not of text", "!Not [a]", "the condition takes a condition function such as !Equals"},
		{"Not of another function", "!Not [!Ref Stage]", "!Ref does not give true or false"},
		{"Transform without a name", "{'Fn::Transform': x}", `Fn::Transform runs the macro "", which only AWS can`},
		{"Transform without a location", "{'Fn::Transform': {Name: AWS::Include}}", "Fn::Transform needs text as Location"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, summaries := resolve(t, tt.expression)
			diff(t, "diagnostics", []string{tt.want}, summaries)
			if !v.Unresolved {
				t.Errorf("it is resolved to %q", v.Value)
			}
		})
	}
}

func TestOneUnknownPartLeavesTheWholeUnknown(t *testing.T) {
	tests := []struct{ name, expression, value string }{
		{"Sub", "!Sub 'a-${Balancer.DNSName}'", ""},
		{"Join", "!Join [a, [b, !ImportValue x]]", ""},
		{"Join of an unknown list", "!Join [a, !ImportValue x]", ""},
		{"Join with an unknown delimiter", "!Join [!ImportValue x, []]", ""},
		{"Join of what has a value all the same", "!Join ['-', [b, !Ref Bare]]", "b-Bare"},
		{"Split", "!Select [0, !Split [a, !ImportValue x]]", ""},
		{"Select", "!Select [0, !ImportValue x]", ""},
		{"Select with an unknown index", "!Select [!ImportValue x, [a]]", ""},
		{"Base64", "!Base64 {'Fn::ImportValue': x}", ""},
		{"Base64 of what has a value all the same", "{'Fn::Base64': !Ref Bare}", "QmFyZQ=="},
		{"Length", "{'Fn::Length': !ImportValue x}", ""},
		{"ToJsonString", "{'Fn::ToJsonString': {a: !ImportValue x}}", ""},
		{"FindInMap", "!FindInMap [Regions, !ImportValue x, ami]", ""},
		{"GetAtt", "!GetAtt [Queue, !ImportValue x]", ""},
		{"GetAZs", "!Select [0, !GetAZs {'Fn::ImportValue': x}]", ""},
		{"Cidr", "!Select [0, !Cidr [!ImportValue x, 1, 8]]", ""},
		{"ImportValue", "{'Fn::ImportValue': !GetAtt Balancer.DNSName}", ""},
		{"Equals", "!If [FromBare, a, b]", "b"},
		{"a map", "{a: !ImportValue x}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, summaries := resolve(t, tt.expression)
			if v.Value != tt.value || !v.Unresolved || len(summaries) != 1 {
				t.Errorf("got %+v and %q, want the unresolved %q", v, summaries, tt.value)
			}
		})
	}
}

func TestConditionsAreValuesToo(t *testing.T) {
	tests := []struct{ name, expression, want string }{
		{"Equals", "!Equals [a, a]", "true"},
		{"Equals by text", `!Equals [1, "1"]`, "true"},
		{"Equals of booleans", `!Equals [true, "true"]`, "true"},
		{"Equals of lists", "!Equals [[a, !Ref Stage], [a, dev]]", "true"},
		{"Equals of different lists", "!Equals [[a], [b]]", "false"},
		{"Not", "!Not [!Condition Yes]", "false"},
		{"And", "!And [!Condition Yes, true]", "true"},
		{"Or", `!Or [false, "false"]`, "false"},
		{"Condition", "{Condition: Either}", "true"},
		{"in the long form", "{'Fn::Not': [{'Fn::Equals': [a, b]}]}", "true"},
		{"If among conditions", "!Not [!If [Yes, false, true]]", "true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, summaries := resolve(t, tt.expression)
			if v.Value != tt.want || v.Unresolved || len(summaries) > 0 {
				t.Errorf("got %+v and %q, want %q", v, summaries, tt.want)
			}
		})
	}
}

func TestWhatSAMGeneratesCanBeReferredTo(t *testing.T) {
	const template = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: v1}}
  Version: {Type: AWS::Lambda::Version, Properties: {FunctionName: !GetAtt Fn.Arn}}
  Stack: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: "https://example.com/t"}}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a
      Runtime: b
      InlineCode: c
      Events: {Get: {Type: Schedule}}
      Environment:
        Variables:
          X: EXPRESSION
`
	tests := []struct {
		name, expression, want string
		unresolved             bool
	}{
		{"implicit REST API", "!Ref ServerlessRestApi", "ServerlessRestApi", false},
		{"implicit HTTP API", "!Ref ServerlessHttpApi", "ServerlessHttpApi", false},
		{"implicit stage", "!Ref ServerlessRestApiProdStage", "Prod", false},
		{"stage", "!Ref Apiv1Stage", "v1", false},
		{"stage as an attribute", "!GetAtt Api.Stage", "v1", false},
		{"deployment", "!Ref ApiDeployment", "ApiDeployment", false},
		{"role", "!Ref FnRole", "FnRole", false},
		{"version", "!Ref Version", "arn:aws:lambda:us-east-1:123456789012:function:Fn:1", false},
		{"generated version", "!Ref FnVersion0123456789", "FnVersion0123456789", false},
		{"rule of an event", "!GetAtt FnGet.Arn", "arn:aws:events:us-east-1:123456789012:rule/FnGet", false},
		{"nested stack", "!Ref Stack", "arn:aws:cloudformation:us-east-1:123456789012:stack/Stack/51af3dc0-da77-11e4-872e-1234567db123", false},
		{"URL, which only AWS knows", "!GetAtt FnUrl.FunctionUrl", "", true},
		{"alias that is not published", "!GetAtt Fn.Alias", "", true},
		{"nothing of these", "!Ref FnSomething", "FnSomething", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := load(t, strings.Replace(template, "EXPRESSION", tt.expression, 1), project.Options{})
			got := find(t, p, "Fn").Environment[0]
			if got.Value != tt.want || got.Unresolved != tt.unresolved {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestTheLoaderIntroducesItself(t *testing.T) {
	l := cfn.Loader{}
	diff(t, "kind", lambda.KindCloudFormation, l.Kind())
	diff(t, "names", []string{".aws-sam/build/template.yaml", "template.yaml", "template.yml", "template.json"}, l.Names())
}

func TestACancelledLoadStops(t *testing.T) {
	dir := unpack(t, manyFunctions(3))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, diags := cfn.Loader{}.Load(ctx, dir+"/template.yaml", project.Options{})
	if p != nil || !diags.HasErrors() {
		t.Errorf("got %v and %q", p, said(diags))
	}
}
