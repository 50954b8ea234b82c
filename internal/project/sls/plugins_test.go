package sls

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// notes are the summaries of the notes in a list.
func notes(l diag.List) []string {
	var out []string
	for _, d := range l {
		if d.Severity == diag.Note {
			out = append(out, d.Summary)
		}
	}
	return out
}

func TestPluginsThatAreNotRun(t *testing.T) {
	tests := []struct {
		name, plugins string
		want          []string
	}{
		{"emulated or without a part", "[serverless-offline, serverless-esbuild, serverless-prune-plugin]", nil},
		{"unknown", "[./mine, serverless-foo]", []string{`plugins that lambkin does not know are not run: "./mine", "serverless-foo"`}},
		{"known, and missed", "[serverless-wsgi]", []string{`the plugin "serverless-wsgi" is not run: wsgi_handler.py is only there when the plugin has packaged the service`}},
		{"with a folder of their own", "{localPath: ./plugins, modules: [serverless-foo]}", []string{`plugins that lambkin does not know are not run: "serverless-foo"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := files{"serverless.yml": withEnvironment("V: v") + "plugins: " + tt.plugins + "\n"}.load(t, project.Options{})
			if diff := cmp.Diff(tt.want, notes(diags)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDotenvPlugin(t *testing.T) {
	f := files{
		"serverless.yml": `service: svc
plugins: [serverless-dotenv-plugin]
provider: {name: aws, runtime: nodejs20.x, environment: {A: provider, B: provider, FN: provider}}
custom: {dotenv: {exclude: [SECRET]}}
functions:
  f: {handler: h.f, environment: {FN: function, FROM: "${env:ONLY}"}}
`,
		".env": "A=file\nONLY=1\nSECRET=s\nSHELL_HAS=file\nFN=file\nEXPANDED=${ONLY}2\n", ".env.dev": "A=dev\n", ".env.test": "A=test\n", ".env.local": "LOCAL=l\n",
	}
	tests := []struct {
		name string
		env  map[string]string
		want map[string]string
	}{
		{"by stage", nil, map[string]string{"A": "dev", "B": "provider", "FN": "function", "FROM": "1", "ONLY": "1", "SHELL_HAS": "file", "EXPANDED": "12", "LOCAL": "l"}},
		{"by NODE_ENV, without .env.local", map[string]string{"NODE_ENV": "test", "SHELL_HAS": "shell"}, map[string]string{"A": "test", "B": "provider", "FN": "function", "FROM": "1", "ONLY": "1", "SHELL_HAS": "shell", "EXPANDED": "12"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := f.load(t, project.Options{Env: tt.env})
			if diff := cmp.Diff(tt.want, environment(p.Functions[0])); diff != "" || diags.HasErrors() {
				t.Errorf("(-want +got):\n%s%v", diff, lines(diags))
			}
		})
	}
}

func TestDotenvFilesByVersion(t *testing.T) {
	tests := []struct {
		name, head string
		want       map[string]string
	}{
		{"version 3 reads none unasked", "frameworkVersion: '3'", map[string]string{"A": "none", "B": "none", "C": "none"}},
		{"version 3 reads the stage's alone", "useDotenv: true", map[string]string{"A": "dev", "B": "none", "C": "none"}},
		{"version 4 reads both", "frameworkVersion: '4'", map[string]string{"A": "dev", "B": "all", "C": "none"}},
		{"version 4, by its range", "frameworkVersion: ^4.1.0", map[string]string{"A": "dev", "B": "all", "C": "none"}},
		{"version 4 is told not to", "frameworkVersion: '4'\nuseDotenv: false", map[string]string{"A": "none", "B": "none", "C": "none"}},
		{"version 40", "frameworkVersion: '40'", map[string]string{"A": "none", "B": "none", "C": "none"}},
		{"another file, too", "useDotenv: conf/more.env", map[string]string{"A": "dev", "B": "all", "C": "more"}},
		{"other files, too", "useDotenv: [conf/more.env]", map[string]string{"A": "dev", "B": "all", "C": "more"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{
				"serverless.yml": withEnvironment("A: ${env:A, 'none'}", "B: ${env:B, 'none'}", "C: ${env:C, 'none'}") + tt.head + "\n",
				".env":           "A=all\nB=all\n", ".env.dev": "A=dev\n", "conf/more.env": "C=more\n",
			}.load(t, project.Options{})
			if diff := cmp.Diff(tt.want, environment(p.Functions[0])); diff != "" || len(diags) > 0 {
				t.Errorf("(-want +got):\n%s%v", diff, lines(diags))
			}
		})
	}
}

func TestPseudoParametersPlugin(t *testing.T) {
	p, _ := files{
		"serverless.yml": withEnvironment(`V: "arn:aws:sns:#{AWS::Region}:#{AWS::AccountId}:t"`, `W: "#{AWS::StackId} #{x"`) + "plugins: [serverless-pseudo-parameters]\n",
	}.load(t, project.Options{})
	want := map[string]string{"V": "arn:aws:sns:us-east-1:123456789012:t", "W": "#{AWS::StackId} #{x"}
	if diff := cmp.Diff(want, environment(p.Functions[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCodeThatIsBuilt(t *testing.T) {
	const head, function = "service: svc\nprovider: {name: aws, runtime: nodejs20.x}\n", "functions: {f: {handler: h.f}}\n"
	tests := []struct{ name, more, want string }{
		{"nothing said", "", "-"},
		{"version 4", "build: esbuild\n", ""},
		{"version 4 with settings", "build: {esbuild: {minify: true, external: [a]}}\n", `{"minify":true,"external":["a"]}`},
		{"version 4 without", "build: {esbuild: false}\nplugins: [serverless-esbuild]\n", "-"},
		{"serverless-esbuild", "plugins: [serverless-esbuild]\n", ""},
		{"serverless-esbuild with settings", "plugins: [serverless-esbuild]\ncustom: {esbuild: {target: '${self:custom.t}'}, t: node18}\n", `{"target":"node18"}`},
		{"serverless-webpack", "plugins: [serverless-webpack]\n", `{"loader":{".js":"jsx"}}`},
		{"serverless-plugin-typescript", "plugins: [serverless-plugin-typescript]\n", `{"bundle":false}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": head + tt.more + function}.load(t, project.Options{})
			got := "-"
			if b := p.Functions[0].Build; b != nil {
				got = string(b.Settings)
			}
			if got != tt.want || len(lines(diags)) > 0 {
				t.Errorf("got %s, want %s; %v", got, tt.want, lines(diags))
			}
		})
	}
}

