package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Pages are turned by hand: the SDK's paginators take a client as an
// interface, for which the linker keeps all of its operations, 3.5 MB of them.

// StackOutput is the value of a stack's output. Neither the stack nor the
// output need be there.
func (c *Client) StackOutput(ctx context.Context, region, stack, output string) (value string, found bool, err error) {
	q := question{action: "cloudformation:DescribeStacks", region: region, name: stack}
	a, err := c.ask(ctx, q, func(ctx context.Context, conn *connection, region string) (answer, error) {
		out, err := conn.cloudFormation(region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
		if err != nil {
			return nil, unlessNoStack(err)
		}
		outputs := answer{}
		for _, s := range out.Stacks {
			for _, o := range s.Outputs {
				outputs[text(o.OutputKey)] = text(o.OutputValue)
			}
		}
		return outputs, nil
	})
	value, found = a[output]
	return value, found, err
}

// Export is the value of what a stack of the region exports under a name.
func (c *Client) Export(ctx context.Context, region, name string) (value string, found bool, err error) {
	a, err := c.ask(ctx, question{action: "cloudformation:ListExports", region: region}, func(ctx context.Context, conn *connection, region string) (answer, error) {
		exports := answer{}
		for client, in := conn.cloudFormation(region), (&cloudformation.ListExportsInput{}); ; {
			page, err := client.ListExports(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Exports {
				exports[text(e.Name)] = text(e.Value)
			}
			if in.NextToken = page.NextToken; text(in.NextToken) == "" {
				return exports, nil
			}
		}
	})
	value, found = a[name]
	return value, found, err
}

// StackResource is the physical id of a stack's resource, that which Ref gives
// in the stack's template.
func (c *Client) StackResource(ctx context.Context, region, stack, logicalID string) (id string, found bool, err error) {
	q := question{action: "cloudformation:ListStackResources", region: region, name: stack}
	a, err := c.ask(ctx, q, func(ctx context.Context, conn *connection, region string) (answer, error) {
		resources := answer{}
		for client, in := conn.cloudFormation(region), (&cloudformation.ListStackResourcesInput{StackName: &stack}); ; {
			page, err := client.ListStackResources(ctx, in)
			if err != nil {
				return nil, unlessNoStack(err)
			}
			for _, r := range page.StackResourceSummaries {
				if r.PhysicalResourceId != nil { // else it is still being made
					resources[text(r.LogicalResourceId)] = *r.PhysicalResourceId
				}
			}
			if in.NextToken = page.NextToken; text(in.NextToken) == "" {
				return resources, nil
			}
		}
	})
	id, found = a[logicalID]
	return id, found, err
}

// Parameter is the value of a parameter of SSM and its kind: String,
// StringList, with commas between the values, or SecureString, encrypted
// unless decrypt is set. The name may be an ARN, end in ":VERSION" or
// ":LABEL", and be /aws/reference/secretsmanager/SECRET, which SSM gives only
// decrypted.
func (c *Client) Parameter(ctx context.Context, region, name string, decrypt bool) (value, kind string, found bool, err error) {
	q := question{action: "ssm:GetParameter", region: region, name: name, part: fmt.Sprint(decrypt)}
	a, err := c.ask(ctx, q, func(ctx context.Context, conn *connection, region string) (answer, error) {
		var out struct {
			Parameter struct{ Value, Type string }
		}
		err := conn.ssm(ctx, region, "GetParameter", map[string]any{"Name": name, "WithDecryption": decrypt}, &out)
		if is(err, "ParameterNotFound", "ParameterVersionNotFound") {
			return nil, nil
		}
		return answer{"value": out.Parameter.Value, "kind": out.Parameter.Type}, err
	})
	return a["value"], a["kind"], a != nil, err
}

// Object is the content of an object of S3, which may have 10 MB at most. A
// bucket that is in another region is asked there.
func (c *Client) Object(ctx context.Context, region, bucket, key string) (content string, found bool, err error) {
	q := question{action: "s3:GetObject", region: region, name: bucket, part: key}
	a, err := c.ask(ctx, q, func(ctx context.Context, conn *connection, region string) (answer, error) {
		data, err := conn.object(ctx, region, bucket, key)
		if home := elsewhere(err); home != "" && home != region {
			data, err = conn.object(ctx, home, bucket, key)
		}
		if is(err, "NoSuchKey", "NoSuchBucket") {
			return nil, nil
		}
		return answer{key: string(data)}, err
	})
	content, found = a[key]
	return content, found, err
}

// elsewhere is the region that S3 says a bucket is in, or "".
func elsewhere(err error) string {
	if res, ok := errors.AsType[*awshttp.ResponseError](err); ok && res.Response != nil {
		return res.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}

// AccountID is the number of the account that the credentials are of.
func (c *Client) AccountID(ctx context.Context) (string, error) {
	a, err := c.ask(ctx, question{action: "sts:GetCallerIdentity"}, func(ctx context.Context, conn *connection, region string) (answer, error) {
		client := sts.New(sts.Options{
			Region: region, Credentials: conn, HTTPClient: conn.http, Retryer: conn.retryer, BaseEndpoint: pointer(conn.endpoint("sts")),
		})
		out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return nil, err
		}
		return answer{"account": text(out.Account)}, nil
	})
	return a["account"], err
}

// Clients are made from options of their own: made from the SDK's common
// configuration, they would look into this process's environment.

func (conn *connection) cloudFormation(region string) *cloudformation.Client {
	return cloudformation.New(cloudformation.Options{
		Region: region, Credentials: conn, HTTPClient: conn.http, Retryer: conn.retryer, BaseEndpoint: pointer(conn.endpoint("cloudformation")),
	})
}

// unlessNoStack leaves out the error that says that there is no such stack,
// which has no code of its own.
func unlessNoStack(err error) error {
	if failed, ok := errors.AsType[smithy.APIError](err); ok && failed.ErrorCode() == "ValidationError" && strings.Contains(failed.ErrorMessage(), "does not exist") {
		return nil
	}
	return err
}

// is reports whether AWS has answered with one of the codes.
func is(err error, codes ...string) bool {
	failed, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if failed.ErrorCode() == code {
			return true
		}
	}
	return false
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// pointer is how the SDK takes what may be absent.
func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
