package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/remote"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// inProject makes a folder with files and makes it the working folder. The
// environment it returns has a home folder and a cache, and no credentials.
func inProject(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{"HOME": dir, "LAMBKIN_CACHE_DIR": filepath.Join(dir, ".cache")}
}

// from are the origins and values of variables, by name, "from: value".
func from(e *Environment, names ...string) map[string]string {
	out := map[string]string{}
	for _, v := range e.Variables {
		for _, name := range names {
			if v.Name == name {
				out[name] = v.From + ": " + v.Value
			}
		}
	}
	return out
}

const declaring = `Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: h
      Timeout: 7
      Code: code
      Environment:
        Variables:
          PLAIN: template
          SHELL_VALUE: template
          FILE_VALUE: template
          OPTION_VALUE: template
          UNKNOWN: !ImportValue elsewhere
`

func TestEveryValueSaysWhereItComesFrom(t *testing.T) {
	names := []string{"PLAIN", "SHELL_VALUE", "FILE_VALUE", "OPTION_VALUE", "UNDECLARED", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SAM_LOCAL", "IS_LOCAL", "HOME"}
	tests := []struct {
		name   string
		change func(*Options)
		want   map[string]string
	}{
		{"native", func(*Options) {}, map[string]string{
			"PLAIN": "template.yaml:11: template", "SHELL_VALUE": "template.yaml:12: template", "FILE_VALUE": "e.json:2: file",
			"OPTION_VALUE": "--env: a=b", "AWS_REGION": "default: us-east-1", "AWS_ACCESS_KEY_ID": "default: defaultkey",
		}},
		{"SAM takes the shell's values of what is declared", func(o *Options) { o.Vocabulary = SAM }, map[string]string{
			"PLAIN": "template.yaml:11: template", "SHELL_VALUE": "shell: shell", "FILE_VALUE": "e.json:2: file",
			"OPTION_VALUE": "--env: a=b", "AWS_REGION": "default: us-east-1", "AWS_ACCESS_KEY_ID": "default: defaultkey", "AWS_SAM_LOCAL": "lambkin: true",
		}},
		{"undeclared ones when wanted", func(o *Options) { o.EnvExtra = true }, map[string]string{
			"PLAIN": "template.yaml:11: template", "SHELL_VALUE": "template.yaml:12: template", "FILE_VALUE": "e.json:2: file", "UNDECLARED": "e.json:3: x",
			"OPTION_VALUE": "--env: a=b", "AWS_REGION": "default: us-east-1", "AWS_ACCESS_KEY_ID": "default: defaultkey",
		}},
		{"credentials of the shell, region of the option", func(o *Options) {
			o.Env["AWS_ACCESS_KEY_ID"], o.Env["AWS_SECRET_ACCESS_KEY"], o.Region = "AK", "SK", "eu-west-3"
		}, map[string]string{
			"PLAIN": "template.yaml:11: template", "SHELL_VALUE": "template.yaml:12: template", "FILE_VALUE": "e.json:2: file",
			"OPTION_VALUE": "--env: a=b", "AWS_REGION": "--region: eu-west-3", "AWS_ACCESS_KEY_ID": "shell: AK",
		}},
		{"credentials of a profile, region of the shell", func(o *Options) { o.Env["AWS_REGION"], o.Profile = "eu-west-4", "dev" }, map[string]string{
			"PLAIN": "template.yaml:11: template", "SHELL_VALUE": "template.yaml:12: template", "FILE_VALUE": "e.json:2: file",
			"OPTION_VALUE": "--env: a=b", "AWS_REGION": "shell: eu-west-4", "AWS_ACCESS_KEY_ID": "profile dev: AKDEV",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := inProject(t, map[string]string{
				"template.yaml": declaring, "code/bootstrap": "#!/bin/sh\n",
				"e.json":           "{\"F\": {\n\"FILE_VALUE\": \"file\",\n\"UNDECLARED\": \"x\"}}",
				".aws/credentials": "[dev]\naws_access_key_id = AKDEV\naws_secret_access_key = S\n",
			})
			env["SHELL_VALUE"], env["FILE_VALUE"] = "shell", "shell"
			o := Options{Env: env, Variables: []string{"OPTION_VALUE=a=b"}, Notice: func(string) {}}
			var err error
			if o.EnvVars, err = ReadEnvVars("e.json", nil); err != nil {
				t.Fatal(err)
			}
			tt.change(&o)
			e, err := Describe(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, from(e, names...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerlessSeesTheShell(t *testing.T) {
	env := inProject(t, map[string]string{
		"serverless.yml": "service: s\nuseDotenv: true\nprovider:\n  name: aws\n  runtime: provided.al2023\n  region: eu-west-1\n" +
			"  environment: {A: service}\nfunctions:\n  f: {handler: bootstrap}\n",
		".env": "FROM_FILE=x\n", "bootstrap": "#!/bin/sh\n",
		".aws/credentials": "[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = S\n",
	})
	env["AWS_REGION"], env["MINE"] = "shell-1", "m"
	e, err := Describe(t.Context(), Options{Vocabulary: Serverless, Env: env, Flags: map[string]string{}, Notice: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"MINE": "shell: m", "AWS_REGION": "serverless.yml: eu-west-1", "IS_LOCAL": "lambkin: true", "A": "serverless.yml:7: service", "FROM_FILE": ".env:1: x",
		"AWS_ACCESS_KEY_ID": "profile default: AKDEFAULT",
	}
	if diff := cmp.Diff(want, from(e, "MINE", "AWS_REGION", "IS_LOCAL", "A", "FROM_FILE", "AWS_ACCESS_KEY_ID")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWarningsEndWhenValuesCome(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Options)
		warned bool
	}{
		{"no value", func(*Options) {}, true},
		{"by option", func(o *Options) { o.Variables = []string{"UNKNOWN=x"} }, false},
		{"by an option for another", func(o *Options) { o.Variables = []string{"UNKNOWNS=x"} }, true},
		{"by file", func(o *Options) {
			o.EnvVars = EnvVars{shared: []lambda.Variable{{Name: "UNKNOWN", Value: "x"}}}
		}, false},
		{"by the shell, which only SAM's vocabulary reads", func(o *Options) { o.Env["UNKNOWN"] = "x" }, true},
		{"by the shell", func(o *Options) { o.Env["UNKNOWN"], o.Vocabulary = "x", SAM }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Env: inProject(t, map[string]string{"template.yaml": declaring, "code/bootstrap": ""}), Notice: func(string) {}}
			tt.change(&o)
			e, err := Describe(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			warned := strings.Contains(strings.Join(messages(e.Diags), "\n"), "elsewhere")
			if warned != tt.warned {
				t.Errorf("diagnostics %v", messages(e.Diags))
			}
			for _, v := range e.Variables {
				if v.Name == "UNKNOWN" && v.Unresolved != tt.warned {
					t.Errorf("got %+v", v)
				}
			}
		})
	}
}

func TestDescribeDoesWithoutLayers(t *testing.T) {
	testenv.Leaks(t)
	layered := strings.Replace(declaring, "Code: code", "Code: code\n      Layers: ['arn:aws:lambda:eu-west-1:123456789012:layer:x:1']", 1)
	o := Options{Env: inProject(t, map[string]string{"template.yaml": layered, "code/bootstrap": ""}), Notice: func(string) {}}
	e, err := Describe(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(messages(e.Diags), "\n"); !strings.Contains(got, "warning template.yaml:9:16: the layer arn:aws:lambda:eu-west-1:123456789012:layer:x:1 ") {
		t.Errorf("diagnostics %s", got)
	}
	if got := from(e, "PLAIN", "_HANDLER"); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestProfilesThatAreOfNoUse(t *testing.T) {
	const signOn = "[default]\nsso_start_url = https://example.invalid\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n[profile dev]\nregion = r\n"
	tests := []struct {
		name    string
		profile string
		err     []string
		diags   []string
	}{
		{"unknown, with a near one", "devv", []string{`error there is no AWS profile "devv" in CONFIG or CREDENTIALS | did you mean "dev"?`}, nil},
		{"unknown", "production", []string{`error there is no AWS profile "production" in CONFIG or CREDENTIALS | the profiles there are default, dev`}, nil},
		{"wanted", "default", []string{`error using the AWS profile "default": SSO | run aws sso login --profile default`}, nil},
		{"not wanted", "", nil, []string{`warning using the AWS profile "default": SSO | run aws sso login --profile default`}},
		{"without keys", "dev", nil, []string{`warning the AWS profile "dev" has no credentials, so the function gets placeholders`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := inProject(t, map[string]string{".aws/config": signOn})
			t.Setenv("HOME", env["HOME"])
			var diags diag.List
			_, err := session(t.Context(), &diags, &lambda.Project{}, Options{Env: env, Profile: tt.profile})
			var got []string
			if p, ok := errors.AsType[*Problem](err); ok {
				got = messages(p.List)
			} else if err != nil {
				t.Fatal(err)
			}
			tidy := func(all []string) []string {
				for i, text := range all {
					text = strings.NewReplacer(filepath.Join(env["HOME"], ".aws", "config"), "CONFIG", filepath.Join(env["HOME"], ".aws", "credentials"), "CREDENTIALS").Replace(text)
					if start, rest, ok := strings.Cut(text, "failed to "); ok {
						_, hint, _ := strings.Cut(rest, " | ")
						text = start + "SSO | " + hint
					}
					all[i] = text
				}
				return all
			}
			if diff := cmp.Diff(tt.err, tidy(got)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.diags, tidy(messages(diags))); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSessionEndsWithItsContext(t *testing.T) {
	env := inProject(t, map[string]string{".aws/config": "[default]\ncredential_process = sleep 20\n"})
	env["PATH"] = os.Getenv("PATH")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var diags diag.List
	if _, err := session(ctx, &diags, &lambda.Project{}, Options{Env: env}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", err, messages(diags))
	}
}

func TestRegionsInTheOrderOfTheirWorth(t *testing.T) {
	o, p, s := Options{}, &lambda.Project{File: "serverless.yml"}, remote.Session{}
	check := func(wantName, wantFrom string) {
		t.Helper()
		if name, from := region(o, p, s); name != wantName || from != wantFrom {
			t.Errorf("got %s from %s, want %s from %s", name, from, wantName, wantFrom)
		}
	}
	check("us-east-1", "default")
	p.Region = "project-1"
	check("project-1", "serverless.yml")
	s.Region, s.RegionFrom = "profile-1", "profile x"
	check("profile-1", "profile x")
	o.Region = "option-1"
	check("option-1", "--region")
}
