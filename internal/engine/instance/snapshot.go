package instance

import (
	"context"
	"fmt"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// snapshots reports whether the environment is one of a function with
// SnapStart. No snapshot is taken: the process that has been initialised is
// the one that is restored, at once, and runs its hooks before and after.
func (i *Instance) snapshots() bool { return i.opts.Function.SnapStart && i.launch.Snapshots }

func (i *Instance) initType() telemetry.InitType {
	switch {
	case i.concurrent():
		return telemetry.ManagedInstances
	case i.snapshots():
		return telemetry.SnapStart
	}
	return telemetry.OnDemand
}

// initLimit is how long the initialisation may take. AWS has more patience where
// nobody waits for it: when it makes a snapshot, or fills a capacity provider.
func (i *Instance) initLimit() time.Duration {
	switch {
	case i.opts.NoTimeout:
		return noTimeout
	case i.snapshots(), i.concurrent():
		return max(lambda.LongInitTimeout, i.opts.Function.Timeout)
	}
	return lambda.InitTimeout
}

// credentials are those of the environment, as functions with SnapStart get them.
func (i *Instance) credentials() runtimeapi.Credentials {
	e := &i.opts.Environ
	return runtimeapi.Credentials{
		AccessKeyID: e.AccessKeyID, SecretAccessKey: e.SecretAccessKey, Token: e.SessionToken,
		Expiration: time.Now().UTC().Add(6 * time.Hour).Truncate(time.Second),
	}
}

// restore lets the runtime run the hooks that follow a restore, and waits for it.
func (c *call) restore(ctx context.Context) (failed *outcome, err error) {
	limit := lambda.RestoreTimeout
	if c.opts.NoTimeout {
		limit = noTimeout
	}
	begun := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	c.emit(telemetry.RestoreStart{LogStream: c.stream})
	c.run.api.Restore()
	select {
	case <-c.run.api.Asked():
	case a := <-c.run.api.RestoreError():
		failed = c.reported(&a, c.awaitExit(begun.Add(limit)))
	case f := <-c.run.ext.Failed():
		failed = extensionFailed(f)
	case <-c.run.exited():
		select {
		case a := <-c.run.api.RestoreError():
			failed = c.reported(&a, true)
		default:
			failed = c.exited()
		}
	case <-timer.C:
		failed = &outcome{
			status: telemetry.Timeout, errorType: "Runtime.RestoreTimeout",
			message: fmt.Sprintf("the hooks after the restore took longer than %d seconds", lambda.RestoreTimeout/time.Second),
		}
	case <-c.closing:
		return nil, ErrShutdown
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.run.sync()
	done := telemetry.RestoreDone{Status: telemetry.Success, Duration: time.Since(begun)}
	if failed != nil {
		done.Status, done.ErrorType = failed.status, failed.errorType
	}
	c.emit(done)
	c.restored = done.Duration
	return failed, nil
}
