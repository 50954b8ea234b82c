package fleet_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// together invokes fn once with each event, at the same time, and returns the
// payloads in the order of the events.
func together(t *testing.T, f *fleet.Fleet, fn *lambda.Function, events ...string) []string {
	t.Helper()
	got := make([]string, len(events))
	var wg sync.WaitGroup
	for n, event := range events {
		wg.Go(func() {
			res, err := f.Invoke(t.Context(), fn, &lambda.Invocation{Payload: []byte(event)})
			if err != nil {
				t.Error(err)
				return
			}
			got[n] = string(res.Payload)
		})
	}
	wg.Wait()
	return got
}

func provider(t *testing.T, handler string, concurrency int) *lambda.Function {
	fn := function(t.TempDir(), handler)
	fn.MaxConcurrency = concurrency
	return fn
}

func TestInvocationsShareAnEnvironment(t *testing.T) {
	f := open(t, nil)
	fn := provider(t, "meet", 4)
	pids := together(t, f, fn, "1", "2", "3", "4")
	if len(slices.Compact(slices.Clone(pids))) != 1 {
		t.Errorf("four invocations were served by %v", pids)
	}
	if again := together(t, f, fn, "1", "2"); again[0] != pids[0] {
		t.Errorf("the next were served by %v, not by %s", again, pids[0])
	}
}

func TestMoreInvocationsThanAnEnvironmentMayHave(t *testing.T) {
	f := open(t, nil)
	pids := together(t, f, provider(t, "meet", 2), "1", "2", "3", "4")
	slices.Sort(pids)
	if len(slices.Compact(pids)) != 2 {
		t.Errorf("four invocations, two at a time, were served by %v", pids)
	}
}

func TestASharedEnvironmentSurvivesATimeout(t *testing.T) {
	f := open(t, nil)
	fn := provider(t, "as-told", 2)
	fn.Timeout = time.Second
	first := together(t, f, fn, `"go"`)
	got := together(t, f, fn, `"sleep"`, `"go"`)
	if !strings.Contains(got[0], "Task timed out after 1.00 seconds") || got[1] != first[0] {
		t.Errorf("got %v beside %v", got, first)
	}
	if again := together(t, f, fn, `"go"`); again[0] != first[0] {
		t.Errorf("served by %v, not by %s, after the timeout", again, first[0])
	}
}

func TestASharedEnvironmentEndsForAll(t *testing.T) {
	f := open(t, nil)
	fn := provider(t, "as-told", 2)
	first := together(t, f, fn, `"go"`)
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := together(t, f, fn, `"sleep"`); !strings.Contains(got[0], "exit status 3") {
			t.Errorf("the other got %v", got)
		}
	})
	time.Sleep(300 * time.Millisecond) // it is under way
	if got := together(t, f, fn, `"exit"`); !strings.Contains(got[0], "exit status 3") {
		t.Errorf("got %v", got)
	}
	wg.Wait()
	if again := together(t, f, fn, `"go"`); again[0] == first[0] || strings.Contains(again[0], "error") {
		t.Errorf("then got %v, before %v", again, first)
	}
}

func TestARetiredSharedEnvironmentEnds(t *testing.T) {
	f := open(t, nil)
	fn := provider(t, "as-told", 2)
	first := together(t, f, fn, `"go"`)
	f.Retire(fn)
	if again := together(t, f, fn, `"go"`); again[0] == first[0] {
		t.Errorf("a retired environment served on: %v", again)
	}
}

func TestAFailedInitOfASharedEnvironment(t *testing.T) {
	f := open(t, nil)
	for _, got := range together(t, f, provider(t, "init-exit:3", 2), "1", "2") {
		if !strings.Contains(got, "exit status 3") {
			t.Errorf("got %s", got)
		}
	}
}
