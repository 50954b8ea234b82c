package cfn_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

func TestAFunctionHasEveryProperty(t *testing.T) {
	dir := unpack(t, `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Memory: {Type: Number, Default: 1024}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata: {SamResourceId: HelloId}
    Properties:
      FunctionName: hello
      CodeUri: src
      Handler: app.handler
      Runtime: python3.13
      Architectures: [arm64]
      MemorySize: !Ref Memory
      Timeout: "15"
      EphemeralStorage: {Size: 1024}
      LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: DEBUG, SystemLogLevel: WARN, LogGroup: !Sub "/my/${Memory}"}
      Layers: [!Ref Lib, "arn:aws:lambda:us-east-1:123456789012:layer:tools:7"]
      Environment:
        Variables:
          ON: text
          LONG: |
            two
            lines
  Lib:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: lib/}
-- src/app.py --
-- lib/python/x.py --
`)
	p, diags := loadIn(t, dir, project.Options{Region: "eu-west-1"})
	diff(t, "diagnostics", []string{}, said(diags))
	file := filepath.Join(dir, "template.yaml")
	at := func(line, column int) lambda.Source { return lambda.Source{File: file, Line: line, Column: column} }
	want := &lambda.Project{
		Kind: lambda.KindCloudFormation, Dir: dir, File: file,
		Functions: []*lambda.Function{{
			LogicalID: "Hello", ID: "HelloId", Name: "hello", Path: "HelloId", PackageType: lambda.Zip,
			Runtime: "python3.13", Handler: "app.handler", Architecture: "arm64",
			Code:     lambda.Code{Dir: filepath.Join(dir, "src")},
			MemoryMB: 1024, Timeout: 15 * time.Second, EphemeralMB: 1024, LogFormat: "JSON", LogLevel: "DEBUG", SystemLogLevel: "WARN", LogGroup: "/my/1024",
			Layers: []lambda.Layer{
				{Dir: filepath.Join(dir, "lib"), Source: at(19, 16)},
				{ARN: "arn:aws:lambda:us-east-1:123456789012:layer:tools:7", Source: at(19, 26)},
			},
			Environment: []lambda.Variable{
				{Name: "ON", Value: "text", Source: at(22, 15)},
				{Name: "LONG", Value: "two\nlines\n", Source: at(23, 17)},
			},
			Source: at(6, 3),
			Sources: map[string]lambda.Source{
				"FunctionName": at(10, 21), "CodeUri": at(11, 16), "Handler": at(12, 16), "Runtime": at(13, 16),
				"Architectures": at(14, 22), "MemorySize": at(15, 19), "Timeout": at(16, 16), "EphemeralStorage": at(17, 25),
				"LoggingConfig": at(18, 22), "Layers": at(19, 15), "Environment": at(20, 7),
			},
		}},
	}
	diff(t, "project", want, p)
}

func TestConcurrencyAndSnapStart(t *testing.T) {
	fn := function(t, `
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Handler: a.b, Runtime: python3.13, ReservedConcurrentExecutions: 0, SnapStart: {ApplyOn: PublishedVersions}}
`, "F")
	if fn.ReservedConcurrency == nil || *fn.ReservedConcurrency != 0 || !fn.SnapStart || fn.LogFormat != lambda.TextLogs {
		t.Errorf("function %+v", fn)
	}
	fn = function(t, `
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Handler: a.b, Runtime: python3.13, SnapStart: {ApplyOn: None}, CapacityProviderConfig: {LambdaManagedInstancesCapacityProviderConfig: {CapacityProviderArn: arn, PerExecutionEnvironmentMaxConcurrency: 7}}}
`, "F")
	if fn.ReservedConcurrency != nil || fn.SnapStart || fn.MaxConcurrency != 7 || fn.LogFormat != lambda.JSONLogs {
		t.Errorf("function %+v", fn)
	}
}

