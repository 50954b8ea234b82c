package cfn_test

import (
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/project"
)

// surroundings is a template whose function has one variable, X, which stands
// in place of EXPRESSION.
const surroundings = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
  Size: {Type: Number, Default: 512}
  Ratio: {Type: Number, Default: 1.50}
  Flag: {Type: String, Default: yes}
  Names: {Type: CommaDelimitedList, Default: "a, b,c"}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>", Default: subnet-1}
  Bare: {Type: String}
  Path: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/key}
Mappings:
  Regions:
    us-east-1: {ami: ami-1, list: [x, y]}
Conditions:
  Yes: !Equals [!Ref Stage, dev]
  No: !Not [!Condition Yes]
  OnlyYes: !Condition Yes
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [!Condition No, !Condition Yes]
  FromBare: !Equals [!Ref Bare, x]
  DecidedAnyway: !Or [!Condition FromBare, !Condition Yes]
  Loop: !Not [!Condition Loop]
Resources:
  Named: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "${Stage}-items"}}
  Table: {Type: AWS::DynamoDB::Table}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
  Topic: {Type: AWS::SNS::Topic}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: b}}
  Role: {Type: AWS::IAM::Role}
  Machine: {Type: AWS::Serverless::StateMachine}
  Vpc: {Type: AWS::EC2::VPC}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
  LiveAlias: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Other, Name: live}}
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: v1}}
  A: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref B}}
  B: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref A}}
  Other:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.13, InlineCode: x, FunctionName: other-name, AutoPublishAlias: live}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Runtime: python3.13
      InlineCode: x
      Environment:
        Variables:
          X: EXPRESSION
