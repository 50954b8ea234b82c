package sls

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// loadFunction loads a service with the one function f.
func loadFunction(t *testing.T, provider, function string, more files) (*lambda.Function, []string, string) {
	t.Helper()
	all := files{"serverless.yml": "service: svc\nprovider: {name: aws, runtime: nodejs20.x, " + provider + "}\nfunctions:\n  f: " + function + "\n" + more["top"]}
	for name, content := range more {
		if name != "top" {
			all[name] = content
		}
	}
	p, diags := all.load(t, project.Options{})
	return p.Functions[0], lines(diags), p.Dir
}

func TestSettingsOfAFunction(t *testing.T) {
	type settings struct {
		Runtime, Architecture, LogFormat string
		MemoryMB, EphemeralMB            int
		Timeout                          time.Duration
		LogLevel, SystemLogLevel         string
	}
	defaults := settings{"nodejs20.x", "x86_64", "Text", 1024, 512, 6 * time.Second, "", ""}
	with := func(change func(*settings)) settings {
		s := defaults
		change(&s)
		return s
	}
	tests := []struct {
		name, provider, function string
		want                     settings
	}{
		{"defaults", "", "{handler: h.f}", defaults},
		{"provider's", "memorySize: 512, timeout: 20, architecture: arm64", "{handler: h.f}", with(func(s *settings) {
			s.MemoryMB, s.Timeout, s.Architecture = 512, 20*time.Second, "arm64"
		})},
		{"function's", "memorySize: 512, timeout: 20", "{handler: h.f, memorySize: 256, timeout: 900, runtime: ruby3.3, ephemeralStorageSize: 2048}", with(func(s *settings) {
			s.MemoryMB, s.Timeout, s.Runtime, s.EphemeralMB = 256, 900*time.Second, "ruby3.3", 2048
		})},
		{"null leaves the provider's", "timeout: 20", "{handler: h.f, timeout: null}", with(func(s *settings) { s.Timeout = 20 * time.Second })},
		{"texts that are numbers", "", "{handler: h.f, memorySize: '256', timeout: \"${opt:t, '7'}\"}", with(func(s *settings) {
			s.MemoryMB, s.Timeout = 256, 7*time.Second
		})},
		{"log format of the provider", "logs: {lambda: {logFormat: JSON}}", "{handler: h.f}", with(func(s *settings) { s.LogFormat = "JSON" })},
		{"log levels", "logs: {lambda: {logFormat: JSON, applicationLogLevel: ERROR}}", "{handler: h.f, logs: {systemLogLevel: DEBUG}}", with(func(s *settings) { s.LogFormat, s.LogLevel, s.SystemLogLevel = "JSON", "ERROR", "DEBUG" })},
		{"log format of the function", "logs: {lambda: {logFormat: JSON}}", "{handler: h.f, logs: {logFormat: Text}}", defaults},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, diags, _ := loadFunction(t, tt.provider, tt.function, nil)
			got := settings{f.Runtime, f.Architecture, f.LogFormat, f.MemoryMB, f.EphemeralMB, f.Timeout, f.LogLevel, f.SystemLogLevel}
			if diff := cmp.Diff(tt.want, got); diff != "" || diags != nil {
				t.Errorf("%v (-want +got):\n%s", diags, diff)
			}
		})
	}
}