func TestDefaultsAreAWSs(t *testing.T) {
	fn := function(t, `
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Handler: a.b, Runtime: nodejs22.x}
`, "F")
	got := []any{fn.Name, fn.Timeout, fn.MemoryMB, fn.EphemeralMB, fn.Architecture, fn.LogFormat, len(fn.Environment), filepath.Dir(fn.Code.Dir) != ""}
	diff(t, "defaults", []any{"F", 3 * time.Second, 128, 512, "x86_64", "Text", 0, true}, got)
}

func TestGlobalsAreMerged(t *testing.T) {
	const template = `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.13
    Handler: global.handler
    InlineCode: x
    Timeout: 7
    Layers: ["arn:aws:lambda:us-east-1:123456789012:layer:g:1"]
    Environment: {Variables: {A: global, B: global}}
Resources:
  Merged:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 9
      Layers: ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]
      Environment: {Variables: {C: local, A: local}}
  Untouched:
    Type: AWS::Serverless::Function
  Computed:
    Type: AWS::Serverless::Function
    Properties: {Timeout: !If [Never, 1, 2]}
  NoTimeout:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [Timeout]
  Alone:
    Type: AWS::Serverless::Function
    IgnoreGlobals: "*"
    Properties: {Handler: own.handler, Runtime: nodejs22.x, InlineCode: y}
  Plain:
    Type: AWS::Lambda::Function
    Properties: {Handler: own.handler, Runtime: nodejs22.x, Code: {ZipFile: y}}
Conditions:
  Never: !Equals [a, b]
`
	type result struct {
		Handler     string
		Seconds     int
		Layers      []string
		Environment []string
	}
	global := result{"global.handler", 7, []string{"arn:aws:lambda:us-east-1:123456789012:layer:g:1"}, []string{"A=global", "B=global"}}
	computed, noTimeout := global, global
	computed.Seconds, noTimeout.Seconds = 2, 3
	want := map[string]result{
		"Merged": {
			"global.handler", 9,
			[]string{"arn:aws:lambda:us-east-1:123456789012:layer:g:1", "arn:aws:lambda:us-east-1:123456789012:layer:l:1"},
			[]string{"A=local", "B=global", "C=local"},
		},
		"Untouched": global, "Computed": computed, "NoTimeout": noTimeout,
		"Alone": {Handler: "own.handler", Seconds: 3},
		"Plain": {Handler: "own.handler", Seconds: 3},
	}
	p, diags := load(t, template, project.Options{})
	diff(t, "diagnostics", []string{}, said(diags))
	got := map[string]result{}
	for _, fn := range p.Functions {
		r := result{Handler: fn.Handler, Seconds: int(fn.Timeout / time.Second)}
		for _, l := range fn.Layers {
			r.Layers = append(r.Layers, l.ARN)
		}
		for _, v := range fn.Environment {
			r.Environment = append(r.Environment, v.Name+"="+v.Value)
		}
		got[fn.Path] = r
	}
	diff(t, "functions", want, got)
}

