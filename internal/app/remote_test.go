package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/moto"
)

// deployed makes what the service below refers to.
const deployed = `
import boto3, json
template = lambda resources, outputs: json.dumps({"Resources": resources, "Outputs": outputs})
table = {"Type": "AWS::DynamoDB::Table", "Properties": {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}}
topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
for region, name, resources, outputs in [
    ("us-east-1", "svc-dev", {"Table": table}, {}),
    ("us-east-1", "net", {"Topic": topic}, {"Vpc": {"Value": "vpc-1"}, "Named": {"Value": "exported-1", "Export": {"Name": "svc-export"}}}),
    ("eu-west-1", "net", {"Topic": topic}, {"Vpc": {"Value": "vpc-eu"}}),
]:
    boto3.client("cloudformation", region).create_stack(StackName=name, TemplateBody=template(resources, outputs))
ssm = boto3.client("ssm")
ssm.put_parameter(Name="/plain", Value="p-${self:service}", Type="String")
ssm.put_parameter(Name="/list", Value="a,b", Type="StringList")
ssm.put_parameter(Name="/secret", Value='{"user": "u"}', Type="SecureString")
boto3.client("ssm", "eu-west-1").put_parameter(Name="/plain", Value="abroad", Type="String")
s3 = boto3.client("s3")
s3.create_bucket(Bucket="config")
s3.put_object(Bucket="config", Key="dir/a key+1", Body=b"content")
print(boto3.client("cloudformation").list_stack_resources(StackName="svc-dev")["StackResourceSummaries"][0]["PhysicalResourceId"])
`

const service = `service: svc
provider:
  name: aws
  runtime: provided.al2023
  environment:
    OUTPUT: ${cf:net.Vpc}
    OUTPUT_ABROAD: ${cf(eu-west-1):net.Vpc}
    NO_OUTPUT: ${cf:net.Nope, 'none'}
    NO_STACK: ${cf:nope.Vpc, 'none'}
    PLAIN: ${ssm:/plain}
    ABROAD: ${ssm(eu-west-1):/plain}
    LIST: ${ssm:/list}
    USER: ${self:custom.secret.user}
    RAW: ${ssm(raw):/secret}
    OBJECT: ${s3:config/dir/a key+1}
    NO_OBJECT: ${s3:config/nope, 'none'}
    ACCOUNT: ${aws:accountId}
    IMPORTED: {Fn::ImportValue: svc-export}
    TABLE: {Ref: Table}
    TABLE_TEXT: {Fn::Sub: 'x-${Table}'}
    GIVEN: ${ssm:/not/there}
custom:
  secret: ${ssm:/secret}
functions:
  f: {handler: bootstrap}
resources:
  Resources:
    Table: {Type: AWS::DynamoDB::Table}
`

// TestVariablesAreAskedForAtAWS has AWS's own SDK ask a server that answers as
// AWS does.
func TestVariablesAreAskedForAtAWS(t *testing.T) {
	server := moto.Start(t)
	table := strings.TrimSpace(server.Do(t, deployed))
	testenv.Leaks(t)
	env := inProject(t, map[string]string{"serverless.yml": service, "bootstrap": "#!/bin/sh\n"})
	for _, entry := range server.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	e, err := Describe(t.Context(), Options{
		Vocabulary: Serverless, Env: env, Flags: map[string]string{}, Overrides: map[string]string{"ssm:/not/there": "given"}, Notice: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"OUTPUT": "vpc-1", "OUTPUT_ABROAD": "vpc-eu", "NO_OUTPUT": "none", "NO_STACK": "none",
		"PLAIN": "p-svc", "ABROAD": "abroad", "LIST": `["a","b"]`, "USER": "u", "RAW": `{"user": "u"}`,
		"OBJECT": "content", "NO_OBJECT": "none", "ACCOUNT": "123456789012", "IMPORTED": "exported-1",
		"TABLE": table, "TABLE_TEXT": "x-" + table, "GIVEN": "given",
	}
	got := map[string]string{}
	for _, v := range e.Variables {
		if _, wanted := want[v.Name]; wanted {
			got[v.Name] = v.Value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s%v", diff, messages(e.Diags))
	}
}
