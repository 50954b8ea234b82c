package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func streams(in *os.File) (s *Streams, errs *bytes.Buffer) {
	errs = &bytes.Buffer{}
	return &Streams{In: in, Out: &bytes.Buffer{}, Err: errs, Env: map[string]string{}}, errs
}

func TestJSONEvent(t *testing.T) {
	tests := []struct{ name, in, want, err string }{
		{"as it is", " {\"a\": 1.10}\n", " {\"a\": 1.10}\n", ""},
		{"nothing", "", "{}", ""},
		{"blanks", " \n\t", "{}", ""},
		{"byte order mark", "\ufeff[1]", "[1]", ""},
		{"scalar", "5", "5", ""},
		{"broken", "{\n \"a\": }", "", "e.json:2:7: the event is not JSON: "},
		{"two values", "{} {}", "", "e.json:1:4: the event is not JSON: "},
		{"not a number", "NaN", "", "e.json:1:1: the event is not JSON: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := JSONEvent([]byte(tt.in), "e.json")
			var problem *app.Problem
			if tt.err != "" {
				if !errors.As(err, &problem) || problem.Kind != app.InCall || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("%q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestReadEventFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("e.json", []byte("[1]"), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open("e.json")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	s, _ := streams(in)
	for _, name := range []string{"e.json", "-", filepath.Join(".", "e.json")} {
		if got, err := s.ReadEventFile(name); err != nil || string(got) != "[1]" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := s.ReadEventFile("nope.json"); err == nil || !strings.Contains(err.Error(), "nope.json") {
		t.Errorf("missing file: %v", err)
	}
	s.In = strings.NewReader(strings.Repeat("x", lambda.MaxRequestBytes+1))
	if _, err := s.ReadEventFile("-"); err == nil || !strings.Contains(err.Error(), "more than 6291456 bytes") {
		t.Errorf("endless input: %v", err)
	}
}

func TestPiped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("from a file"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		open   func(t *testing.T) *os.File
		want   string
		notice bool
	}{
		{"regular file", func(t *testing.T) *os.File { return open(t, file) }, "from a file", false},
		{"null device", func(t *testing.T) *os.File { return open(t, os.DevNull) }, "", false},
		{"pipe with data", func(t *testing.T) *os.File {
			r, w := pipe(t)
			_, _ = w.WriteString("from a pipe")
			_ = w.Close()
			return r
		}, "from a pipe", false},
		{"pipe that ends", func(t *testing.T) *os.File { r, w := pipe(t); _ = w.Close(); return r }, "", false},
		{"pipe with data that comes in parts", func(t *testing.T) *os.File {
			r, w := pipe(t)
			_, _ = w.WriteString("one ")
			time.AfterFunc(2*patience, func() { _, _ = w.WriteString("two"); _ = w.Close() })
			return r
		}, "one two", false},
		// This process is the one that holds the other end, so nobody is beside it.
		{"pipe that is only held open", func(t *testing.T) *os.File { r, _ := pipe(t); return r }, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, errs := streams(tt.open(t))
			got, err := s.Piped(t.Context())
			if err != nil || string(got) != tt.want {
				t.Errorf("%q (%v), want %q", got, err, tt.want)
			}
			if tt.notice != strings.Contains(errs.String(), "nothing came from standard input") {
				t.Errorf("standard error: %q", errs)
			}
		})
	}
}

func TestPipedEndsWithItsContext(t *testing.T) {
	r, w := pipe(t)
	_, _ = w.WriteString("begun and never ended")
	s, _ := streams(r)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Piped(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(); _ = r.Close() })
	return r, w
}