func TestCodeIsFound(t *testing.T) {
	tests := []struct {
		name, typ, properties, metadata string
		want                            lambda.Code // Dir and Archive relative to the template
	}{
		{"no CodeUri", "AWS::Serverless::Function", "{}", "{}", lambda.Code{Dir: "."}},
		{"folder", "AWS::Serverless::Function", "{CodeUri: ./a/}", "{}", lambda.Code{Dir: "a"}},
		{"folder above", "AWS::Serverless::Function", "{CodeUri: ../a}", "{}", lambda.Code{Dir: "../a"}},
		{"archive", "AWS::Serverless::Function", "{CodeUri: build/x.ZIP}", "{}", lambda.Code{Archive: "build/x.ZIP"}},
		{"jar", "AWS::Serverless::Function", "{CodeUri: x.jar}", "{}", lambda.Code{Archive: "x.jar"}},
		{"address", "AWS::Serverless::Function", "{CodeUri: s3://bucket/key}", "{}", lambda.Code{Remote: "s3://bucket/key"}},
		{"object", "AWS::Serverless::Function", "{CodeUri: {Bucket: b, Key: k}}", "{}", lambda.Code{Remote: "s3://b/k"}},
		{"map without a bucket", "AWS::Serverless::Function", "{CodeUri: {Key: k}}", "{}", lambda.Code{Dir: "."}},
		{"inline", "AWS::Serverless::Function", "{InlineCode: !Sub 'r = \"${AWS::Region}\"', CodeUri: a}", "{}", lambda.Code{Inline: `r = "us-east-1"`}},
		{"asset of the CDK", "AWS::Serverless::Function", "{CodeUri: a}", "{'aws:asset:path': asset.1, 'aws:asset:property': CodeUri}", lambda.Code{Dir: "asset.1"}},
		{"image", "AWS::Serverless::Function", "{PackageType: Image, ImageUri: app:latest}", "{}", lambda.Code{ImageURI: "app:latest"}},
		{"image to be built", "AWS::Serverless::Function", "{PackageType: Image}", "{}", lambda.Code{}},

		{"no Code", "AWS::Lambda::Function", "{}", "{}", lambda.Code{Dir: "."}},
		{"Code is a folder", "AWS::Lambda::Function", "{Code: a}", "{}", lambda.Code{Dir: "a"}},
		{"Code is an object", "AWS::Lambda::Function", "{Code: {S3Bucket: b, S3Key: k}}", "{}", lambda.Code{Remote: "s3://b/k"}},
		{"ZipFile", "AWS::Lambda::Function", "{Code: {ZipFile: x}}", "{}", lambda.Code{Inline: "x"}},
		{"ZipFile that is computed", "AWS::Lambda::Function", "{Code: {ZipFile: !Join ['', [x, y]]}}", "{}", lambda.Code{Inline: "xy"}},
		{"asset of the CDK in place of an object", "AWS::Lambda::Function", "{Code: {S3Bucket: b, S3Key: k}}", "{'aws:asset:path': asset.zip, 'aws:asset:property': Code}", lambda.Code{Archive: "asset.zip"}},
		{"Code.ImageUri", "AWS::Lambda::Function", "{PackageType: Image, Code: {ImageUri: app:1}}", "{}", lambda.Code{ImageURI: "app:1"}},
		{"image asset", "AWS::Lambda::Function", "{PackageType: Image, Code: {ImageUri: x}}", "{'aws:asset:path': asset.2, 'aws:asset:property': Code.ImageUri}", lambda.Code{ImageURI: "asset.2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := unpack(t, "Resources: {F: {Type: "+tt.typ+", Metadata: "+tt.metadata+", Properties: "+tt.properties+"}}")
			p, _ := loadIn(t, dir, project.Options{})
			want := tt.want
			if want.Dir != "" {
				want.Dir = filepath.Join(dir, want.Dir)
			}
			if want.Archive != "" {
				want.Archive = filepath.Join(dir, want.Archive)
			}
			diff(t, "code", want, p.Functions[0].Code)
		})
	}
}

func TestFunctionsAreNamedByTheirMetadata(t *testing.T) {
	tests := []struct{ name, metadata, want string }{
		{"none", "{}", "F"},
		{"SAM", "{SamResourceId: Kept}", "Kept"},
		{"SAM's empty", "{SamResourceId: ''}", "F"},
		{"CDK with Resource", "{'aws:cdk:path': Stack/MyFn/Resource}", "MyFn"},
		{"CDK with two parts", "{'aws:cdk:path': Stack/MyFn}", "MyFn"},
		{"CDK with four parts", "{'aws:cdk:path': Stack/A/B/Resource}", "F"},
		{"SAM before CDK", "{SamResourceId: Kept, 'aws:cdk:path': Stack/MyFn}", "Kept"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := load(t, "Resources: {F: {Type: AWS::Lambda::Function, Metadata: "+tt.metadata+"}}", project.Options{})
			if fn := p.Functions[0]; fn.ID != tt.want || fn.Path != tt.want || fn.LogicalID != "F" {
				t.Errorf("got id %q, path %q, logical id %q; want %q", fn.ID, fn.Path, fn.LogicalID, tt.want)
			}
		})
	}
}

