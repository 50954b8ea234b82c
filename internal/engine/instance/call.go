package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/extension"
	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// call is one invocation on its way through an instance.
type call struct {
	*Instance
	run      *process // the instance's; other calls of a shared environment may have another
	inv      *lambda.Invocation
	init     time.Duration // how long the initialisation took; 0 when an earlier call had it
	restored time.Duration // how long the restore from a snapshot took; 0 when there was none
	begun    time.Time     // when the function's time began to run
	deadline time.Time
	answer   time.Time        // when the runtime has answered; zero until then
	produced int              // bytes of its answer
	done     bool             // RuntimeDone is out
	overhead time.Duration    // how long extensions went on after the runtime
	streamed atomic.Bool      // the invocation's Stream has been called
	reason   extension.Reason // why the processes have to be ended
}

// outcome is how a phase ended when it did not end well.
type outcome struct {
	status    telemetry.Status
	errorType string
	message   string             // for the log; "" when the runtime has said it
	answer    *runtimeapi.Answer // the runtime's own error object, nil when the platform makes one
	exit      int                // the process's exit status, when it is what ended the phase
	// outOfMemory says that the environment has used more memory than it has.
	outOfMemory bool
}

// reason is why the processes have to be ended.
func (o *outcome) reason() extension.Reason {
	if o.status == telemetry.Timeout {
		return extension.Timeout
	}
	return extension.Failure
}

// newCall begins an invocation; what the caller left to the engine is filled in.
func (i *Instance) newCall(inv *lambda.Invocation) *call {
	c := &call{Instance: i, run: i.run, inv: complete(inv)}
	if stream := c.inv.Stream; stream != nil {
		c.inv.Stream = func(contentType string) io.Writer {
			c.streamed.Store(true)
			return stream(contentType)
		}
	}
	return c
}

// serve runs the invocation. With settling set, the runtime goes on and a
// goroutine returns the token; otherwise the processes have to be ended.
func (c *call) serve(ctx context.Context) (res *lambda.Result, settling bool, err error) {
	failed, err := c.initialize(ctx)
	if err != nil {
		return nil, false, err
	}
	c.announce()
	if failed != nil {
		return c.fail(failed), false, nil
	}
	return c.deliver(ctx)
}

