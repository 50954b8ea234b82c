package fsx_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/fsx"
)

func TestLocksKeepOthersOut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.lock")
	take := func(shared bool) *fsx.Lock {
		t.Helper()
		l, err := fsx.TryLock(name, shared)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	refused := func(shared bool) {
		t.Helper()
		if l, err := fsx.TryLock(name, shared); !errors.Is(err, fsx.ErrLocked) {
			t.Errorf("lock %v, error %v", l, err)
		}
	}
	one, two := take(true), take(true)
	refused(false)
	if err := errors.Join(one.Close(), two.Close()); err != nil {
		t.Fatal(err)
	}
	alone := take(false)
	refused(true)
	refused(false)
	if err := alone.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("the file is still there")
	}
	if err := take(false).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFreeSpace(t *testing.T) {
	dir := t.TempDir()
	if free, ok, err := fsx.FreeSpace(dir); err != nil || ok && free <= 0 {
		t.Errorf("%d bytes, %v, %v", free, ok, err)
	}
	if _, ok, _ := fsx.FreeSpace(filepath.Join(dir, "no")); ok {
		t.Error("a folder that is not there has free space")
	}
}
