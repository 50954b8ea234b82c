package fsx

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tempVariable makes this test program one that is killed with a temporary folder.
const tempVariable = "LAMBKIN_TEST_TEMP"

func TestTempGoesWithWhoeverHasIt(t *testing.T) {
	if os.Getenv(tempVariable) != "" {
		temp, err := NewTemp("test")
		if err == nil {
			err = os.WriteFile(filepath.Join(temp.Dir, "file"), nil, 0o644)
		}
		if err == nil { // another that was killed before it had a folder
			err = os.WriteFile(filepath.Join(os.TempDir(), "lambkin-test-early.lock"), nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		os.Exit(7) // without Close
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // of Windows
	mine, err := NewTemp("test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewTemp("other")
	if err != nil {
		t.Fatal(err)
	}
	// That of another program, without a lock, is nobody's business.
	if err := os.Mkdir(filepath.Join(dir, "lambkin-test-foreign"), 0o700); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		cmd := exec.Command(exe, "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), tempVariable+"=1")
		var exit *exec.ExitError
		if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Fatalf("%v: %s", err, out)
		}
	}
	count := func(want int) {
		t.Helper()
		if found, _ := filepath.Glob(filepath.Join(dir, "*")); len(found) != want {
			t.Errorf("there are %q, want %d", found, want)
		}
	}
	count(8) // folders with their locks; the second has removed the first one's
	again, err := NewTemp("test")
	if err != nil {
		t.Fatal(err)
	}
	count(7)
	for _, temp := range []*Temp{mine, other, again} {
		if _, err := os.Stat(temp.Dir); err != nil {
			t.Error(err)
		}
		if err := temp.Close(); err != nil {
			t.Error(err)
		}
	}
	count(1)
}
