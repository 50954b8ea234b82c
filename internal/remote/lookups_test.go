package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/moto"
)

// counted stands before a server and counts what it is asked.
func counted(t *testing.T, server string) (address string, asked *atomic.Int32) {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	asked = &atomic.Int32{}
	transport := &http.Transport{}
	proxy := httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.Close()
		transport.CloseIdleConnections()
	})
	return front.URL, asked
}

// client makes a client that ends with the test.
func client(t *testing.T, o ClientOptions) *Client {
	t.Helper()
	c := NewClient(o)
	c.pause = time.Millisecond
	t.Cleanup(c.Close)
	return c
}

// world is what the tests look for. The exports need two pages.
const world = `
import io
template = {
    "Resources": {
        "Things": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "things", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket-in-stack"}},
    },
    "Outputs": {
        "Table": {"Value": {"Ref": "Things"}, "Export": {"Name": "table"}},
        "Empty": {"Value": ""},
        "URL": {"Value": {"Fn::Sub": "https://${AWS::Region}.example/${Things}"}},
    },
}
for i in range(120):
    template["Outputs"]["E%d" % i] = {"Value": "value %d" % i, "Export": {"Name": "export-%03d" % i}}
boto3.client("cloudformation").create_stack(StackName="shop-dev", TemplateBody=json.dumps(template))
boto3.client("cloudformation", region_name="eu-west-1").create_stack(StackName="shop-dev", TemplateBody=json.dumps({
    "Resources": {"Store": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "only-here"}}},
    "Outputs": {"Table": {"Value": "european", "Export": {"Name": "table"}}},
}))
ssm = boto3.client("ssm")
ssm.put_parameter(Name="plain", Value="text with\ttabs and ünïcode", Type="String")
ssm.put_parameter(Name="/a/list", Value="a,b,c", Type="StringList")
ssm.put_parameter(Name="/a/secret", Value="hunter2", Type="SecureString")
ssm.put_parameter(Name="versions", Value="one", Type="String")
ssm.put_parameter(Name="versions", Value="two", Type="String", Overwrite=True)
boto3.client("ssm", region_name="eu-west-1").put_parameter(Name="plain", Value="european", Type="String")
boto3.client("secretsmanager").create_secret(Name="db/password", SecretString='{"user":"u"}')
s3 = boto3.client("s3")
s3.create_bucket(Bucket="files")
s3.put_object(Bucket="files", Key="dir/with space+plus.txt", Body="content\n")
s3.put_object(Bucket="files", Key="empty", Body=b"")
s3.put_object(Bucket="files", Key="full", Body=b"x" * (10 * 1024 * 1024))
s3.put_object(Bucket="files", Key="too-big", Body=b"x" * (10 * 1024 * 1024 + 1))
print(boto3.client("sts").get_caller_identity()["Account"])
`

// lookup is one question and what it gives.
type lookup struct {
	name  string
	ask   func() (string, bool, error)
	want  string
	found bool
	asked int32 // how many requests it takes, put in this order
}

