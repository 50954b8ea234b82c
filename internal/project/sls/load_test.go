package sls

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

func TestAccepts(t *testing.T) {
	tests := []struct {
		name, file, content string
		want                bool
	}{
		{"service", "x.yml", "service: a\n", true},
		{"provider and functions", "x.yml", "provider: aws\nfunctions: {}\n", true},
		{"provider alone", "x.yml", "provider: aws\n", false},
		{"JSON", "x.json", `{"service": "a"}`, true},
		{"template", "template.yaml", "Resources: {}\n", false},
		{"list", "x.yml", "- a\n", false},
		{"broken service", "serverless.yml", "a: [", true},
		{"service of a stage", "dir/serverless.prod.yml", "", true},
		{"broken template", "template.yml", "a: [", false},
		{"script", "serverless.ts", "export default {}", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Loader{}).Accepts(tt.file, []byte(tt.content)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestFilesAreFoundInTheFrameworksOrder(t *testing.T) {
	dir := files{"serverless.json": "{}", "serverless.yaml": "a: b", "serverless.ts": ""}.write(t)
	l, file := project.Find([]project.Loader{Loader{}}, dir)
	if l == nil || l.Kind() != lambda.KindServerless || filepath.Base(file) != "serverless.yaml" {
		t.Errorf("found %s with %v", file, l)
	}
}

func TestWholeService(t *testing.T) {
	f := files{"serverless.yml": `service: shop
provider:
  name: aws
  runtime: python3.12
  region: eu-west-1
  memorySize: 512
  environment: {STAGE: "${sls:stage}"}
functions:
  api:
    handler: src/api.handler
    timeout: 20
  job: {handler: job.run, name: nightly, runtime: nodejs22.x, architecture: arm64, memorySize: 2048}
`}
	dir := f.write(t)
	file := filepath.Join(dir, "serverless.yml")
	got, diags := Loader{}.Load(t.Context(), file, project.Options{Stage: "prod"})
	at := func(line, column int) lambda.Source { return lambda.Source{File: file, Line: line, Column: column} }
	stage := []lambda.Variable{{Name: "STAGE", Value: "prod", Source: at(7, 24)}}
	want := &lambda.Project{
		Kind: lambda.KindServerless, Name: "shop", Dir: dir, File: file, Region: "eu-west-1", Stage: "prod",
		Functions: []*lambda.Function{
			{
				LogicalID: "api", ID: "api", Path: "api", Name: "shop-prod-api", PackageType: lambda.Zip,
				Runtime: "python3.12", Handler: "src/api.handler", Architecture: "x86_64", Code: lambda.Code{Dir: dir},
				MemoryMB: 512, Timeout: 20 * time.Second, EphemeralMB: 512, LogFormat: "Text", Environment: stage,
				Source: at(9, 3), Sources: map[string]lambda.Source{
					"Handler": at(10, 14), "Timeout": at(11, 14), "Runtime": at(4, 12), "MemorySize": at(6, 15), "Environment": at(7, 16),
				},
			},
			{
				LogicalID: "job", ID: "job", Path: "job", Name: "nightly", PackageType: lambda.Zip,
				Runtime: "nodejs22.x", Handler: "job.run", Architecture: "arm64", Code: lambda.Code{Dir: dir},
				MemoryMB: 2048, Timeout: 6 * time.Second, EphemeralMB: 512, LogFormat: "Text", Environment: stage,
				Source: at(12, 3), Sources: map[string]lambda.Source{
					"Handler": at(12, 18), "FunctionName": at(12, 33), "Runtime": at(12, 51), "Architectures": at(12, 77),
					"MemorySize": at(12, 96), "Environment": at(7, 16),
				},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(diags) > 0 {
		t.Errorf("%v (-want +got):\n%s", diags, diff)
	}
}

func TestServicesThatCannotBeLoaded(t *testing.T) {
	tests := []struct {
		name, content string
		want          []string
	}{
		{"empty", "# nothing\n", []string{`error [] serverless.yml:1:1 not-a-map: Invalid configuration at "serverless.yml": Plain object expected (a service starts with "service: its-name" and needs "provider" and "functions")`}},
		{"list", "- a\n", []string{`error [] serverless.yml:1:1 not-a-map: Invalid configuration at "serverless.yml": Plain object expected (a service starts with "service: its-name" and needs "provider" and "functions")`}},
		{"broken", "service: svc\nprovider: {name: aws\n", []string{`error [] serverless.yml:2:11 yaml-syntax: Cannot parse "serverless.yml": did not find expected ',' or '}' (close the bracket that is open, or put a comma between its elements)`}},
		{"no provider", "service: svc\nprovidr: aws\n", []string{`error [] serverless.yml:1:1 provider-missing: "serverless.yml" has no "provider" (was "providr" meant to be "provider"?)`}},
		{"provider without name", "service: svc\nprovider: {runtime: x}\n", []string{`error [] serverless.yml:2:1 provider: "provider" has no name (add: name: aws)`}},
		{"provider that is a list", "service: svc\nprovider: [aws]\n", []string{`error [] serverless.yml:2:11 provider: "provider" must be a map, not a list (write: provider: {name: aws})`}},
		{"another provider", "service: svc\nprovider: {name: google}\n", []string{`error [] serverless.yml:2:18 provider: the service is for the provider "google", not for AWS (lambkin runs services whose provider.name is aws)`}},
		{"unknown provider", "service: svc\nprovider: {name: '${env:P}'}\n", []string{
			`error [] serverless.yml:2:19 variable-missing: Cannot resolve variable at "provider.name": Value not found at "env" source (set P, or give the variable a fallback: ${env:P, 'value'})`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": tt.content}.load(t, project.Options{})
			got := lines(diags)
			for i, line := range got { // the message names the file as the user did
				if a, b, ok := strings.Cut(line, `: "/`); ok {
					_, b, _ = strings.Cut(b, `serverless.yml`)
					got[i] = a + `: "serverless.yml` + b
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || p != nil {
				t.Errorf("%v (-want +got):\n%s", p, diff)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	tests := []struct{ name, file, code string }{
		{"script", "serverless.ts", "read"},
		{"missing", "serverless.yml", "read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := Loader{}.Load(t.Context(), filepath.Join(t.TempDir(), tt.file), project.Options{})
			if p != nil || len(diags) != 1 || diags[0].Code != tt.code || diags[0].Severity != diag.Error {
				t.Errorf("got %v, %v", p, diags)
			}
		})
	}
}

func TestProblemsOfTheWholeService(t *testing.T) {
	tests := []struct {
		name, content string
		want          []string
	}{
		{"no service", "servce: x\nprovider: aws\nfunctions: {}\n", []string{`service-missing (was "servce" meant to be "service"?)`}},
		{"service that is a list", "service: [a]\nprovider: aws\nfunctions: {}\n", []string{"service-missing ()"}},
		{"no functions", "service: x\nprovider: aws\nfunction: {}\n", []string{`no-functions (was "function" meant to be "functions"?)`}},
		{"key twice", "service: x\nprovider: aws\nfunctions: {}\nservice: y\n", []string{"duplicate-key (remove one of the two)"}},
		{"functions that are a text", "service: x\nprovider: aws\nfunctions: f\n", []string{"functions ()"}},
		{"list with a text in it", "service: x\nprovider: aws\nfunctions: [f]\n", []string{"functions ()"}},
		{"region that is a map", "service: x\nprovider: {name: aws, region: {a: b}}\nfunctions: {}\n", []string{"bad-value ()"}},
		{"stage that is nowhere", "service: x\nprovider: {name: aws, stage: '${opt:stage}'}\nfunctions: {}\n", []string{"variable-missing ()"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": tt.content}.load(t, project.Options{})
			var got []string
			for _, d := range diags {
				if d.Subject != "" {
					t.Errorf("%v has the subject %q", d, d.Subject)
				}
				got = append(got, d.Code+" ("+d.Hint+")")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || p == nil {
				t.Errorf("%v (-want +got):\n%s", p, diff)
			}
		})
	}
}

func TestOldAndUnusualServicesAreAccepted(t *testing.T) {
	tests := []struct {
		name, top string
		notes     []string
	}{
		{"provider as a text", "service: svc\nprovider: aws", []string{"runtime-default"}},
		{"service as a map", "service: {name: svc}\nprovider: {name: aws, runtime: nodejs20.x}", []string{"service-object"}},
		{"other framework version", "service: svc\nframeworkVersion: '1'\nprovider: {name: aws, runtime: nodejs20.x}", nil},
		{"plugin that is not installed", "service: svc\nplugins: [serverless-nope]\nprovider: {name: aws, runtime: nodejs20.x}", []string{"plugins"}},
		{"plugins as a map", "service: svc\nplugins: {modules: [a]}\nprovider: {name: aws, runtime: nodejs20.x}", []string{"plugins"}},
		{"provider from a file", "service: svc\nprovider: ${file(provider.yml)}", nil},
		{"service from a variable", "service: ${self:custom.name}\ncustom: {name: svc}\nprovider: {name: aws, runtime: nodejs20.x}", nil},
		{"unknown keys", "service: svc\nfoo: bar\nprovider: {name: aws, runtime: nodejs99.x, bogus: 1}", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{
				"serverless.yml": tt.top + "\nfunctions: {f: {handler: h.f, environment: {S: '${self:service}-${self:provider.name}'}}}\n",
				"provider.yml":   "name: aws\nruntime: nodejs20.x\n",
			}.load(t, project.Options{})
			var notes []string
			for _, d := range diags {
				if d.Severity != diag.Note {
					t.Errorf("%v", d)
				}
				notes = append(notes, d.Code)
			}
			if diff := cmp.Diff(tt.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if f := p.Functions[0]; f.Name != "svc-dev-f" || environment(f)["S"] != "svc-aws" {
				t.Errorf("got %s with %v", f.Name, environment(f))
			}
		})
	}
}

func TestFunctionsAreFoundWhereverTheyStand(t *testing.T) {
	tests := []struct {
		name, functions string
		want            []string
	}{
		{"map", "{a: {handler: h.a}, b: {handler: h.b}}", []string{"a h.a", "b h.b"}},
		{"null entries", "{a: null, b: {handler: h.b}, c: ~}", []string{"b h.b"}},
		{"list of maps", "[{a: {handler: h.a}}, {b: {handler: h.b}}]", []string{"a h.a", "b h.b"}},
		{"later ones win", "[{a: {handler: h.a}, b: {handler: h.b}}, {a: {handler: h.c}}]", []string{"a h.c", "b h.b"}},
		{"list with a file", "[{a: {handler: h.a}}, '${file(more.yml)}', {n: null}]", []string{"a h.a", "m h.m"}},
		{"file", "${file(more.yml)}", []string{"m h.m"}},
		{"element of a file", "${file(fns.yml):functions}", []string{"x h.one"}},
		{"entry from a file", "{y: '${file(one.yml)}'}", []string{"y h.one"}},
		{"entry from an empty file", "{y: '${file(null.yml):a, null}', z: {handler: h.z}}", []string{"z h.z"}},
		{"nothing", "null", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{
				"serverless.yml": "service: svc\nprovider: {name: aws, runtime: nodejs20.x}\nfunctions: " + tt.functions + "\n",
				"more.yml":       "m: {handler: h.m}\n",
				"fns.yml":        "functions: {x: '${file(one.yml)}'}\n",
				"one.yml":        "handler: h.one\n",
			}.load(t, project.Options{})
			var got []string
			for _, f := range p.Functions {
				got = append(got, f.LogicalID+" "+f.Handler)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(diags) > 0 {
				t.Errorf("%v (-want +got):\n%s", diags, diff)
			}
		})
	}
}

const twoFunctions = `service: svc
provider: {name: aws, runtime: nodejs20.x, environment: {SHARED: s}}
functions:
  good: {handler: h.good, name: the-good-one}
  bad:
    handler: h.bad
    runtime: python3.12
    environment:
      SECRET: ${ssm:/secret}
      MISSING: ${env:NOPE}
  file: ${file(nope.yml)}
`

func TestOnlyTheWantedFunctionIsResolved(t *testing.T) {
	for _, only := range []string{"good", "the-good-one"} {
		p, diags := files{"serverless.yml": twoFunctions}.load(t, project.Options{Only: only})
		if len(diags) > 0 {
			t.Errorf("%s: %v", only, diags)
		}
		var got []string
		for _, f := range p.Functions {
			got = append(got, strings.Join([]string{f.LogicalID, f.Name, f.Handler, f.Runtime, environment(f)["SHARED"]}, " "))
		}
		want := []string{"good the-good-one h.good nodejs20.x s", "bad svc-dev-bad h.bad python3.12 ", "file    "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", only, diff)
		}
	}
}

func TestProblemsNameTheirFunction(t *testing.T) {
	p, diags := files{"serverless.yml": twoFunctions}.load(t, project.Options{})
	var got []string
	for _, d := range diags {
		got = append(got, d.Subject+" "+d.Code)
	}
	want := []string{"bad variable-aws", "bad variable-missing", "file variable-missing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(p.Functions) != 3 || diags.For("good").HasErrors() {
		t.Errorf("%d functions, %v", len(p.Functions), diags.For("good"))
	}
}

func TestAProblemThatAllFunctionsShareIsSaidOnce(t *testing.T) {
	_, diags := files{"serverless.yml": `service: svc
provider: {name: aws, runtime: nodejs20.x, environment: {V: "${env:NOPE}"}}
functions: {a: {handler: h.a}, b: {handler: h.b}}
`}.load(t, project.Options{})
	if len(diags) != 1 || diags[0].Subject != "" {
		t.Errorf("got %v", lines(diags))
	}
}

func TestABrokenPartOfTheListMattersOnlyWithoutTheFunction(t *testing.T) {
	f := files{"serverless.yml": "service: svc\nprovider: {name: aws, runtime: nodejs20.x}\nfunctions: [{a: {handler: h.a}}, '${file(nope.yml)}']\n"}
	for only, want := range map[string]int{"a": 0, "b": 1, "": 1} {
		if _, diags := f.load(t, project.Options{Only: only}); len(diags) != want {
			t.Errorf("wanting %q: %v", only, lines(diags))
		}
	}
}

func TestStageAndRegionOfTheCallerWin(t *testing.T) {
	service := `service: svc
provider: {name: aws, runtime: nodejs20.x, stage: "${opt:stage, 'st'}", region: eu-west-2}
functions: {f: {handler: h.f, environment: {S: "${sls:stage} ${self:provider.stage} ${aws:region} ${self:provider.region}"}}}
`
	tests := []struct {
		name             string
		opts             project.Options
		id, region, want string
	}{
		{"none", project.Options{}, "svc-st-f", "eu-west-2", "st st eu-west-2 eu-west-2"},
		{"options", project.Options{Stage: "prod", Region: "us-west-2"}, "svc-prod-f", "us-west-2", "prod prod us-west-2 eu-west-2"},
		{"flags", project.Options{Flags: map[string]string{"stage": "prod", "region": "us-west-2"}}, "svc-prod-f", "us-west-2", "prod prod us-west-2 eu-west-2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": service}.load(t, tt.opts)
			f := p.Functions[0]
			if f.Name != tt.id || p.Region != tt.region || environment(f)["S"] != tt.want || len(diags) > 0 {
				t.Errorf("%s in %s with %v: %v", f.Name, p.Region, environment(f), diags)
			}
		})
	}
}

func TestDotenv(t *testing.T) {
	const reads = `functions: {f: {handler: h.f, environment: {V: "${env:DV, 'none'}|${env:EX, 'none'}|${env:ONLYBASE, 'none'}"}}}` + "\n"
	tests := []struct {
		name, use, stage string
		env              map[string]string
		want             string
		inherited        int
	}{
		{"not asked for", "", "", nil, "none|none|none", 0},
		{"switched off", "useDotenv: false", "", nil, "none|none|none", 0},
		{"common file", "useDotenv: true", "", nil, "base|base-x|1", 3},
		{"file of the stage alone", "useDotenv: true", "prod", nil, "prod # q|ex-prod # q|none", 2},
		{"the environment wins", "useDotenv: true", "", map[string]string{"DV": "shell"}, "shell|shell-x|1", 2},
		{"asked for by a variable", "useDotenv: ${strToBool(${env:USE})}", "", map[string]string{"USE": "1"}, "base|base-x|1", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{
				"serverless.yml": "service: svc\n" + tt.use + "\nprovider: {name: aws, runtime: nodejs20.x}\n" + reads,
				".env":           "DV=base\nONLYBASE=1\nEX=${DV}-x\n",
				".env.prod":      "DV=\"prod # q\"\nexport EX=ex-$DV # comment\n",
			}.load(t, project.Options{Stage: tt.stage, Env: tt.env})
			if got := environment(p.Functions[0])["V"]; got != tt.want || len(diags) > 0 {
				t.Errorf("got %q, want %q: %v", got, tt.want, diags)
			}
			if len(p.Inherited) != tt.inherited {
				t.Errorf("%d variables are inherited: %v", len(p.Inherited), p.Inherited)
			}
		})
	}
}

func TestUnknownDotenvSettingIsReported(t *testing.T) {
	_, diags := files{"serverless.yml": withEnvironment("V: v") + "useDotenv: ${env:NOPE}\n"}.load(t, project.Options{})
	if len(diags) != 1 || diags[0].Code != "variable-missing" || diags[0].Subject != "" {
		t.Errorf("got %v", diags)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		withEnvironment("V: ${self:custom.a}", "W: !Sub '${AWS::Region}-${T}'") + custom,
		"service: {name: x}\nprovider: aws\nfunctions: [{a: {handler: h.a, layers: [{Ref: LLambdaLayer}]}}]\nlayers: {l: {path: p}}\n",
		"service: a\nprovider: {name: aws, environment: {V: '${self:}'}}\nfunctions: {f: {image: {name: b}}}\n",
		"service: a\nprovider: {name: aws, stage: '${sls:stage}', region: '${param:r}'}\nparams: '${self:}'\nfunctions: '${self:functions}'\n",
		"service: a\nuseDotenv: '${env:X}'\nprovider: {name: aws, environment: {V: {Ref: T}}}\nfunctions: {f: {handler: a.b}}\n" +
			"resources: {Resources: {T: {Type: AWS::S3::Bucket, Properties: {BucketName: {Fn::Sub: '${T}'}}}}}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, diags := files{"serverless.yml": src}.load(t, project.Options{})
		for _, d := range diags {
			if d.Summary == "" || strings.Contains(d.Summary, "\n") {
				t.Fatalf("a summary is one line: %q", d.Summary)
			}
		}
		if p == nil && !diags.HasErrors() {
			t.Fatal("nothing is loaded, and nothing says why")
		}
		if p == nil {
			return
		}
		paths := map[string]bool{}
		for _, fn := range p.Functions {
			if paths[fn.Path] {
				t.Fatalf("two functions have the path %q", fn.Path)
			}
			paths[fn.Path] = true
			if !diags.For(fn.Path).HasErrors() && (fn.MemoryMB < lambda.MinMemoryMB || fn.Timeout < time.Second || fn.Name == "") {
				t.Fatalf("a function without problems is incomplete: %+v", fn)
			}
		}
	})
}
