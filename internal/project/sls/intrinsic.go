package sls

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// isIntrinsic reports whether n is a call of one of CloudFormation's functions.
func isIntrinsic(n *doc.Node) bool {
	return n.Is(doc.Map) && len(n.Pairs) == 1 && (n.Pairs[0].Key == "Ref" || strings.HasPrefix(n.Pairs[0].Key, "Fn::"))
}

// evaluate gives a value with CloudFormation's functions in it the value that
// it has for certain; otherwise why says what cannot be known here. All
// variables in n have been replaced.
func (s *service) evaluate(n *doc.Node) (value *doc.Node, why string) {
	if !isIntrinsic(n) {
		return n, ""
	}
	name, arg := n.Pairs[0].Key, n.Pairs[0].Value
	switch name {
	case "Ref":
		if id, ok := arg.Str(); ok {
			return s.ref(id, n.Range)
		}
		return nil, "Ref takes a name"
	case "Fn::Sub":
		return s.fnSub(arg)
	case "Fn::Join":
		return s.fnJoin(arg)
	case "Fn::ImportValue":
		return s.importValue(arg)
	}
	return nil, fmt.Sprintf("%q is known on AWS only", name)
}

// certain is the text of a value with CloudFormation's functions in it.
func (s *service) certain(n *doc.Node) (text, why string) {
	value, why := s.evaluate(n)
	switch {
	case why != "":
		return "", why
	case !value.IsScalar():
		return "", fmt.Sprintf("%s cannot stand in a text", value.Kind)
	}
	return scalarText(value), ""
}

// fnJoin evaluates Fn::Join: [separator, [parts]].
func (s *service) fnJoin(arg *doc.Node) (*doc.Node, string) {
	if !arg.Is(doc.List) || len(arg.Items) != 2 || !arg.Items[0].Is(doc.String) || !arg.Items[1].Is(doc.List) {
		return nil, "Fn::Join takes a separator and a list"
	}
	var parts []string
	for _, item := range arg.Items[1].Items {
		part, why := s.certain(item)
		if why != "" {
			return nil, why
		}
		parts = append(parts, part)
	}
	return limited(strings.Join(parts, arg.Items[0].Text), arg.Range)
}

var substitution = regexp.MustCompile(`\$\{([^}]*)\}`)

// fnSub evaluates Fn::Sub: a text, or [text, {name: value}].
func (s *service) fnSub(arg *doc.Node) (*doc.Node, string) {
	text, local := arg, (*doc.Node)(nil)
	if arg.Is(doc.List) && len(arg.Items) == 2 && arg.Items[1].Is(doc.Map) {
		text, local = arg.Items[0], arg.Items[1]
	}
	if !text.Is(doc.String) {
		return nil, "Fn::Sub takes a text"
	}
	var b strings.Builder
	end := 0
	for _, m := range substitution.FindAllStringSubmatchIndex(text.Text, -1) {
		b.WriteString(text.Text[end:m[0]])
		end = m[1]
		value, why := s.substitute(strings.TrimSpace(text.Text[m[2]:m[3]]), local, text.Range)
		if why != "" {
			return nil, why
		}
		b.WriteString(value)
	}
	b.WriteString(text.Text[end:])
	return limited(b.String(), arg.Range)
}

// limited makes a string node, unless the string is absurdly long.
func limited(s string, at diag.Range) (*doc.Node, string) {
	if len(s) > maxText {
		return nil, "the text is too long"
	}
	return doc.NewString(s, at), ""
}

// substitute is what "${name}" stands for in Fn::Sub.
func (s *service) substitute(name string, local *doc.Node, at diag.Range) (text, why string) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", ""
	}
	if n := local.Get(name); n != nil {
		return s.certain(n)
	}
	if strings.Contains(name, ".") {
		return "", fmt.Sprintf("the attribute %q is known on AWS only", name)
	}
	value, why := s.ref(name, at)
	switch {
	case why != "":
		return "", why
	case !value.IsScalar():
		return "", fmt.Sprintf("%q has no text", name)
	}
	return scalarText(value), ""
}

