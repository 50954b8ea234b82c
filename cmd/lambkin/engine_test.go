package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lambkin-dev/lambkin/internal/testenv/engine"
)

// withEngine ends the container engine, if a script has started it, when all
// tests have run.
type withEngine struct{ *testing.M }

func (m withEngine) Run() int {
	defer engine.Stop()
	defer released.remove()
	return m.M.Run()
}

// haveEngine starts the tests' container engine.
func haveEngine() (bool, error) {
	_, refused, wanted := engine.Start()
	switch {
	case refused == "":
		return true, nil
	case wanted && os.Getenv("CI") == "true":
		return false, errors.New(refused + ", and with CI=true nothing is skipped")
	}
	fmt.Fprintln(os.Stderr, "no containers:", refused)
	return false, nil
}

// engine sets DOCKER_HOST to the container engine that [dockerd] has started,
// $RELEASED to lambkin as it is released, and LAMBKIN_LINUX_BINARY to the same:
// this test's own program may need libraries that images lack.
func useEngine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: engine")
	}
	host, refused, _ := engine.Start()
	if refused != "" {
		ts.Fatalf("%s", refused)
	}
	program, err := released.program()
	ts.Check(err)
	ts.Setenv("DOCKER_HOST", host)
	ts.Setenv("RELEASED", program)
	ts.Setenv("LAMBKIN_LINUX_BINARY", program)
}

// released is lambkin without the C library.
var released release

type release struct {
	sync.Mutex
	dir, file string
}

func (r *release) program() (string, error) {
	r.Lock()
	defer r.Unlock()
	if r.file != "" {
		return r.file, nil
	}
	var err error
	if r.dir, err = os.MkdirTemp("", "lambkin-released-*"); err != nil {
		return "", err
	}
	if err := os.Chmod(r.dir, 0o755); err != nil { // containers read it as another user
		return "", err
	}
	file := filepath.Join(r.dir, "lambkin")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building lambkin: %w\n%s", err, out)
	}
	r.file = file
	return file, nil
}

func (r *release) remove() {
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// load FILE NAME [OTHERNAME]... brings the image NAME of an archive into the
// container engine, and gives it other names.
func loadImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: load FILE NAME [OTHERNAME]...")
	}
	ts.Check(engine.Load(ts.MkAbs(args[0])))
	for _, name := range args[2:] {
		ts.Check(engine.Tag(args[1], name))
	}
}

// nocontainers [soon] checks that the container engine has no containers.
func noContainers(ts *testscript.TestScript, neg bool, args []string) {
	soon := len(args) == 1 && args[0] == "soon"
	if neg || len(args) > 0 && !soon {
		ts.Fatalf("usage: nocontainers [soon]")
	}
	var end time.Time
	if soon {
		end = time.Now().Add(patience)
	}
	ids, err := left(end)
	ts.Check(err)
	if len(ids) > 0 {
		ts.Fatalf("containers are left: %s", strings.Join(ids, " "))
	}
}

// left are the containers that there still are at a time.
func left(end time.Time) ([]string, error) {
	for {
		ids, err := engine.Containers()
		if err != nil || len(ids) == 0 || time.Now().After(end) {
			return ids, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// leftContainers checks at the end that scripts have left no container.
func leftContainers(t *testing.T) {
	if released.file == "" {
		return // none has used the engine
	}
	if ids, err := left(time.Now().Add(patience)); err != nil || len(ids) > 0 {
		t.Errorf("containers are left: %v %v", ids, err)
	}
}
