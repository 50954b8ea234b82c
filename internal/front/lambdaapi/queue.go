package lambdaapi

import (
	"errors"
	"io"
	"net/http"
)

// accept takes an asynchronous invocation in and answers at once. It is run
// once: what fails is told, not tried again.
func (a *API) accept(w http.ResponseWriter, q *request) error {
	select {
	case a.accepted <- struct{}{}:
	default:
		return tooMany("FunctionInvocationRateLimitExceeded")
	}
	// The request that asks for it is counted, so the API cannot be gone yet.
	a.work.Go(func() {
		defer func() { <-a.accepted }()
		a.run(q)
	})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	if q.op == invokeAsync {
		_, _ = io.WriteString(w, `{"Status":202}`)
	}
	return nil
}

// errSwitchedOff is why an event is never delivered; AWS gives it to the
// function's dead-letter queue at once.
var errSwitchedOff = errors.New("its reserved concurrency is 0")

// run runs an asynchronous invocation when its turn has come.
func (a *API) run(q *request) {
	slot := a.slot(q.fn)
	if slot != nil && cap(slot) == 0 {
		a.opts.Broken(q.fn, errSwitchedOff)
		return
	}
	for _, turn := range []chan struct{}{slot, a.running} {
		if turn == nil {
			continue
		}
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-a.ctx.Done():
			return
		}
	}
	if a.ctx.Err() != nil { // both came at once
		return
	}
	res, err := a.opts.Invoker.Invoke(a.ctx, q.fn, &q.inv)
	switch {
	case a.ctx.Err() != nil:
	case err != nil:
		a.opts.Broken(q.fn, err)
	case res.FunctionError != "":
		a.opts.Failed(q.fn, res)
	}
}
