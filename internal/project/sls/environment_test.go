package sls

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/project"
)

func TestEnvironmentValuesAreTexts(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"text", "plain", "plain"},
		{"integer", "5", "5"},
		{"fraction", "1.10", "1.1"},
		{"leading zero", "0123", "123"},
		{"exponent", "1e3", "1000"},
		{"beyond 64 bits", "123456789012345678901", "123456789012345680000"},
		{"beyond the exact integers", "12345678901234567", "12345678901234568"},
		{"infinity", ".inf", "Infinity"},
		{"negative infinity", "-.inf", "-Infinity"},
		{"no number", ".nan", "NaN"},
		{"true", "true", "true"},
		{"False", "False", "false"},
		{"yes is a text", "yes", "yes"},
		{"date", "2020-01-01", "2020-01-01"},
		{"time", "2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"},
		{"empty", "''", ""},
		{"quoted number", "'010'", "010"},
		{"lines", "\"a\\nb\"", "a\nb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": withEnvironment("V: " + tt.in)}.load(t, project.Options{})
			if diff := cmp.Diff(map[string]string{"V": tt.want}, environment(p.Functions[0])); diff != "" || len(diags) > 0 {
				t.Errorf("%v (-want +got):\n%s", diags, diff)
			}
		})
	}
}

func TestFunctionsEnvironmentGoesOverTheProviders(t *testing.T) {
	p, diags := files{"serverless.yml": `service: svc
provider:
  name: aws
  runtime: nodejs20.x
  environment: {A: a, B: provider, C: "${env:NOPE}", D: d, E: "${env:NOPE}"}
functions:
  f: {handler: h.f, environment: "${file(env.yml):f}"}
  g: {handler: h.g, environment: {C: c, E: null}}
`, "env.yml": "f: {B: function, C: c, D: null, E: '', F: f}\n"}.load(t, project.Options{})
	if len(diags) > 0 {
		t.Error(diags)
	}
	var got []string
	for _, f := range p.Functions {
		for _, v := range f.Environment {
			got = append(got, f.LogicalID+" "+v.Name+"="+v.Value)
		}
	}
	want := []string{"f A=a", "f B=function", "f C=c", "f E=", "f F=f", "g A=a", "g B=provider", "g C=c", "g D=d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblemsOfTheEnvironment(t *testing.T) {
	tests := []struct {
		name, in, want string
		env            map[string]string
	}{
		{
			"map", "V: {a: b, c: [1]}",
			`warning [f] serverless.yml:7:7 environment-value: the environment variable "V" is a map; the function gets its JSON text (AWS takes texts only; write the JSON text yourself)`,
			map[string]string{"V": `{"a":"b","c":[1]}`},
		},
		{
			"list", "V: [a, 1.10]",
			`warning [f] serverless.yml:7:7 environment-value: the environment variable "V" is a list; the function gets its JSON text (AWS takes texts only; write the JSON text yourself)`,
			map[string]string{"V": `["a",1.1]`},
		},
		{
			"name", "a=b: c",
			`error [f] serverless.yml:7:7 environment: "a=b" is no name for an environment variable`,
			map[string]string{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := files{"serverless.yml": withEnvironment(tt.in)}.load(t, project.Options{})
			if diff := cmp.Diff([]string{tt.want}, lines(diags)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.env, environment(p.Functions[0])); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvironmentThatIsNoMap(t *testing.T) {
	_, diags := files{"serverless.yml": withEnvironment("[a]")}.load(t, project.Options{})
	want := []string{`error [f] serverless.yml:7:7 environment: "functions.f.environment" must be a map, not a list`}
	if diff := cmp.Diff(want, lines(diags)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAVariableElsewhereSaysWhoNeedsIt(t *testing.T) {
	_, diags := files{"serverless.yml": withEnvironment("V: ${self:custom.a}", "W: ${self:custom.a}") + "custom: {a: '${env:NOPE}'}\n"}.load(t, project.Options{})
	if len(diags) != 1 || diags[0].Detail != "The environment has no \"NOPE\".\n\"functions.f.environment.V\" needs it." || diags[0].Range.Start.Line != 9 {
		t.Errorf("got %+v", diags)
	}
}

func TestEachFunctionIsToldWhatItNeedsItself(t *testing.T) {
	_, diags := files{"serverless.yml": `service: svc
provider: {name: aws, runtime: nodejs20.x}
custom: {a: "${env:NOPE}"}
functions:
  f: {handler: h.f, environment: {V: "${self:custom.a}"}}
  g: {handler: h.g, environment: {W: "${self:custom.a}", X: "${file(bad.yml):x}"}}
`, "bad.yml": "a: [\n"}.load(t, project.Options{})
	var got []string
	for _, d := range diags {
		got = append(got, d.Subject+": "+d.Detail)
	}
	want := []string{
		"f: The environment has no \"NOPE\".\n\"functions.f.environment.V\" needs it.",
		"g: The environment has no \"NOPE\".\n\"functions.g.environment.W\" needs it.",
		"g: The service reads the file in ${file(bad.yml):x}.\n\"functions.g.environment.X\" needs it.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