// ref is what Ref gives for a pseudo parameter, a resource or a function of the service.
func (s *service) ref(id string, at diag.Range) (*doc.Node, string) {
	if strings.HasPrefix(id, "AWS::") {
		return s.pseudo(id, at)
	}
	if e, ok := s.functionOf(id); ok {
		n, _ := s.value(e.node, e.path())
		if name, p := s.functionName(e.key, n, e.path()); p == nil {
			return doc.NewString(name, at), ""
		}
	}
	name, ok := s.names[id]
	if !ok {
		s.names[id] = resourceName{why: fmt.Sprintf("the name of %q leads to itself", id)}
		name = s.resourceName(id)
		s.names[id] = name
	}
	if name.why != "" {
		return s.deployed(name.why, at, func(aws project.Lookups) (string, bool, error) {
			return aws.StackResource(s.ctx, "", s.stackName(), id)
		})
	}
	return doc.NewString(name.text, at), ""
}

// importValue is what another stack exports under a name.
func (s *service) importValue(arg *doc.Node) (*doc.Node, string) {
	name, why := s.certain(arg)
	if why != "" {
		return nil, why
	}
	return s.deployed(fmt.Sprintf("the export %q is known on AWS only", name), arg.Range, func(aws project.Lookups) (string, bool, error) {
		return aws.Export(s.ctx, "", name)
	})
}

// deployed asks AWS for something that is not known here, of which why says so.
// Nobody is asked without credentials.
func (s *service) deployed(why string, at diag.Range, ask func(project.Lookups) (string, bool, error)) (*doc.Node, string) {
	aws := s.lookups()
	if aws == nil {
		return nil, why
	}
	value, found, err := ask(aws)
	failed, ok := errors.AsType[*project.LookupError](err)
	switch {
	case ok && failed.NoCredentials:
		return nil, why + ", and there are no credentials for it"
	case err != nil:
		return nil, fmt.Sprintf("%s: %v", why, err)
	case !found:
		return nil, why + ", and is not there either"
	}
	return doc.NewString(value, at), ""
}

// resourceName is what Ref gives for a resource, or why that is not known.
type resourceName struct{ text, why string }

func unknownName(format string, args ...any) resourceName {
	return resourceName{why: fmt.Sprintf(format, args...)}
}

func (s *service) resourceName(id string) resourceName {
	resource, p := s.resource(id)
	switch {
	case p != nil:
		return resourceName{why: p.Summary}
	case resource == nil:
		return unknownName("%q is no resource of the service", id)
	}
	kind, _ := resource.Get("Type").Str()
	named, ok := namedResources[kind]
	if !ok {
		return unknownName("what Ref gives for %q (%q) is known on AWS only", id, kind)
	}
	path := "resources.Resources." + id
	a, p := s.walk(resource, path, "Properties", named.property)
	if p == nil && a.node != nil {
		a.node, p = s.deep(a.node, join(path, named.property))
	}
	switch {
	case p != nil:
		return resourceName{why: p.Summary}
	case a.node == nil || a.node.Kind == doc.Null:
		return unknownName("%q has no %s, so AWS makes one up", id, named.property)
	}
	name, why := s.certain(a.node)
	if why != "" {
		return resourceName{why: why}
	}
	if named.format != "" {
		name = s.fillIn(named.format, name)
	}
	return resourceName{text: name}
}

// pseudo is the value of one of CloudFormation's pseudo parameters.
func (s *service) pseudo(id string, at diag.Range) (*doc.Node, string) {
	switch id {
	case "AWS::NoValue":
		return &doc.Node{Kind: doc.Null, Text: "null", Range: at}, ""
	case "AWS::Region":
		return doc.NewString(s.regionName, at), ""
	case "AWS::AccountId":
		return doc.NewString(cmp.Or(s.opts.Account, defaultAccount), at), ""
	case "AWS::Partition":
		return doc.NewString(partition(s.regionName), at), ""
	case "AWS::URLSuffix":
		return doc.NewString(urlSuffix(s.regionName), at), ""
	case "AWS::StackName":
		return doc.NewString(s.stackName(), at), ""
	}
	return nil, fmt.Sprintf("%q is known on AWS only", id)
}

