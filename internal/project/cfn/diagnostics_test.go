package cfn_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
)

func TestProblemsOfOneFunctionAreItsOwn(t *testing.T) {
	const head = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
	const rest = "      Handler: a.b\n      Runtime: python3.13\n      InlineCode: x\n"
	tests := []struct {
		name, properties string
		want             []string
	}{
		{"nothing wrong", rest, []string{}},
		{
			"unknown property", rest + "      Enviroment: {}\n",
			[]string{`8:7 warning unknown-property: the function "F" has the unknown property "Enviroment" | hint: did you mean "Environment"? [F]`},
		},
		{
			"no handler and no runtime", "      InlineCode: x\n",
			[]string{
				`2:3 error handler-missing: the function "F" has no Handler | hint: add Handler: the file and the function in it, such as app.handler [F]`,
				`2:3 error runtime-missing: the function "F" has no Runtime | hint: add Runtime, such as nodejs22.x or python3.13 [F]`,
			},
		},
		{"images need neither", "      PackageType: Image\n", []string{}},
		{
			"unknown package type", rest + "      PackageType: Tar\n",
			[]string{`8:20 error property-value: PackageType must be Zip or Image, not "Tar" [F]`},
		},
		{
			"timeout that is no number", rest + "      Timeout: soon\n",
			[]string{`8:16 error property-type: Timeout must be a number, not "soon" [F]`},
		},
		{
			"timeout that is a map", rest + "      Timeout: {a: b}\n",
			[]string{`8:16 error property-type: Timeout must be a number, not a map [F]`},
		},
		{"timeout that is nothing", rest + "      Timeout:\n", []string{}},
		{
			"timeout that is too long", rest + "      Timeout: 901\n",
			[]string{`8:16 warning out-of-range: Timeout is 901, but AWS takes 1 to 900 seconds; lambkin uses 900 [F]`},
		},
		{
			"too little memory", rest + "      MemorySize: 64\n",
			[]string{`8:19 warning out-of-range: MemorySize is 64, but AWS takes 128 to 10240 MB; lambkin uses 128 [F]`},
		},
		{
			"part of a megabyte", rest + "      MemorySize: 128.5\n",
			[]string{`8:19 error property-type: MemorySize must be a number, not "128.5" [F]`},
		},
		{
			"too small a disk", rest + "      EphemeralStorage: {Size: 1}\n",
			[]string{`8:32 warning out-of-range: EphemeralStorage.Size is 1, but AWS takes 512 to 10240 MB; lambkin uses 512 [F]`},
		},
		{
			"unknown architecture", rest + "      Architectures: [arm_64]\n",
			[]string{`8:22 error property-value: the architecture must be x86_64 or arm64, not "arm_64" | hint: did you mean "arm64"? [F]`},
		},
		{
			"two architectures", rest + "      Architectures: [arm64, x86_64]\n",
			[]string{`8:22 error property-value: Architectures must have one element, not 2 [F]`},
		},
		{
			"unknown log format", rest + "      LoggingConfig: {LogFormat: XML}\n",
			[]string{`8:34 error property-value: LoggingConfig.LogFormat must be Text or JSON, not "XML" [F]`},
		},
		{
			"unknown log level", rest + "      LoggingConfig: {SystemLogLevel: ERROR}\n",
			[]string{`8:39 error property-value: LoggingConfig.SystemLogLevel must be DEBUG, INFO or WARN, not "ERROR" [F]`},
		},
		{
			"handler that is a list", "      Handler: [a]\n      Runtime: python3.13\n      InlineCode: x\n",
			[]string{
				`5:16 error property-type: Handler must be text, not a list [F]`,
				`5:7 error handler-missing: the function "F" has no Handler | hint: add Handler: the file and the function in it, such as app.handler [F]`,
			},
		},
		{
			"environment that is a list", rest + "      Environment: [a]\n",
			[]string{`8:20 error property-type: Environment must be a map, not a list [F]`},
		},
		{
			"variable that is a map", rest + "      Environment:\n        Variables:\n          A: {b: c}\n",
			[]string{`10:14 warning variable-type: the environment variable "A" is a map, which AWS does not take; it is left empty | hint: write it as JSON text in quotes [F]`},
		},
		{
			"layer that is no ARN", rest + "      Layers: [mine]\n",
			[]string{`8:16 error layer-arn: "mine" is not the ARN of a layer version | hint: it looks like arn:aws:lambda:us-east-1:123456789012:layer:name:1 [F]`},
		},
		{
			"unknown layer", rest + "      Layers: [!Ref Lib]\n",
			[]string{`8:16 warning unknown-reference: !Ref refers to "Lib", which is neither a parameter nor a resource | The layer is left without a value. [F]`},
		},
		{
			"all of them at once", rest + "      Timeout: soon\n      MemorySize: much\n",
			[]string{
				`8:16 error property-type: Timeout must be a number, not "soon" [F]`,
				`9:19 error property-type: MemorySize must be a number, not "much" [F]`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := load(t, head+tt.properties, project.Options{})
			if p == nil || len(p.Functions) != 1 {
				t.Fatalf("the function is gone: %v", diags)
			}
			diff(t, "diagnostics", tt.want, said(diags))
		})
	}
}