// announce reports the start of the invocation. Its time has begun before when
// an initialisation is part of it.
func (c *call) announce() {
	c.emit(telemetry.Start{RequestID: c.inv.RequestID, Version: lambda.LatestVersion, TraceID: c.inv.TraceID, TenantID: c.inv.TenantID})
	if c.begun.IsZero() {
		c.begin()
	}
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
// that fails or takes longer than ten seconds is begun anew in the function's
// own time.
func (c *call) initialize(ctx context.Context) (*outcome, error) {
	if c.run == nil {
		return c.initializeAgain(ctx, nil)
	}
	if c.run.initialized {
		if !c.run.gone() {
			return nil, nil
		}
		c.stop(extension.Failure) // it has ended while it was waiting for work
		return c.initializeAgain(ctx, nil)
	}
	failed, err := c.awaitReady(ctx, "init", c.run.started.Add(c.initLimit()))
	if failed == nil || err != nil || c.opts.InitOnce && failed.status != telemetry.Timeout {
		return failed, err
	}
	c.stop(failed.reason())
	return c.initializeAgain(ctx, failed)
}

// initializeAgain starts the processes anew, in the function's own time. before
// is how that went before in this invocation, nil when it has not been tried.
// An environment that has ended itself, and not only its processes, cannot be
// used any more.
func (c *call) initializeAgain(ctx context.Context, before *outcome) (failed *outcome, err error) {
	c.begin()
	run, err := c.start(ctx, "invoke")
	switch {
	case errors.Is(err, sandbox.ErrClosed) && before != nil:
		return before, nil
	case errors.Is(err, sandbox.ErrClosed):
		return nil, ErrShutdown
	case err != nil:
		return nil, err
	}
	c.run, c.Instance.run = run, run
	return c.awaitReady(ctx, "invoke", c.deadline)
}

// awaitReady waits for one initialisation and, for a function with SnapStart,
// for the restore that follows it.
func (c *call) awaitReady(ctx context.Context, phase string, deadline time.Time) (failed *outcome, err error) {
	failed, err = c.awaitInit(ctx, phase, deadline)
	if failed != nil || err != nil || !c.snapshots() {
		return failed, err
	}
	c.init = 0 // which was when the snapshot was made
	return c.restore(ctx)
}

// awaitInit waits for one initialisation and reports it. The runtime is
// started when the extensions have registered; it and they are then waited for.
func (c *call) awaitInit(ctx context.Context, phase string, deadline time.Time) (failed *outcome, err error) {
	// The runtime may have been ready for long when the first event comes.
	timer := time.NewTimer(max(time.Until(deadline), 20*time.Millisecond))
	defer timer.Stop()
	run := c.run
	end, died := time.Now, false
	gone := func() <-chan struct{} {
		if died {
			return nil
		}
		return run.exited()
	}
	// Each is waited for once the one before is closed.
	registered, ready, all := run.ext.Registered(), (<-chan struct{})(nil), (<-chan struct{})(nil)
	if run.proc != nil {
		registered, ready = nil, run.api.Ready()
	}
	for over := false; failed == nil && !over; {
		select {
		case <-registered:
			registered, ready = nil, run.api.Ready()
			if err := c.startRuntime(ctx, run); err != nil {
				return nil, err
			}
		case <-ready:
			ready, all = nil, run.ext.Ready()
			run.sync()
			c.emit(telemetry.InitRuntimeDone{Type: c.initType(), Phase: phase, Status: telemetry.Success})
		case <-all:
			over = true
			if len(c.external) == 0 {
				end = run.api.ReadyAt
			}
		case a := <-run.api.InitError():
			failed = c.reported(&a, c.awaitExit(deadline))
		case f := <-run.ext.Failed():
			failed = extensionFailed(f)
		case <-gone():
			failed, died = c.exitedInInit(), true
			if failed != nil && failed.message == exitText(sandbox.Exit{}) {
				c.noRuntime()
			}
		case <-timer.C:
			failed = c.timedOut()
			c.noRuntime()
		case <-c.closing:
			return nil, ErrShutdown
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	run.sync()
	report := telemetry.InitReport{Type: c.initType(), Phase: phase, Status: telemetry.Success, Duration: end().Sub(run.started)}
	if failed != nil {
		report.Status, report.ErrorType = failed.status, failed.errorType
		if ready != nil && run.proc != nil {
			c.emit(telemetry.InitRuntimeDone{Type: c.initType(), Phase: phase, Status: failed.status, ErrorType: failed.errorType})
		}
	}
	if phase == "init" && failed == nil {
		c.init = report.Duration
		c.coldStart.Store(int64(run.started.Sub(c.began) + report.Duration))
	}
	run.initialized = true
	for _, e := range run.ext.States() {
		c.emit(e)
	}
	c.emit(report)
	return failed, nil
}

// noRuntime tells, once, that what an image starts may be no Lambda runtime: it
// has not asked for an event.
func (c *call) noRuntime() {
	if c.opts.Function.PackageType != lambda.Image || c.opts.Image == nil || c.run.proc == nil || c.run.asked.Load() {
		return
	}
	c.foreign.Do(func() {
		c.opts.Notice(fmt.Sprintf("what the image %s starts has not asked Lambda's Runtime API for an event: it must be a runtime, such as that of AWS's base images; a web server needs the Lambda Web Adapter", c.opts.Image.Name))
	})
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
	case <-c.run.exited():
		return true
	case <-timer.C:
		return false
	}
}

// deliver gives the event to the runtime and waits for its answer.
func (c *call) deliver(ctx context.Context) (res *lambda.Result, settling bool, err error) {
	c.run.thaw()
	c.throttle(true)
	arn := c.opts.Function.ARN(c.opts.Environ.Region, c.opts.Environ.Account, c.inv.Qualifier)
	c.run.ext.Invoke(extension.Invocation{RequestID: c.inv.RequestID, ARN: arn, TraceID: c.inv.TraceID, Deadline: c.deadline})
	x := c.run.api.Deliver(&runtimeapi.Event{Invocation: c.inv, ARN: arn, Deadline: c.deadline})
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	select {
	case a := <-x.Answered():
		return c.answered(x, &a)
	case f := <-c.run.ext.Failed():
		return c.fail(extensionFailed(f)), false, nil
	case <-c.run.proc.Done():
		select {
		case a := <-x.Answered(): // it answered and ended at once
			return c.answered(x, &a)
		default:
			return c.fail(c.exited()), false, nil
		}
	case <-timer.C:
		return c.fail(c.timedOut()), false, nil
	case <-c.closing:
		return nil, false, ErrShutdown
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
	over := c.verdict(a)
	if a.Fatal {
		c.report(over, true)
		return c.result(a), false, nil
	}
	go c.settle(x, over)
	return c.result(a), true, nil
}

// verdict notes the runtime's answer, and says how the invocation has ended by it.
func (c *call) verdict(a *runtimeapi.Answer) *outcome {
	c.answer, c.produced = time.Now(), a.Size
	if a.Failed {
		return &outcome{status: telemetry.Failed, errorType: a.ErrorType}
	}
	return &outcome{status: telemetry.Success}
}

// settle waits until the runtime and the extensions ask for more work. When one
// ends instead, or takes longer than the function may, the result stands, since
// the caller has it, but the processes are ended.
func (c *call) settle(x *runtimeapi.Exchange, over *outcome) {
	defer func() { <-c.busy }()
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	var late *outcome
	select {
	case <-x.Done():
		if late = c.awaitExtensions(timer.C, over); late == nil {
			c.report(over, false)
			c.freeze()
			return
		}
	case f := <-c.run.ext.Failed():
		late = extensionFailed(f)
	case <-c.run.proc.Done():
		select {
		case <-x.Done(): // what ended then was no invocation
			c.report(over, false)
			return
		default:
			late = c.exited()
		}
	case <-timer.C:
		late = c.timedOut()
	case <-c.closing:
		late = &outcome{status: telemetry.Failure}
	}
	c.report(late, true)
	c.stop(c.reason)
}

func (c *call) result(a *runtimeapi.Answer) *lambda.Result {
	res := &lambda.Result{
		RequestID: c.inv.RequestID, ExecutedVersion: lambda.LatestVersion, TraceID: c.inv.TraceID,
		Payload: a.Payload, ContentType: a.ContentType, Streamed: c.streamed.Load(),
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
// the runtime posted, or one that the platform makes. The processes have to be
// ended.
func (c *call) fail(o *outcome) *lambda.Result {
	c.report(o, true)
	return c.failure(o)
}

// failure is the result of what did not end well.
func (c *call) failure(o *outcome) *lambda.Result {
	a := o.answer
	if a == nil {
		body, _ := json.Marshal(struct { // strings always encode
			Type    string `json:"errorType"`
			Message string `json:"errorMessage"`
		}{o.errorType, fmt.Sprintf("RequestId: %s Error: %s", c.inv.RequestID, o.message)})
		a = &runtimeapi.Answer{Payload: body, ContentType: "application/json", Failed: true, ErrorType: o.errorType, Platform: true}
	}
	res := c.result(a)
	res.ExitStatus = o.exit
	return res
}

// exited says how the runtime process has ended.
func (c *call) exited() *outcome {
	exit := c.run.proc.Exit()
	o := &outcome{status: telemetry.Failure, errorType: lambda.Exited, message: exitText(exit), exit: exit.Code}
	if exit.OutOfMemory {
		fn := c.opts.Function
		o.errorType, o.outOfMemory = outOfMemory(fn), true
		c.hungry.Do(func() {
			c.opts.Notice(fmt.Sprintf("%s has used more than its %d MB of memory, which has ended it; MemorySize gives it more", fn.Path, fn.MemoryMB))
		})
	}
	return o
}

// outOfMemory is the error type of a process that was ended because too much
// memory was used. AWS does not tell such an end from others in the runtimes
// that have a limit of their own for what they allocate, unless they serve
// several invocations at once.
func outOfMemory(fn *lambda.Function) string {
	for _, own := range []string{"nodejs", "java", "dotnet"} {
		if strings.HasPrefix(fn.Runtime, own) && fn.MaxConcurrency == 0 {
			return lambda.Exited
		}
	}
	return lambda.OutOfMemory
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
// says that the environment's processes end with the invocation.
func (c *call) report(o *outcome, ended bool) {
	if ended {
		c.reason = o.reason()
	}
	c.run.sync()
	c.runtimeDone(o)
	if o.message != "" {
		c.emit(telemetry.Fault{RequestID: c.inv.RequestID, ErrorType: o.errorType, Message: o.message})
	}
	r := telemetry.Report{
		RequestID: c.inv.RequestID, Status: o.status, ErrorType: o.errorType, Ended: ended,
		Duration: time.Since(c.begun), InitDuration: c.init, RestoreDuration: c.restored, Overhead: c.overhead, TraceID: c.inv.TraceID, TenantID: c.inv.TenantID,
		MemoryMB: c.opts.Function.MemoryMB, PeakMemory: c.run.peakMemory(),
	}
	if o.outOfMemory {
		r.PeakMemory = int64(r.MemoryMB) << 20 // all that there was
	}
	if o.status == telemetry.Timeout {
		r.Duration = c.opts.Function.Timeout // what AWS reports and bills
	}
	c.emit(r)
}

// runtimeDone says, once, that the runtime has done its part. What it has
// printed is recorded already.
func (c *call) runtimeDone(o *outcome) {
	if c.done {
		return
	}
	c.done = true
	c.emit(telemetry.RuntimeDone{
		RequestID: c.inv.RequestID, Status: o.status, ErrorType: o.errorType, TraceID: c.inv.TraceID, TenantID: c.inv.TenantID,
		Begun: c.begun, Answered: c.answer, Produced: c.produced,
	})
}
