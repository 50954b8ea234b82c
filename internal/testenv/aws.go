package testenv

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// AWS returns a Python that has AWS's own command line (python -m awscli) and
// SDK (boto3), or skips. LAMBKIN_AWS names the folder where .ci/install puts
// them, by default a cache folder of the user's.
func AWS(t testing.TB) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Log(err) // the folder is then named, or not there
	}
	dir := cmp.Or(os.Getenv("LAMBKIN_AWS"), filepath.Join(home, ".cache", "lambkin-dev", "aws"))
	python := filepath.Join(dir, "bin", "python3")
	if runtime.GOOS == "windows" {
		python = filepath.Join(dir, "Scripts", "python.exe")
	}
	if _, err := os.Stat(python); err != nil {
		Skip(t, "aws", "the test uses AWS's command line and SDK")
	}
	return python
}
