package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// An entry of a layer; kind 0 is a file.
type entry struct {
	name    string
	kind    byte
	content string // or what a link leads to
	mode    int64  // 0 is 0644, and 0755 of folders
}

func file(name, content string) entry { return entry{name: name, content: content} }
func dir(name string) entry           { return entry{name: name, kind: tar.TypeDir} }
func symlink(name, to string) entry   { return entry{name: name, kind: tar.TypeSymlink, content: to} }
func hardlink(name, to string) entry  { return entry{name: name, kind: tar.TypeLink, content: to} }

var longAgo = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: e.mode, ModTime: longAgo, Format: tar.FormatPAX}
		switch e.kind {
		case 0:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.content))
		case tar.TypeSymlink, tar.TypeLink:
			h.Linkname = e.content
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if e.kind == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(e.content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func zstded(data []byte) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func asItIs(data []byte) []byte { return data }

// sample is an image that tests make, as parts by their digests.
type sample struct {
	blobs    map[string][]byte
	manifest v1.Descriptor
	config   []byte
	layers   [][]byte // uncompressed
}

// newSample makes an image; change may alter what the manifest says.
func newSample(t testing.TB, arch string, compress func([]byte) []byte, change func(*v1.Manifest, *v1.ConfigFile), layers ...[]byte) *sample {
	t.Helper()
	s := &sample{blobs: map[string][]byte{}, layers: layers}
	cfg := &v1.ConfigFile{Architecture: arch, OS: "linux", RootFS: v1.RootFS{Type: "layers"}, Config: v1.Config{
		Entrypoint: []string{"/lambda-entrypoint.sh"}, Cmd: []string{"app.handler"}, Env: []string{"LANG=en_US.UTF-8"}, WorkingDir: "/var/task", User: "993",
	}}
	m := &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	for _, l := range layers {
		cfg.RootFS.DiffIDs = append(cfg.RootFS.DiffIDs, hashOf(t, l))
		m.Layers = append(m.Layers, s.put(t, compress(l), types.OCILayer))
	}
	if change != nil {
		change(m, cfg)
	}
	s.config = marshal(t, cfg)
	m.Config = s.put(t, s.config, types.OCIConfigJSON)
	s.manifest = s.put(t, marshal(t, m), types.OCIManifestSchema1)
	s.manifest.Platform = &v1.Platform{OS: "linux", Architecture: arch}
	return s
}

func plain(t testing.TB, entries ...entry) *sample {
	t.Helper()
	return newSample(t, "amd64", gzipped, nil, tarOf(t, entries...))
}

func (s *sample) put(t testing.TB, data []byte, media types.MediaType) v1.Descriptor {
	t.Helper()
	h := hashOf(t, data)
	s.blobs[h.String()] = data
	return v1.Descriptor{MediaType: media, Size: int64(len(data)), Digest: h}
}

// indexOf makes an image for several platforms.
func indexOf(t testing.TB, samples ...*sample) *sample {
	t.Helper()
	s := &sample{blobs: map[string][]byte{}}
	m := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, one := range samples {
		for d, data := range one.blobs {
			s.blobs[d] = data
		}
		m.Manifests = append(m.Manifests, one.manifest)
	}
	s.manifest = s.put(t, marshal(t, m), types.OCIImageIndex)
	return s
}

func hashOf(t testing.TB, data []byte) v1.Hash {
	t.Helper()
	h, err := v1.NewHash(digestOf(data))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// layoutFiles are the files of an OCI layout with images by their tags.
func layoutFiles(t testing.TB, images map[string]*sample) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	index := v1.IndexManifest{SchemaVersion: 2}
	for tag, s := range images {
		d := s.manifest
		d.Platform = nil
		if tag != "" {
			d.Annotations = map[string]string{tagAnnotation: tag}
		}
		index.Manifests = append(index.Manifests, d)
		for digest, data := range s.blobs {
			out["blobs/sha256/"+idHex(digest)] = data
		}
	}
	out["index.json"] = marshal(t, index)
	return out
}

// dockerFiles are the files that docker save writes.
func dockerFiles(t testing.TB, images map[string]*sample) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	var saved []savedImage
	for tag, s := range images {
		name := idHex(digestOf(s.config)) + ".json"
		out[name] = s.config
		one := savedImage{Config: name, RepoTags: []string{tag}}
		for i, l := range s.layers {
			layer := fmt.Sprintf("%s-%d/layer.tar", tag, i)
			out[layer] = l
			one.Layers = append(one.Layers, layer)
		}
		saved = append(saved, one)
	}
	out["manifest.json"] = marshal(t, saved)
	return out
}