func TestProblemsOfAFunction(t *testing.T) {
	tests := []struct{ name, function, want string }{
		{"no handler", "{handlr: h.f}", `error [f] serverless.yml:4:3 handler-missing: the function "f" has no handler (was "handlr" meant to be "handler"?)`},
		{"nothing at all", "{}", `error [f] serverless.yml:4:3 handler-missing: the function "f" has no handler (add: handler: file.function)`},
		{"text", "h.f", `error [f] serverless.yml:4:6 function: a function is a map, not a string`},
		{"handler and image", "{handler: h.f, image: x/y:1}", `error [f] serverless.yml:4:3 handler-and-image: the function "f" has a handler and an image (remove one of the two)`},
		{"handler that is a list", "{handler: [h.f]}", `error [f] serverless.yml:4:16 bad-value: "functions.f.handler" must be a text, not a list`},
		{"name that is a map", "{handler: h.f, name: {a: b}}", `error [f] serverless.yml:4:27 bad-value: a function's name must be a text, not a map`},
		{"misspelt key", "{handler: h.f, enviroment: {}}", `warning [f] serverless.yml:4:21 unknown-key: "enviroment" is not a property of a function (did you mean "environment"?)`},
		{"too little memory", "{handler: h.f, memorySize: 64}", `warning [f] serverless.yml:4:33 bad-value: "functions.f.memorySize" is 64, but must be from 128 to 10240 (lambkin takes 128)`},
		{"too long a timeout", "{handler: h.f, timeout: 901}", `warning [f] serverless.yml:4:30 bad-value: "functions.f.timeout" is 901, but must be from 1 to 900 (lambkin takes 900)`},
		{"number with a unit", "{handler: h.f, memorySize: 1536MB}", `warning [f] serverless.yml:4:33 bad-value: "functions.f.memorySize" is "1536MB", but must be a whole number (lambkin takes 1536)`},
		{"fraction", "{handler: h.f, timeout: 2.5}", `warning [f] serverless.yml:4:30 bad-value: "functions.f.timeout" is 2.5, but must be a whole number (lambkin takes 2)`},
		{"no number", "{handler: h.f, timeout: [1]}", `warning [f] serverless.yml:4:30 bad-value: "functions.f.timeout" is [1], but must be a whole number (lambkin takes 6)`},
		{"unknown architecture", "{handler: h.f, architecture: arm}", `warning [f] serverless.yml:4:35 bad-value: "functions.f.architecture" is "arm", not one of "x86_64", "arm64" (lambkin takes "x86_64")`},
		{"variable in a setting", "{handler: h.f, timeout: '${env:T}'}", `error [f] serverless.yml:4:31 variable-missing: Cannot resolve variable at "functions.f.timeout": Value not found at "env" source (set T, or give the variable a fallback: ${env:T, 'value'})`},
		{"unknown image", "{image: bsae}", `error [f] serverless.yml:4:14 image: the image "bsae" is not in provider.ecr.images (did you mean "base"?)`},
		{"image without name", "{image: {command: [a]}}", `error [f] serverless.yml:4:14 image: "functions.f.image" has neither a name nor a uri`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, got, _ := loadFunction(t, "ecr: {images: {base: {path: ./}}}", tt.function, nil)
			if diff := cmp.Diff([]string{tt.want}, withoutKeys(got, tt.name)); diff != "" || f.LogicalID != "f" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// withoutKeys leaves out the second diagnostic of a misspelt handler.
func withoutKeys(got []string, name string) []string {
	if name == "no handler" && len(got) == 2 {
		return got[1:]
	}
	return got
}

func TestConcurrencyAndSnapStart(t *testing.T) {
	f, got, _ := loadFunction(t, "", "{handler: h.f, runtime: python3.13, reservedConcurrency: 0, snapStart: true}", nil)
	if f.ReservedConcurrency == nil || *f.ReservedConcurrency != 0 || !f.SnapStart || len(got) > 0 {
		t.Errorf("function %+v, %v", f, got)
	}
	f, _, _ = loadFunction(t, "", "{handler: h.f, runtime: python3.13}", nil)
	if f.ReservedConcurrency != nil || f.SnapStart {
		t.Errorf("function %+v", f)
	}
}

func TestCodeOfAFunction(t *testing.T) {
	tests := []struct {
		name, function string
		more           files
		want           func(dir string) lambda.Code
	}{
		{"folder of the service", "{handler: h.f}", nil, func(dir string) lambda.Code { return lambda.Code{Dir: dir} }},
		{
			"artifact of the service", "{handler: com.x.Y, runtime: java21}",
			files{"top": "package: {artifact: build/hello.jar}\n"},
			func(dir string) lambda.Code { return lambda.Code{Archive: filepath.Join(dir, "build", "hello.jar")} },
		},
		{
			"artifact of the function", "{handler: bootstrap, runtime: provided.al2023, package: {artifact: f.zip}}",
			files{"top": "package: {artifact: s.zip}\n"},
			func(dir string) lambda.Code { return lambda.Code{Archive: filepath.Join(dir, "f.zip")} },
		},
		{
			"built artifact of a script", "{handler: h.f, package: {artifact: f.zip}}",
			files{"f.zip": "PK"},
			func(dir string) lambda.Code { return lambda.Code{Archive: filepath.Join(dir, "f.zip")} },
		},
		{
			"artifact of a script that is not built", "{handler: h.f, package: {artifact: f.zip}}", nil,
			func(dir string) lambda.Code { return lambda.Code{Dir: dir} },
		},
		{
			"artifact elsewhere", "{handler: h.f, package: {artifact: 's3://bucket/f.zip'}}", nil,
			func(string) lambda.Code { return lambda.Code{Remote: "s3://bucket/f.zip"} },
		},
		{"image by its address", "{image: 'acct.dkr.ecr.aws/x:1'}", nil, func(string) lambda.Code { return lambda.Code{ImageURI: "acct.dkr.ecr.aws/x:1"} }},
		{"image by its address in a map", "{image: {uri: 'a/b@sha256:1'}}", nil, func(string) lambda.Code { return lambda.Code{ImageURI: "a/b@sha256:1"} }},
		{"image of the provider", "{image: {name: remote}}", nil, func(string) lambda.Code { return lambda.Code{ImageURI: "r/x:2"} }},
		{"image of the provider as a text", "{image: short}", nil, func(string) lambda.Code { return lambda.Code{ImageURI: "r/y:3"} }},
		{"image that is built", "{image: built}", nil, func(string) lambda.Code { return lambda.Code{} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, diags, dir := loadFunction(t, "ecr: {images: {built: {path: ./}, remote: {uri: 'r/x:2'}, short: 'r/y:3'}}", tt.function, tt.more)
			if diff := cmp.Diff(tt.want(dir), f.Code); diff != "" || diags != nil {
				t.Errorf("%v (-want +got):\n%s", diags, diff)
			}
			if isImage := f.Code.Dir+f.Code.Archive+f.Code.Remote == ""; isImage != (f.PackageType == lambda.Image) || isImage != (f.Runtime == "") {
				t.Errorf("package type %s, runtime %q", f.PackageType, f.Runtime)
			}
		})
	}
}

func TestLayers(t *testing.T) {
	const top = `layers:
  tools: {path: layers/tools}
  my-libs: {package: {artifact: libs.zip}}
  nothing: {name: x}
`
	const arn = "arn:aws:lambda:us-east-1:123456789012:layer:x:1"
	tests := []struct {
		name, provider, function string
		want                     []lambda.Layer // folders and archives below the service's
		diags                    []string
	}{
		{"none", "", "{handler: h.f}", nil, nil},
		{"folder", "", "{handler: h.f, layers: [{Ref: ToolsLambdaLayer}]}", []lambda.Layer{{Dir: "layers/tools"}}, nil},
		{"archive", "", "{handler: h.f, layers: [!Ref MyDashlibsLambdaLayer]}", []lambda.Layer{{Archive: "libs.zip"}}, nil},
		{"published", "", "{handler: h.f, layers: [" + arn + "]}", []lambda.Layer{{ARN: arn}}, nil},
		{"published, put together", "", "{handler: h.f, layers: [!Sub 'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:layer:x:1']}", []lambda.Layer{{ARN: arn}}, nil},
		{"provider's", "layers: [" + arn + "]", "{handler: h.f}", []lambda.Layer{{ARN: arn}}, nil},
		{"function's in place of the provider's", "layers: [" + arn + "]", "{handler: h.f, layers: [{Ref: ToolsLambdaLayer}]}", []lambda.Layer{{Dir: "layers/tools"}}, nil},
		{"null entries", "", "{handler: h.f, layers: [null, '" + arn + "']}", []lambda.Layer{{ARN: arn}}, nil},
		{"unknown", "", "{handler: h.f, layers: [{Ref: ToolLambdaLayer}]}", nil, []string{
			`warning [f] serverless.yml:4:30 layer: "ToolLambdaLayer" is no layer of the service (did you mean "ToolsLambdaLayer"?)`,
		}},
		{"without files", "", "{handler: h.f, layers: [{Ref: NothingLambdaLayer}]}", nil, []string{
			`warning [f] serverless.yml:4:30 layer: "layers.nothing" has neither a path nor an artifact`,
		}},
		{"imported", "", "{handler: h.f, layers: [!ImportValue x]}", nil, []string{
			`warning [f] serverless.yml:4:30 layer-unresolved: the layer cannot be resolved on this machine: the export "x" is known on AWS only (name it by its ARN, or add it to the service's layers)`,
		}},
		{"text that is no ARN", "", "{handler: h.f, layers: [tools]}", nil, []string{
			`warning [f] serverless.yml:4:30 layer: "tools" is no ARN of a layer (a layer of the service is written {Ref: NameLambdaLayer})`,
		}},
		{"no list", "", "{handler: h.f, layers: x}", nil, []string{
			`error [f] serverless.yml:4:29 layers: "functions.f.layers" must be a list, not a string`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, diags, dir := loadFunction(t, tt.provider, tt.function, files{"top": top})
			for i := range tt.want {
				if w := &tt.want[i]; w.Dir != "" {
					w.Dir = filepath.Join(dir, w.Dir)
				} else if w.Archive != "" {
					w.Archive = filepath.Join(dir, w.Archive)
				}
			}
			if diff := cmp.Diff(tt.want, f.Layers, cmpopts.IgnoreFields(lambda.Layer{}, "Source")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.diags, diags); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
			for _, l := range f.Layers {
				if l.Source.Line == 0 {
					t.Errorf("%+v stands nowhere", l)
				}
			}
		})
	}
}