func TestPathsAreUnique(t *testing.T) {
	p, _ := load(t, `
Resources:
  A: {Type: AWS::Lambda::Function, Metadata: {SamResourceId: Same}}
  B: {Type: AWS::Lambda::Function, Metadata: {SamResourceId: Same}}
  C: {Type: AWS::Lambda::Function, Metadata: {SamResourceId: B}}
`, project.Options{})
	diff(t, "paths", []string{"Same", "B", "C"}, paths(p))
}

func TestOnlyTheWantedFunctionIsResolved(t *testing.T) {
	const template = `
Parameters:
  Prefix: {Type: String, Default: my}
Resources:
  A:
    Type: AWS::Lambda::Function
    Metadata: {SamResourceId: IdOfA}
    Properties: {FunctionName: !Sub "${Prefix}-a", Handler: a.b, Runtime: python3.13, Code: {ZipFile: x}, Environment: {Variables: {X: !ImportValue a}}}
  B:
    Type: AWS::Lambda::Function
    Properties: {Handler: a.b, Runtime: python3.13, Code: {ZipFile: x}, Timeout: soon, Environment: {Variables: {X: !ImportValue b}}}
`
	tests := []struct{ name, only, resolved, code string }{
		{"logical id", "A", "IdOfA", "import-value"},
		{"id", "IdOfA", "IdOfA", "import-value"},
		{"deployed name", "my-a", "IdOfA", "import-value"},
		{"deployed name and alias", "my-a:live", "IdOfA", "import-value"},
		{"ARN", "arn:aws:lambda:us-east-1:123456789012:function:my-a:3", "IdOfA", "import-value"},
		{"the other", "B", "B", "property-type"},
		{"nobody", "C", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := load(t, template, project.Options{Only: tt.only})
			diff(t, "functions", []string{"IdOfA", "B"}, paths(p))
			var resolved string
			for _, fn := range p.Functions {
				if fn.Handler != "" {
					resolved += fn.Path
				}
			}
			code := ""
			if len(diags) > 0 {
				code = diags[0].Code
			}
			diff(t, "resolved", []string{tt.resolved, tt.code}, []string{resolved, code})
		})
	}
}

func TestEnvironmentVariablesBecomeText(t *testing.T) {
	fn := function(t, `
Parameters:
  List: {Type: CommaDelimitedList, Default: "a,b"}
Conditions:
  Never: !Equals [a, b]
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Handler: a.b
      Runtime: python3.13
      Code: {ZipFile: x}
      Environment:
        Variables:
          yes: key as written
          GONE: !If [Never, x, !Ref "AWS::NoValue"]
          EMPTY: ""
          LIST: !Ref List
          LITERAL: [a, b]
          MAP: {a: b}
          NULL_: ~
`, "F")
	var got []string
	for _, v := range fn.Environment {
		got = append(got, v.Name+"="+v.Value)
	}
	diff(t, "environment", []string{"yes=key as written", "EMPTY=", "LIST=a,b", "LITERAL=", "MAP=", "NULL_="}, got)
}

func TestCodeThatCannotBeKnown(t *testing.T) {
	tests := []struct {
		name, properties, remote, code string
	}{
		{"CodeUri of a stack that is not here", "{CodeUri: !ImportValue x}", "code that CodeUri does not name here", "import-value"},
		{"CodeUri that is a list", "{CodeUri: [a]}", "", "property-type"},
		{"inline code that only AWS knows", "{InlineCode: !ImportValue x, CodeUri: s3://b/k}", "s3://b/k", "import-value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := load(t, "Resources: {F: {Type: AWS::Serverless::Function, Properties: "+tt.properties+"}}", project.Options{})
			if got := p.Functions[0].Code.Remote; got != tt.remote || len(diags) == 0 || diags[0].Code != tt.code {
				t.Errorf("got %q and %q", got, said(diags))
			}
		})
	}
}

