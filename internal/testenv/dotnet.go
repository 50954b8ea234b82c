package testenv

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// DotNet returns the folder of a .NET runtime and a C# compiler, or skips.
// LAMBKIN_DOTNET names the folder where .ci/install puts the runtime, by
// default a cache folder of the user's.
func DotNet(t testing.TB) (root, compiler string) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the .NET runtime that .ci/install gets is for linux/amd64")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Log(err) // the folder is then named, or not there
	}
	root = cmp.Or(os.Getenv("LAMBKIN_DOTNET"), filepath.Join(home, ".cache", "lambkin-dev", "dotnet"))
	if _, err := os.Stat(filepath.Join(root, "dotnet")); err != nil {
		Skip(t, "dotnet", "the test runs a .NET program")
	}
	return root, need(t, "the test compiles C#", "mcs")
}
