package cfn_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

func TestNestedStacksBringTheirFunctions(t *testing.T) {
	dir := unpack(t, `
Parameters:
  Stage: {Type: String, Default: dev}
Resources:
  Data:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: data.yaml, Parameters: {Stage: !Ref Stage}}
  App:
    Type: AWS::Serverless::Application
    Metadata: {SamResourceId: TheApp}
    Properties:
      Location: sub/app.yaml
      Parameters:
        Table: !GetAtt Data.Outputs.TableName
        Names: [a, b]
        Layer: !Ref Lib
  Lib: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: lib}}
-- data.yaml --
Parameters: {Stage: {Type: String}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "items-${Stage}"}}
Outputs:
  TableName: {Value: !Ref Table}
-- sub/app.yaml --
Parameters:
  Table: {Type: String}
  Names: {Type: CommaDelimitedList}
  Layer: {Type: String}
  Stage: {Type: String, Default: own}
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Runtime: python3.13
      CodeUri: code
      Layers: [!Ref Layer]
      Environment:
        Variables: {TABLE: !Ref Table, NAMES: !Join ["+", !Ref Names], STAGE: !Ref Stage}
  Deeper: {Type: AWS::Serverless::Application, Properties: {Location: ../deep.yaml}}
-- sub/code/a.py --
-- deep.yaml --
Resources:
  Fn: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.13, CodeUri: sub/code}}
-- lib/x --
`)
	p, diags := loadIn(t, dir, project.Options{Parameters: map[string]string{"Stage": "prod"}})
	diff(t, "diagnostics", []string{}, said(diags))
	diff(t, "functions", []string{"TheApp/Fn", "TheApp/Deeper/Fn"}, paths(p))
	fn := p.Functions[0]
	var env []string
	for _, v := range fn.Environment {
		env = append(env, v.Name+"="+v.Value)
	}
	diff(t, "environment", []string{"TABLE=items-prod", "NAMES=a+b", "STAGE=own"}, env)
	diff(t, "code", lambda.Code{Dir: filepath.Join(dir, "sub", "code")}, fn.Code)
	diff(t, "code of the deeper stack", lambda.Code{Dir: filepath.Join(dir, "sub", "code")}, p.Functions[1].Code)
	diff(t, "layers", []string{filepath.Join(dir, "lib")}, []string{fn.Layers[0].Dir})
	diff(t, "source", filepath.Join(dir, "sub", "app.yaml")+":7", fn.Source.String())
}

