package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// call is one invocation on its way through an instance.
type call struct {
	*Instance
	inv      *lambda.Invocation
	init     time.Duration // how long the initialisation took; 0 when an earlier call had it
	begun    time.Time     // when the function's time began to run
	deadline time.Time
}

// outcome is how a phase ended when it did not end well.
type outcome struct {
	status    telemetry.Status
	errorType string
	message   string             // for the log; "" when the runtime has said it
	answer    *runtimeapi.Answer // the runtime's own error object, nil when the platform makes one
	exit      int                // the process's exit status, when it is what ended the phase
}

// serve runs the invocation. With settling set, the runtime goes on and a
// goroutine returns the token; otherwise the environment has to be ended.
func (c *call) serve(ctx context.Context) (res *lambda.Result, settling bool, err error) {
	if c.run.initialized && c.run.gone() {
		return nil, false, ErrShutdown
	}
	failed, err := c.initialize(ctx)
	if err != nil {
		return nil, false, err
	}
	c.emit(telemetry.Start{RequestID: c.inv.RequestID, Version: lambda.LatestVersion})
	if c.begun.IsZero() {
		c.begin()
	}
	if failed != nil {
		return c.fail(failed), false, nil
	}
	return c.deliver(ctx)
}

// noTimeout stands for as long as it takes.
const noTimeout = 365 * 24 * time.Hour

// begin starts the function's clock.
func (c *call) begin() {
	c.begun = time.Now()
	c.deadline = c.begun.Add(c.opts.Function.Timeout)
	if c.opts.NoTimeout {
		c.deadline = c.begun.Add(noTimeout)
	}
}

// initialize waits until the runtime is ready. As on AWS, an initialisation
// that takes longer than ten seconds is broken off and begun anew in the
// function's own time.
func (c *call) initialize(ctx context.Context) (*outcome, error) {
	if c.run.initialized {
		return nil, nil
	}
	limit := lambda.InitTimeout
	if c.opts.NoTimeout {
		limit = noTimeout
	}
	failed, err := c.awaitReady(ctx, "init", c.run.started.Add(limit))
	if failed == nil || failed.status != telemetry.Timeout || err != nil {
		return failed, err
	}
	c.run.stop()
	if c.run, err = c.start(ctx); err != nil {
		return nil, err
	}
	c.begin()
	return c.awaitReady(ctx, "invoke", c.deadline)
}

