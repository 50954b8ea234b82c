package cfn_test

import (
	"path/filepath"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

func TestImageSettings(t *testing.T) {
	type build = lambda.ImageBuild
	tests := []struct {
		name, properties, metadata string
		want                       *lambda.ImageSettings // Context relative to the template
	}{
		{"none", "{}", "{}", nil},
		{
			"configured", "{ImageConfig: {EntryPoint: [/e, !Ref AWS::Region], Command: [app.handler], WorkingDirectory: /w}}", "{}",
			&lambda.ImageSettings{Entrypoint: []string{"/e", "us-east-1"}, Command: []string{"app.handler"}, Dir: "/w"},
		},
		{
			"SAM's", "{}", "{DockerContext: ./src, DockerTag: v1, DockerBuildTarget: t, DockerBuildArgs: {A: 1}}",
			&lambda.ImageSettings{Build: &build{Context: "src", Dockerfile: "Dockerfile", Tag: "v1", Target: "t", Args: []lambda.Variable{{Name: "A", Value: "1"}}}},
		},
		{
			"the CDK's", "{}", "{'aws:asset:path': asset.1, 'aws:asset:property': Code.ImageUri, 'aws:asset:dockerfile-path': D, 'aws:asset:docker-build-args': {A: x}}",
			&lambda.ImageSettings{Build: &build{Context: "asset.1", Dockerfile: "D", Args: []lambda.Variable{{Name: "A", Value: "x"}}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "Resources: {F: {Type: AWS::Lambda::Function, Metadata: " + tt.metadata + ", Properties: {PackageType: Image, "
			dir := unpack(t, text+tt.properties[1:]+"}}")
			p, diags := loadIn(t, dir, project.Options{})
			if len(diags) > 0 {
				t.Error(diags)
			}
			got := p.Functions[0].Image
			if got != nil && got.Build != nil {
				got.Build.Source = lambda.Source{}
				for i := range got.Build.Args {
					got.Build.Args[i].Source = lambda.Source{}
				}
			}
			if tt.want != nil && tt.want.Build != nil {
				tt.want.Build.Context = filepath.Join(dir, tt.want.Build.Context)
			}
			diff(t, "image", tt.want, got)
		})
	}
}

func TestImageSettingsThatAreNoLists(t *testing.T) {
	_, diags := load(t, "Resources: {F: {Type: AWS::Lambda::Function, Properties: {PackageType: Image, Code: {ImageUri: a:1}, ImageConfig: {Command: app.handler}}}}", project.Options{})
	if len(diags) != 1 || diags[0].Summary != "ImageConfig.Command must be a list of texts, not a string" {
		t.Errorf("got %v", diags)
	}
}