func lookups(ctx context.Context, c *Client, account string) []lookup {
	output := func(region, stack, name string) func() (string, bool, error) {
		return func() (string, bool, error) { return c.StackOutput(ctx, region, stack, name) }
	}
	export := func(region, name string) func() (string, bool, error) {
		return func() (string, bool, error) { return c.Export(ctx, region, name) }
	}
	resource := func(region, stack, id string) func() (string, bool, error) {
		return func() (string, bool, error) { return c.StackResource(ctx, region, stack, id) }
	}
	parameter := func(region, name string, decrypt bool) func() (string, bool, error) {
		return func() (string, bool, error) {
			value, kind, found, err := c.Parameter(ctx, region, name, decrypt)
			return strings.TrimPrefix(kind+" "+value, " "), found, err
		}
	}
	object := func(bucket, key string) func() (string, bool, error) {
		return func() (string, bool, error) { return c.Object(ctx, "", bucket, key) }
	}
	return []lookup{
		{"an output", output("", "shop-dev", "Table"), "things", true, 1},
		{"another of the stack", output("us-east-1", "shop-dev", "URL"), "https://us-east-1.example/things", true, 0},
		{"an empty one", output("", "shop-dev", "Empty"), "", true, 0},
		{"an output that is not there", output("", "shop-dev", "Nope"), "", false, 0},
		{"in another region", output("eu-west-1", "shop-dev", "Table"), "european", true, 1},
		{"a stack that is not there", output("", "shop-prod", "Table"), "", false, 1},
		{"the same", output("", "shop-prod", "URL"), "", false, 0},

		{"an export", export("", "table"), "things", true, 2},
		{"one of the second page", export("", "export-119"), "value 119", true, 0},
		{"an export that is not there", export("", "nope"), "", false, 0},
		{"an export of another region", export("eu-west-1", "table"), "european", true, 1},
		{"a region without exports", export("eu-west-2", "table"), "", false, 1},

		{"a resource", resource("", "shop-dev", "Things"), "things", true, 1},
		{"another resource", resource("", "shop-dev", "Bucket"), "bucket-in-stack", true, 0},
		{"a resource that is not there", resource("", "shop-dev", "Store"), "", false, 0},
		{"a resource of another region", resource("eu-west-1", "shop-dev", "Store"), "only-here", true, 1},
		{"a resource of a stack that is not there", resource("", "shop-prod", "Things"), "", false, 1},

		{"a parameter", parameter("", "plain", false), "String text with\ttabs and ünïcode", true, 1},
		{"in another region", parameter("eu-west-1", "plain", false), "String european", true, 1},
		{"a list", parameter("", "/a/list", true), "StringList a,b,c", true, 1},
		{"a secret", parameter("", "/a/secret", true), "SecureString hunter2", true, 1},
		{"an older version", parameter("", "versions:1", true), "String one", true, 1},
		{"a version that is not there", parameter("", "versions:7", true), "", false, 1},
		{"a secret of another service", parameter("", "/aws/reference/secretsmanager/db/password", true), `SecureString {"user":"u"}`, true, 1},
		{"a secret of another service that is not there", parameter("", "/aws/reference/secretsmanager/db/nope", true), "", false, 1},
		{"a parameter that is not there", parameter("", "nope", true), "", false, 1},

		{"an object", object("files", "dir/with space+plus.txt"), "content\n", true, 1},
		{"an empty object", object("files", "empty"), "", true, 1},
		{"an object that is not there", object("files", "nope"), "", false, 1},
		{"a bucket that is not there", object("no-such-bucket", "empty"), "", false, 1},

		{"the account", func() (string, bool, error) { id, err := c.AccountID(ctx); return id, true, err }, account, true, 1},
	}
}

