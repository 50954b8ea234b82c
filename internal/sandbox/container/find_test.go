package container

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeEngine answers as an engine does when it is asked for its version.
func fakeEngine(version string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/version":
			_, _ = io.WriteString(w, version)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"`+r.URL.Path+`"}`)
		}
	})
}

const someVersion = `{"ApiVersion":"1.43","MinAPIVersion":"1.24","Os":"linux","Arch":"x86_64","KernelVersion":"6.1"}`

// listens serves an engine at a socket of a folder that is short enough for one.
func listens(t *testing.T, name, version string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such sockets")
	}
	dir, err := os.MkdirTemp("", "lk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(fakeEngine(version))
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return dir
}

func writeText(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	home := listens(t, ".colima/default/docker.sock", someVersion)
	colima := "unix://" + filepath.Join(home, ".colima", "default", "docker.sock")
	docker := filepath.Join(home, ".docker")
	sum := sha256.Sum256([]byte("mine"))
	meta := filepath.Join(docker, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json")
	writeText(t, meta, `{"Name":"mine","Endpoints":{"docker":{"Host":"`+colima+`","SkipTLSVerify":false}}}`)
	server := httptest.NewServer(fakeEngine(someVersion))
	defer server.Close()
	tcp := "tcp://" + server.Listener.Addr().String()
	for name, env := range map[string]map[string]string{
		"DOCKER_HOST":    {"DOCKER_HOST": colima, "DOCKER_CONTEXT": "other"},
		"TCP":            {"DOCKER_HOST": tcp},
		"DOCKER_CONTEXT": {"HOME": home, "DOCKER_CONTEXT": "mine"},
	} {
		e, err := Find(t.Context(), env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := colima
		if name == "TCP" {
			want = tcp
		}
		if diff := cmp.Diff(&about{version: "1.43", system: "linux", architecture: "amd64", kernel: "6.1"}, e.about, cmp.AllowUnexported(about{})); diff != "" || e.Host != want {
			t.Errorf("%s: found %s (-want +got):\n%s", name, e.Host, diff)
		}
		if platform, err := e.Platform(t.Context()); platform != "linux/amd64" || err != nil {
			t.Errorf("%s: its containers run on %s, %v", name, platform, err)
		}
		if _, err := e.Inspect(t.Context(), "x"); !NotFound(err) || err.Error() != "/v1.43/images/x/json" {
			t.Errorf("%s: it is asked with %v", name, err)
		}
	}
	if named, err := chosen(map[string]string{"HOME": home, "DOCKER_CONTEXT": "default"}); err != nil || named.host != "" {
		t.Errorf("the default context is %+v, %v", named, err)
	}
	if at := sockets(map[string]string{"HOME": home}); !slices.Contains(at, strings.TrimPrefix(colima, "unix://")) {
		t.Errorf("the usual places are %v", at)
	}
	writeText(t, filepath.Join(docker, "config.json"), `{"currentContext":"mine"}`)
	if e, err := Find(t.Context(), map[string]string{"HOME": home, BinaryVariable: "/x"}); err != nil || e.Host != colima || e.binary != "/x" {
		t.Errorf("the current context is not found: %v", err)
	}
}

func TestWhatIsWrongWithAnEngine(t *testing.T) {
	home := t.TempDir()
	writeText(t, filepath.Join(home, ".docker", "config.json"), `{"currentContext":`)
	missing := "unix://" + filepath.ToSlash(filepath.Join(home, "no.sock"))
	server := func(version string) string {
		s := httptest.NewServer(fakeEngine(version))
		t.Cleanup(s.Close)
		return "tcp://" + s.Listener.Addr().String()
	}
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"DOCKER_HOST": missing}, "; it does not run: start it ("},
		{map[string]string{"DOCKER_HOST": "docker.sock"}, `DOCKER_HOST: "docker.sock" is no address of a container engine: write unix:///path`},
		{map[string]string{"DOCKER_HOST": "npipe:////./pipe/docker_engine"}, "lambkin does not open Windows' named pipes"},
		{map[string]string{"DOCKER_HOST": "vsock://x"}, "lambkin does not know the kind of address"},
		{map[string]string{"DOCKER_HOST": "ssh://-oProxyCommand=x"}, "names no machine"},
		{map[string]string{"DOCKER_HOST": "ssh://me:secret@host"}, "has a password"},
		{map[string]string{"DOCKER_HOST": server(`{"ApiVersion":"1.20"}`)}, "has version 1.20 of the interface, and lambkin needs 1.24 or newer"},
		{map[string]string{"DOCKER_HOST": server(`{"ApiVersion":"1.41","Os":"windows"}`)}, "runs containers of windows"},
		{map[string]string{"DOCKER_HOST": server(`{}`)}, "is no container engine"},
		{map[string]string{"DOCKER_HOST": server(`<html>`)}, "reading the container engine's answer"},
		{map[string]string{"HOME": home}, "reading Docker's configuration"},
		{map[string]string{"HOME": home, "DOCKER_CONTEXT": "x"}, `DOCKER_CONTEXT names the context "x", which does not exist`},
	} {
		if _, err := Find(t.Context(), tt.env); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: error %v, want %s", tt.env, err, tt.want)
		}
	}
	for version, want := range map[string]string{
		`{"ApiVersion":"1.99","MinAPIVersion":"1.44"}`: newest, `{"ApiVersion":"1.99","MinAPIVersion":"1.80"}`: "1.80",
	} {
		e, err := Find(t.Context(), map[string]string{"DOCKER_HOST": server(version)})
		if err != nil || e.about.version != want {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(fakeEngine(someVersion))
	defer server.Close()
	host := "tcp://" + server.Listener.Addr().String()
	_, err := Find(t.Context(), map[string]string{"DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
	if _, err := Find(t.Context(), map[string]string{"DOCKER_HOST": host, "DOCKER_TLS": "1"}); err != nil {
		t.Errorf("without a check: %v", err)
	}
}

// TestSSH has a program in the place of ssh.
func TestSSH(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in is a shell script")
	}
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	script := "#!/bin/sh\necho \"$@\" >" + said + "\nif [ -e " + dir + "/no ]; then echo 'Host key verification failed.' >&2; exit 255; fi\n" +
		"read -r line; while read -r more && [ ${#more} -gt 1 ]; do :; done\n" +
		"printf 'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s' " + "$(printf %s '" + someVersion + "' | wc -c) '" + someVersion + "'\ncat >/dev/null\n"
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	e, err := Find(t.Context(), map[string]string{"DOCKER_HOST": "ssh://me@host:2222/run/docker.sock"})
	if err != nil {
		t.Fatal(err)
	}
	e.client.CloseIdleConnections()
	if got, err := os.ReadFile(said); err != nil || string(got) != "-o ConnectTimeout=30 -T -l me -p 2222 -- host docker --host unix:///run/docker.sock system dial-stdio\n" {
		t.Errorf("ssh is started with %s, %v", got, err)
	}
	writeText(t, filepath.Join(dir, "no"), "")
	if _, err := Find(t.Context(), map[string]string{"DOCKER_HOST": "ssh://host"}); err == nil || !strings.Contains(err.Error(), "ssh: Host key verification failed.") {
		t.Errorf("error %v", err)
	}
}

// TestUpgrade: engines answer in two ways.
func TestUpgrade(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nrest":                     "rest",
		"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nrest":               "rest",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n{\"message\":\"nowhere\"}               ": "",
	} {
		a, b := net.Pipe()
		go func() {
			_, _ = http.ReadRequest(bufio.NewReader(b))
			_, _ = io.WriteString(b, answer)
			_ = b.Close()
		}()
		in, err := upgrade(a, &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Host: "x"})
		if want == "" {
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusNotFound {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := io.ReadAll(in); err != nil || string(got) != want {
			t.Errorf("what follows is %q, %v", got, err)
		}
	}
}

// TestRemovalIsTriedAgain: somebody else may be at it, and Podman fails while the
// container ends by itself. What goes on failing is told.
func TestRemovalIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		what     string
		statuses []int // of the answers in turn; the last one stays
		fails    bool
	}{
		{"gone already", []int{404}, false},
		{"at once", []int{204, 404}, false},
		{"somebody removes it", []int{409, 409, 404}, false},
		{"it ends by itself", []int{500, 500, 204, 404}, false},
		{"for good", []int{500}, true},
		{"not allowed", []int{403}, true},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel() // one takes two seconds
			left := tt.statuses
			versions := fakeEngine(someVersion)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodDelete {
					versions.ServeHTTP(w, r)
					return
				}
				w.WriteHeader(left[0])
				if left[0] != http.StatusNoContent {
					_, _ = io.WriteString(w, `{"message":"no"}`)
				}
				if len(left) > 1 {
					left = left[1:]
				}
			}))
			defer server.Close()
			engine, err := Find(t.Context(), map[string]string{"DOCKER_HOST": "tcp://" + strings.TrimPrefix(server.URL, "http://")})
			if err != nil {
				t.Fatal(err)
			}
			if err := engine.remove(t.Context(), "x"); (err != nil) != tt.fails || len(left) != 1 {
				t.Errorf("error %v, and answers %v are left", err, left)
			}
		})
	}
}