`

func TestExpressionsAreResolved(t *testing.T) {
	tests := []struct{ name, expression, want string }{
		{"plain text", "hello", "hello"},
		{"boolean", "true", "true"},
		{"yes is true", "yes", "true"},
		{"octal number", "010", "8"},
		{"float without its zeros", "1.50", "1.5"},
		{"whole float", "2.0", "2.0"},
		{"text that looks like a number", `"010"`, "010"},

		{"Ref to a parameter", "!Ref Stage", "dev"},
		{"Ref to a number", "!Ref Size", "512"},
		{"Ref to a float", "!Ref Ratio", "1.5"},
		{"Ref to a boolean", "!Ref Flag", "true"},
		{"Ref in the long form", "{Ref: Stage}", "dev"},
		{"Ref to a table with a name", "!Ref Named", "dev-items"},
		{"Ref to a table without a name", "!Ref Table", "Table"},
		{"Ref to a queue is its URL", "!Ref Queue", "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"},
		{"Ref to a topic is its ARN", "!Ref Topic", "arn:aws:sns:us-east-1:123456789012:Topic"},
		{"Ref to a function", "!Ref Other", "other-name"},
		{"Ref to an alias", "!Ref LiveAlias", "arn:aws:lambda:us-east-1:123456789012:function:other-name:live"},
		{"Ref to SAM's alias", "!Ref Other.Alias", "arn:aws:lambda:us-east-1:123456789012:function:other-name:live"},
		{"Ref to SAM's alias by its resource", "!Ref OtherAliaslive", "arn:aws:lambda:us-east-1:123456789012:function:other-name:live"},
		{"Ref to SAM's stage", "!Ref Api.Stage", "v1"},
		{"Ref to the implicit API", "!Ref ServerlessRestApi", "ServerlessRestApi"},
		{"Ref to a layer", "!Ref Layer", "arn:aws:lambda:us-east-1:123456789012:layer:Layer:1"},

		{"region", "!Ref AWS::Region", "us-east-1"},
		{"account", "!Ref AWS::AccountId", "123456789012"},
		{"partition", "!Ref AWS::Partition", "aws"},
		{"stack name", "!Ref AWS::StackName", "local"},
		{"stack id", "!Ref AWS::StackId", "arn:aws:cloudformation:us-east-1:123456789012:stack/local/51af3dc0-da77-11e4-872e-1234567db123"},
		{"URL suffix", "!Ref AWS::URLSuffix", "amazonaws.com"},

		{"GetAtt of a function", "!GetAtt Other.Arn", "arn:aws:lambda:us-east-1:123456789012:function:other-name"},
		{"GetAtt of a table", "!GetAtt Named.Arn", "arn:aws:dynamodb:us-east-1:123456789012:table/dev-items"},
		{"GetAtt of a queue", "!GetAtt Queue.Arn", "arn:aws:sqs:us-east-1:123456789012:jobs"},
		{"GetAtt of a queue's name", "!GetAtt Queue.QueueName", "jobs"},
		{"GetAtt of a topic's name", "!GetAtt Topic.TopicName", "Topic"},
		{"GetAtt of a bucket", "!GetAtt Bucket.Arn", "arn:aws:s3:::b"},
		{"GetAtt of a role", "!GetAtt Role.Arn", "arn:aws:iam::123456789012:role/Role"},
		{"GetAtt of a generated role", "!GetAtt OtherRole.Arn", "arn:aws:iam::123456789012:role/OtherRole"},
		{"GetAtt of a state machine", "!GetAtt Machine.Arn", "arn:aws:states:us-east-1:123456789012:stateMachine:Machine"},
		{"GetAtt of an API's root", "!GetAtt ServerlessRestApi.RootResourceId", "/"},
		{"GetAtt as a list", "{'Fn::GetAtt': [Queue, Arn]}", "arn:aws:sqs:us-east-1:123456789012:jobs"},
		{"GetAtt as text", "{'Fn::GetAtt': Queue.Arn}", "arn:aws:sqs:us-east-1:123456789012:jobs"},

		{"Sub", `!Sub "${Stage}/${AWS::Region}/${Queue.QueueName}"`, "dev/us-east-1/jobs"},
		{"Sub of a literal", `!Sub "${!Stage} ${Stage}"`, "${Stage} dev"},
		{"Sub with spaces", `!Sub "${ Stage }"`, "dev"},
		{"Sub of an open brace", `!Sub "a${Stage"`, "a${Stage"},
		{"Sub of nothing", `!Sub "a${}b"`, "a${}b"},
		{"Sub with variables", `!Sub ["${v}-${Stage}", {v: my.bucket}]`, "my.bucket-dev"},
		{"Sub with a number", `!Sub ["${v}", {v: 5}]`, "5"},
		{"Sub with a variable over a parameter", `!Sub ["${Stage}", {Stage: !Ref Size}]`, "512"},
		{"Sub of a list parameter", `!Sub "${Names}"`, "a,b,c"},

		{"Join", `!Join ["-", [a, !Ref Stage, 3, true]]`, "a-dev-3-true"},
		{"Join of a list parameter", `!Join ["|", !Ref Names]`, "a|b|c"},
		{"Join without what is not there", `!Join [",", [a, !Ref "AWS::NoValue", b]]`, "a,b"},
		{"Select", "!Select [1, [a, b]]", "b"},
		{"Select by text", `!Select ["1", !Ref Names]`, "b"},
		{"Select looks at its element only", "!Select [0, [a, !ImportValue x]]", "a"},
		{"Split", `!Select [2, !Split [".", a.b.c]]`, "c"},
		{"Base64", "!Base64 hi", "aGk="},
		{"Length", "{'Fn::Length': !Ref Names}", "3"},
		{"ToJsonString", `{"Fn::ToJsonString": {b: 1, a: [!Ref Stage, true, null]}}`, `{"b":1,"a":["dev",true,null]}`},
		{"FindInMap", "!FindInMap [Regions, !Ref AWS::Region, ami]", "ami-1"},
		{"FindInMap of a list", "!Select [1, !FindInMap [Regions, us-east-1, list]]", "y"},
		{"FindInMap with a default", "!FindInMap [Regions, mars, ami, {DefaultValue: !Ref Stage}]", "dev"},
		{"GetAZs", `!Select [2, !GetAZs ""]`, "us-east-1c"},
		{"GetAZs of a region", `!Join [",", !GetAZs ap-northeast-1]`, "ap-northeast-1a,ap-northeast-1c,ap-northeast-1d"},
		{"Cidr", `!Join [" ", !Cidr [10.1.0.0/16, 3, 8]]`, "10.1.0.0/24 10.1.1.0/24 10.1.2.0/24"},
		{"Cidr of IPv6", `!Select [1, !Cidr ["2001:db8::/56", 2, 64]]`, "2001:db8:0:1::/64"},

		{"If that holds", "!If [Yes, a, !ImportValue x]", "a"},
		{"If that does not", "!If [No, !ImportValue x, b]", "b"},
		{"condition that is another", "!If [OnlyYes, a, b]", "a"},
		{"And", "!If [Both, a, b]", "b"},
		{"Or", "!If [Either, a, b]", "a"},
		{"Or that one certain condition decides", "!If [DecidedAnyway, a, b]", "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := load(t, strings.Replace(surroundings, "EXPRESSION", tt.expression, 1), project.Options{})
			diff(t, "diagnostics", []string{}, said(diags))
			v := find(t, p, "F").Environment
			if len(v) != 1 || v[0].Value != tt.want || v[0].Unresolved {
				t.Errorf("got %+v, want %q", v, tt.want)
			}
		})
	}
}

func TestExpressionsThatCannotBeResolvedWarn(t *testing.T) {
	const left = "The environment variable X is left without a value."
	tests := []struct {
		name, expression, value string
		want                    string // without "LINE:14 warning "
	}{
		{
			"parameter without a value", "!Ref Bare", "Bare",
			`parameter-without-value: !Ref refers to the parameter "Bare", which has neither a value nor a Default | The environment variable X is taken to be "Bare". | hint: give it a value, Bare=VALUE (--parameter-overrides, natively --parameter), or a Default`,
		},
		{
			"SSM parameter", "!Ref Path", "/app/key",
			`ssm-parameter: !Ref refers to the parameter "Path", whose value AWS reads from "/app/key" in SSM | The environment variable X is taken to be "/app/key". | hint: give it a value: Path=VALUE (--parameter-overrides, natively --parameter)`,
		},
		{
			"unknown name", "!Ref Tabel", "Tabel",
			`unknown-reference: !Ref refers to "Tabel", which is neither a parameter nor a resource | The environment variable X is taken to be "Tabel". | hint: did you mean "Table"?`,
		},
		{
			"unknown name in a Sub", `!Sub "a-${Stagee}"`, "a-Stagee",
			`unknown-reference: !Sub refers to "Stagee", which is neither a parameter nor a resource | The environment variable X is taken to be "a-Stagee". | hint: did you mean "Stage"?`,
		},
		{
			"unknown resource", "!GetAtt Tabel.Arn", "",
			`unknown-reference: !GetAtt refers to "Tabel", which is not a resource | ` + left + ` | hint: did you mean "Table"?`,
		},
		{
			"unknown attribute", "!GetAtt Queue.QueueNam", "",
			`unknown-attribute: !GetAtt asks for QueueNam of "Queue" (AWS::SQS::Queue), which only AWS knows | ` + left + ` | hint: did you mean "QueueName"?`,
		},
		{
			"attribute that only AWS knows", "!GetAtt Balancer.DNSName", "",
			`unknown-attribute: !GetAtt asks for DNSName of "Balancer" (AWS::ElasticLoadBalancingV2::LoadBalancer), which only AWS knows | ` + left + ` | hint: set it with --env-vars`,
		},
		{
			"unknown pseudo parameter", "!Ref AWS::Regionn", "AWS::Regionn",
			`unknown-reference: !Ref refers to "AWS::Regionn", which is neither a parameter nor a resource | The environment variable X is taken to be "AWS::Regionn". | hint: did you mean "AWS::Region"?`,
		},
		{
			"import", "!ImportValue Shared", "",
			`import-value: !ImportValue needs the export "Shared" of another stack, which only AWS knows | ` + left + ` | hint: set it with --env-vars`,
		},
		{
			"dynamic reference", "'{{resolve:ssm:/x}}'", "{{resolve:ssm:/x}}",
			`dynamic-reference: {{resolve:ssm:/x}} is known to AWS only | The environment variable X is taken to be "{{resolve:ssm:/x}}". | hint: set it with --env-vars`,
		},
		{
			"dynamic reference that Sub makes", "!Sub '{{resolve:ssm:/${Stage}}}'", "{{resolve:ssm:/dev}}",
			`dynamic-reference: {{resolve:ssm:/dev}} is known to AWS only | The environment variable X is taken to be "{{resolve:ssm:/dev}}". | hint: set it with --env-vars`,
		},
		{
			"condition on a parameter without a value", "!If [FromBare, a, b]", "b",
			`parameter-without-value: !Ref refers to the parameter "Bare", which has neither a value nor a Default | The environment variable X is taken to be "b". | hint: give it a value, Bare=VALUE (--parameter-overrides, natively --parameter), or a Default`,
		},
		{
			"unknown condition", "!If [Yess, a, b]", "b",
			`unknown-condition: !If names "Yess", which is not a condition of the template | The environment variable X is taken to be "b". | hint: did you mean "Yes"?`,
		},
		{
			"unknown map", "!FindInMap [Region, us-east-1, ami]", "",
			`unknown-mapping: !FindInMap refers to the map "Region", which is not in Mappings | ` + left + ` | hint: did you mean "Regions"?`,
		},
		{
			"unknown key", "!FindInMap [Regions, us-east-1, amy]", "",
			`unknown-mapping: !FindInMap finds no key "amy" in Mappings.Regions.us-east-1 | ` + left + ` | hint: did you mean "ami"?`,
		},
		{
			"unknown function", "!Joyn [a]", "",
			`unknown-intrinsic: !Joyn is not a function that lambkin knows | ` + left + ` | hint: did you mean "Fn::Join"?`,
		},
		{
			"macro", "{'Fn::Transform': {Name: Mine}}", "",
			`macro: Fn::Transform runs the macro "Mine", which only AWS can | ` + left + ` | hint: set it with --env-vars`,
		},
		{
			"index out of range", "!Select [7, [a]]", "",
			`select-index: !Select selects element 7 of a list of 1 | ` + left + ` | hint: set it with --env-vars`,
		},
		{
			"too few arguments", "!Join [a]", "",
			`intrinsic-arguments: !Join takes a list of a delimiter and a list of values | ` + left + ` | hint: set it with --env-vars`,
		},
		{
			"address block that is none", "!Cidr [nowhere, 1, 8]", "",
			`intrinsic-arguments: !Cidr needs an address block such as 10.0.0.0/16, not "nowhere" | ` + left + ` | hint: set it with --env-vars`,
		},
		{
			"more blocks than there are", "!Cidr [10.0.0.0/30, 5, 1]", "",
			`intrinsic-arguments: !Cidr cannot cut 5 blocks of 1 bits from 10.0.0.0/30 | ` + left + ` | hint: set it with --env-vars`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template := strings.Replace(surroundings, "EXPRESSION", tt.expression, 1)
			p, diags := load(t, template, project.Options{})
			var got []string
			for _, line := range said(diags) {
				_, text, _ := strings.Cut(line, "warning ")
				got = append(got, strings.TrimSuffix(text, " [F]"))
			}
			diff(t, "diagnostics", []string{tt.want}, got)
			v := find(t, p, "F").Environment
			if len(v) != 1 || v[0].Value != tt.value || !v[0].Unresolved {
				t.Errorf("got %+v, want the unresolved %q", v, tt.value)
			}
		})
	}
}

func TestCyclesEndInAWarning(t *testing.T) {
	tests := []struct{ name, expression, want string }{
		{"of names", "!Ref A", "!Ref refers to itself by way of other values"},
		{"of conditions", "!If [Loop, a, b]", `!Condition names the condition "Loop", which depends on itself`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := load(t, strings.Replace(surroundings, "EXPRESSION", tt.expression, 1), project.Options{})
			if len(diags) != 1 || diags[0].Code != "reference-cycle" || diags[0].Summary != tt.want || diags.HasErrors() {
				t.Errorf("got %q", said(diags))
			}
		})
	}
}

func TestNamesThatDoubleAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: a, Runtime: b, Code: {ZipFile: c}, Environment: {Variables: {X: !Ref T0}}}}\n")
	for i := range 60 {
		next := "T" + string(rune('0'+i/10+1)) + string(rune('0'+i%10))
		name := "T0"
		if i > 0 {
			name = "T" + string(rune('0'+(i-1)/10+1)) + string(rune('0'+(i-1)%10))
		}
		b.WriteString("  " + name + ": {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub '${" + next + "}${" + next + "}'}}\n")
	}
	b.WriteString("  T69: {Type: AWS::DynamoDB::Table}\n")
	_, diags := load(t, b.String(), project.Options{})
	if len(diags) == 0 || diags[0].Code != "too-long" {
		t.Errorf("got %q", said(diags))
	}
}

func TestRegionAndAccountAreTheCallers(t *testing.T) {
	const template = `