func TestPropertiesMayBeComputedAsAWhole(t *testing.T) {
	fn := function(t, `
Mappings:
  Settings:
    dev: {Variables: {A: mapped}, Storage: {Size: 2048}}
Conditions: {Dev: !Equals [a, a]}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: !If [Dev, dev.handler, prod.handler]
      Runtime: !Join ["", [python, 3.13]]
      InlineCode: x
      Architectures: !If [Dev, [arm64], [x86_64]]
      EphemeralStorage: !FindInMap [Settings, dev, Storage]
      LoggingConfig: !If [Dev, {LogFormat: JSON}, !Ref "AWS::NoValue"]
      Environment:
        Variables: !FindInMap [Settings, dev, Variables]
      Layers: !If [Dev, ["arn:aws:lambda:us-east-1:123456789012:layer:a:1"], []]
      Timeout: !If [Dev, !Ref "AWS::NoValue", 9]
`, "F")
	got := []any{
		fn.Handler, fn.Runtime, fn.Architecture, fn.EphemeralMB, fn.LogFormat, fn.Environment[0].Value,
		fn.Layers[0].ARN, fn.Timeout,
	}
	want := []any{
		"dev.handler", "python3.13", "arm64", 2048, "JSON", "mapped",
		"arn:aws:lambda:us-east-1:123456789012:layer:a:1", 3 * time.Second,
	}
	diff(t, "properties", want, got)
}

func TestStacksOfTheCDKAreNamedByTheirConstruct(t *testing.T) {
	p, diags := load(t, `
Resources:
  NestedResource1234:
    Type: AWS::CloudFormation::Stack
    Metadata:
      aws:cdk:path: Parent/nested.NestedStack/nested.NestedStackResource
      aws:asset:path: nested.json
      aws:asset:property: TemplateURL
    Properties: {TemplateURL: !Sub "https://s3.${AWS::URLSuffix}/x"}
-- nested.json --
{"Resources": {"Fn1234": {"Type": "AWS::Lambda::Function", "Metadata": {"aws:cdk:path": "Parent/nested/Fn"},
  "Properties": {"Handler": "a", "Runtime": "b", "Code": {"ZipFile": "x"}}}}}
`, project.Options{})
	diff(t, "diagnostics", []string{}, said(diags))
	diff(t, "functions", []string{"nested/Fn"}, paths(p))
}

func TestTenantsAndConcurrency(t *testing.T) {
	const nested = "LambdaManagedInstancesCapacityProviderConfig: {CapacityProviderArn: a, PerExecutionEnvironmentMaxConcurrency: 7}"
	tests := []struct {
		name, typ, properties string
		tenants               bool
		concurrency           int
	}{
		{"neither", "Serverless", "", false, 0},
		{"tenants", "Serverless", "TenancyConfig: {TenantIsolationMode: PER_TENANT}", true, 0},
		{"capacity provider", "Serverless", "CapacityProviderConfig: {Arn: a}", false, 4},
		{"with a number", "Serverless", "CapacityProviderConfig: {Arn: a, PerExecutionEnvironmentMaxConcurrency: 10}", false, 10},
		{"CloudFormation's", "Lambda", "CapacityProviderConfig: {" + nested + "}", false, 7},
		{"too many", "Lambda", "CapacityProviderConfig: {PerExecutionEnvironmentMaxConcurrency: 5000}", false, 1600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fn := function(t, "Resources:\n  F:\n    Type: AWS::"+tt.typ+"::Function\n    Properties:\n      Runtime: nodejs22.x\n      "+tt.properties+"\n", "F")
			diff(t, "tenants", tt.tenants, fn.TenantIsolation)
			diff(t, "concurrency", tt.concurrency, fn.MaxConcurrency)
		})
	}
}
