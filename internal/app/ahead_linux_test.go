package app_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestWhatIsBegunAheadIsEnded: of a system that nobody asks for anything, and
// of one that there is not, nothing is left.
func TestWhatIsBegunAheadIsEnded(t *testing.T) {
	if err := (namespace.Sandbox{}).Check(t.Context()); err != nil {
		t.Skip(err)
	}
	testenv.Leaks(t)
	children := func() int { return len(sandbox.Children(os.Getpid())) }
	before := children()
	for function, begun := range map[string]int{"Hello": 1, "Nobody": 0} {
		s, err := app.Open(t.Context(), app.Options{
			Env:  map[string]string{"LAMBKIN_CACHE_DIR": t.TempDir(), "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull},
			File: filepath.FromSlash("../../examples/sam-hello/template.yaml"), Function: function, Isolation: "namespace",
			Sink: func(telemetry.Record) {}, Notice: func(string) {},
		})
		if (err == nil) != (begun == 1) {
			t.Fatalf("%s: %v", function, err)
		}
		if s != nil {
			for children() < before+begun { // it starts meanwhile
				if t.Context().Err() != nil {
					t.Fatal("nothing is begun")
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if n := children(); n != before {
			t.Errorf("%s: %d processes are left", function, n-before)
		}
	}
}
