package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestSources(t *testing.T) {
	s := plain(t, dir("var/"), dir("var/task/"), file("var/task/app.py", "from amd64"))
	other := newSample(t, "arm64", gzipped, nil, tarOf(t, file("var/task/app.py", "from arm64")))
	both := indexOf(t, other, s)
	h := newHub(t)
	h.serve("app:1", s)
	h.serve("multi:1", both)
	pinned := s.manifest.Digest.String()
	saved := dockerFiles(t, map[string]*sample{"app:1": s})
	two := dockerFiles(t, map[string]*sample{"app:1": s, "app:2": other})
	layout := layoutFiles(t, map[string]*sample{"": s})
	tags := layoutFiles(t, map[string]*sample{"one": s, "two": other})
	engine := func(files map[string][]byte) *Engine {
		return &Engine{Save: func(context.Context, string) (io.ReadCloser, error) {
			return os.Open(tarFile(t, "saved.tar", files))
		}}
	}
	none := &Engine{Save: func(context.Context, string) (io.ReadCloser, error) { return nil, ErrNotFound }}
	tests := []struct {
		name, image, digest string
		options             Options
	}{
		{"registry", h.host + "/app:1", pinned, Options{}},
		{"registry by digest", h.host + "/app@" + pinned, pinned, Options{}},
		{"registry, several", h.host + "/multi:1", pinned, Options{}},
		{"registry as localhost", strings.Replace(h.host, "127.0.0.1", "localhost", 1) + "/app:1", pinned, Options{}},
		{"layout", "oci:" + writeFiles(t, t.TempDir(), layout), pinned, Options{}},
		{"layout with tags", "oci:" + writeFiles(t, t.TempDir(), tags) + ":one", pinned, Options{}},
		{"layout with several", writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": both})), pinned, Options{}},
		{"layout's path", writeFiles(t, t.TempDir(), layout), pinned, Options{}},
		{"OCI archive", "oci-archive:" + tarFile(t, "a.tar", tags) + ":one", pinned, Options{}},
		{"OCI archive's path", tarFile(t, "a.tar", layout), pinned, Options{}},
		{"OCI archive, compressed", tarFile(t, "a.tgz", layout), pinned, Options{}},
		{"saved", "docker-archive:" + tarFile(t, "a.tar", two) + ":app:1", "", Options{}},
		{"saved, by path", tarFile(t, "a.tar", saved), "", Options{}},
		{"saved, a file of any name", tarFile(t, "colon:in-it", saved), "", Options{}},
		{"saved and compressed", tarFile(t, "a.tar.gz", saved), "", Options{}},
		{"engine", "app", "", Options{Engine: engine(saved)}},
		{"engine without it", h.host + "/app:1", pinned, Options{Engine: none}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testenv.Leaks(t)
			store := newStore(t, Limits{})
			img := got(t, store, tt.image, tt.options)
			want := &Image{
				Name: tt.image, Digest: tt.digest, ID: digestOf(s.config), Root: filepath.Join(store.dir, "roots", idHex(digestOf(s.config)), "rootfs"), Architecture: "amd64",
				Entrypoint: []string{"/lambda-entrypoint.sh"}, Command: []string{"app.handler"}, Env: []string{"LANG=en_US.UTF-8"}, Dir: "/var/task", User: "993",
			}
			if diff := cmp.Diff(want, img, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".lock" }, cmp.Ignore())); diff != "" {
				t.Errorf("image (-want +got):\n%s", diff)
			}
			if got := content(t, img, "var/task/app.py"); got != "from amd64" {
				t.Errorf("the wrong image: %q", got)
			}
			if entries, _ := os.ReadDir(filepath.Join(store.dir, "tmp")); len(entries) != 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestCompressions(t *testing.T) {
	for name, compress := range map[string]func([]byte) []byte{"gzip": gzipped, "zstd": zstded, "none": asItIs} {
		t.Run(name, func(t *testing.T) {
			s := newSample(t, "amd64", compress, nil, tarOf(t, file("a", "1")), tarOf(t, file("b", strings.Repeat("2", 1<<20))))
			img := got(t, newStore(t, Limits{}), writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s})), Options{})
			if content(t, img, "a") != "1" || len(content(t, img, "b")) != 1<<20 {
				t.Error("files differ")
			}
		})
	}
}

