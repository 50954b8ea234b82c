package sls

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/project"
)

const resources = `
resources:
  - Resources:
      Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: "${self:service}-table"}}
      Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${AWS::AccountId}-${Table}"}}
      Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
      Unnamed: {Type: AWS::DynamoDB::Table, Properties: {}}
      Pool: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: p}}
      Loop: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${Loop}-x"}}
      Wrong: {Type: AWS::S3::Bucket, Properties: {BucketName: "${env:NOPE}"}}
  - ${file(topic.yml)}
`

func TestIntrinsicsThatAreCertainHere(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"region", "!Ref AWS::Region", "eu-west-1"},
		{"account", "!Ref AWS::AccountId", "123456789012"},
		{"partition", "!Ref AWS::Partition", "aws"},
		{"domain", "!Ref AWS::URLSuffix", "amazonaws.com"},
		{"stack", "!Ref AWS::StackName", "svc-dev"},
		{"name of a table", "!Ref Table", "svc-table"},
		{"name put together", "{Ref: Bucket}", "123456789012-svc-table"},
		{"address of a queue", "!Ref Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"},
		{"resource of a file", "!Ref Topic", "arn:aws:sns:eu-west-1:123456789012:news"},
		{"function", "!Ref GDashhLambdaFunction", "svc-dev-g-h"},
		{"Sub", "!Sub 'x-${AWS::Region}-${Table}'", "x-eu-west-1-svc-table"},
		{"Sub of a literal", "!Sub 'a ${!Literal}'", "a ${Literal}"},
		{"Sub with names of its own", "{Fn::Sub: ['${a}/${Table}', {a: !Join ['', [b, c]]}]}", "bc/svc-table"},
		{"Sub with a variable", "!Sub '${self:service}.${AWS::URLSuffix}'", "svc.amazonaws.com"},
		{"Join", "{Fn::Join: ['-', [a, 1, !Ref AWS::Region]]}", "a-1-eu-west-1"},
		{"Join of nothing", "!Join ['-', []]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := loadIntrinsic(t, tt.in)
			if diff := cmp.Diff(map[string]string{"V": tt.want}, p); diff != "" || diags != nil {
				t.Errorf("%v (-want +got):\n%s", diags, diff)
			}
		})
	}
}

// loadIntrinsic gives the environment of a function with V set to value.
func loadIntrinsic(t *testing.T, value string) (map[string]string, []string) {
	t.Helper()
	p, diags := files{
		"serverless.yml": withEnvironment("V: "+value) + "  g-h: {handler: h.g}\n" + resources,
		"topic.yml":      "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}}\n",
	}.load(t, project.Options{Region: "eu-west-1", Only: "f"})
	return environment(p.Functions[0]), lines(diags)
}

func TestNoValueLeavesTheVariableOut(t *testing.T) {
	env, diags := loadIntrinsic(t, "!Ref AWS::NoValue")
	if len(env) > 0 || diags != nil {
		t.Errorf("got %v, %v", env, diags)
	}
}

func TestIntrinsicsThatOnlyAWSKnows(t *testing.T) {
	tests := []struct{ name, in, want, json string }{
		{"attribute", "!GetAtt Table.Arn", `"Fn::GetAtt" is known on AWS only`, `{"Fn::GetAtt":["Table","Arn"]}`},
		{"import", "{Fn::ImportValue: exported}", `the export "exported" is known on AWS only`, `{"Fn::ImportValue":"exported"}`},
		{"import put together", "{Fn::ImportValue: {Fn::Sub: '${AWS::StackName}-x'}}", `the export "svc-dev-x" is known on AWS only`, `{"Fn::ImportValue":{"Fn::Sub":"${AWS::StackName}-x"}}`},
		{"unknown resource", "!Ref Nope", `"Nope" is no resource of the service`, `{"Ref":"Nope"}`},
		{"resource without name", "!Ref Unnamed", `"Unnamed" has no TableName, so AWS makes one up`, `{"Ref":"Unnamed"}`},
		{"resource that AWS identifies", "!Ref Pool", `what Ref gives for "Pool" ("AWS::Cognito::UserPool") is known on AWS only`, `{"Ref":"Pool"}`},
		{"resource in a circle", "!Ref Loop", `the name of "Loop" leads to itself`, `{"Ref":"Loop"}`},
		{"resource with a bad name", "!Ref Wrong", `Cannot resolve variable at "resources.Resources.Wrong.Properties.BucketName": Value not found at "env" source`, `{"Ref":"Wrong"}`},
		{"identity of the stack", "!Ref AWS::StackId", `"AWS::StackId" is known on AWS only`, `{"Ref":"AWS::StackId"}`},
		{"attribute in Sub", "!Sub '${Table.Arn}/*'", `the attribute "Table.Arn" is known on AWS only`, `{"Fn::Sub":"${Table.Arn}/*"}`},
		{"attribute in Join", "!Join ['', [a, !GetAtt Table.Arn]]", `"Fn::GetAtt" is known on AWS only`, `{"Fn::Join":["",["a",{"Fn::GetAtt":["Table","Arn"]}]]}`},
		{"bad Join", "!Join a", "Fn::Join takes a separator and a list", `{"Fn::Join":"a"}`},
		{"bad Sub", "{Fn::Sub: {a: b}}", "Fn::Sub takes a text", `{"Fn::Sub":{"a":"b"}}`},
		{"bad Ref", "{Ref: [a]}", "Ref takes a name", `{"Ref":["a"]}`},
		{"map in Join", "!Join ['', [{a: b}]]", "a map cannot stand in a text", `{"Fn::Join":["",[{"a":"b"}]]}`},
		{"no value in Sub", "!Sub '${AWS::NoValue}'", `"AWS::NoValue" has no text`, `{"Fn::Sub":"${AWS::NoValue}"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env, diags := loadIntrinsic(t, tt.in)
			if diff := cmp.Diff(map[string]string{"V": "unresolved: " + tt.json}, env); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := `environment-unresolved: the environment variable "V" cannot be resolved on this machine: ` + tt.want + " (give it a value: --env V=…)"
			if len(diags) != 1 || !strings.HasPrefix(diags[0], "warning [f] serverless.yml:7:") || !strings.HasSuffix(diags[0], want) {
				t.Errorf("got %v\nwant %s", diags, want)
			}
		})
	}
}

func TestNamesThatGrowWithoutEndAreGivenUp(t *testing.T) {
	var b strings.Builder
	b.WriteString(withEnvironment("V: !Ref A0") + "resources:\n  Resources:\n")
	for i := range 26 {
		next := string(rune('A'+i/10)) + string(rune('0'+i%10))
		after := string(rune('A'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		b.WriteString("    " + next + ": {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub '${" + after + "}${" + after + "}'}}\n")
	}
	b.WriteString("    C6: {Type: AWS::S3::Bucket, Properties: {BucketName: x}}\n")
	_, diags := files{"serverless.yml": b.String()}.load(t, project.Options{})
	if len(diags) != 1 || !strings.HasSuffix(diags[0].Summary, "the text is too long") {
		t.Errorf("got %v", lines(diags))
	}
}
