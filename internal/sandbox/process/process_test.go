package process_test

import (
	"os"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
	"github.com/lambkin-dev/lambkin/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Main()
	os.Exit(m.Run())
}

func TestSandbox(t *testing.T) { sandboxtest.Run(t, process.Sandbox{}) }