func TestModuleOfPythonRequirements(t *testing.T) {
	p, diags := files{
		"serverless.yml": "service: svc\nplugins: [serverless-python-requirements]\nprovider: {name: aws, runtime: python3.12}\nfunctions:\n  f: {handler: h.f, module: src/one}\n",
	}.load(t, project.Options{})
	if got := p.Functions[0].Code; got != (lambda.Code{Dir: filepath.Join(p.Dir, "src", "one")}) || len(diags) > 0 {
		t.Errorf("got %+v, %v", got, lines(diags))
	}
}

func TestGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("the test reads a git repository")
	}
	dir := files{"serverless.yml": withEnvironment(
		"BRANCH: ${git:branch}", "COMMIT: ${git:commit}", "SHA: ${git:sha1}", "MESSAGE: ${git:message}", "SUBJECT: ${git:messageSubject}", "BODY: ${git:messageBody, 'none'}",
		"USER: ${git:user}", "EMAIL: ${git:email}", "DIRTY: ${git:isDirty}", "TAGS: ${git:tags}", "DESCRIBE: ${git:describeLight}", "REPOSITORY: ${git:repository}",
	)}.write(t)
	run := func(args ...string) string {
		cmd := exec.Command(git, append([]string{"-c", "init.defaultBranch=trunk"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q")
	run("config", "user.name", "Ada")
	run("config", "user.email", "ada@example.org")
	run("add", ".")
	run("commit", "-qm", "first: the subject\n\nthe body")
	run("tag", "v1")
	p, diags := Loader{}.Load(t.Context(), filepath.Join(dir, "serverless.yml"), project.Options{})
	want := map[string]string{
		"BRANCH": "trunk", "COMMIT": run("rev-parse", "HEAD"), "SHA": run("rev-parse", "--short", "HEAD"), "MESSAGE": "first: the subject\n\nthe body",
		"SUBJECT": "first: the subject", "BODY": "the body", "USER": "Ada", "EMAIL": "ada@example.org", "DIRTY": "false", "TAGS": "v1",
		"DESCRIBE": "v1", "REPOSITORY": filepath.Base(dir),
	}
	if diff := cmp.Diff(want, environment(p.Functions[0])); diff != "" || len(diags) > 0 {
		t.Errorf("(-want +got):\n%s%v", diff, lines(diags))
	}
	_, diags = files{"serverless.yml": withEnvironment("V: ${git:commmit}")}.load(t, project.Options{})
	if got := strings.Join(lines(diags), ""); !strings.Contains(got, `Unsupported "commmit" address argument in variable "git" source (did you mean "commit"?)`) {
		t.Errorf("got %s", got)
	}
}

func TestEventsAreReadOnDemand(t *testing.T) {
	f := files{"serverless.yml": `service: svc
provider: {name: aws, runtime: nodejs20.x}
functions:
  f:
    handler: h.f
    events:
      - http: GET /${self:service}
      - schedule: {rate: rate(1 minute)}
      - alexaSkill
      - sqs: ${ssm:/queue}
`}
	p, diags := f.load(t, project.Options{})
	if p.Functions[0].Events != nil || len(diags) > 0 {
		t.Errorf("unasked, got %v, %v", p.Functions[0].Events, lines(diags))
	}
	p, diags = f.load(t, project.Options{Events: true})
	var got []string
	for _, e := range p.Functions[0].Events {
		got = append(got, e.Type+" "+string(e.Settings))
	}
	want := []string{`http "GET /svc"`, `schedule {"rate":"rate(1 minute)"}`, "alexaSkill "}
	if diff := cmp.Diff(want, got); diff != "" || len(lines(diags)) != 1 || diags[0].Code != "variable-aws" {
		t.Errorf("(-want +got):\n%s%v", diff, lines(diags))
	}
}

func TestScriptsInAService(t *testing.T) {
	config := map[string]string{
		"serverless.js":  "module.exports = async () => ({service: 'svc', provider: {name: 'aws', runtime: 'nodejs20.x'}, custom: {a: '${self:service}'}, functions: {f: {handler: 'h.f', environment: {V: '${self:custom.a}'}}}})",
		"serverless.ts":  "import type { AWS } from '@serverless/typescript'\nconst config: AWS = {service: 'svc', provider: {name: 'aws', runtime: 'nodejs20.x'}, functions: {f: {handler: 'h.f', environment: {V: 'svc' as string}}}}\nexport default config",
		"serverless.mjs": "export default {service: 'svc', provider: {name: 'aws', runtime: 'nodejs20.x'}, functions: {f: {handler: 'h.f', environment: {V: 'svc'}}}}",
		"serverless.cjs": "module.exports = Promise.resolve({service: 'svc', provider: {name: 'aws', runtime: 'nodejs20.x'}, functions: {f: {handler: 'h.f', environment: {V: 'svc'}}}})",
	}
	for name, source := range config {
		t.Run(name, func(t *testing.T) {
			dir := files{name: source}.write(t)
			p, diags := Loader{}.Load(t.Context(), filepath.Join(dir, name), project.Options{Node: nodeOnPath(t)})
			if p == nil {
				t.Fatalf("not loaded: %v", diags)
			}
			if got := environment(p.Functions[0])["V"]; got != "svc" || len(diags) > 0 {
				t.Errorf("V is %q; %v", got, lines(diags))
			}
		})
	}
}

func TestValuesOfScripts(t *testing.T) {
	p, diags := files{
		"serverless.yml": withEnvironment(
			"V: ${file(v.js):value}", "TEXT: ${file(v.js):nested.text}", "FN: ${file(fn.js)}", "STAGE: ${file(fn2.js):stage}", "TS: ${file(t.ts):a}", "MISSING: ${file(v.js):nope, 'none'}", "GONE: ${file(gone.js), 'none'}", "DEEP: ${self:custom.all.nested.text}",
		) + "custom: {a: A, all: '${file(v.js)}'}\n",
		"v.js":   "module.exports = {value: 1.50, nested: {text: 'x-${self:custom.a}'}}",
		"fn.js":  "module.exports = async ({resolveVariable}) => 'fn-' + await resolveVariable('self:custom.a')",
		"fn2.js": "module.exports.stage = async ({options, resolveConfigurationProperty}) => options.stage + (await resolveConfigurationProperty(['custom', 'a']))",
		"t.ts":   "export const a: string = 'ts'",
	}.load(t, project.Options{Stage: "prod", Node: nodeOnPath(t)})
	want := map[string]string{"V": "1.5", "TEXT": "x-A", "FN": "fn-A", "STAGE": "prodA", "TS": "ts", "MISSING": "none", "GONE": "none", "DEEP": "x-A"}
	if diff := cmp.Diff(want, environment(p.Functions[0])); diff != "" || len(diags) > 0 {
		t.Errorf("(-want +got):\n%s%v", diff, lines(diags))
	}
	_, diags = files{
		"serverless.yml": withEnvironment("V: ${file(bad.js):x}", "W: ${file(ask.js)}"),
		"bad.js":         "\nthrow new Error('no luck')\n", "ask.js": "module.exports = ({resolveVariable}) => resolveVariable('env:NOPE')",
	}.load(t, project.Options{Node: nodeOnPath(t)})
	got := strings.Join(lines(diags), "\n")
	for _, part := range []string{`bad.js:2:`, `no luck`, `Cannot resolve variable at "functions.f.environment.W": Value not found at "env" source`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in\n%s", part, got)
		}
	}
}
