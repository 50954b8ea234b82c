package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// open opens a function of the examples, with temporary files in a folder of
// the test's own that must be empty in the end.
func open(t testing.TB, function string) *app.System {
	t.Helper()
	testenv.Leaks(t)
	t.Setenv("TMPDIR", t.TempDir())
	env := map[string]string{"LAMBKIN_CACHE_DIR": t.TempDir()}
	for _, name := range []string{"PATH", "HOME"} {
		env[name] = os.Getenv(name)
	}
	env["AWS_CONFIG_FILE"], env["AWS_SHARED_CREDENTIALS_FILE"] = os.DevNull, os.DevNull
	s, err := app.Open(t.Context(), app.Options{
		Env: env, File: filepath.FromSlash("../../examples/sam-hello/template.yaml"), Function: function,
		Sink: func(telemetry.Record) {}, Notice: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
			t.Errorf("files are left behind: %v", left)
		}
	})
	return s
}

func invoke(t testing.TB, s *app.System) {
	t.Helper()
	res, err := s.Invoke(t.Context(), s.Function, &lambda.Invocation{Payload: []byte(`{"name":"Ada"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(res.Payload), "Hello, Ada!") {
		t.Fatalf("payload %s", res.Payload)
	}
	s.Settle()
}

func TestTwoHundredInvocationsLeaveNothing(t *testing.T) {
	tests := []struct {
		name, function string
		need           func(testing.TB) string
	}{
		{"Node.js", "Hello", testenv.Node},
		{"Python", "Greet", testenv.Python},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.need(t)
			s := open(t, tt.function)
			for range 200 {
				invoke(t, s)
			}
		})
	}
}

// BenchmarkWarm is what an invocation costs whose environment is there.
func BenchmarkWarm(b *testing.B) {
	for _, function := range []string{"Hello", "Greet"} {
		b.Run(function, func(b *testing.B) {
			testenv.Node(b)
			testenv.Python(b)
			s := open(b, function)
			invoke(b, s)
			for b.Loop() {
				invoke(b, s)
			}
		})
	}
}