func writeFiles(t testing.TB, dir string, files map[string][]byte) string {
	t.Helper()
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func tarFile(t testing.TB, name string, files map[string][]byte) string {
	t.Helper()
	var entries []entry
	for name, data := range files {
		entries = append(entries, file(name, string(data)))
	}
	path := filepath.Join(t.TempDir(), name)
	data := tarOf(t, entries...)
	if strings.HasSuffix(name, "gz") {
		data = gzipped(data)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func newStore(t testing.TB, limits Limits) *Store {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return Open(filepath.Join(t.TempDir(), "images"), limits)
}

func got(t testing.TB, s *Store, name string, o Options) *Image {
	t.Helper()
	if o.Architecture == "" {
		o.Architecture = "amd64"
	}
	img, err := s.Get(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := img.Release(); err != nil {
			t.Error(err)
		}
	})
	return img
}

// content is what a file of an image holds.
func content(t testing.TB, img *Image, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(img.Root, filepath.FromSlash(name)))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// left are the files that a store holds, folders not counted.
func left(t testing.TB, s *Store) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(filepath.Join(s.dir, "tmp"))
	roots, _ := os.ReadDir(filepath.Join(s.dir, "roots"))
	for _, e := range slices.Concat(entries, roots) {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// hub is a registry in memory, whose host is 127.0.0.1.
type hub struct {
	host     string
	login    string             // "basic" or "bearer" asks for ada's password
	mu       sync.Mutex         // one request at a time
	images   map[string]*sample // by repository:tag
	requests []string
	alter    func(w http.ResponseWriter, r *http.Request, data []byte) bool // serves the request itself
	server   *httptest.Server
}

const adasPassword = "YWRhOnNlY3JldA==" // of ada, secret

func newHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{images: map[string]*sample{}}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	h.host = strings.TrimPrefix(h.server.URL, "http://")
	return h
}

// serve makes an image known under a name.
func (h *hub) serve(name string, s *sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.images[name] = s
}

func (h *hub) asked(part string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, r := range h.requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	h.mu.Unlock()
	auth := r.Header.Get("Authorization")
	switch {
	case r.URL.Path == "/token":
		if auth != "Basic "+adasPassword {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"token":"let-me-in"}`))
		return
	case h.login == "bearer" && auth != "Bearer let-me-in":
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+h.server.URL+`/token",service="hub"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	case h.login == "basic" && auth != "Basic "+adasPassword:
		w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.URL.Path == "/v2/":
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	repository, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
	kind, which, _ := strings.Cut(rest, "/")
	var data []byte
	for name, s := range h.images {
		if repo, tag, _ := strings.Cut(name, ":"); repo == repository {
			if tag == which && kind == "manifests" {
				which = s.manifest.Digest.String()
			}
			if found, ok := s.blobs[which]; ok {
				data = found
			}
		}
	}
	if data == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if h.alter != nil && h.alter(w, r, data) {
		return
	}
	if kind == "manifests" {
		var m v1.Manifest
		_ = json.Unmarshal(data, &m)
		w.Header().Set("Content-Type", string(m.MediaType))
	}
	_, _ = w.Write(data)
}

// failure is Get's error.
func failure(ctx context.Context, s *Store, name string, o Options) error {
	if o.Architecture == "" {
		o.Architecture = "amd64"
	}
	img, err := s.Get(ctx, name, o)
	if err == nil {
		_ = img.Release()
	}
	return err
}
