package namespace_test

import (
	"os"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	if status, ok := namespace.Main(os.Args); ok {
		os.Exit(status)
	}
	sandboxtest.Main()
	os.Exit(m.Run())
}

func TestSandbox(t *testing.T) {
	sandboxtest.Run(t, namespace.Sandbox{})
}
