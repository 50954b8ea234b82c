package fleet_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/testenv/fake"
)

// mortal is a sandbox whose environments start so many processes, and then have ended.
type mortal struct {
	process.Sandbox
	starts int32
	opened atomic.Int32
}

func (m *mortal) Open(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	m.opened.Add(1)
	env, err := m.Sandbox.Open(ctx, spec)
	return &mortalEnvironment{Environment: env, left: m.starts}, err
}

type mortalEnvironment struct {
	sandbox.Environment
	left int32 // starts; one at a time
}

func (e *mortalEnvironment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Proc, error) {
	if e.left--; e.left < 0 {
		return nil, &sandbox.Gone{Why: "somebody has ended it"}
	}
	return e.Environment.Start(ctx, cmd)
}

// TestAnEnvironmentThatHasEndedIsReplaced: its invocation fails as of a process
// that was ended, and the next is served by another environment.
func TestAnEnvironmentThatHasEndedIsReplaced(t *testing.T) {
	for _, tt := range []struct {
		name   string
		starts int32
		change func(*testing.T, *lambda.Function)
	}{
		{"a plain function", 1, func(*testing.T, *lambda.Function) {}},
		{"a shared environment", 1, func(_ *testing.T, fn *lambda.Function) { fn.MaxConcurrency = 2 }},
		{"a function with an extension", 2, func(t *testing.T, fn *lambda.Function) {
			layer, _ := fake.Extensions(t, fn, "good")
			fn.Layers = []lambda.Layer{{Dir: layer}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			box := &mortal{starts: tt.starts}
			fn := function(t.TempDir(), "pid")
			tt.change(t, fn)
			f := open(t, func(o *fleet.Options) { o.Sandbox = box })
			first, err := strconv.Atoi(invoke(t, f, fn))
			if err != nil {
				t.Fatal(err)
			}
			f.Settle()
			process, err := os.FindProcess(first)
			if err == nil {
				err = process.Kill()
			}
			if err != nil {
				t.Fatal(err)
			}
			// It may still be told of one event before its end is known.
			for range 2 {
				answer := invoke(t, f, fn)
				if strings.Contains(answer, lambda.Exited) {
					continue
				}
				if second, err := strconv.Atoi(answer); err != nil || second == first {
					t.Errorf("the next invocation answers %s", answer)
				}
				if n := box.opened.Load(); n != 2 {
					t.Errorf("%d environments", n)
				}
				return
			}
			t.Error("the environment is not replaced")
		})
	}
}

// TestAnEnvironmentThatEndsWithItsInitialisation fails the invocation by what
// the process has done, and is replaced for the next.
func TestAnEnvironmentThatEndsWithItsInitialisation(t *testing.T) {
	for _, shared := range []int{0, 2} {
		box := &mortal{starts: 1}
		f := open(t, func(o *fleet.Options) { o.Sandbox = box })
		fn := function(t.TempDir(), "init-exit:7")
		fn.MaxConcurrency = shared
		for n := range 2 {
			if answer := invoke(t, f, fn); !strings.Contains(answer, "exit status 7") {
				t.Errorf("invocation %d answers %s", n+1, answer)
			}
			f.Settle()
		}
		if n := box.opened.Load(); n != 2 {
			t.Errorf("%d environments", n)
		}
	}
}