func TestNestedStacksThatAreNotHere(t *testing.T) {
	tests := []struct{ name, resource, want string }{
		{"address", "{Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://example.com/x.yaml'}}", `note remote-stack: the functions of the nested stack "S" are left out: its template is at "https://example.com/x.yaml" [S]`},
		{"repository", "{Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a, SemanticVersion: 1.0.0}}}", `note remote-stack: the functions of the nested stack "S" are left out: its template is not a file of this project [S]`},
		{"missing file", "{Type: AWS::Serverless::Application, Properties: {Location: gone.yaml}}", `error read: the template "gone.yaml" of the nested stack "S" does not exist [S]`},
		{"itself", "{Type: AWS::Serverless::Application, Properties: {Location: ./template.yaml}}", `error nested-cycle: the nested stack "S" has the template "./template.yaml", which nests it [S]`},
		{"no resources", "{Type: AWS::Serverless::Application, Properties: {Location: empty.yaml}}", `error resources: Resources is empty [S]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := load(t, "Resources:\n  S: "+tt.resource+"\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: a, Runtime: b, Code: {ZipFile: x}}}\n-- empty.yaml --\nResources: {}\n", project.Options{})
			diff(t, "functions", []string{"F"}, paths(p))
			if len(diags) != 1 || !strings.HasSuffix(said(diags)[0], tt.want) {
				t.Errorf("got %q, want %q", said(diags), tt.want)
			}
			if diags.For("F").HasErrors() {
				t.Error("the function beside it cannot be used")
			}
		})
	}
}

func TestOutputsThatAreNotThere(t *testing.T) {
	_, diags := load(t, `
Resources:
  S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: s.yaml}}
  F:
    Type: AWS::Lambda::Function
    Properties:
      Handler: a
      Runtime: b
      Code: {ZipFile: x}
      Environment: {Variables: {X: !GetAtt S.Outputs.Tabel}}
-- s.yaml --
Resources: {T: {Type: AWS::DynamoDB::Table}}
Outputs: {Table: {Value: !Ref T}}
`, project.Options{})
	diff(t, "diagnostics", []string{
		`10:36 warning unknown-attribute: !GetAtt asks for the output "Tabel", which the nested stack "S" does not have | The environment variable X is left without a value. | hint: did you mean "Table"? [F]`,
	}, said(diags))
}

func TestStacksThatMultiplyAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 12 {
		if i > 0 {
			b.WriteString("-- " + string(rune('a'+i)) + ".yaml --\n")
		}
		next := string(rune('a'+i+1)) + ".yaml"
		b.WriteString("Resources:\n")
		for _, id := range []string{"A", "B", "C"} {
			b.WriteString("  " + id + ": {Type: AWS::Serverless::Application, Properties: {Location: " + next + "}}\n")
		}
	}
	b.WriteString("-- m.yaml --\nResources: {T: {Type: AWS::DynamoDB::Table}}\n")
	_, diags := load(t, b.String(), project.Options{})
	if len(diags) == 0 || diags[0].Code != "nested-limit" {
		t.Errorf("got %d diagnostics", len(diags))
	}
}

func TestLayersOfTheTemplate(t *testing.T) {
	dir := unpack(t, `
Conditions: {Never: !Equals [a, b]}
Parameters:
  Tools: {Type: String, Default: "arn:aws:lambda:us-east-1:123456789012:layer:tools:2"}
  More: {Type: CommaDelimitedList, Default: "arn:aws:lambda:us-east-1:123456789012:layer:a:1, arn:aws:lambda:us-east-1:123456789012:layer:b:1"}
Resources:
  Dir: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: dir, LayerName: same}}
  Zip: {Type: AWS::Lambda::LayerVersion, Properties: {Content: x.zip, LayerName: same}}
  Asset: {Type: AWS::Lambda::LayerVersion, Metadata: {'aws:asset:path': dir, 'aws:asset:property': Content}, Properties: {Content: {S3Bucket: b}}}
  Far: {Type: AWS::Lambda::LayerVersion, Properties: {Content: {S3Bucket: b, S3Key: k}}}
  Gone: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: gone}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Runtime: python3.13
      InlineCode: x
      Layers:
        - !Ref Dir
        - !Ref Zip
        - !GetAtt Asset.LayerVersionArn
        - !If [Never, !Ref Far, !Ref "AWS::NoValue"]
        - !Sub "${Dir}"
        - !Ref Tools
        - !Ref More
        - arn:aws:lambda:::awslayer:AmazonLinux1803
        - !Ref Far
        - !Ref Gone
-- dir/x --
-- x.zip --
`)
	p, diags := loadIn(t, dir, project.Options{})
	var got []string
	for _, l := range p.Functions[0].Layers {
		name, err := filepath.Rel(dir, l.Dir+l.Archive)
		if err != nil || l.ARN != "" {
			name = l.ARN
		}
		got = append(got, name)
	}
	diff(t, "layers", []string{
		"dir", "x.zip", "dir", "dir", "arn:aws:lambda:us-east-1:123456789012:layer:tools:2",
		"arn:aws:lambda:us-east-1:123456789012:layer:a:1", "arn:aws:lambda:us-east-1:123456789012:layer:b:1", "gone",
	}, got)
	diff(t, "diagnostics", []string{
		`27:11 warning remote-layer: the layer "Far" is left out: its content is in S3 [F]`,
		`28:11 warning layer-not-found: the content of the layer "Gone", ` + filepath.Join(dir, "gone") + `, does not exist | hint: build the layer first, or correct its content's path [F]`,
		`18:7 warning too-many-layers: the function "F" has 8 layers, but AWS takes at most 5 [F]`,
	}, said(diags))
}

func TestLoopsAreUnrolled(t *testing.T) {
	p, diags := load(t, `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters:
  Names: {Type: CommaDelimitedList, Default: "Alpha,Be-ta"}
Resources:
  Fn::ForEach::Functions:
    - Name
    - !Ref Names
    - "&{Name}Fn":
        Type: AWS::Serverless::Function
        Properties:
          Handler: !Sub "${Name}.handler"
          Runtime: python3.13
          InlineCode: x
          Environment:
            Variables:
              NAME: !Ref Name
              Fn::ForEach::Inner:
                - N
                - [1, 2]
                - "V_${N}": !Sub "${Name}-${N}-${AWS::Region}"
`, project.Options{})
	diff(t, "diagnostics", []string{}, said(diags))
	diff(t, "functions", []string{"AlphaFn", "BetaFn"}, paths(p))
	fn := p.Functions[1]
	got := []string{fn.Handler}
	for _, v := range fn.Environment {
		got = append(got, v.Name+"="+v.Value)
	}
	diff(t, "second function", []string{"Be-ta.handler", "NAME=Be-ta", "V_1=Be-ta-1-us-east-1", "V_2=Be-ta-2-us-east-1"}, got)
}