// awaitReady waits for one initialisation and reports it.
func (c *call) awaitReady(ctx context.Context, phase string, deadline time.Time) (*outcome, error) {
	// The runtime may have been ready for long when the first event comes.
	timer := time.NewTimer(max(time.Until(deadline), 20*time.Millisecond))
	defer timer.Stop()
	run := c.run
	end := time.Now
	var failed *outcome
	select {
	case <-run.api.Ready():
		end = run.api.ReadyAt
	case a := <-run.api.InitError():
		failed = c.reported(&a, c.awaitExit(deadline))
	case <-run.proc.Done():
		failed = c.exitedInInit()
		if failed == nil {
			end = run.api.ReadyAt
		}
	case <-timer.C:
		failed = c.timedOut()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	run.proc.Sync()
	report := telemetry.InitReport{Phase: phase, Status: telemetry.Success, Duration: end().Sub(run.started)}
	if failed != nil {
		report.Status, report.ErrorType = failed.status, failed.errorType
	}
	if phase == "init" {
		c.init = report.Duration
	}
	run.initialized = true
	c.emit(report)
	return failed, nil
}

// exitedInInit says why a process has ended before its initialisation was
// seen to end: its own report, if it made one, else its exit status. It is nil
// for one that was ready all the same.
func (c *call) exitedInInit() *outcome {
	select {
	case <-c.run.api.Ready():
		return nil
	case a := <-c.run.api.InitError():
		return c.reported(&a, true)
	default:
		return c.exited()
	}
}

// reported is the runtime's own report of a failed initialisation, unless the
// end of its process has cut it off.
func (c *call) reported(a *runtimeapi.Answer, ended bool) *outcome {
	if a.Cut && ended {
		return c.exited()
	}
	return &outcome{status: telemetry.Failed, errorType: a.ErrorType, answer: a}
}

// awaitExit gives a runtime that cannot go on the time to write down why and to
// exit by itself, and reports whether it has.
func (c *call) awaitExit(deadline time.Time) bool {
	timer := time.NewTimer(min(time.Until(deadline), 500*time.Millisecond))
	defer timer.Stop()
	select {
	case <-c.run.proc.Done():
		return true
	case <-timer.C:
		return false
	}
}

// deliver gives the event to the runtime and waits for its answer.
func (c *call) deliver(ctx context.Context) (res *lambda.Result, settling bool, err error) {
	arn := c.opts.Function.ARN(c.opts.Environ.Region, c.opts.Environ.Account, c.inv.Qualifier)
	x := c.run.api.Deliver(&runtimeapi.Event{Invocation: c.inv, ARN: arn, Deadline: c.deadline})
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	select {
	case a := <-x.Answered():
		return c.answered(x, &a)
	case <-c.run.proc.Done():
		select {
		case a := <-x.Answered(): // it answered and ended at once
			return c.answered(x, &a)
		default:
			return c.fail(c.exited()), false, nil
		}
	case <-timer.C:
		return c.fail(c.timedOut()), false, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// answered makes the result of the runtime's answer. What is left of the
// invocation goes on without the caller, as on AWS.
func (c *call) answered(x *runtimeapi.Exchange, a *runtimeapi.Answer) (res *lambda.Result, settling bool, err error) {
	if a.Cut && c.awaitExit(c.deadline) {
		return c.fail(c.exited()), false, nil
	}
	over := &outcome{status: telemetry.Success}
	if a.Failed {
		over = &outcome{status: telemetry.Failed, errorType: a.ErrorType}
	}
	if a.Fatal {
		c.report(over, true)
		return c.result(a), false, nil
	}
	go c.settle(x, over)
	return c.result(a), true, nil
}

// settle waits until the runtime asks for more work. When it ends instead, or
// takes longer than the function may, the result stands, since the caller has
// it, but the environment has ended.
func (c *call) settle(x *runtimeapi.Exchange, over *outcome) {
	defer func() { <-c.busy }()
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	select {
	case <-x.Done():
		c.report(over, false)
		return
	case <-c.run.proc.Done():
		select {
		case <-x.Done(): // what ended then was no invocation
			c.report(over, false)
			return
		default:
			over = c.exited()
		}
	case <-timer.C:
		over = c.timedOut()
	}
	c.report(over, true)
	c.end()
}

func (c *call) result(a *runtimeapi.Answer) *lambda.Result {
	res := &lambda.Result{
		RequestID: c.inv.RequestID, ExecutedVersion: lambda.LatestVersion,
		Payload: a.Payload, ContentType: a.ContentType,
	}
	if a.Failed {
		res.FunctionError = lambda.Unhandled
	}
	if a.Platform {
		res.ErrorType = a.ErrorType
	}
	return res
}

// fail makes the result of an invocation that was not answered: the error that
// the runtime posted, or one that the platform makes. The environment has to
// be ended.
func (c *call) fail(o *outcome) *lambda.Result {
	a := o.answer
	if a == nil {
		body, _ := json.Marshal(struct { // strings always encode
			Type    string `json:"errorType"`
			Message string `json:"errorMessage"`
		}{o.errorType, fmt.Sprintf("RequestId: %s Error: %s", c.inv.RequestID, o.message)})
		a = &runtimeapi.Answer{Payload: body, ContentType: "application/json", Failed: true, ErrorType: o.errorType, Platform: true}
	}
	c.report(o, true)
	res := c.result(a)
	res.ExitStatus = o.exit
	return res
}

// exited says how the runtime process has ended.
func (c *call) exited() *outcome {
	exit := c.run.proc.Exit()
	return &outcome{status: telemetry.Failure, errorType: lambda.Exited, message: exitText(exit), exit: exit.Code}
}

func exitText(e sandbox.Exit) string {
	if e.Code == 0 {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + e.Text
}

// timedOut says that the function has had its time.
func (c *call) timedOut() *outcome {
	return &outcome{
		status: telemetry.Timeout, errorType: lambda.TimedOut,
		message: fmt.Sprintf("Task timed out after %.2f seconds", c.opts.Function.Timeout.Seconds()),
	}
}

// report logs the platform's own line, if there is one, and the REPORT. ended
// says that the environment ends with the invocation.
func (c *call) report(o *outcome, ended bool) {
	proc := c.run.proc
	proc.Sync()
	if o.message != "" {
		c.emit(telemetry.Fault{RequestID: c.inv.RequestID, ErrorType: o.errorType, Message: o.message})
	}
	r := telemetry.Report{
		RequestID: c.inv.RequestID, Status: o.status, ErrorType: o.errorType, Ended: ended,
		Duration: time.Since(c.begun), InitDuration: c.init,
		MemoryMB: c.opts.Function.MemoryMB, PeakMemory: proc.PeakMemory(),
	}
	if o.status == telemetry.Timeout {
		r.Duration = c.opts.Function.Timeout // what AWS reports and bills
	}
	select {
	case <-proc.Done():
		r.PeakMemory = max(r.PeakMemory, proc.Exit().PeakMemory)
	default:
	}
	c.emit(r)
}
