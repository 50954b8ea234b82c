package fleet_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
)

// refusing is a sandbox that the machine does not let be.
type refusing struct{}

func (refusing) Name() string { return "refusing" }
func (refusing) Open(context.Context, sandbox.Spec) (sandbox.Environment, error) {
	return nil, &sandbox.Unavailable{Sandbox: "refusing", Reason: "the moon is full", Hint: "wait", Err: errors.New("no")}
}

func TestAnotherSandboxTakesThePlaceOfOneThatIsRefused(t *testing.T) {
	var mu sync.Mutex
	var notices []string
	f := open(t, func(o *fleet.Options) {
		o.Sandbox, o.Fallback = refusing{}, process.Sandbox{}
		o.Notice = func(text string) { mu.Lock(); notices = append(notices, text); mu.Unlock() }
	})
	one, two := function(t.TempDir(), "count"), function(t.TempDir(), "count")
	for _, fn := range []*lambda.Function{one, two} {
		if got := invoke(t, f, fn); got != "1" {
			t.Errorf("answer %s", got)
		}
	}
	if got := strings.Join(notices, "|"); got != "functions are not isolated from this machine, since the moon is full; to change that: wait|a fake runtime" {
		t.Errorf("notices %q", got)
	}
}

func TestARefusedSandboxIsAnErrorWithoutAnother(t *testing.T) {
	img := &sandbox.Image{Name: "app:1", Entrypoint: []string{"/x"}}
	for name, change := range map[string]func(*fleet.Options){
		"none": func(*fleet.Options) {},
		"an image": func(o *fleet.Options) {
			o.Fallback = process.Sandbox{}
			o.Images = func(context.Context, *lambda.Function) (*sandbox.Image, error) { return img, nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, func(o *fleet.Options) { o.Sandbox = refusing{}; change(o) })
			_, err := f.Invoke(t.Context(), function(t.TempDir(), "count"), &lambda.Invocation{Payload: []byte("{}")})
			if refused, ok := errors.AsType[*sandbox.Unavailable](err); !ok || refused.Sandbox != "refusing" {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestAnImageIsAskedForOnceAndAgainAfterAFailure: the user mends what is wrong.
func TestAnImageIsAskedForOnceAndAgainAfterAFailure(t *testing.T) {
	asked := 0
	f := open(t, func(o *fleet.Options) {
		o.Images = func(context.Context, *lambda.Function) (*sandbox.Image, error) {
			if asked++; asked == 1 {
				return nil, errors.New("the registry is away")
			}
			return nil, nil // the host's programs
		}
	})
	fn := function(t.TempDir(), "exit:1")
	if _, err := f.Invoke(t.Context(), fn, &lambda.Invocation{}); err == nil || !strings.Contains(err.Error(), "the registry is away") {
		t.Errorf("error %v", err)
	}
	for range 2 {
		invoke(t, f, fn)
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
