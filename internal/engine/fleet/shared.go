package fleet

import (
	"context"
	"errors"
	"slices"

	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// shared is an environment that several invocations share.
type shared struct {
	started chan struct{} // closed when instance or err is there
	*instance.Instance
	err error
	n   int // invocations that have a place in it; guarded by the fleet's mu
}

// invokeShared runs fn beside other invocations in one environment, as many as
// the function's configuration allows.
func (f *Fleet) invokeShared(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	for {
		s, err := f.join(ctx, fn)
		if err != nil {
			return nil, err
		}
		res, err := s.Invoke(ctx, inv)
		over := errors.Is(err, instance.ErrShutdown)
		if end := f.leave(fn, s, over); end != nil {
			err = errors.Join(err, end)
		}
		if !over || f.isClosed() {
			return res, err
		}
	}
}

// join takes a place in an environment of fn, or starts one. Those who come
// while it is being started wait for it.
func (f *Fleet) join(ctx context.Context, fn *lambda.Function) (*shared, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, ErrClosed
	}
	all := f.shared[fn]
	if i := slices.IndexFunc(all, func(s *shared) bool { return s.n < fn.MaxConcurrency }); i >= 0 {
		s := all[i]
		s.n++
		f.mu.Unlock()
		<-s.started
		return s, s.err
	}
	s := &shared{started: make(chan struct{}), n: 1}
	f.shared[fn] = append(all, s)
	f.mu.Unlock()
	s.Instance, s.err = f.start(ctx, fn)
	if s.err != nil {
		f.forget(fn, s)
	}
	close(s.started)
	return s, s.err
}

// leave gives a place back, and ends an environment that nobody will use any
// more: broken says that it serves nobody.
func (f *Fleet) leave(fn *lambda.Function, s *shared, broken bool) error {
	if broken {
		f.forget(fn, s)
	}
	f.mu.Lock()
	s.n--
	last := s.n == 0 && !slices.Contains(f.shared[fn], s)
	f.mu.Unlock()
	if !last {
		return nil
	}
	return f.end(s.Instance)
}

// forget lets no further invocation join.
func (f *Fleet) forget(fn *lambda.Function, s *shared) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shared[fn] = slices.DeleteFunc(f.shared[fn], func(other *shared) bool { return other == s })
}

func (f *Fleet) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// retireShared ends the environments of fn that nobody uses; the caller holds mu.
func (f *Fleet) retireShared(fn *lambda.Function) {
	for _, s := range f.shared[fn] {
		if s.n == 0 {
			f.endLater(fn, s.Instance)
		}
	}
	delete(f.shared, fn)
}
