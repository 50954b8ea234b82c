package cfn

import (
	"maps"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// kindOfResource says what AWS makes of a resource's name. The texts may use
// {name}, {region}, {account}, {partition} and {suffix}.
type kindOfResource struct {
	// name is the property with the resource's physical name. Where it is not
	// set, AWS makes up a name and lambkin, as SAM CLI, uses the logical id.
	name string
	// ref is what Ref gives, "" for the name itself.
	ref string
	// attributes are what Fn::GetAtt gives.
	attributes map[string]string
}

// arnOf is the common case of a type whose only attribute that can be known is its ARN.
func arnOf(name, arn string) kindOfResource {
	return kindOfResource{name: name, attributes: map[string]string{"Arn": arn}}
}

const (
	// stackARN ends in the id that SAM CLI gives every stack.
	stackARN    = "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/51af3dc0-da77-11e4-872e-1234567db123"
	functionARN = "arn:{partition}:lambda:{region}:{account}:function:{name}"
	queueURL    = "https://sqs.{region}.{suffix}/{account}/{name}"
	topicARN    = "arn:{partition}:sns:{region}:{account}:{name}"
	machineARN  = "arn:{partition}:states:{region}:{account}:stateMachine:{name}"
	layerARN    = "arn:{partition}:lambda:{region}:{account}:layer:{name}"
	tableARN    = "arn:{partition}:dynamodb:{region}:{account}:table/{name}"
	secretARN   = "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"
	keyARN      = "arn:{partition}:kms:{region}:{account}:key/{name}"
	clusterARN  = "arn:{partition}:ecs:{region}:{account}:cluster/{name}"
)

// kindsOfResource holds the types whose Ref is more than a name or whose
// attributes follow from the name. A type that is not here has its logical id
// as its Ref and no attributes.
var kindsOfResource = map[string]kindOfResource{
	"AWS::Serverless::Function":     arnOf("FunctionName", functionARN),
	"AWS::Lambda::Function":         arnOf("FunctionName", functionARN),
	"AWS::Serverless::LayerVersion": {name: "LayerName", attributes: map[string]string{"LayerArn": layerARN}},
	"AWS::Lambda::LayerVersion":     {name: "LayerName", attributes: map[string]string{"LayerArn": layerARN}},

	"AWS::Serverless::SimpleTable": arnOf("TableName", tableARN),
	"AWS::DynamoDB::Table":         arnOf("TableName", tableARN),
	"AWS::DynamoDB::GlobalTable":   arnOf("TableName", tableARN),
	"AWS::SQS::Queue": {name: "QueueName", ref: queueURL, attributes: map[string]string{
		"Arn": "arn:{partition}:sqs:{region}:{account}:{name}", "QueueName": "{name}", "QueueUrl": queueURL,
	}},
	"AWS::SNS::Topic": {name: "TopicName", ref: topicARN, attributes: map[string]string{"TopicArn": topicARN, "TopicName": "{name}"}},
	"AWS::S3::Bucket": {name: "BucketName", attributes: map[string]string{
		"Arn":                 "arn:{partition}:s3:::{name}",
		"DomainName":          "{name}.s3.{suffix}",
		"RegionalDomainName":  "{name}.s3.{region}.{suffix}",
		"DualStackDomainName": "{name}.s3.dualstack.{region}.{suffix}",
		"WebsiteURL":          "http://{name}.s3-website-{region}.{suffix}",
	}},
	"AWS::Kinesis::Stream":                 arnOf("Name", "arn:{partition}:kinesis:{region}:{account}:stream/{name}"),
	"AWS::KinesisFirehose::DeliveryStream": arnOf("DeliveryStreamName", "arn:{partition}:firehose:{region}:{account}:deliverystream/{name}"),

	"AWS::IAM::Role":              arnOf("RoleName", "arn:{partition}:iam::{account}:role/{name}"),
	"AWS::IAM::User":              arnOf("UserName", "arn:{partition}:iam::{account}:user/{name}"),
	"AWS::IAM::Group":             arnOf("GroupName", "arn:{partition}:iam::{account}:group/{name}"),
	"AWS::IAM::InstanceProfile":   arnOf("InstanceProfileName", "arn:{partition}:iam::{account}:instance-profile/{name}"),
	"AWS::IAM::ManagedPolicy":     {name: "ManagedPolicyName", ref: "arn:{partition}:iam::{account}:policy/{name}", attributes: map[string]string{"PolicyArn": "arn:{partition}:iam::{account}:policy/{name}"}},
	"AWS::KMS::Key":               {attributes: map[string]string{"Arn": keyARN, "KeyId": "{name}"}},
	"AWS::KMS::Alias":             {name: "AliasName"},
	"AWS::SecretsManager::Secret": {name: "Name", ref: secretARN, attributes: map[string]string{"Id": secretARN}},
	"AWS::SSM::Parameter":         {name: "Name"},

	"AWS::Serverless::StateMachine":    {name: "Name", ref: machineARN, attributes: map[string]string{"Arn": machineARN, "Name": "{name}"}},
	"AWS::StepFunctions::StateMachine": {name: "StateMachineName", ref: machineARN, attributes: map[string]string{"Arn": machineARN, "Name": "{name}"}},
	"AWS::StepFunctions::Activity":     {name: "Name", ref: "arn:{partition}:states:{region}:{account}:activity:{name}", attributes: map[string]string{"Arn": "arn:{partition}:states:{region}:{account}:activity:{name}", "Name": "{name}"}},
	"AWS::Events::Rule":                arnOf("Name", "arn:{partition}:events:{region}:{account}:rule/{name}"),
	"AWS::Events::EventBus":            {name: "Name", attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:event-bus/{name}", "Name": "{name}"}},
	"AWS::Scheduler::Schedule":         arnOf("Name", "arn:{partition}:scheduler:{region}:{account}:schedule/default/{name}"),
	"AWS::Scheduler::ScheduleGroup":    arnOf("Name", "arn:{partition}:scheduler:{region}:{account}:schedule-group/{name}"),
	"AWS::Pipes::Pipe":                 arnOf("Name", "arn:{partition}:pipes:{region}:{account}:pipe/{name}"),
	"AWS::Logs::LogGroup":              arnOf("LogGroupName", "arn:{partition}:logs:{region}:{account}:log-group:{name}:*"),
	"AWS::CloudWatch::Alarm":           arnOf("AlarmName", "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"),

	"AWS::Serverless::Api":     {attributes: map[string]string{"RootResourceId": "/"}},
	"AWS::ApiGateway::RestApi": {attributes: map[string]string{"RootResourceId": "/", "RestApiId": "{name}"}},
	"AWS::Serverless::HttpApi": {attributes: map[string]string{"ApiEndpoint": "https://{name}.execute-api.{region}.{suffix}", "ApiId": "{name}"}},
	"AWS::ApiGatewayV2::Api":   {attributes: map[string]string{"ApiEndpoint": "https://{name}.execute-api.{region}.{suffix}", "ApiId": "{name}"}},
	"AWS::ApiGateway::Stage":   {name: "StageName"},
	"AWS::ApiGatewayV2::Stage": {name: "StageName"},

	"AWS::Cognito::UserPool": {attributes: map[string]string{
		"Arn":          "arn:{partition}:cognito-idp:{region}:{account}:userpool/{name}",
		"UserPoolId":   "{name}",
		"ProviderName": "cognito-idp.{region}.{suffix}/{name}",
		"ProviderURL":  "https://cognito-idp.{region}.{suffix}/{name}",
	}},
	"AWS::Cognito::UserPoolClient": {attributes: map[string]string{"ClientId": "{name}"}},
	"AWS::Cognito::IdentityPool":   {attributes: map[string]string{"Id": "{name}"}},

	"AWS::ECR::Repository":    {name: "RepositoryName", attributes: map[string]string{"Arn": "arn:{partition}:ecr:{region}:{account}:repository/{name}", "RepositoryUri": "{account}.dkr.ecr.{region}.{suffix}/{name}"}},
	"AWS::ECS::Cluster":       arnOf("ClusterName", clusterARN),
	"AWS::CodeBuild::Project": arnOf("Name", "arn:{partition}:codebuild:{region}:{account}:project/{name}"),
	"AWS::CodeCommit::Repository": {name: "RepositoryName", attributes: map[string]string{
		"Arn":          "arn:{partition}:codecommit:{region}:{account}:{name}",
		"Name":         "{name}",
		"CloneUrlHttp": "https://git-codecommit.{region}.{suffix}/v1/repos/{name}",
		"CloneUrlSsh":  "ssh://git-codecommit.{region}.{suffix}/v1/repos/{name}",
	}},
	"AWS::EC2::SecurityGroup":  {attributes: map[string]string{"GroupId": "{name}"}},
	"AWS::EC2::VPC":            {attributes: map[string]string{"VpcId": "{name}"}},
	"AWS::EC2::Subnet":         {attributes: map[string]string{"SubnetId": "{name}"}},
	"AWS::EFS::FileSystem":     {attributes: map[string]string{"FileSystemId": "{name}", "Arn": "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{name}"}},
	"AWS::EFS::AccessPoint":    {attributes: map[string]string{"AccessPointId": "{name}", "Arn": "arn:{partition}:elasticfilesystem:{region}:{account}:access-point/{name}"}},
	"AWS::IoT::Thing":          arnOf("ThingName", "arn:{partition}:iot:{region}:{account}:thing/{name}"),
	"AWS::AppSync::GraphQLApi": {attributes: map[string]string{"ApiId": "{name}", "Arn": "arn:{partition}:appsync:{region}:{account}:apis/{name}"}},
}

// refOf is what Ref gives for a resource.
func (c call) refOf(r *resource) value {
	switch r.typ {
	case serverlessLayer, lambdaLayer:
		return c.layerVersion(r)
	case "AWS::Lambda::Alias":
		return c.qualified(r, "Name")
	case "AWS::Lambda::Version":
		return c.qualified(r, "")
	case "AWS::CloudFormation::Stack", "AWS::Serverless::Application":
		return c.shaped(r, stackARN)
	}
	text := kindsOfResource[r.typ].ref
	if text == "" {
		text = "{name}"
	}
	return c.shaped(r, text)
}

// attribute is what Fn::GetAtt gives for a resource.
func (c call) attribute(r *resource, name string) value {
	if output, ok := strings.CutPrefix(name, "Outputs."); ok && isNested(r.typ) {
		return c.output(r, output)
	}
	switch {
	case name == "Stage" && r.typ == "AWS::Serverless::Api":
		return c.eval(c.properties(r).Get("StageName"))
	case name == "Alias" && r.typ == serverlessFunction && c.properties(r).Get("AutoPublishAlias") != nil:
		return c.qualified(c.aliasOf(r, c.properties(r).Get("AutoPublishAlias")), "Name")
	case name == "LayerVersionArn" && (r.typ == serverlessLayer || r.typ == lambdaLayer):
		return c.layerVersion(r)
	}
	kind, ok := kindsOfResource[r.typ]
	if text, known := kind.attributes[name]; ok && known {
		return c.shaped(r, text)
	}
	hint := suggestion(name, slices.Sorted(maps.Keys(kind.attributes)))
	return c.failHint(hint, "unknown-attribute", "asks for %s of %q (%s), which only AWS knows", name, r.id, r.typ)
}

// shaped fills the resource's name into a text of the table.
func (c call) shaped(r *resource, text string) value {
	name, problems := c.physicalName(r)
	v := c.ok(c.loading.expand(text, name))
	return v.with(problems...)
}

// physicalName is the name that the template gives a resource, else its logical id.
func (c call) physicalName(r *resource) (string, []problem) {
	property := kindsOfResource[r.typ].name
	if property == "" {
		return r.id, nil
	}
	v := c.eval(c.properties(r).Get(property))
	if text, ok := v.text(); ok && text != "" {
		return text, v.problems
	}
	return r.id, v.problems
}

// qualified is the ARN of a function's version or alias, the alias being named
// by a property of the resource.
func (c call) qualified(r *resource, property string) value {
	fn := c.eval(c.properties(r).Get("FunctionName"))
	name, ok := fn.text()
	if !ok {
		return c.shaped(r, "{name}").with(fn.problems...)
	}
	if !strings.HasPrefix(name, "arn:") {
		name = c.loading.expand(functionARN, name)
	}
	qualifier := value{node: doc.NewString("1", c.at)}
	if property != "" {
		qualifier = c.eval(c.properties(r).Get(property))
	}
	text, _ := qualifier.text()
	return c.ok(name + ":" + text).with(fn.problems...).with(qualifier.problems...)
}

// aliasOf is the alias that SAM publishes of a function.
func (s *stack) aliasOf(function *resource, name *doc.Node) *resource {
	at := function.at
	props := &doc.Node{Kind: doc.Map, Range: at, Pairs: []doc.Pair{
		{Key: "FunctionName", KeyRange: at, Value: doc.NewMap("Ref", doc.NewString(function.id, at), at)},
		{Key: "Name", KeyRange: at, Value: name},
	}}
	return &resource{id: function.id + "Alias", typ: "AWS::Lambda::Alias", at: at, node: doc.NewMap("Properties", props, at)}
}

// generated is a resource that SAM makes besides those of the template, nil
// when the name is none of them.
func (s *stack) generated(name string) *resource {
	switch name {
	case "ServerlessRestApi":
		return &resource{id: name, typ: "AWS::Serverless::Api"}
	case "ServerlessHttpApi":
		return &resource{id: name, typ: "AWS::Serverless::HttpApi"}
	case "ServerlessRestApiProdStage":
		return &resource{id: "Prod", typ: "AWS::ApiGateway::Stage"}
	}
	for end := len(name) - 1; end > 0; end-- {
		owner := s.resources[name[:end]]
		if owner != nil && strings.HasPrefix(owner.typ, "AWS::Serverless::") {
			return s.generatedBy(owner, name)
		}
	}
	return nil
}

// generatedBy is the resource that SAM names for its owner and a suffix.
func (s *stack) generatedBy(owner *resource, name string) *resource {
	suffix := name[len(owner.id):]
	r := &resource{id: name}
	alias, published := strings.CutPrefix(suffix, "Alias")
	switch {
	case published && owner.typ == serverlessFunction:
		return s.aliasOf(owner, doc.NewString(alias, owner.at))
	case suffix == "Role":
		r.typ = "AWS::IAM::Role"
	case suffix == "Url" && owner.typ == serverlessFunction:
		r.typ = "AWS::Lambda::Url"
	case strings.HasSuffix(suffix, "Stage") && owner.typ == "AWS::Serverless::Api":
		r.id, r.typ = strings.TrimSuffix(suffix, "Stage"), "AWS::ApiGateway::Stage"
	case owner.properties().Get("Events").Get(suffix) != nil:
		r.typ = "AWS::Events::Rule"
	case strings.HasPrefix(suffix, "Version"), strings.HasPrefix(suffix, "Deployment"):
		r.typ = "generated by AWS SAM"
	default:
		return nil
	}
	return r
}