Resources:
  Q: {Type: AWS::SQS::Queue}
  F:
    Type: AWS::Lambda::Function
    Properties: {Handler: a, Runtime: b, Code: {ZipFile: c}, Environment: {Variables: {A: !GetAtt Q.Arn, B: !Ref Q}}}
`
	p, _ := load(t, template, project.Options{Region: "cn-north-1", Account: "000000000001"})
	got := []string{p.Functions[0].Environment[0].Value, p.Functions[0].Environment[1].Value}
	diff(t, "values", []string{
		"arn:aws-cn:sqs:cn-north-1:000000000001:Q",
		"https://sqs.cn-north-1.amazonaws.com.cn/000000000001/Q",
	}, got)
}

func TestProblemsInATextPointToTheirPlace(t *testing.T) {
	tests := []struct {
		name, expression, shown string
	}{
		{"quoted", `!Sub "é ${Stage} ${Nope} x"`, "${Nope}"},
		{"plain", `!Sub a-${Nope}-b # ${Nope}`, "${Nope}"},
		{"in a list", `!Sub ["${x} ${Nope}", {x: y}]`, "${Nope}"},
		{"the second of two", `!Sub "${Stage}${Nope}${Stage}"`, "${Nope}"},
		{"over several lines", "!Sub |\n              ${Nope}", "!Sub"},
		{"no text", `!GetAtt Nope.Arn`, "!GetAtt Nope.Arn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template := strings.Replace(surroundings, "EXPRESSION", tt.expression, 1)
			_, diags := load(t, template, project.Options{})
			if len(diags) != 1 {
				t.Fatalf("got %q", said(diags))
			}
			r := diags[0].Range
			line := []rune(strings.Split(template, "\n")[r.Start.Line-1])
			end := len(line) + 1
			if r.End.Line != 0 {
				end = r.End.Column
			}
			if got := string(line[r.Start.Column-1 : end-1]); !strings.HasPrefix(got, tt.shown) || r.End.Line != 0 && got != tt.shown {
				t.Errorf("points at %q, want %q", got, tt.shown)
			}
		})
	}
}
