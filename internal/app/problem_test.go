package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes/image"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
)

// TestWhatContainersRefuse: whose turn it is, what is said, and what to do.
func TestWhatContainersRefuse(t *testing.T) {
	fn := &lambda.Function{Path: "F"}
	start := func(path, dir string, err error) error {
		return fmt.Errorf("starting: %w", &instance.CannotStart{Function: fn, Image: "i:1", Path: path, Dir: dir, Err: err})
	}
	kernel := func(path string, err error) error { return &fs.PathError{Op: "fork/exec", Path: path, Err: err} }
	for _, tt := range []struct {
		name       string
		err        error
		kind       ProblemKind
		says, hint string
	}{
		{"no program", start("/p", "/", kernel("/p", syscall.ENOENT)), InProject, "function F cannot be started: /p in the image i:1: no such file or directory", "ENTRYPOINT"},
		{"not executable", start("/p", "/", kernel("/p", syscall.EACCES)), InProject, "function F cannot be started: /p in the image i:1: permission denied", "chmod a+rx"},
		{"no format", start("/p", "/", kernel("/p", syscall.ENOEXEC)), InProject, "function F cannot be started: /p in the image i:1: exec format error", "#!"},
		{"no folder", start("/p", "/d", kernel("/d", syscall.ENOENT)), InProject, "the image i:1 has no folder /d, which function F is to start in", "WORKDIR"},
		{"nothing to start", &image.NoProgram{Function: fn, Image: "i:1"}, InProject, "the image i:1 does not say which program to start", "CMD"},
		{
			"no network", fmt.Errorf("opening the container sandbox: %w", &container.Error{Status: http.StatusNotFound, Message: "network n not found"}), InMachine,
			"network n not found", "docker network ls",
		},
		{"another refusal", &container.Error{Status: http.StatusConflict, Message: "no"}, InMachine, "no", ""},
		{
			"an engine that has gone", &container.Unreachable{Host: "unix:///d.sock", Err: syscall.ECONNREFUSED}, InMachine,
			"the container engine at unix:///d.sock does not answer: connection refused", "ends by itself",
		},
		{
			"another architecture", &sandbox.Unavailable{Sandbox: "container", Reason: "the image is for linux/arm64", Hint: "emulate it", Err: syscall.ENOEXEC}, InMachine,
			"functions cannot run in containers here: the image is for linux/arm64", "emulate it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, ok := errors.AsType[*Problem](explain(tt.err))
			if !ok || p.Kind != tt.kind || len(p.List) != 1 {
				t.Fatalf("got %#v", explain(tt.err))
			}
			if d := p.List[0]; d.Summary != tt.says || !strings.Contains(d.Hint, tt.hint) || (d.Hint == "") != (tt.hint == "") {
				t.Errorf("%q, hint %q", d.Summary, d.Hint)
			}
		})
	}
}
