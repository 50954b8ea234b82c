// Package engine runs a container engine of the tests' own: Debian's dockerd,
// with its socket, images and containers in a temporary folder, and without a
// network, so that the machine stays as it was. There is nothing to pull: an
// image is made of files.
package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long the engine may take to start, and to end.
const patience = 60 * time.Second

var shared struct {
	sync.Mutex
	started bool
	host    string
	refused string
	dir     string
	cmd     *exec.Cmd
	ended   chan struct{}
}

// Host starts the engine, unless one runs already, and returns where it
// answers, as DOCKER_HOST has it. Without root, or where it may not run, the
// test is skipped. The package's TestMain calls [Stop] at the end.
func Host(t testing.TB) string {
	t.Helper()
	host, refused, wanted := Start()
	switch {
	case refused == "":
	case wanted && os.Getenv("CI") == "true":
		t.Fatal(refused + ", and with CI=true nothing is skipped")
	default:
		t.Skip(refused)
	}
	return host
}

// Start is [Host] without a test: refused says why there is no engine, and
// wanted that there has to be one with CI=true.
func Start() (host, refused string, wanted bool) {
	if runtime.GOOS != "linux" {
		return "", "the tests' container engine is for Linux", false
	}
	if os.Geteuid() != 0 {
		return "", "a container engine needs root, and these tests run as an ordinary user", false
	}
	dockerd, err := exec.LookPath("dockerd")
	if err != nil {
		return "", "dockerd is not on this machine (the test runs containers): .ci/install docker gets it", true
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.started {
		shared.started = true
		if err := start(dockerd); err != nil {
			shared.refused = "dockerd does not run: " + err.Error()
			stop()
		}
	}
	return shared.host, shared.refused, true
}

func start(dockerd string) error {
	dir, err := os.MkdirTemp("", "lambkin-dockerd-*")
	if err != nil {
		return err
	}
	shared.dir, shared.ended = dir, make(chan struct{})
	shared.host = "unix://" + filepath.Join(dir, "d.sock")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	shared.cmd = exec.Command(dockerd, "--host", shared.host, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none", "--log-level=warn",
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/"+filepath.Base(dir))
	shared.cmd.Stdout, shared.cmd.Stderr = log, log
	shared.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin:" + os.Getenv("PATH"), "HOME=" + dir}
	shared.cmd.SysProcAttr = attributes()
	began := make(chan error)
	go func() {
		runtime.LockOSThread() // the engine ends with the thread that has started it
		err := shared.cmd.Start()
		began <- err
		if err == nil {
			_ = shared.cmd.Wait()
		}
		close(shared.ended)
	}()
	if err := <-began; err != nil {
		return err
	}
	client := client()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if res, err := client.Get("http://localhost/_ping"); err == nil {
			res.Body.Close()
			return nil
		}
		select {
		case <-shared.ended:
			said, _ := os.ReadFile(filepath.Join(dir, "log"))
			lines := strings.Split(strings.TrimSpace(string(said)), "\n")
			return errors.New(lines[len(lines)-1])
		default:
		}
	}
	return fmt.Errorf("it does not answer within %v", patience)
}

// client speaks with the engine.
func client() *http.Client {
	socket := strings.TrimPrefix(shared.host, "unix://")
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socket)
	}}}
}

// Stop ends the engine, if it was started, and removes all that it has. It is
// called once, when the tests have run.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	stop()
}

func stop() {
	if shared.cmd != nil && shared.cmd.Process != nil {
		_ = shared.cmd.Process.Signal(syscall.SIGTERM) // it ends its containers and containerd
		select {
		case <-shared.ended:
		case <-time.After(patience):
			_ = shared.cmd.Process.Kill()
			<-shared.ended
		}
		shared.cmd = nil
	}
	if shared.dir != "" {
		unmount(shared.dir)
		removeGroups(filepath.Base(shared.dir))
		if err := os.RemoveAll(shared.dir); err != nil {
			fmt.Fprintln(os.Stderr, "removing the container engine's folder:", err)
		}
		shared.dir = ""
	}
}

// Load brings the images of an archive, as `docker save` writes it, into the
// engine that [Start] has started.
func Load(archive string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = ask(http.MethodPost, "/images/load?quiet=1", f)
	return err
}

// Tag gives an image of the engine's another name.
func Tag(image, name string) error {
	repository, tag, _ := strings.Cut(name, ":")
	_, err := ask(http.MethodPost, "/images/"+image+"/tag?repo="+repository+"&tag="+tag, nil)
	return err
}

// Containers are the ids of all containers that the engine has, running or not.
func Containers() (ids []string, err error) {
	said, err := ask(http.MethodGet, "/containers/json?all=1", nil)
	if err != nil {
		return nil, err
	}
	var list []struct{ ID string }
	if err := json.Unmarshal(said, &list); err != nil {
		return nil, err
	}
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids, nil
}

// ask sends the engine a request and returns the answer.
func ask(method, path string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequest(method, "http://localhost"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := client().Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode >= http.StatusBadRequest || bytes.Contains(said, []byte("errorDetail"))) {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said)
	}
	return said, err
}

// Import makes an image of files by their paths in it, and of settings as a
// Dockerfile has them: "ENV A=1". name is "fn:test". It goes with the engine.
func Import(t testing.TB, name string, files map[string]string, settings ...string) {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for path, content := range files {
		path = strings.TrimPrefix(path, "/")
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	repository, tag, _ := strings.Cut(name, ":")
	query := "fromSrc=-&repo=" + repository + "&tag=" + tag
	for _, s := range settings {
		query += "&changes=" + strings.ReplaceAll(s, " ", "%20")
	}
	Host(t)
	if _, err := ask(http.MethodPost, "/images/create?"+query, &archive); err != nil {
		t.Fatalf("making the image %s: %v", name, err)
	}
}