func TestLogins(t *testing.T) {
	s := plain(t, file("a", "1"))
	helper := "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"ada\",\"Secret\":\"secret\"}'\n"
	for _, login := range []string{"basic", "bearer"} {
		for _, kept := range []string{"", "auths", "credsStore", "credHelpers"} {
			t.Run(login+" "+kept, func(t *testing.T) {
				if runtime.GOOS == "windows" && strings.HasPrefix(kept, "cred") {
					t.Skip("the helper is a shell script")
				}
				h := newHub(t)
				h.login = login
				h.serve("app:1", s)
				store := newStore(t, Limits{})
				config := map[string]string{
					"": "{}", "auths": `{"auths":{"` + h.host + `":{"auth":"` + adasPassword + `"}}}`,
					"credsStore": `{"credsStore":"made-up"}`, "credHelpers": `{"credHelpers":{"` + h.host + `":"made-up"}}`,
				}[kept]
				writeFiles(t, os.Getenv("DOCKER_CONFIG"), map[string][]byte{"config.json": []byte(config), "bin/docker-credential-made-up": []byte(helper)})
				bin := filepath.Join(os.Getenv("DOCKER_CONFIG"), "bin")
				if err := os.Chmod(filepath.Join(bin, "docker-credential-made-up"), 0o755); err != nil {
					t.Fatal(err)
				}
				t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
				err := failure(t.Context(), store, h.host+"/app:1", Options{})
				if kept != "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				wantRefusal(t, err, `image "`+h.host+`/app:1": the registry `+h.host+` does not hand it out without the right login: `)
				var refused *Error
				if errors.As(err, &refused) && !strings.Contains(refused.Hint, "docker login "+h.host) {
					t.Errorf("hint %q", refused.Hint)
				}
			})
		}
	}
}

// wantRefusal checks the beginning of a message that a user sees.
func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("error %v (%T), want %s", err, err, want)
	}
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error\n%s\nwant\n%s", err, want)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := plain(t, file("a", "1"))
	windows := newSample(t, "amd64", gzipped, func(_ *v1.Manifest, c *v1.ConfigFile) { c.OS = "windows" }, tarOf(t))
	h := newHub(t)
	h.serve("app:1", indexOf(t, s, newSample(t, "ppc64le", gzipped, nil, tarOf(t))))
	here := t.TempDir()
	t.Chdir(here)
	writeFiles(t, here, map[string][]byte{"text.tar": []byte(strings.Repeat("no tar ", 200)), "folder/x": nil})
	archive := tarFile(t, "two.tar", dockerFiles(t, map[string]*sample{"app:2": s}))
	broken := layoutFiles(t, map[string]*sample{"": s})
	delete(broken, "blobs/sha256/"+idHex(digestOf(s.config)))
	tests := []struct{ name, image, want string }{
		{"no name", "UPPER/Case", "that is no name of an image ("},
		{"unknown repository", h.host + "/none:1", "the registry " + h.host + " has no none:1: "},
		{"unknown tag", h.host + "/app:2", "the registry " + h.host + " has no app:2: "},
		{"no registry", "127.0.0.1:1/app:1", "the registry 127.0.0.1:1 cannot be reached: "},
		{"architecture", h.host + "/app:1", "there is none for linux/arm64; there are: linux/amd64, linux/ppc64le"},
		{"Windows", writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": windows})), "it is an image for windows"},
		{"no file", "oci:" + filepath.Join(here, "no"), `there is no file or folder "` + filepath.Join(here, "no") + `"`},
		{"no file after the colon", "oci:", "it names no file"},
		{"no archive", "./no.tar", `there is no file or folder "./no.tar"`},
		{"no tar", "text.tar", "it is no tar archive, or damaged: "},
		{"no layout", "./folder", "the folder has no file oci-layout"},
		{"no image of that name", "docker-archive:" + archive + ":app:3", `the archive has no image "app:3"; it has: app:2`},
		{"neither form", tarFile(t, "x.tar", map[string][]byte{"x": nil}), "it holds neither manifest.json nor index.json"},
		{"a part is missing", writeFiles(t, t.TempDir(), broken), "blobs/sha256/" + idHex(digestOf(s.config)) + ", which is a part of it, is not there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testenv.Leaks(t)
			store := newStore(t, Limits{})
			err := failure(t.Context(), store, tt.image, Options{Architecture: "arm64"})
			wantRefusal(t, err, `image "`+tt.image+`": `+tt.want)
			if l := left(t, store); l != nil {
				t.Errorf("left behind: %v", l)
			}
		})
	}
}

