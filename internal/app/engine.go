package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/fleet"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
)

// engine is a fleet, and what it needs on disk.
type engine struct {
	where  isolation
	fleet  *fleet.Fleet
	images *images
	tails  tails
	// temporary is the folder of the bootstraps when they could not go to the
	// cache, nil otherwise.
	temporary *fsx.Temp
}

// setUp makes the fleet, and takes over where functions run.
func (e *engine) setUp(ctx context.Context, o Options, where isolation, environ instance.Environ, hostFor func(*lambda.Function) *runtimes.Host) error {
	e.where = where
	dir, err := e.bootstraps(fsx.CacheDir(o.Env))
	if err != nil {
		return unwritable(err)
	}
	e.tails.next = o.Sink
	e.images = newImages(ctx, o, where)
	e.fleet = fleet.New(fleet.Options{
		Images: e.images.of, NoMemoryLimit: o.NoMemoryLimit,
		Runtimes: Runtimes(), HostFor: hostFor, Sandbox: where.box, Fallback: where.fallback, RuntimeDir: dir, Environ: environ,
		SplitOutput: o.Vocabulary == Serverless, NoTimeout: o.NoTimeout || o.Debug != nil, Freeze: o.Freeze,
		// The framework loads a handler once; and a debugger is attached once.
		InitOnce:   o.Vocabulary == Serverless || o.Debug != nil,
		LayerCache: layerCache(o), Sink: e.tails.record, Notice: o.Notice,
	})
	return nil
}

// unwritable is the error of a machine that has no place for lambkin's own files.
func unwritable(err error) error {
	return problem(InMachine, diag.Diagnostic{
		Code: "cache", Summary: fmt.Sprintf("lambkin has no place to write its bootstraps to: %v", err),
		Hint: "set LAMBKIN_CACHE_DIR to a folder that you may write to",
	})
}

// bootstraps brings the bootstraps to disk: into the cache or, where there is
// none or it cannot be written to, into a folder of this run.
func (e *engine) bootstraps(cache string) (dir string, err error) {
	if cache != "" {
		if dir, err = fsx.Materialize(Bootstraps(), filepath.Join(cache, "runtime")); err == nil {
			return dir, nil
		}
	}
	if e.temporary, err = fsx.NewTemp("runtime"); err != nil {
		return "", err
	}
	return fsx.Materialize(Bootstraps(), e.temporary.Dir)
}

// invoke runs fn once, as [lambda.Invoker] has it.
func (e *engine) invoke(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	if len(inv.Payload) > lambda.MaxRequestBytes {
		return nil, problem(InCall, diag.Diagnostic{
			Code:    "event-too-large",
			Summary: fmt.Sprintf("the event has %d bytes; Lambda takes at most %d", len(inv.Payload), lambda.MaxRequestBytes),
		})
	}
	if err := checkTenant(fn, inv); err != nil {
		return nil, err
	}
	if inv.LogTail {
		return e.withTail(ctx, fn, inv)
	}
	res, err := e.fleet.Invoke(ctx, fn, inv)
	return res, explain(err)
}

// withTail runs fn once and waits for the end of the log.
func (e *engine) withTail(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	named := *inv
	if named.RequestID == "" {
		named.RequestID = instance.NewRequestID()
	}
	t := e.tails.want(named.RequestID)
	defer e.tails.forget(named.RequestID)
	res, err := e.fleet.Invoke(ctx, fn, &named)
	if err != nil {
		return nil, explain(err)
	}
	select {
	case <-t.complete:
		res.LogTail = t.last
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return res, nil
}

// close ends every process and removes what was put on disk.
func (e *engine) close() error {
	err := errors.Join(e.fleet.Close(), e.where.close(), e.images.close(), e.removeTemporary())
	if _, gone := errors.AsType[*container.Unreachable](err); gone {
		return explain(err)
	}
	return err
}

func (e *engine) removeTemporary() error {
	if e.temporary == nil {
		return nil
	}
	return e.temporary.Close()
}