func TestLookups(t *testing.T) {
	testenv.Leaks(t)
	server := moto.Start(t)
	account := server.Do(t, world)
	address, asked := counted(t, server.URL)
	env := home(t, "", credentialsFile, "AWS_ENDPOINT_URL="+address)
	found := 0
	c := client(t, ClientOptions{Env: env, Find: func(ctx context.Context) (Session, error) {
		found++
		return Load(ctx, Options{Env: env})
	}})
	if found != 0 || asked.Load() != 0 {
		t.Fatal("making a client has asked for something")
	}
	tests, ctx := lookups(t.Context(), c, account), t.Context()
	for _, again := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, again %v", tt.name, again), func(t *testing.T) {
				before := asked.Load()
				got, found, err := tt.ask()
				if err != nil || found != tt.found {
					t.Fatalf("got %q, %v, %v", got, found, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("value (-want +got):\n%s", diff)
				}
				want := tt.asked
				if again {
					want = 0
				}
				if n := asked.Load() - before; n != want {
					t.Errorf("%d requests, want %d", n, want)
				}
			})
		}
	}
	if found != 1 {
		t.Errorf("credentials were looked for %d times", found)
	}

	t.Run("a secret stays encrypted", func(t *testing.T) {
		value, kind, found, err := c.Parameter(ctx, "", "/a/secret", false)
		if err != nil || !found || kind != "SecureString" || value == "" || value == "hunter2" {
			t.Errorf("got %q of kind %s, %v, %v", value, kind, found, err)
		}
	})
	t.Run("sizes of objects", func(t *testing.T) {
		if got, _, err := c.Object(ctx, "", "files", "full"); err != nil || len(got) != maxObject {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if _, _, err := c.Object(ctx, "", "files", "too-big"); err == nil || !strings.Contains(err.Error(), "more than 10 MB") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		other := client(t, ClientOptions{Env: env, Region: "eu-west-1"})
		before := asked.Load()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got, _, err := other.Export(ctx, "", "table"); err != nil || got != "european" {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		all.Wait()
		if n := asked.Load() - before; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestWhoMayAsk is over a server that checks signatures and policies.
func TestWhoMayAsk(t *testing.T) {
	testenv.Leaks(t)
	server := moto.Start(t)
	made := server.Do(t, world+`
iam = boto3.client("iam")
def user(name, *actions):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    print(key["AccessKeyId"], key["SecretAccessKey"])
user("reader", "ssm:GetParameter", "cloudformation:*", "s3:GetObject")
user("nobody", "sqs:ListQueues")
`)
	lines := strings.Split(made, "\n")
	keysIn := func(line string) Keys {
		id, secret, _ := strings.Cut(line, " ")
		return Keys{AccessKeyID: id, SecretAccessKey: secret, From: "profile p"}
	}
	reader, nobody := keysIn(lines[1]), keysIn(lines[2])
	server.Guard(t)
	as := func(keys Keys) *Client {
		env := map[string]string{"AWS_ENDPOINT_URL": server.URL}
		return client(t, ClientOptions{Env: env, Find: func(context.Context) (Session, error) { return Session{Keys: keys}, nil }})
	}
	questions := map[string]func(c *Client) (string, error){
		"ssm:GetParameter": func(c *Client) (string, error) {
			v, _, _, err := c.Parameter(t.Context(), "", "/a/list", true)
			return v, err
		},
		"cloudformation:DescribeStacks": func(c *Client) (string, error) {
			v, _, err := c.StackOutput(t.Context(), "", "shop-dev", "Table")
			return v, err
		},
		"s3:GetObject": func(c *Client) (string, error) {
			v, _, err := c.Object(t.Context(), "", "files", "dir/with space+plus.txt")
			return v, err
		},
	}
	answers := map[string]string{"ssm:GetParameter": "a,b,c", "cloudformation:DescribeStacks": "things", "s3:GetObject": "content\n"}
	forged := reader
	forged.SecretAccessKey += "x"
	for action, ask := range questions {
		t.Run(action, func(t *testing.T) {
			if got, err := ask(as(reader)); err != nil || got != answers[action] {
				t.Errorf("who may got %q, %v", got, err)
			}
			_, err := ask(as(nobody))
			failed, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, ErrDenied) || failed.Action != action || failed.Region != "us-east-1" || failed.Hint != "use credentials that may do "+action {
				t.Errorf("who may not got %#v", err)
			} else if want := "AWS denies " + action + " in us-east-1 to the credentials from profile p: "; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %q, want %q…", err, want)
			}
			// Of the server's refusals only that of S3 is in the service's own form.
			want := ErrDenied
			if action == "s3:GetObject" {
				want = ErrRefused
			}
			for name, keys := range map[string]Keys{"unknown": {AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "s", From: FromShell}, "forged": forged} {
				if _, err := ask(as(keys)); !errors.Is(err, want) {
					t.Errorf("%s keys got %v", name, err)
				}
			}
		})
	}
}