// A registry on another machine is not asked without TLS, not even when one
// that is asked sends the request there.
func TestNoRequestWithoutTLSLeavesTheMachine(t *testing.T) {
	h := newHub(t)
	h.serve("app:1", plain(t, file("a", "1")))
	h.alter = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		http.Redirect(w, r, "http://192.0.2.1/blob?signature=secret", http.StatusTemporaryRedirect)
		return true
	}
	err := failure(t.Context(), newStore(t, Limits{}), h.host+"/app:1", Options{})
	if !errors.Is(err, errPlain) && !strings.Contains(err.Error(), "does not speak TLS") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
	_, err = guarded{http.DefaultTransport}.RoundTrip(request(t, "http://192.168.1.1/v2/"))
	if !errors.Is(err, errPlain) {
		t.Errorf("error %v", err)
	}
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsAskedAgain(t *testing.T) {
	base, top := tarOf(t, file("base", "1")), tarOf(t, file("top", "1"))
	first := newSample(t, "amd64", gzipped, nil, base, top)
	second := newSample(t, "amd64", gzipped, nil, base, tarOf(t, file("top", "2")))
	h := newHub(t)
	h.serve("app:1", first)
	store, name := newStore(t, Limits{}), h.host+"/app:1"
	if img := got(t, store, name, Options{}); content(t, img, "top") != "1" {
		t.Error("wrong image")
	}
	if n := h.asked("/blobs/"); n != 3 {
		t.Errorf("%d parts were asked for: %v", n, h.requests)
	}
	got(t, store, name, Options{})
	if n, m := h.asked("/blobs/"), h.asked("/manifests/1"); n != 3 || m != 2 {
		t.Errorf("the second time %d parts and %d manifests in all were asked for", n, m)
	}
	h.serve("app:1", second)
	if img := got(t, store, name, Options{SkipPull: true}); content(t, img, "top") != "1" || h.asked("/manifests/1") != 2 {
		t.Error("the registry was asked")
	}
	if img := got(t, store, name, Options{}); content(t, img, "top") != "2" || content(t, img, "base") != "1" {
		t.Error("the new image was not taken")
	}
	if n := h.asked("/blobs/"); n != 5 {
		t.Errorf("what the images share was asked for again: %v", h.requests)
	}
	for _, fails := range []func(){func() { h.login = "basic" }, h.server.Close} {
		fails()
		var notices []string
		if img := got(t, store, name, Options{Notice: func(s string) { notices = append(notices, s) }}); content(t, img, "top") != "2" || img.Digest != second.manifest.Digest.String() {
			t.Error("the wrong copy")
		}
		if len(notices) != 1 || !strings.HasPrefix(notices[0], fmt.Sprintf("image %q: ", name)) || !strings.HasSuffix(notices[0], "; the copy in the cache is used") {
			t.Errorf("notices %q", notices)
		}
	}
}

func TestTheHintForAmazonsRegistry(t *testing.T) {
	ref, err := name.ParseReference("123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:1")
	if err != nil {
		t.Fatal(err)
	}
	var refused *Error
	if err := explainStatus(ref.Context().RegistryStr(), ref, &transport.Error{StatusCode: http.StatusForbidden}); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	const want = "log in with aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com, or name a credential helper in Docker's config.json"
	if refused.Hint != want {
		t.Errorf("hint %q", refused.Hint)
	}
}

func TestEngineSavesOnce(t *testing.T) {
	s := plain(t, file("a", "1"))
	archive := tarFile(t, "a.tar", dockerFiles(t, map[string]*sample{"app:1": s}))
	id, saves := "one", 0
	e := &Engine{
		ID: func(context.Context, string) (string, error) { return id, nil },
		Save: func(context.Context, string) (io.ReadCloser, error) {
			saves++
			return os.Open(archive)
		},
	}
	store := newStore(t, Limits{})
	for range 2 {
		got(t, store, "app:1", Options{Engine: e})
	}
	if saves != 1 {
		t.Errorf("saved %d times", saves)
	}
	id = "two"
	got(t, store, "app:1", Options{Engine: e})
	if saves != 2 {
		t.Errorf("a new image was not saved")
	}
	e.Save = func(context.Context, string) (io.ReadCloser, error) { return nil, errors.New("no permission") }
	id = "three"
	wantRefusal(t, failure(t.Context(), store, "app:1", Options{Engine: e}), `image "app:1": the container engine does not hand it out: no permission`)
}

