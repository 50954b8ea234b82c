package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/testenv/fake"
	"github.com/lambkin-dev/lambkin/internal/testenv/imagetest"
)

// TestMain makes this binary lambkin, under the names of the tools that it
// stands in for too, when a script runs it.
func TestMain(m *testing.M) {
	if status, ok := container.Main(os.Args); ok {
		os.Exit(status)
	}
	fake.Main()
	lambkin := func() { os.Exit(run()) }
	testscript.Main(withEngine{m}, map[string]func(){"lambkin": lambkin, "sam": lambkin, "serverless": lambkin, "sls": lambkin})
}

// TestScripts runs testdata/script: one script for each feature, in the words
// of a shell session. What scripts can do is described at
// https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript; below are the
// commands and conditions that are added here.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leftContainers(t) }) // when all scripts have ended
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", filepath.Join(root, "examples"))
			env.Setenv("LAMBKIN_CACHE_DIR", filepath.Join(env.WorkDir, ".cache"))
			// The user's home is where version managers keep interpreters.
			env.Setenv("HOME", os.Getenv("HOME"))
			// But it holds the user's credentials, too.
			env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "aws", "config"))
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "aws", "credentials"))
			for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
				env.Setenv(name, "")
			}
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"filled":  filled,
			"needaws": needAWS,
			"waitfor": waitFor,
			"gone":    gone,
			"empty":   empty,
			"same":    same,
			"mkimage": makeImage,
			"engine":  useEngine, "load": loadImage, "nocontainers": noContainers,
		},
	})
}

// awsPython is a Python with AWS's own command line, "" where there is none; see
// [testenv.AWS].
func awsPython() string {
	dir := cmp.Or(os.Getenv("LAMBKIN_AWS"), filepath.Join(os.Getenv("HOME"), ".cache", "lambkin-dev", "aws"))
	python := filepath.Join(dir, "bin", "python3")
	if _, err := os.Stat(python); err != nil {
		return ""
	}
	return python
}

// condition knows [node], [python], [ruby], [java], [maven] and [aws], which is
// AWS's command line: the machine has one; [namespace]: it lets functions run in
// namespaces; and [dockerd]: it lets a container engine of the tests' own run.
// With CI=true they must be there, since a skipped script would be missed by nobody.
func condition(name string) (bool, error) {
	programs := map[string]string{"node": "node", "python": "python3", "ruby": "ruby", "java": "javac", "maven": "mvn"}
	if name == "namespace" {
		return namespace.Sandbox{}.Check(context.Background()) == nil, nil
	}
	if name == "dockerd" {
		return haveEngine()
	}
	if name == "aws" {
		return os.Getenv("CI") == "true" || awsPython() != "", nil
	}
	program, ok := programs[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if st, err := os.Stat(filepath.Join(dir, program)); err == nil && !st.IsDir() {
			return true, nil
		}
	}
	if os.Getenv("CI") == "true" {
		return false, fmt.Errorf("%s is not on this machine, and with CI=true nothing is skipped", program)
	}
	return false, nil
}

// needaws sets $AWS to a Python with AWS's command line.
func needAWS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: needaws")
	}
	if awsPython() == "" {
		ts.Fatalf("AWS's command line is not on this machine, and with CI=true nothing is skipped")
	}
	ts.Setenv("AWS", awsPython())
}

// filled FILE PREFIX N SUFFIX writes PREFIX, N letters x and SUFFIX.
func filled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: filled FILE PREFIX N SUFFIX")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]+strings.Repeat("x", n)+args[3]), 0o644))
}

// mkimage FILE NAME FOLDER [PROGRAM]... makes an archive of a container image:
// the files of FOLDER and programs of this machine. FOLDER.json is what the
// image says of the program to start.
func makeImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: mkimage FILE NAME FOLDER [PROGRAM]...")
	}
	var config imagetest.Config
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2]+".json")), &config))
	ts.Check(imagetest.Write(ts.MkAbs(args[0]), args[1], config, ts.MkAbs(args[2]), args[3:]...))
}

const patience = 30 * time.Second

// waitfor FILE waits until FILE is there and not empty.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if st, err := os.Stat(ts.MkAbs(args[0])); err == nil && st.Size() > 0 {
			return
		}
	}
	ts.Fatalf("%s has not come within %v", args[0], patience)
}

// gone FILE checks that no process runs whose id stands in FILE, one a line.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone FILE")
	}
	if runtime.GOOS != "linux" {
		return
	}
	ids := strings.Fields(ts.ReadFile(args[0]))
	if len(ids) == 0 {
		ts.Fatalf("%s names no process", args[0])
	}
	for _, id := range ids {
		if stat, err := os.ReadFile(filepath.Join("/proc", id, "stat")); err == nil {
			ts.Fatalf("process %s is still there: %s", id, stat)
		}
	}
}

// empty DIR checks that DIR has no files, hidden ones included.
func empty(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: empty DIR")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		ts.Fatalf("%s holds %s", args[0], e.Name())
	}
}

// same FILE FILE compares two files byte for byte, without printing them.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] same FILE FILE")
	}
	a, b := []byte(ts.ReadFile(args[0])), []byte(ts.ReadFile(args[1]))
	if bytes.Equal(a, b) == neg {
		ts.Fatalf("%s has %d bytes, %s has %d; equal: %v", args[0], len(a), args[1], len(b), !neg)
	}
}
