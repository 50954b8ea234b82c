package instance

import (
	"context"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// concurrent reports whether the environment serves several invocations at
// once, as those on a capacity provider do. It is initialised by the first; one
// that takes too long is given up without ending the others, and none is told
// to extensions.
func (i *Instance) concurrent() bool { return i.opts.Function.MaxConcurrency > 0 }

// serveShared runs the invocation beside others. The caller has the token,
// which is given back when the runtime is ready.
func (c *call) serveShared(ctx context.Context) (*lambda.Result, error) {
	failed, err := c.initialize(ctx)
	if err == nil && failed == nil {
		<-c.busy
		return c.deliverShared(ctx)
	}
	defer func() { <-c.busy }()
	if err != nil {
		c.stop(c.reason)
		c.ended.Store(true)
		return nil, err
	}
	c.announce()
	res := c.fail(failed)
	c.stop(c.reason)
	return res, nil
}

// deliverShared gives the event to the runtime, which may have others, and
// waits for its answer.
func (c *call) deliverShared(ctx context.Context) (*lambda.Result, error) {
	c.announce()
	c.throttle(true)
	arn := c.opts.Function.ARN(c.opts.Environ.Region, c.opts.Environ.Account, c.inv.Qualifier)
	x := c.run.api.Deliver(&runtimeapi.Event{Invocation: c.inv, ARN: arn, Deadline: c.deadline})
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	select {
	case a := <-x.Answered():
		return c.answeredShared(&a), nil
	case <-c.run.proc.Done():
		select {
		case a := <-x.Answered(): // it answered and ended at once
			return c.answeredShared(&a), nil
		default:
			return c.fail(c.exited()), nil
		}
	case <-timer.C:
		c.run.api.Abandon(x)
		late := c.timedOut()
		c.report(late, false)
		return c.failure(late), nil
	case <-c.closing:
		return nil, ErrShutdown
	case <-ctx.Done():
		c.run.api.Abandon(x)
		return nil, ctx.Err()
	}
}

func (c *call) answeredShared(a *runtimeapi.Answer) *lambda.Result {
	c.report(c.verdict(a), false)
	return c.result(a)
}