func TestMissingCodeIsSaidWhereItIsNamed(t *testing.T) {
	dir := unpack(t, `
Resources:
  Gone:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.13, CodeUri: gone}
  File:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.13, CodeUri: app.py}
  Here:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.13}
  Folder:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: python3.13, CodeUri: folder.zip}
-- app.py --
-- folder.zip/app.py --
`)
	p, diags := loadIn(t, dir, project.Options{})
	var got []string
	for _, line := range said(diags) {
		got = append(got, strings.ReplaceAll(line, dir+string(filepath.Separator), ""))
	}
	diff(t, "diagnostics", []string{
		`5:62 error code-not-found: the code of the function "Gone", gone, does not exist | hint: build the function first, or correct its CodeUri [Gone]`,
		`8:62 error code-not-found: the code of the function "File", app.py, is a file; it must be a folder, a .zip or a .jar [File]`,
	}, got)
	if dir := find(t, p, "Folder").Code.Dir; filepath.Base(dir) != "folder.zip" {
		t.Errorf("a folder that is named like an archive is %q", dir)
	}
}

func TestBrokenResourcesLeaveTheOthersUsable(t *testing.T) {
	p, diags := load(t, `
Resources:
  List: [a]
  NoType: {Properties: {}}
  Misspelt: {Type: AWS::Serverless::Funtion}
  OtherService: {Type: AWS::Serverles::Function}
  Case: {Type: AWS::Lambda::function}
  Fine: {Type: AWS::CloudFront::Function}
  Custom: {Type: Custom::Lambda}
  BadProperties: {Type: AWS::Lambda::Function, Properties: [a]}
  Good: {Type: AWS::Lambda::Function, Properties: {Handler: a.b, Runtime: python3.13}}
`, project.Options{})
	diff(t, "functions", []string{"BadProperties", "Good"}, paths(p))
	diff(t, "diagnostics", []string{
		`3:9 warning resource: the resource "List" must be a map, not a list [List]`,
		`4:3 warning resource-type: the resource "NoType" has no Type [NoType]`,
		`5:20 warning resource-type: the resource "Misspelt" has the unknown type "AWS::Serverless::Funtion" | hint: did you mean "AWS::Serverless::Function"? [Misspelt]`,
		`6:24 warning resource-type: the resource "OtherService" has the unknown type "AWS::Serverles::Function" | hint: did you mean "AWS::Serverless::Function"? [OtherService]`,
		`7:16 warning resource-type: the resource "Case" has the unknown type "AWS::Lambda::function" | hint: did you mean "AWS::Lambda::Function"? [Case]`,
		`10:60 error properties: the Properties of "BadProperties" must be a map, not a list [BadProperties]`,
		`10:3 error handler-missing: the function "BadProperties" has no Handler | hint: add Handler: the file and the function in it, such as app.handler [BadProperties]`,
		`10:3 error runtime-missing: the function "BadProperties" has no Runtime | hint: add Runtime, such as nodejs22.x or python3.13 [BadProperties]`,
	}, said(diags))
	if diags.For("Good").HasErrors() {
		t.Error("the good function has errors")
	}
}

