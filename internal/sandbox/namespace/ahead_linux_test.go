package namespace

import (
	"io"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

func TestTheFirstEnvironmentIsTheOneThatWasBegun(t *testing.T) {
	able(t)
	box, stop := Sandbox{}.Ahead()
	begun := box.(*ahead)
	<-begun.begun
	if box.Name() != (Sandbox{}).Name() {
		t.Errorf("it is called %s", box.Name())
	}
	open := func() *environment {
		t.Helper()
		env, err := box.Open(t.Context(), sandbox.Spec{Code: t.TempDir(), Runtime: t.TempDir(), Memory: 64 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = env.Close() })
		return env.(*environment)
	}
	first, second := open(), open()
	if first != begun.env || second == first {
		t.Error("the first is not what was begun, or the second is")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, env := range []*environment{first, second} {
		p, err := env.Start(t.Context(), sandbox.Command{Path: "/bin/true", Dir: "/", Stdout: io.Discard, Stderr: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		if <-p.Done(); p.Exit().Code != 0 {
			t.Errorf("a process: %s", p.Exit().Text)
		}
	}
}

func TestWhatNobodyOpensIsEnded(t *testing.T) {
	able(t)
	box, stop := Sandbox{}.Ahead()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	env := box.(*ahead).env
	select {
	case <-env.gone:
	default:
		t.Error("it is still there")
	}
	if err := stop(); err != nil {
		t.Errorf("stopped again: %v", err)
	}
	later, err := box.Open(t.Context(), sandbox.Spec{Code: t.TempDir(), Runtime: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := later.Close(); err != nil {
		t.Error(err)
	}
}
