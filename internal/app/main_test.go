package app_test

import (
	"os"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
)

func TestMain(m *testing.M) {
	if status, holder := namespace.Main(os.Args); holder {
		os.Exit(status)
	}
	os.Exit(m.Run())
}