func TestTemplatesThatCannotBeUsed(t *testing.T) {
	tests := []struct {
		name, template string
		want           []string
	}{
		{"a list", "- a\n", []string{"1:1 error template: a template must be a map with Resources, not a list"}},
		{"empty", "", []string{"1:1 error template: a template must be a map with Resources, not null"}},
		{"no resources", "Transform: x\n", []string{"1:1 error resources: the template has no Resources"}},
		{"misspelt resources", "Transform: x\nResource: {}\n", []string{`2:1 error resources: the template has no Resources | hint: did you mean "Resources" instead of "Resource"?`}},
		{"empty resources", "Resources:\n", []string{"1:1 error resources: Resources is empty"}},
		{"list of resources", "Resources: [a]\n", []string{"1:12 error resources: Resources must be a map, not a list"}},
		{"an alias in itself", "Resources: &a\n  F: *a\n", []string{`1:12 error yaml-alias: this value contains itself through the alias "a"`}},
		{"tab", "Resources:\n\tF: {}\n", []string{"2:1 error yaml-syntax: found character that cannot start any token | hint: indent with spaces: YAML does not allow tabs"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "template.yaml"), tt.template)
			p, diags := loadIn(t, dir, project.Options{})
			if p != nil {
				t.Error("there is a project")
			}
			diff(t, "diagnostics", tt.want, said(diags))
		})
	}
}

func TestAMissingTemplateIsAnError(t *testing.T) {
	p, diags := cfn.Loader{}.Load(context.Background(), filepath.Join(t.TempDir(), "none.yaml"), project.Options{})
	if p != nil || !diags.HasErrors() || diags[0].Code != "read" {
		t.Errorf("got %v, %q", p, said(diags))
	}
}

func TestAWarningOfGlobalsIsSaidOnce(t *testing.T) {
	_, diags := load(t, `
Globals:
  Function:
    Handler: a.b
    Runtime: python3.13
    InlineCode: x
    Environment: {Variables: {X: !ImportValue shared}}
    Timout: 3
  Funktion: {}
Resources:
  A: {Type: AWS::Serverless::Function}
  B: {Type: AWS::Serverless::Function}
  C: {Type: AWS::Serverless::Function, Properties: {Timeout: x}}
`, project.Options{})
	diff(t, "diagnostics", []string{
		`9:3 warning unknown-property: Globals has the unknown property "Funktion" | hint: did you mean "Function"?`,
		`8:5 warning unknown-property: Globals.Function has the unknown property "Timout" | hint: did you mean "Timeout"?`,
		`7:34 warning import-value: !ImportValue needs the export "shared" of another stack, which only AWS knows | The environment variable X is left without a value. | hint: set it with --env-vars`,
		`13:62 error property-type: Timeout must be a number, not "x" [C]`,
	}, said(diags))
}

func TestParametersAreChecked(t *testing.T) {
	const template = `
Parameters:
  Stage: {Type: String, AllowedValues: [dev, prod], Default: dev}
  Size: {Type: Number, Default: big}
  Unused: {Type: String}
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Handler: !Ref Stage, Runtime: b, Code: {ZipFile: x}}}
`
	tests := []struct {
		name       string
		parameters map[string]string
		want       []string
	}{
		{"defaults", nil, []string{`4:33 warning parameter-value: the parameter "Size" is a Number, but its value is "big"`}},
		{
			"value that is not allowed",
			map[string]string{"Stage": "prd", "Size": "5"},
			[]string{`3:3 warning parameter-value: the value "prd" of the parameter "Stage" is not one of its AllowedValues | hint: did you mean "prod"?`},
		},
		{
			"value that is far off",
			map[string]string{"Stage": "xxxxxxxx", "Size": "5"},
			[]string{`3:3 warning parameter-value: the value "xxxxxxxx" of the parameter "Stage" is not one of its AllowedValues | hint: allowed are dev, prod`},
		},
		{
			"misspelt parameter",
			map[string]string{"Stge": "prod", "Size": "5"},
			[]string{`warning unknown-parameter: a value is given for the parameter "Stge", which the template does not declare | hint: did you mean "Stage"?`},
		},
		{"parameter of another template", map[string]string{"Elsewhere": "x", "Size": "5"}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := load(t, template, project.Options{Parameters: tt.parameters})
			diff(t, "diagnostics", tt.want, said(diags))
			want := "dev"
			if s, ok := tt.parameters["Stage"]; ok {
				want = s
			}
			diff(t, "handler", want, p.Functions[0].Handler)
		})
	}
}

func TestOverridesReachUndeclaredNames(t *testing.T) {
	p, diags := load(t, `
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Handler: !Ref Elsewhere, Runtime: !Ref "AWS::StackName", Code: {ZipFile: x}}}
`, project.Options{Parameters: map[string]string{"Elsewhere": "a.b", "AWS::StackName": "mine"}})
	diff(t, "diagnostics", []string{}, said(diags))
	diff(t, "values", []string{"a.b", "mine"}, []string{p.Functions[0].Handler, p.Functions[0].Runtime})
}

func TestJSONTemplatesLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template.json")
	write(t, file, `{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {
  "Handler": "a.b", "Runtime": "python3.13", "Timeout": {"Fn::Sub": "${Nope}"}, "Code": {"ZipFile": "x"}}}}}`)
	p, diags := cfn.Loader{}.Load(context.Background(), file, project.Options{})
	diff(t, "diagnostics", []string{
		`template.json:2:70 warning unknown-reference: Fn::Sub refers to "Nope", which is neither a parameter nor a resource | Timeout is left without a value. [F]`,
	}, said(diags))
	if p.Functions[0].Timeout != 3*time.Second {
		t.Errorf("got %v", p.Functions[0].Timeout)
	}
}

func TestLoaderAcceptsTemplatesOnly(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                bool
	}{
		{"SAM", "x.yaml", "Transform: AWS::Serverless-2016-10-31\n", true},
		{"resources", "x.yaml", "Resources: {}\n", true},
		{"quoted key", "x.yml", "\"Resources\": {}\n", true},
		{"JSON", "x.json", `{"AWSTemplateFormatVersion": "2010-09-09"}`, true},
		{"JSON on several lines", "x.json", "{\n  \"Resources\": {}\n}", true},
		{"flow map", "x.yaml", "{Resources: {}}\n", true},
		{"broken but has resources", "x.yaml", "Resources:\n\tF: {}\n", true},
		{"called a template", "template.yml", "- nothing\n", true},
		{"Serverless service", "serverless.yml", "service: a\nprovider: {name: aws}\nresources:\n  Resources: {}\n", false},
		{"Serverless service as JSON", "x.json", `{"service": "a", "provider": {}, "Resources": {}}`, false},
		{"something else", "x.yaml", "name: ci\n", false},
		{"text", "x.txt", "Dear Sir", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (cfn.Loader{}).Accepts(tt.file, []byte(tt.content)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestFilesAreNamedAsTheCallerDoes(t *testing.T) {
	dir := unpack(t, `
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Handler: a.b, Runtime: python3.13, Code: src}}
-- src/a.py --
`)
	t.Chdir(dir)
	p, diags := cfn.Loader{}.Load(context.Background(), "template.yaml", project.Options{})
	diff(t, "diagnostics", []string{}, said(diags))
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "names", []string{"template.yaml", wd, "template.yaml", filepath.Join(wd, "src")},
		[]string{p.File, p.Dir, p.Functions[0].Source.File, p.Functions[0].Code.Dir})
}

func TestConstraintsOfParametersAreChecked(t *testing.T) {
	tests := []struct {
		name, declaration, given string
		want                     []string
	}{
		{"all kept", `{Type: String, AllowedPattern: "[a-z]+", MinLength: 2, MaxLength: "4"}`, "dev", []string{}},
		{"pattern", `{Type: String, AllowedPattern: "[a-z]+"}`, "dev1", []string{`does not match its AllowedPattern [a-z]+`}},
		{
			"pattern with a description",
			`{Type: String, AllowedPattern: "[a-z]+", ConstraintDescription: small letters only}`,
			"DEV",
			[]string{`does not match its AllowedPattern [a-z]+ | hint: small letters only`},
		},
		{"pattern that only Java knows", `{Type: String, AllowedPattern: "(?!x).*"}`, "x", []string{}},
		{"too short", `{Type: String, MinLength: 2}`, "ü", []string{`has 1 characters, fewer than its MinLength of 2`}},
		{"too long", `{Type: String, MaxLength: 2}`, "dev", []string{`has 3 characters, more than its MaxLength of 2`}},
		{"too small", `{Type: Number, MinValue: 2, MaxValue: 4}`, "1.5", []string{`the value 1.5 of the parameter "P" is less than its MinValue of 2`}},
		{"too large", `{Type: Number, MinValue: 2, MaxValue: 4}`, "5", []string{`the value 5 of the parameter "P" is more than its MaxValue of 4`}},
		{"limits of a text are no limits", `{Type: String, MinValue: 2, MinLength: many}`, "1", []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := load(t, "Parameters:\n  P: "+tt.declaration+"\nResources: {T: {Type: AWS::DynamoDB::Table}}\n", project.Options{
				Parameters: map[string]string{"P": tt.given},
			})
			got := said(diags)
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], "2:3 warning parameter-value: ")
				got[i] = strings.TrimPrefix(got[i], "the value "+strconv.Quote(tt.given)+" of the parameter \"P\" ")
			}
			diff(t, "diagnostics", tt.want, got)
		})
	}
}
