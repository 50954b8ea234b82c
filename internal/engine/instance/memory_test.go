package instance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
)

// hungry is a sandbox whose processes all end for want of memory, and which
// notes how it is throttled.
type hungry struct {
	process.Sandbox
	mu        sync.Mutex
	throttled []bool
	err       error
}

func (h *hungry) Open(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	env, err := h.Sandbox.Open(ctx, spec)
	return hungryEnvironment{env, h}, err
}

type hungryEnvironment struct {
	sandbox.Environment
	box *hungry
}

func (e hungryEnvironment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Proc, error) {
	p, err := e.Environment.Start(ctx, cmd)
	return hungryProc{p}, err
}

func (e hungryEnvironment) Throttle(on bool) error {
	e.box.mu.Lock()
	defer e.box.mu.Unlock()
	e.box.throttled = append(e.box.throttled, on)
	return e.box.err
}

type hungryProc struct{ sandbox.Proc }

func (p hungryProc) Exit() sandbox.Exit {
	return sandbox.Exit{Code: -1, Text: "signal: killed", Time: time.Now(), PeakMemory: 1 << 40, OutOfMemory: true}
}

// TestAFunctionRunsOutOfMemory is told as on AWS, where some runtimes are told
// apart, and lambkin says once what helps.
func TestAFunctionRunsOutOfMemory(t *testing.T) {
	for _, tt := range []struct {
		runtime string
		shared  int
		want    string
	}{
		{"python3.13", 0, lambda.OutOfMemory},
		{"ruby3.4", 0, lambda.OutOfMemory},
		{"provided.al2023", 0, lambda.OutOfMemory},
		{"nodejs22.x", 0, lambda.Exited},
		{"java21", 0, lambda.Exited},
		{"dotnet8", 0, lambda.Exited},
		{"nodejs22.x", 2, lambda.OutOfMemory},
	} {
		fn := function("exit:3")
		fn.Runtime, fn.MaxConcurrency = tt.runtime, tt.shared
		var mu sync.Mutex
		var notices []string
		h := start(t, fn, func(o *instance.Options) {
			o.Sandbox = &hungry{}
			o.Notice = func(text string) {
				mu.Lock()
				defer mu.Unlock()
				notices = append(notices, text)
			}
		})
		for range 2 {
			res := h.invoke(t, &lambda.Invocation{})
			payload(t, res, fmt.Sprintf(`{"errorType":%q,"errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}`, tt.want))
		}
		h.Settle()
		if r := h.report(); r.ErrorType != tt.want || r.PeakMemory != 256<<20 {
			t.Errorf("%s: report %+v", tt.runtime, r)
		}
		mu.Lock()
		if n := strings.Count(strings.Join(notices, "\n"), "F has used more than its 256 MB"); n != 1 {
			t.Errorf("%s: notices %q", tt.runtime, notices)
		}
		mu.Unlock()
	}
}

// TestInvocationsAreThrottled, and initialisations are not.
func TestInvocationsAreThrottled(t *testing.T) {
	box := &hungry{err: errors.ErrUnsupported}
	var notices []string
	h := start(t, function("count-then-exit:2"), func(o *instance.Options) {
		o.Sandbox = box
		o.Notice = func(text string) { notices = append(notices, text) }
	})
	for range 3 {
		h.invoke(t, &lambda.Invocation{})
		h.Settle()
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	if want := []bool{true, false, true}; !cmp.Equal(box.throttled, want) {
		t.Errorf("throttled %v, want %v", box.throttled, want)
	}
	if !strings.Contains(strings.Join(notices, "\n"), "functions get all of the processor here") {
		t.Errorf("notices %q", notices)
	}
}