func TestBrokenOffDownloads(t *testing.T) {
	s := plain(t, file("a", strings.Repeat("1", 10000)))
	h := newHub(t)
	h.serve("app:1", s)
	breaks := 2
	layer := hashOf(t, gzipped(s.layers[0])).String()
	h.alter = func(w http.ResponseWriter, r *http.Request, data []byte) bool {
		if !strings.HasSuffix(r.URL.Path, layer) || breaks == 0 {
			return false
		}
		breaks--
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(data[:10])
		return true
	}
	var last Progress
	got(t, newStore(t, Limits{}), h.host+"/app:1", Options{Progress: func(p Progress) {
		if p.Phase == Download {
			last = p
		}
	}})
	if breaks != 0 || last.Done != last.Total || last.Total != int64(len(gzipped(s.layers[0]))) {
		t.Errorf("breaks %d, progress %+v", breaks, last)
	}
}

func TestProgress(t *testing.T) {
	var layers [][]byte
	for i := range 4 {
		layers = append(layers, tarOf(t, file("f", strings.Repeat(string(rune('a'+i)), 3<<20))))
	}
	s := newSample(t, "amd64", asItIs, nil, layers...)
	h := newHub(t)
	h.serve("app:1", s)
	var all []Progress
	began := time.Now()
	got(t, newStore(t, Limits{}), h.host+"/app:1", Options{Progress: func(p Progress) { all = append(all, p) }})
	if most := int(time.Since(began)/pace) + 6; len(all) > most {
		t.Errorf("%d reports in %v", len(all), time.Since(began))
	}
	var phases []Phase
	for _, p := range all {
		if p.Name != h.host+"/app:1" || p.Digest != s.manifest.Digest.String() || p.Total != 4*int64(len(layers[0])) || p.Done > p.Total {
			t.Errorf("report %+v", p)
		}
		if !slices.Contains(phases, p.Phase) {
			phases = append(phases, p.Phase)
		}
	}
	if diff := cmp.Diff([]Phase{Download, Unpack}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	if last := all[len(all)-1]; last.Done != last.Total {
		t.Errorf("the last report is %+v", last)
	}
}

func TestCancelled(t *testing.T) {
	s := newSample(t, "amd64", asItIs, nil, tarOf(t, file("a", strings.Repeat("1", 8<<20))))
	h := newHub(t)
	h.serve("app:1", s)
	archive := tarFile(t, "a.tar", dockerFiles(t, map[string]*sample{"app:1": s}))
	stuck, release := io.Pipe()
	defer release.Close()
	engine := &Engine{Save: func(context.Context, string) (io.ReadCloser, error) {
		data, err := os.ReadFile(archive)
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(data[:1<<20]), stuck), stuck}, err
	}}
	for name, phase := range map[string]Phase{h.host + "/app:1": Download, archive: Unpack, "oci:" + writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s})): Unpack} {
		t.Run(string(phase), func(t *testing.T) {
			testenv.Leaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			store := newStore(t, Limits{})
			err := failure(ctx, store, name, Options{Progress: func(p Progress) {
				if p.Phase == phase {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if l := left(t, store); l != nil {
				t.Errorf("left behind: %v", l)
			}
		})
	}
	t.Run("an engine that hangs", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		store := newStore(t, Limits{})
		if err := failure(ctx, store, "app:1", Options{Engine: engine}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if l := left(t, store); l != nil {
			t.Errorf("left behind: %v", l)
		}
	})
}

// The registry of the library's own makes an image of what is pushed to it.
func TestAnotherRegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	push := func(method, path, media string, data []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", media)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
	}
	s := newSample(t, "arm64", zstded, nil, tarOf(t, file("a", "1")))
	all := indexOf(t, s)
	for digest, data := range all.blobs {
		if digest != s.manifest.Digest.String() && digest != all.manifest.Digest.String() {
			push(http.MethodPost, "/v2/team/app/blobs/uploads/?digest="+digest, "application/octet-stream", data)
		}
	}
	push(http.MethodPut, "/v2/team/app/manifests/"+s.manifest.Digest.String(), string(s.manifest.MediaType), all.blobs[s.manifest.Digest.String()])
	push(http.MethodPut, "/v2/team/app/manifests/v1", string(all.manifest.MediaType), all.blobs[all.manifest.Digest.String()])
	img := got(t, newStore(t, Limits{}), strings.TrimPrefix(server.URL, "http://")+"/team/app:v1", Options{Architecture: "arm64"})
	if content(t, img, "a") != "1" || img.Architecture != "arm64" {
		t.Errorf("image %+v", img)
	}
}