func TestLoopsThatAreWrongWarn(t *testing.T) {
	const transform = "Transform: AWS::LanguageExtensions\n"
	tests := []struct{ name, template, want string }{
		{"without the transform", "Resources:\n  Fn::ForEach::L: [N, [a], {'T${N}': {Type: AWS::DynamoDB::Table}}]\n", "2:3 warning for-each: Fn::ForEach works on AWS only with the transform AWS::LanguageExtensions | hint: add AWS::LanguageExtensions to Transform, before AWS::Serverless-2016-10-31"},
		{"too few arguments", transform + "Resources:\n  Fn::ForEach::L: [N, [a]]\n", "3:3 warning for-each: Fn::ForEach::L takes a list of an identifier, a collection and a map"},
		{"no collection", transform + "Resources:\n  Fn::ForEach::L: [N, !ImportValue x, {}]\n", "3:23 warning for-each: the collection of Fn::ForEach::L is not a list that is known here"},
		{"the same key twice", transform + "Resources:\n  Fn::ForEach::L: [N, [a, b], {Same: {Type: AWS::DynamoDB::Table}}]\n", `3:3 warning for-each: Fn::ForEach::L makes "Same", which is there already`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := load(t, tt.template, project.Options{})
			diff(t, "diagnostics", []string{tt.want}, said(diags))
		})
	}
}

func TestLoopsThatMultiplyAreBounded(t *testing.T) {
	ten := "[a, b, c, d, e, f, g, h, i, j]"
	body := "{'K${A}${B}${C}${D}${E}${G}${H}${I}': {Type: AWS::DynamoDB::Table}}"
	for _, id := range []string{"A", "B", "C", "D", "E", "G", "H", "I"} {
		body = "{'Fn::ForEach::" + id + "': [" + id + ", " + ten + ", " + body + "]}"
	}
	_, diags := load(t, "Transform: AWS::LanguageExtensions\nResources: "+body+"\n", project.Options{})
	if len(diags) == 0 || !strings.Contains(diags[0].Summary, "more than 1000000 values") {
		t.Errorf("got %d diagnostics", len(diags))
	}
}

func TestFilesAreIncluded(t *testing.T) {
	p, diags := load(t, `
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: own.handler
      Runtime: python3.13
      InlineCode: x
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: parts/props.yaml}}
      Environment:
        Variables:
          Fn::Transform:
            Name: AWS::Include
            Parameters: {Location: !Sub "parts/${AWS::Region}.yaml"}
          OWN: x
-- parts/props.yaml --
Handler: included.handler
Timeout: 20
-- parts/us-east-1.yaml --
WHERE: !Ref AWS::Region
`, project.Options{})
	diff(t, "diagnostics", []string{}, said(diags))
	fn := p.Functions[0]
	got := []string{fn.Handler, fn.Timeout.String()}
	for _, v := range fn.Environment {
		got = append(got, v.Name+"="+v.Value)
	}
	diff(t, "function", []string{"own.handler", "20s", "WHERE=us-east-1", "OWN=x"}, got)
}

func TestIncludesThatCannotBeRead(t *testing.T) {
	tests := []struct{ name, location, code string }{
		{"missing", "gone.yaml", "read"},
		{"address", "s3://bucket/x.yaml", "remote-include"},
		{"broken", "broken.yaml", "yaml-syntax"},
		{"itself", "loop.yaml", "reference-cycle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := load(t, `
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Handler: a
      Runtime: b
      Code: {ZipFile: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: `+tt.location+`}}}}
-- broken.yaml --
a: [
-- loop.yaml --
{'Fn::Transform': {Name: AWS::Include, Parameters: {Location: loop.yaml}}}
`, project.Options{})
			if len(diags) == 0 || diags[0].Code != tt.code {
				t.Errorf("got %q", said(diags))
			}
		})
	}
}
