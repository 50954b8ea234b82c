//go:build !linux

package namespace

import (
	"context"
	"errors"
	"runtime"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Open implements [sandbox.Sandbox].
func (Sandbox) Open(context.Context, sandbox.Spec) (sandbox.Environment, error) {
	return nil, &sandbox.Unavailable{Sandbox: "namespace", Reason: runtime.GOOS + " has none", Hint: "use --isolation process", Err: errors.ErrUnsupported}
}

// Check says that there is nothing to check.
func (s Sandbox) Check(ctx context.Context) error {
	_, err := s.Open(ctx, sandbox.Spec{})
	return err
}
