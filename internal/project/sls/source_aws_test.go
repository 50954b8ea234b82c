package sls

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/project"
)

// account is an account of AWS that exists in a test.
type account struct {
	project.Account
	asked *[]string // what it was asked, in order
	err   error
}

func (a account) ask(question string, value string) (string, bool, error) {
	*a.asked = append(*a.asked, strings.TrimSpace(a.Profile+" "+a.Region+" "+a.Stage)+": "+question)
	return value, value != "", a.err
}

func (a account) StackOutput(_ context.Context, region, stack, output string) (string, bool, error) {
	return a.ask("output "+region+" "+stack+" "+output, map[string]string{"net.Vpc": "vpc-1"}[stack+"."+output])
}

func (a account) Export(_ context.Context, region, name string) (string, bool, error) {
	return a.ask("export "+region+" "+name, map[string]string{"svc-dev-table": "exported"}[name])
}

func (a account) StackResource(_ context.Context, region, stack, id string) (string, bool, error) {
	return a.ask("resource "+region+" "+stack+" "+id, map[string]string{"Unnamed": "svc-dev-Unnamed-X1"}[id])
}

func (a account) Parameter(_ context.Context, region, name string, decrypt bool) (value, kind string, found bool, err error) {
	kinds := map[string][2]string{
		"/plain": {"v-${self:service}", "String"}, "/list": {"a,b", "StringList"}, "/secret": {`{"user":"u"}`, "SecureString"}, "/word": {"{word", "SecureString"},
	}
	question := "parameter " + region + " " + name
	if !decrypt {
		question += " as it is"
	}
	value, found, err = a.ask(question, kinds[name][0])
	return value, kinds[name][1], found, err
}

func (a account) Object(_ context.Context, region, bucket, key string) (string, bool, error) {
	return a.ask("object "+region+" "+bucket+" "+key, map[string]string{"b/dir/k": "content"}[bucket+"/"+key])
}

func (a account) AccountID(context.Context) (string, error) {
	id, _, err := a.ask("account", "210987654321")
	return id, err
}

// atAWS gives a service access to the account.
func atAWS(asked *[]string, err error) func(project.Account) project.Lookups {
	return func(a project.Account) project.Lookups {
		a.Env = nil
		return account{a, asked, err}
	}
}

func TestVariablesAtAWS(t *testing.T) {
	tests := []struct{ name, in, want, asked string }{
		{"output", "${cf:net.Vpc}", "vpc-1", "output  net Vpc"},
		{"output of a region", "${cf(eu-west-1):net.Vpc}", "vpc-1", "output eu-west-1 net Vpc"},
		{"parameter", "${ssm:/plain}", "v-svc", "parameter  /plain"},
		{"of a region", "${ssm(eu-west-1):/plain}", "v-svc", "parameter eu-west-1 /plain"},
		{"of a region, as it was written once", "${ssm.eu-west-1:/plain}", "v-svc", "parameter eu-west-1 /plain"},
		{"list", "${ssm:/list}", `["a","b"]`, "parameter  /list"},
		{"element of a list", "${self:custom.list.1}", "b", "parameter  /list"},
		{"element of a list, as version 4 writes it", "${self:custom.list[1]}", "b", "parameter  /list"},
		{"raw list", "${ssm(raw):/list}", "a,b", "parameter  /list"},
		{"secret", "${self:custom.secret.user}", "u", "parameter  /secret"},
		{"raw secret, not decrypted", "${ssm(eu-west-1, raw, noDecrypt):/secret}", `{"user":"u"}`, "parameter eu-west-1 /secret as it is"},
		{"secret that is no JSON", "${ssm:/word}", "{word", "parameter  /word"},
		{"object", "${s3:b/dir/k}", "content", "object  b dir/k"},
		{"object of a region", "${s3(eu-west-1):b/dir/k}", "content", "object eu-west-1 b dir/k"},
		{"account", "x-${aws:accountId}", "x-210987654321", "account"},
		{"missing", "${ssm:/nope, 'fallback'}", "fallback", "parameter  /nope"},
		{"import", "{Fn::ImportValue: svc-dev-table}", "exported", "export  svc-dev-table"},
		{"import put together", "{Fn::ImportValue: {Fn::Sub: '${AWS::StackName}-table'}}", "exported", "export  svc-dev-table"},
		{"resource", "!Ref Unnamed", "svc-dev-Unnamed-X1", "resource  svc-dev Unnamed"},
		{"resource in a text", "!Sub 'x-${Unnamed}'", "x-svc-dev-Unnamed-X1", "resource  svc-dev Unnamed"},
		{"resource that is not there", "!Ref Nope", `unresolved: {"Ref":"Nope"}`, "resource  svc-dev Nope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			quoted := tt.in
			if strings.HasPrefix(tt.in, "$") || strings.HasPrefix(tt.in, "x-") {
				quoted = `"` + tt.in + `"`
			}
			var asked []string
			p, diags := files{"serverless.yml": withEnvironment("V: "+quoted) + `
custom: {list: "${ssm:/list}", secret: "${ssm:/secret}"}
resources: {Resources: {Unnamed: {Type: AWS::DynamoDB::Table}}}
`}.load(t, project.Options{AWS: atAWS(&asked, nil)})
			if diff := cmp.Diff([]string{"us-east-1 dev: " + tt.asked}, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if got := environment(p.Functions[0])["V"]; got != tt.want {
				t.Errorf("V is %q, want %q; %v", got, tt.want, lines(diags))
			}
		})
	}
}

