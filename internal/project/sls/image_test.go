package sls

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestImages(t *testing.T) {
	tests := []struct {
		name, images, function string
		uri                    string
		want                   *lambda.ImageSettings // Context relative to the service
	}{
		{
			"what the function changes", "{}", "{image: {uri: 'r/x:1', command: [a.b, '${self:service}'], entryPoint: [/e], workingDirectory: /w}}", "r/x:1",
			&lambda.ImageSettings{Entrypoint: []string{"/e"}, Command: []string{"a.b", "svc"}, Dir: "/w"},
		},
		{
			"built from a folder", "{app: {path: ./app, file: Dockerfile.dev, buildArgs: {STAGE: '${sls:stage}'}}}", "{image: app}", "",
			&lambda.ImageSettings{Build: &lambda.ImageBuild{Context: "app", Dockerfile: "Dockerfile.dev", Args: []lambda.Variable{{Name: "STAGE", Value: "dev"}}}},
		},
		{
			"a folder as a text", "{app: ./app}", "{image: {name: app}}", "",
			&lambda.ImageSettings{Build: &lambda.ImageBuild{Context: "app", Dockerfile: "Dockerfile"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, diags, dir := loadFunction(t, "ecr: {images: "+tt.images+"}", tt.function, nil)
			got := f.Image
			if got != nil && got.Build != nil {
				got.Build.Source = lambda.Source{}
				for i := range got.Build.Args {
					got.Build.Args[i].Source = lambda.Source{}
				}
				tt.want.Build.Context = filepath.Join(dir, tt.want.Build.Context)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || diags != nil || f.Code.ImageURI != tt.uri {
				t.Errorf("%q, %v (-want +got):\n%s", f.Code.ImageURI, diags, diff)
			}
		})
	}
}
