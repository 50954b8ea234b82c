package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder is a test that notes what is said to it in place of failing.
type recorder struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) note(k, s string)  { r.said = append(r.said, k+": "+s) }
func (r *recorder) end() (out string) { runCleanups(r); return strings.Join(r.said, "\n") }

func (r *recorder) Skipf(f string, args ...any)  { r.note("skip", fmt.Sprintf(f, args...)) }
func (r *recorder) Fatalf(f string, args ...any) { r.note("fatal", fmt.Sprintf(f, args...)) }
func (r *recorder) Errorf(f string, args ...any) { r.note("error", fmt.Sprintf(f, args...)) }

func runCleanups(r *recorder) {
	for _, f := range r.cleanups {
		f()
	}
}

func TestMissingToolSkipsAndFailsInCI(t *testing.T) {
	tests := []struct {
		name, ci, want string
	}{
		{"on a developer's machine", "", "skip: node is not on this machine: the test runs Node.js functions"},
		{"in CI", "true", "fatal: node is not on this machine (the test runs Node.js functions), and with CI=true nothing is skipped: .ci/install gets it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("CI", tt.ci)
			t.Setenv("PATH", t.TempDir())
			r := &recorder{}
			if path := Node(r); path != "" {
				t.Errorf("Node = %q on an empty PATH", path)
			}
			if diff := cmp.Diff(tt.want, r.end()); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindPassesOverShims(t *testing.T) {
	root := t.TempDir()
	name := "tool"
	if runtime.GOOS == "windows" {
		name = "tool.exe"
	}
	shims, bin := filepath.Join(root, "shims"), filepath.Join(root, "bin")
	for _, dir := range []string{shims, bin} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		dirs []string
		want string
	}{
		{"shim first", []string{shims, bin}, filepath.Join(bin, name)},
		{"only a shim", []string{shims}, ""},
		{"relative folders are not looked at", []string{".", "bin"}, ""},
		{"nothing on PATH", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, find("tool", tt.dirs)); diff != "" {
				t.Errorf("find (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToolsThatAreThereAreFoundByAbsolutePath(t *testing.T) {
	for _, path := range []string{Node(t), Python(t), Go(t)} {
		if !filepath.IsAbs(path) {
			t.Errorf("%q is not absolute", path)
		}
	}
}