func TestVariablesThatAWSDoesNotTell(t *testing.T) {
	denied := &project.LookupError{Hint: "allow it", Err: errors.New("access denied")}
	nobody := &project.LookupError{NoCredentials: true, Err: errors.New("no keys")}
	tests := []struct {
		name, in string
		err      error
		want     string
	}{
		{"missing", "${ssm:/nope}", nil, `variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "ssm" source (give it a value: --var-override 'ssm:/nope=…')`},
		{"denied", "${ssm:/plain}", denied, `variable-aws: Cannot resolve variable at "functions.f.environment.V": access denied (give it a value: --var-override 'ssm:/plain=…')`},
		{"no credentials", "${cf(eu-west-1):a.b}", nobody, `variable-aws: Cannot resolve variable at "functions.f.environment.V": ` + noCredentials + ` (give it a value: --var-override 'cf(eu-west-1):a.b=…')`},
		{"no output", "${cf:stack}", nil, `variable-address: Cannot resolve variable at "functions.f.environment.V": Unsupported "stack" address argument in variable "cf" source. Expected "<stack-name>.<output-id>" format`},
		{"no key", "${s3:bucket}", nil, `variable-address: Cannot resolve variable at "functions.f.environment.V": Unsupported "bucket" address argument in variable "s3" source. Expected "<bucket-name>/<key>" format`},
		{"no name", "${ssm():}", nil, `variable-address: Cannot resolve variable at "functions.f.environment.V": Missing address argument in variable "ssm" source`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			_, diags := files{"serverless.yml": withEnvironment(`V: "` + tt.in + `"`)}.load(t, project.Options{AWS: atAWS(&asked, tt.err)})
			if got := strings.Join(lines(diags), "\n"); got != "error [f] serverless.yml:7:11 "+tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestNobodyIsAskedWithoutNeed(t *testing.T) {
	var asked []string
	f := files{"serverless.yml": `service: svc
provider: {name: aws, runtime: nodejs20.x}
custom: {secret: "${ssm:/secret}"}
functions:
  f: {handler: h.f, environment: {V: "${self:service}"}}
  other: {handler: h.o, environment: {V: "${ssm:/plain}", W: {Fn::ImportValue: x}}}
`}
	if _, diags := f.load(t, project.Options{Only: "f", AWS: atAWS(&asked, nil)}); len(asked) > 0 || len(diags) > 0 {
		t.Errorf("asked %v, %v", asked, diags)
	}
}

func TestOverridesAreLookedUpNowhere(t *testing.T) {
	tests := []struct{ name, in, override, want string }{
		{"parameter", "${ssm:/a}", "ssm:/a", "given"},
		{"whatever its parameters", "${ssm(eu-west-1, raw):/a}", "ssm:/a", "given"},
		{"with its parameters", "${ssm(eu-west-1, raw):/a}", "ssm(eu-west-1, raw):/a", "given"},
		{"region in the name", "${ssm.eu-west-1:/a}", "ssm:/a", "given"},
		{"address put together", "${ssm:/${self:service}/a}", "ssm:/svc/a", "given"},
		{"before a fallback", "${cf:a.b, 'fallback'}", "cf:a.b", "given"},
		{"of a plugin", "${construct:queue.url}", "construct:queue.url", "given"},
		{"of any source", "${env:NOPE}", "env:NOPE", "given"},
		{"of version 4", "${vault:secret/a}", "vault:secret/a", "given"},
		{"within a text", "x-${ssm:/a}", "ssm:/a", "x-given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": withEnvironment(`V: "` + tt.in + `"`)}.load(t, project.Options{Overrides: map[string]string{tt.override: "given"}})
			if got := environment(p.Functions[0])["V"]; got != tt.want || len(diags) > 0 {
				t.Errorf("V is %q, want %q; %v", got, tt.want, lines(diags))
			}
		})
	}
}

func TestResolversOfVersion4(t *testing.T) {
	service := withEnvironment(`V: "${abroad:ssm:/plain}"`, `W: "${abroad:cf:net.Vpc, 'none'}"`) + `
stages:
  default: {resolvers: {abroad: {type: aws, region: eu-west-1, profile: other}, state: {type: terraform}}}
`
	var asked []string
	p, diags := files{"serverless.yml": service}.load(t, project.Options{AWS: atAWS(&asked, nil)})
	want := []string{"other eu-west-1 dev: parameter  /plain", "other eu-west-1 dev: output  net Vpc"}
	if diff := cmp.Diff(want, asked); diff != "" || len(diags) > 0 {
		t.Errorf("asked (-want +got):\n%s%v", diff, lines(diags))
	}
	if env := environment(p.Functions[0]); env["V"] != "v-svc" || env["W"] != "vpc-1" {
		t.Errorf("got %v", env)
	}
}