func (s *service) stackName() string {
	a, p := s.walk(s.provider, "provider", "stackName")
	if p == nil && a.node.IsScalar() {
		return scalarText(a.node)
	}
	return s.title + "-" + s.stageName
}

// urlSuffix is the domain of AWS's services in a region.
func urlSuffix(region string) string {
	if partition(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// resource finds a resource of the service: resources is a map or a list of maps.
func (s *service) resource(id string) (*doc.Node, *problem) {
	n, p := s.value(s.root.Get("resources"), "resources")
	if p != nil || n == nil {
		return nil, p
	}
	parts := []*doc.Node{n}
	if n.Is(doc.List) {
		parts = n.Items
	}
	var found *doc.Node
	for _, part := range parts {
		a, err := s.walk(part, "resources", "Resources", id)
		if err != nil {
			p = err // it may be what is looked for; another part may have it all the same
			continue
		}
		if a.node.Is(doc.Map) {
			found = a.node
		}
	}
	if found != nil {
		return found, nil
	}
	return nil, p
}

// functionOf finds the function whose logical id in the generated template is id.
func (s *service) functionOf(id string) (entry, bool) {
	for _, e := range s.entries {
		if normalized(e.key)+"LambdaFunction" == id {
			return e, true
		}
	}
	return entry{}, false
}

// normalized is how the framework writes a name in a logical id.
func normalized(key string) string {
	key = strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(key)
	if key == "" {
		return ""
	}
	return strings.ToUpper(key[:1]) + key[1:]
}

// fillIn fills in the format of what Ref gives.
func (s *service) fillIn(format, name string) string {
	return strings.NewReplacer(
		"{partition}", partition(s.regionName), "{region}", s.regionName, "{suffix}", urlSuffix(s.regionName),
		"{account}", cmp.Or(s.opts.Account, defaultAccount), "{name}", name,
	).Replace(format)
}

// namedResources says which property names a resource, for the types whose Ref
// follows from that name: it is the name itself or, with a format, made of it.
var namedResources = map[string]struct{ property, format string }{
	"AWS::Athena::WorkGroup":               {"Name", ""},
	"AWS::DynamoDB::Table":                 {"TableName", ""},
	"AWS::DynamoDB::GlobalTable":           {"TableName", ""},
	"AWS::ECR::Repository":                 {"RepositoryName", ""},
	"AWS::Elasticsearch::Domain":           {"DomainName", ""},
	"AWS::Events::EventBus":                {"Name", ""},
	"AWS::Events::Rule":                    {"Name", ""},
	"AWS::IAM::Role":                       {"RoleName", ""},
	"AWS::Kinesis::Stream":                 {"Name", ""},
	"AWS::KinesisFirehose::DeliveryStream": {"DeliveryStreamName", ""},
	"AWS::Lambda::Function":                {"FunctionName", ""},
	"AWS::Logs::LogGroup":                  {"LogGroupName", ""},
	"AWS::OpenSearchService::Domain":       {"DomainName", ""},
	"AWS::S3::Bucket":                      {"BucketName", ""},
	"AWS::SNS::Topic":                      {"TopicName", "arn:{partition}:sns:{region}:{account}:{name}"},
	"AWS::SQS::Queue":                      {"QueueName", "https://sqs.{region}.{suffix}/{account}/{name}"},
	"AWS::SSM::Parameter":                  {"Name", ""},
	"AWS::StepFunctions::StateMachine":     {"StateMachineName", "arn:{partition}:states:{region}:{account}:stateMachine:{name}"},
}
