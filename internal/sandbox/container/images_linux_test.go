package container

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestBuild(t *testing.T) {
	box, _ := boxed(t, Options{Network: "none"})
	testenv.Leaks(t)
	dir := t.TempDir()
	write(t, dir, "docker/Dockerfile", strings.Join([]string{
		"ARG BASE", "FROM ${BASE} AS first", "COPY . /var/task/", "ENV CONTAINER_TEST_ACTION=list", "WORKDIR /var/task",
		`ENTRYPOINT ["/usr/bin/program"]`, `CMD ["app.handler"]`, "USER 1000",
		"FROM first AS last", `RUN ["/usr/bin/program", "/no/such/folder"]`, "",
	}, "\n"), 0o644)
	write(t, dir, "docker/mounts", "FROM lambkin-test:program\nRUN --mount=type=cache,target=/x x\n", 0o644)
	write(t, dir, ".dockerignore", "# what stays out\nsecret*\nnode_modules\n!node_modules/kept\n", 0o644)
	for _, name := range []string{"app.js", "secret.txt", "node_modules/left-out", "node_modules/kept/index.js"} {
		write(t, dir, name, name, 0o644)
	}
	spec := BuildSpec{Context: dir, Dockerfile: "docker/Dockerfile", Target: "first", Args: map[string]string{"BASE": "lambkin-test:program"}, Tags: []string{"lambkin-test:built", "lambkin-test:again"}}
	var said bytes.Buffer
	id, err := box.Engine.Build(t.Context(), spec, &said)
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	if !strings.Contains(said.String(), "COPY . /var/task/") {
		t.Errorf("of the steps it says:\n%s", &said)
	}
	img, err := box.Engine.Inspect(t.Context(), "lambkin-test:built")
	if err != nil {
		t.Fatal(err)
	}
	want := Image{OS: "linux", Architecture: box.Engine.about.architecture, Image: sandbox.Image{
		Name: "lambkin-test:built", ID: img.ID, Entrypoint: []string{"/usr/bin/program"}, Command: []string{"app.handler"},
		Env: []string{"OF_THE_IMAGE=1", "CONTAINER_TEST_ACTION=list"}, Dir: "/var/task", User: "1000",
	}}
	img.Env = slices.DeleteFunc(img.Env, func(v string) bool { return strings.HasPrefix(v, "PATH=") })
	if diff := cmp.Diff(want, img); diff != "" || !strings.HasPrefix(img.ID, "sha256:") || !strings.HasPrefix(img.ID, id) && id != img.ID {
		t.Errorf("the image %s (-want +got):\n%s", id, diff)
	}
	env := opened(t, box, sandbox.Spec{Image: &img.Image})
	for folder, want := range map[string]string{"/var/task": "app.js docker node_modules of-the-image", "/var/task/node_modules": "kept"} {
		if got, _ := do(t, env, "list", folder); strings.TrimPrefix(got, ".dockerignore ") != want {
			t.Errorf("%s has %q, want %q", folder, got, want)
		}
	}
	said.Reset()
	spec.Target = ""
	_, err = box.Engine.Build(t.Context(), spec, &said)
	if err == nil || !strings.HasPrefix(err.Error(), `building with docker/Dockerfile: Step 10/10 : RUN ["/usr/bin/program", "/no/such/folder"]: The command`) {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(said.String(), "open /no/such/folder: no such file or directory") {
		t.Errorf("of the failing step it says:\n%s", &said)
	}
	for want, change := range map[string]func(*BuildSpec){
		"is not below its context":                func(s *BuildSpec) { s.Dockerfile = "../Dockerfile" },
		"there is no file Dockerfile in ":         func(s *BuildSpec) { s.Dockerfile = "" },
		"failed to reach build target nowhere":    func(s *BuildSpec) { s.Target = "nowhere" },
		"base name (${BASE}) should not be blank": func(s *BuildSpec) { s.Args = nil },
		"build the image yourself":                func(s *BuildSpec) { s.Dockerfile = "docker/mounts" },
	} {
		wrong := spec
		change(&wrong)
		if _, err := box.Engine.Build(t.Context(), wrong, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	save(t, box.Engine, "lambkin-test:built")
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range spec.Tags {
		if err := box.Engine.Remove(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if _, err := box.Engine.Inspect(t.Context(), "lambkin-test:built"); !NotFound(err) {
		t.Errorf("a removed image: %v", err)
	}
}

func save(t *testing.T, e *Engine, name string) {
	t.Helper()
	saved, err := e.Save(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	var names []string
	for r := tar.NewReader(saved); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
	if !slices.Contains(names, "manifest.json") {
		t.Errorf("saved are %v", names)
	}
	if _, err := e.Save(t.Context(), "lambkin-test:nothing"); !NotFound(err) {
		t.Errorf("saving what there is not: %v", err)
	}
}

// registry has one image, "fn:1", for those who sign in.
func registry(t *testing.T) (host string) {
	t.Helper()
	sum := func(data []byte) string {
		s := sha256.Sum256(data)
		return "sha256:" + hex.EncodeToString(s[:])
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Typeflag: tar.TypeReg}), w.Close()); err != nil {
		t.Fatal(err)
	}
	config := []byte(`{"architecture":"amd64","os":"linux","config":{"Cmd":["x"]},"rootfs":{"type":"layers","diff_ids":["` + sum(layer.Bytes()) + `"]}}`)
	const kind = "application/vnd.docker.distribution.manifest.v2+json"
	entry := func(media string, data []byte) map[string]any {
		return map[string]any{"mediaType": media, "size": len(data), "digest": sum(data)}
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": kind, "config": entry("application/vnd.docker.container.image.v1+json", config),
		"layers": []any{entry("application/vnd.docker.image.rootfs.diff.tar", layer.Bytes())},
	})
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{
		"manifests/1": manifest, "manifests/" + sum(manifest): manifest, "blobs/" + sum(config): config, "blobs/" + sum(layer.Bytes()): layer.Bytes(),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, _ := r.BasicAuth(); user != "me" || secret != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		data, ok := content[strings.TrimPrefix(r.URL.Path, "/v2/fn/")]
		switch {
		case r.URL.Path == "/v2/":
		case !ok:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`)
		default:
			w.Header().Set("Docker-Content-Digest", sum(data))
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(data)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestPull(t *testing.T) {
	box, _ := boxed(t, Options{})
	host := registry(t)
	name := host + "/fn:1"
	auth := func(_ context.Context, registry string) (string, string, error) {
		if registry != host {
			t.Errorf("it is to sign in at %s", registry)
		}
		return "me", "secret", nil
	}
	var said bytes.Buffer
	if err := box.Engine.Pull(t.Context(), name, "", auth, &said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "Pull complete") {
		t.Errorf("it says:\n%s", &said)
	}
	img, err := box.Engine.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(img.Digest, "sha256:") || !slices.Equal(img.Command, []string{"x"}) {
		t.Errorf("it has %+v", img)
	}
	if err := box.Engine.Pull(t.Context(), host+"/fn@"+img.Digest, "linux/amd64", auth, nil); err != nil {
		t.Errorf("by its digest: %v", err)
	}
	for want, pull := range map[string]func() error{
		"no basic auth credentials": func() error { return box.Engine.Pull(t.Context(), name, "", nil, nil) },
		"manifest unknown":          func() error { return box.Engine.Pull(t.Context(), host+"/fn:2", "", auth, nil) },
		"signing in at " + host + ": no key": func() error {
			return box.Engine.Pull(t.Context(), name, "", func(context.Context, string) (string, string, error) { return "", "", errors.New("no key") }, nil)
		},
	} {
		if err := pull(); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "pulling ") && !strings.HasPrefix(err.Error(), "signing in") {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if err := box.Engine.Remove(t.Context(), name); err != nil {
		t.Error(err)
	}
}

func TestNamesOfImages(t *testing.T) {
	for name, want := range map[string]reference{
		"alpine":                            {"docker.io", "docker.io/library/alpine", "alpine", "latest"},
		"me/fn:2":                           {"docker.io", "docker.io/me/fn", "me/fn", "2"},
		"localhost:5000/fn":                 {"localhost:5000", "localhost:5000/fn", "localhost:5000/fn", "latest"},
		"public.ecr.aws/lambda/nodejs:22":   {"public.ecr.aws", "public.ecr.aws/lambda/nodejs", "public.ecr.aws/lambda/nodejs", "22"},
		"public.ecr.aws/l/n:22@sha256:0123": {"public.ecr.aws", "public.ecr.aws/l/n", "public.ecr.aws/l/n", "sha256:0123"},
		"index.docker.io/library/alpine:3":  {"docker.io", "docker.io/library/alpine", "index.docker.io/library/alpine", "3"},
	} {
		if diff := cmp.Diff(want, split(name), cmp.AllowUnexported(reference{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
