package sls

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/project"
)

const custom = `
custom:
  a: A
  num: 5
  frac: 1.10
  bool: false
  nul: null
  empty: ""
  zero: 0
  nested: {deep: {v: dv}, dev: devval}
  list: [one, {k: two}]
  chain: ${self:custom.next}
  next: ${self:custom.a}!
  map: ${self:custom.nested}
  file: ${file(./f.yml)}
  escaped: \${self:custom.a}
  own: ${opt:stage, self:provider.stage}
`

func TestVariables(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"text", "${self:custom.a}", "A"},
		{"number", "${self:custom.num}", "5"},
		{"fraction as JavaScript prints it", "${self:custom.frac}", "1.1"},
		{"within a text", "x${self:custom.num}-${self:custom.bool}", "x5-false"},
		{"false is a value", "${self:custom.bool, 'fb'}", "false"},
		{"zero is a value", "${self:custom.zero, 'fb'}", "0"},
		{"the empty text is a value", "${self:custom.empty, 'fb'}", ""},
		{"null is missing", "${self:custom.nul, 'fb'}", "fb"},
		{"fallback number", "${self:custom.miss, 12}", "12"},
		{"fallback boolean", "${self:custom.miss, true}", "true"},
		{"third source", "${env:NOPE, opt:nope, self:custom.a}", "A"},
		{"element of a list", "${self:custom.list.0}", "one"},
		{"member of an element", "${self:custom.list.1.k}", "two"},
		{"index beyond the list", "${self:custom.list.2, 'fb'}", "fb"},
		{"member of a text", "${self:custom.a.b, 'fb'}", "fb"},
		{"through other variables", "${self:custom.chain}", "A!"},
		{"through a variable that is a map", "${self:custom.map.deep.v}", "dv"},
		{"through a file that is a map", "${self:custom.file.a.b}", "yb"},
		{"address with a variable", "${self:custom.nested.${sls:stage}}", "devval"},
		{"whole configuration", "${self:service}/${self:provider.name}", "svc/aws"},
		{"a map is JSON text", "${self:custom.nested.deep}", `{"v":"dv"}`},
		{"escaped", `\${self:custom.a}`, "${self:custom.a}"},
		{"escaped and read again", "${self:custom.escaped}", "${self:custom.a}"},
		{"foreign", "${AWS::Region}-${Foo}", "${AWS::Region}-${Foo}"},
		{"option", "${opt:who}", "me"},
		{"option without value", "${opt:nope, 'fb'}", "fb"},
		{"environment", "${env:HOME}", "/home/me"},
		{"empty environment variable", "${env:EMPTY, 'fb'}", ""},
		{"environment that holds a variable", "${env:INDIRECT}", "A"},
		{"literal that holds a variable", "${opt:nope, '${self:custom.a}'}", "A"},
		{"parameter given by the user", "${param:p1}", "given"},
		{"parameter of the stage", "${param:p2}", "dev2"},
		{"parameter of all stages", "${param:p3}", "default3"},
		{"parameter below stages", "${param:p4}", "stages4"},
		{"parameter that is nowhere", "${param:nope, 'fb'}", "fb"},
		{"YAML file", "${file(./f.yml):a.b}", "yb"},
		{"YAML file with variables", "${file(./f.yml):var}", "A-nost"},
		{"variable of a file within a text", "x-${file(./f.yml):var}", "x-A-nost"},
		{"whole YAML file", "${file(f.yml):a}", `{"b":"yb"}`},
		{"JSON file", "${file(./f.json):k}", "jk"},
		{"Terraform state", "${file(./t.tfstate):outputs.x.value}", "tf"},
		{"text file", "${file(./f.txt)}", "text file\n"},
		{"file in a folder", "${file(sub/deep.yml):v}", "sub"},
		{"file with a variable in its name", "${file(./${opt:who}.yml):v}", "mine"},
		{"missing file", "${file(./nope.json), 'fb'}", "fb"},
		{"missing element of a file", "${file(./f.yml):nope, 'fb'}", "fb"},
		{"empty file", "${file(./empty.yml), 'fb'}", "fb"},
		{"stage", "${sls:stage}", "dev"},
		{"instance", "${sls:instanceId}", "1234"},
		{"strToBool of a literal", "${strToBool(' TRUE ')}", "true"},
		{"strToBool of a variable", "${strToBool(${self:custom.zero})}", "false"},
		{"region", "${aws:region}", "us-east-1"},
		{"partition", "${aws:partition}", "aws"},
		{"account", "${aws:accountId}", "111122223333"},
		{"default of the stage", "${self:provider.stage}", "dev"},
		{"default of the region", "x-${self:provider.region}", "x-us-east-1"},
		{"a fallback wins over the default", "${self:provider.region, 'other'}", "other"},
		{"the default through another variable", "${self:custom.own}", "dev"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{
				"serverless.yml": withEnvironment("V: "+fmt.Sprintf("%q", tt.in)) + custom + `
params: {default: {p1: default1, p2: default2, p3: default3}, dev: {p2: dev2}}
stages: {dev: {params: {p4: stages4}}}
`,
				"f.yml": "a: {b: yb}\nvar: ${self:custom.a}-${opt:stage, \"nost\"}\n", "f.json": `{"k": "jk"}`,
				"t.tfstate": `{"outputs": {"x": {"value": "tf"}}}`, "f.txt": "text file\n",
				"sub/deep.yml": "v: sub", "me.yml": "v: mine", "empty.yml": "",
			}.load(t, project.Options{
				Account: "111122223333", Flags: map[string]string{"who": "me"}, Parameters: map[string]string{"p1": "given"},
				Env: map[string]string{"HOME": "/home/me", "EMPTY": "", "INDIRECT": "${self:custom.a}"},
			})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if diff := cmp.Diff(map[string]string{"V": tt.want}, environment(p.Functions[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNullFallbackLeavesTheVariableOut(t *testing.T) {
	p, diags := files{"serverless.yml": withEnvironment("V: ${opt:nope, null}", "W: w")}.load(t, project.Options{})
	if diff := cmp.Diff(map[string]string{"W": "w"}, environment(p.Functions[0])); diff != "" || diags.HasErrors() {
		t.Errorf("%v (-want +got):\n%s", diags, diff)
	}
}

// checkProblem loads a function with the variable V set to in, which must lead
// to one error.
func checkProblem(t *testing.T, in, want string) {
	t.Helper()
	_, diags := files{
		"serverless.yml": withEnvironment("V: '"+strings.ReplaceAll(in, "'", "''")+"'") + `
custom:
  table: t
  m: {a: 1}
  c1: x${self:custom.c2}
  c2: ${self:custom.c1}
  nul: null
loop: {all: "${self:loop}"}
`,
		"f.js": "", "bad.yml": "a: [1\n", "twice.yml": "a: 1\na: 2\n", "inner.yml": "a: ${env:NOPE}\n",
	}.load(t, project.Options{Env: map[string]string{"HOME": "/", "LOOP": "${env:LOOP}"}})
	got := strings.Join(lines(diags), "\n")
	if diff := cmp.Diff("error [f] "+want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMissingValues(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{
			"missing in the environment", "x-${env:NOPE}",
			`serverless.yml:7:13 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "env" source (set NOPE, or give the variable a fallback: ${env:NOPE, 'value'})`,
		},
		{
			"nearly in the environment", "${env:HOMME}",
			`serverless.yml:7:11 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "env" source (set HOMME, or did you mean "HOME"?)`,
		},
		{
			"missing in the configuration", "${self:custom.tabel}",
			`serverless.yml:7:11 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "self" source (did you mean "custom.table"?)`,
		},
		{
			"null in the configuration", "${self:custom.nul}",
			`serverless.yml:7:11 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "self" source`,
		},
		{
			"missing option", "${opt:who}",
			`serverless.yml:7:11 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "opt" source`,
		},
		{
			"missing parameter", "${param:p}",
			`serverless.yml:7:11 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "param" source (give it one with --param 'p=value' or below params.default)`,
		},
		{
			"missing file", "${file(./nope.yml):a}",
			`serverless.yml:7:11 variable-missing: Cannot resolve variable at "functions.f.environment.V": Value not found at "file" source`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkProblem(t, tt.in, tt.want) })
	}
}

func TestProblemsOfVariables(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{
			"unknown source", "${evn:HOME}",
			`serverless.yml:7:13 unknown-variable-source: Unrecognized configuration variable sources: "evn" (did you mean "env"?)`,
		},
		{
			"source of a plugin", "${construct:x.y, 'z'}",
			`serverless.yml:7:10 unknown-variable-source: Unrecognized configuration variable sources: "construct" (the sources are aws, cf, doppler, env, file, git, opt, output, param, s3, self, sls, ssm, state, strToBool, terraform, vault; give the variable of a plugin its value: --var-override 'construct:x.y=…')`,
		},
		{
			"word without quotes", "${opt:stage, dev}",
			`serverless.yml:7:24 variable-literal: Variable syntax error at "functions.f.environment.V": Invalid literal source "dev" at index 13 in "${opt:stage, dev}" (put quotes around it: 'dev')`,
		},
		{
			"map within a text", "x-${self:custom.m}",
			`serverless.yml:7:13 variable-not-text: Cannot resolve variable at "functions.f.environment.V": String value consist of variable which resolve with non-string value`,
		},
		{
			"no boolean, and no fallback for that", "${strToBool('yes'), 'z'}",
			`serverless.yml:7:10 variable-param: Cannot resolve variable at "functions.f.environment.V": Invalid "strToBool" input: Expected either "true", "false", "0", or "1". Received: yes`,
		},
		{
			"nothing to make a boolean of", "${strToBool()}",
			`serverless.yml:7:11 variable-param: Cannot resolve variable at "functions.f.environment.V": Invalid "strToBool" input: Expected either "true", "false", "0", or "1". Received nothing`,
		},
		{
			"account", "${aws:accountId, '1'}",
			`serverless.yml:7:10 variable-aws: Cannot resolve variable at "functions.f.environment.V": AWS is not asked here (give it a value: --var-override 'aws:accountId=…')`,
		},
		{
			"parameter store of a region", "${ssm.eu-west-1:/a}",
			`serverless.yml:7:11 variable-aws: Cannot resolve variable at "functions.f.environment.V": AWS is not asked here (give it a value: --var-override 'ssm.eu-west-1:/a=…')`,
		},
		{
			"unknown fact", "${aws:user}",
			`serverless.yml:7:11 variable-address: Cannot resolve variable at "functions.f.environment.V": Unsupported "user" address argument in variable "aws" source: it knows accountId, region and partition`,
		},
		{
			"unknown fact of the framework", "${sls:nope}",
			`serverless.yml:7:11 variable-address: Cannot resolve variable at "functions.f.environment.V": Unsupported "nope" address argument in variable "sls" source: it knows stage and instanceId`,
		},
		{
			"script", "${file(./f.js):a}",
			`serverless.yml:7:11 variable-script: Cannot resolve variable at "functions.f.environment.V": programs are not run here`,
		},
		{
			"file without a name", "${file():a}",
			`serverless.yml:7:11 variable-param: Cannot resolve variable at "functions.f.environment.V": Missing path argument in variable "file" source`,
		},
		{
			"broken file", "${file(./bad.yml):a, 'fb'}",
			`bad.yml:1:4 yaml-syntax: did not find expected ',' or ']' (close the bracket that is open, or put a comma between its elements)`,
		},
		{
			"key twice in a file", "${file(./twice.yml):a}",
			`twice.yml:2:1 duplicate-key: "a" stands in this map twice, first in line 1 (remove one of the two)`,
		},
		{
			"problem in a file", "${file(./inner.yml):a}",
			`inner.yml:1:4 variable-missing: Cannot resolve variable at "./inner.yml:a": Value not found at "env" source (set NOPE, or give the variable a fallback: ${env:NOPE, 'value'})`,
		},
		{
			"circle", "${self:custom.c1}",
			`serverless.yml:13:7 variable-circle: Cannot resolve variable at "custom.c2": Circular reference among "custom.c2" and "custom.c1" properties (give one of them a value of its own)
error [f] serverless.yml:13:7 variable-circle: Cannot resolve variable at "functions.f.environment.V": Circular reference among "custom.c2" and "custom.c1" properties (give one of them a value of its own)`,
		},
		{
			"map in itself", "${self:loop}",
			`serverless.yml:15:7 variable-too-large: Cannot resolve variable at "functions.f.environment.V.all": the value at "functions.f.environment.V.all" contains itself`,
		},
		{
			"address that is a map", "${self:${self:custom.m}}",
			`serverless.yml:7:11 variable-address: Cannot resolve variable at "functions.f.environment.V": Non-string address argument in variable "self" source: the address in "${self:${self:custom.m}}" is a map`,
		},
		{
			"environment in a circle", "${env:LOOP}",
			`serverless.yml:7:11 variable-depth: Cannot resolve variable at "functions.f.environment.V": the value at "functions.f.environment.V" leads from variable to variable without end`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkProblem(t, tt.in, tt.want) })
	}
}
