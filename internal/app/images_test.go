package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestNamesOfImages(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"app.tar", "app/Dockerfile", "layout/oci-layout"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, want := range map[string]string{
		"":                        "",
		"app.tar":                 in("app.tar"),
		"./app.tar":               in("app.tar"),
		in("app.tar"):             in("app.tar"),
		"app":                     "app", // a folder that is no image
		"app:latest":              "app:latest",
		"layout":                  in("layout"),
		"oci:layout:v1":           "oci:" + in("layout:v1"),
		"docker-archive:./no.tar": "docker-archive:" + in("no.tar"),
		"no.tar":                  "no.tar",
	} {
		if got := onDisk(name, dir); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestBaseImages(t *testing.T) {
	for _, tt := range []struct{ runtime, architecture, want string }{
		{"nodejs22.x", "", "nodejs:22-x86_64"},
		{"python3.13", "arm64", "python:3.13-arm64"},
		{"ruby3.4", "x86_64", "ruby:3.4-x86_64"},
		{"java8.al2", "x86_64", "java:8.al2-x86_64"},
		{"java21", "arm64", "java:21-arm64"},
		{"dotnet8", "x86_64", "dotnet:8-x86_64"},
		{"dotnetcore3.1", "x86_64", "dotnet:core3.1-x86_64"},
		{"provided", "x86_64", "provided:alami-x86_64"},
		{"provided.al2023", "arm64", "provided:al2023-arm64"},
		{"go1.x", "x86_64", "go:1-x86_64"},
	} {
		fn := &lambda.Function{Runtime: tt.runtime, Architecture: tt.architecture}
		if got, want := baseImage(fn), "public.ecr.aws/lambda/"+tt.want; got != want {
			t.Errorf("%s, %s: %s, want %s", tt.runtime, tt.architecture, got, want)
		}
	}
}
