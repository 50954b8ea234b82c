package namespace

import (
	"context"
	"sync/atomic"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// ahead is a Sandbox whose next environment has been begun.
type ahead struct {
	Sandbox
	taken atomic.Bool
	begun chan struct{} // closed when what follows is valid
	env   *environment
	err   error
}

// Ahead implements [sandbox.Ahead]: process 1 starts while the caller finds out
// what the environment is for.
func (s Sandbox) Ahead() (sandbox.Sandbox, func() error) {
	a := &ahead{Sandbox: s, begun: make(chan struct{})}
	go func() {
		defer close(a.begun)
		a.env, a.err = s.begin()
	}()
	return a, a.stop
}

// Open implements [sandbox.Sandbox].
func (a *ahead) Open(_ context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	return a.open(spec, func() (*environment, error) {
		if a.taken.Swap(true) {
			return a.begin()
		}
		<-a.begun
		return a.env, a.err
	})
}

// stop ends what has been begun, unless it is in use.
func (a *ahead) stop() error {
	if a.taken.Swap(true) {
		return nil
	}
	<-a.begun
	if a.err != nil {
		return nil // nobody has asked for it
	}
	return a.env.Close()
}
