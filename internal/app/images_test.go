package app

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
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

// registry serves one image, and counts how often somebody asks what its name means.
func registry(t *testing.T) (host string, asked *atomic.Int32) {
	t.Helper()
	blobs := map[string][]byte{}
	blob := func(content []byte) map[string]any {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
		blobs[digest] = content
		return map[string]any{"digest": digest, "size": len(content)}
	}
	typed := func(blob map[string]any, mediaType string) map[string]any {
		blob["mediaType"] = mediaType
		return blob
	}
	encode := func(v any) []byte {
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "file", Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content := blob(layer.Bytes())
	config := blob(encode(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": map[string]any{"Cmd": []string{"/x"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []any{content["digest"]}},
	}))
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	manifest := encode(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": typed(config, "application/vnd.oci.image.config.v1+json"),
		"layers": []any{typed(content, "application/vnd.oci.image.layer.v1.tar")},
	})
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, digest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/app/"), "/")
		body := blobs[digest]
		if kind == "manifests" {
			asked.Add(1)
			body = manifest
			w.Header().Set("Content-Type", manifestType)
			w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256(manifest)))
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

// TestRegistriesAreAskedAsTheOptionsSay: for what is not here, and with --pull; never with --skip-pull-image.
func TestRegistriesAreAskedAsTheOptionsSay(t *testing.T) {
	host, asked := registry(t)
	env := map[string]string{"LAMBKIN_CACHE_DIR": t.TempDir(), "DOCKER_HOST": "unix://" + filepath.Join(t.TempDir(), "nobody.sock")}
	fn := &lambda.Function{Path: "F", PackageType: lambda.Image, Code: lambda.Code{ImageURI: host + "/app:1"}}
	if runtime.GOARCH == "arm64" {
		fn.Architecture = "arm64"
	}
	get := func(o ImageOptions, look bool) (*sandbox.Image, error) {
		m := newImages(context.Background(), Options{Env: env, Images: o, Notice: func(string) {}}, isolation{box: namespace.Sandbox{}})
		m.look = look
		img, err := m.of(t.Context(), fn)
		if err := m.close(); err != nil {
			t.Error(err)
		}
		return img, err
	}
	for _, tt := range []struct {
		what    string
		options ImageOptions
		look    bool
		fails   string
		asks    bool
	}{
		{"not here, and not to be asked for", ImageOptions{SkipPull: true}, false, "its registry is not to be asked", false},
		{"only looked at", ImageOptions{}, true, "the variables of the image", false},
		{"not here", ImageOptions{}, false, "", true},
		{"here", ImageOptions{}, false, "", false},
		{"here, and only looked at", ImageOptions{}, true, "", false},
		{"here, with --skip-pull-image", ImageOptions{SkipPull: true}, false, "", false},
		{"here, with --pull", ImageOptions{Pull: true}, false, "", true},
	} {
		before := asked.Load()
		img, err := get(tt.options, tt.look)
		switch {
		case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
			t.Errorf("%s: error %v", tt.what, err)
		case tt.fails == "" && err != nil:
			t.Errorf("%s: error %v", tt.what, err)
		case tt.fails == "" && (len(img.Command) != 1 || img.Root == ""):
			t.Errorf("%s: image %+v", tt.what, img)
		}
		if asks := asked.Load() > before; asks != tt.asks {
			t.Errorf("%s: the registry is asked: %v, want %v", tt.what, asks, tt.asks)
		}
	}
}

// TestImagesThatCannotBeHad: each has what to do about it.
func TestImagesThatCannotBeHad(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.tar")
	if err := os.WriteFile(broken, []byte(strings.Repeat("x", 3000)), 0o644); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"LAMBKIN_CACHE_DIR": t.TempDir(), "DOCKER_HOST": "unix://" + filepath.Join(dir, "nobody.sock")}
	for name, hint := range map[string]string{broken: "docker save", "127.0.0.1:1/app:1": "docker login"} {
		fn := &lambda.Function{Path: "F", PackageType: lambda.Image, Code: lambda.Code{ImageURI: name}}
		m := newImages(t.Context(), Options{Env: env, Notice: func(string) {}}, isolation{box: namespace.Sandbox{}})
		_, err := m.of(t.Context(), fn)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Kind != InMachine || !strings.Contains(p.List[0].Hint, hint) {
			t.Errorf("%s: %#v", name, err)
		}
		if err := m.close(); err != nil {
			t.Error(err)
		}
	}
}
