// Package moto runs moto's server, which answers as AWS does, for tests of what
// asks AWS. moto is a Python program: .ci/install gets it, in the version that
// it pins, into a folder of its own.
package moto

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// patience is how long the server may take to start: it loads hundreds of
// Python modules, on a machine that may be busy.
const patience = 90 * time.Second

// Server is a running server with an AWS of its own, empty at first, in which
// everybody may do everything.
type Server struct {
	// URL is where it answers, for all services and regions.
	URL    string
	python string
}

//go:embed server.py
var server string

// Start starts a server that ends with the test, or skips the test where moto
// is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{python: find(t)}
	cmd := exec.Command(s.python, "-c", server)
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close()
	if err != nil {
		out.Close()
		t.Fatal(err)
	}
	said, url := make(chan string, 1), make(chan string, 1)
	go func() {
		defer out.Close()
		said <- listen(out, url)
	}()
	t.Cleanup(func() {
		in.Close() // the server ends with its input
		kill := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		text := <-said
		err := cmd.Wait()
		kill.Stop()
		if err != nil || t.Failed() {
			t.Logf("moto: %v, and it said:\n%s", err, text)
		}
	})
	select {
	case s.URL = <-url:
	case <-time.After(patience):
	}
	if s.URL == "" {
		t.Fatalf("moto has not said within %v where it answers", patience)
	}
	s.wait(t)
	return s
}

// listen reads what the server says to its end, and tells its address.
func listen(out io.Reader, url chan<- string) string {
	defer close(url)
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if _, address, ok := strings.Cut(lines.Text(), "Running on "); ok && len(url) == 0 {
			url <- strings.TrimSpace(address)
		}
	}
	return said.String()
}

// wait returns when the server answers.
func (s *Server) wait(t testing.TB) {
	t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(s.URL + "/moto-api/")
		if err == nil {
			res.Body.Close()
			return
		}
		last = err
	}
	t.Fatalf("moto does not answer at %s: %v", s.URL, last)
}

// Do runs a script of Python that has boto3, AWS's SDK, set up for the server,
// in us-east-1 unless the script says other, and returns what it prints. This
// is how tests make what they then look for.
func (s *Server) Do(t testing.TB, script string) string {
	t.Helper()
	cmd := exec.Command(s.python, "-c", "import boto3, json\n"+script)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Env = s.Environ()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return strings.TrimSpace(out.String())
}

// Environ is an environment for programs that are to ask the server: an
// address and keys, and nothing of the user's.
func (s *Server) Environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true",
	}
}

// Guard makes the server check who asks, and what for, from now on.
func (s *Server) Guard(t testing.TB) {
	t.Helper()
	res, err := http.Post(s.URL+"/moto-api/reset-auth", "text/plain", strings.NewReader("0"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("moto answers %s", res.Status)
	}
}

// find returns the Python that has moto: LAMBKIN_MOTO names the folder where
// .ci/install puts it, by default a cache folder of the user's.
func find(t testing.TB) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Log(err) // the folder is then named, or not there
	}
	dir := cmp.Or(os.Getenv("LAMBKIN_MOTO"), filepath.Join(home, ".cache", "lambkin-dev", "moto"))
	python := filepath.Join(dir, "bin", "python3")
	if runtime.GOOS == "windows" {
		python = filepath.Join(dir, "Scripts", "python.exe")
	}
	if _, err := os.Stat(python); err != nil {
		testenv.Skip(t, "moto", "the test asks a server that answers as AWS does")
	}
	return python
}
