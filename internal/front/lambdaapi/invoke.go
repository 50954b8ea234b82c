package lambdaapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// The invocation types.
const (
	requestResponse = "RequestResponse"
	event           = "Event"
	dryRun          = "DryRun"
)

// request is an invocation on its way in.
type request struct {
	op   operation
	kind string // one of the invocation types
	name string
	fn   *lambda.Function
	inv  lambda.Invocation
}

// serve answers a request for a function. Errors are answered by the caller.
func (a *API) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, q *request, name string) (err error) {
	body, size, err := readBody(r.Body, lambda.MaxRequestBytes)
	if err != nil {
		return badContent("the request ended too early")
	}
	if q.name, q.inv.Qualifier, err = parseName(name, r.URL.Query().Get("Qualifier")); err != nil {
		return err
	}
	if err := q.readHeaders(r.Header); err != nil {
		return err
	}
	if q.fn, err = a.opts.Find(ctx, q.name); errors.Is(err, ErrUnknown) {
		return a.notFound(q.name, q.inv.Qualifier)
	} else if err != nil {
		return err
	}
	if q.inv.Payload, err = a.payload(q.kind, body, size); err != nil {
		return err
	}
	switch q.kind {
	case dryRun:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case event:
		return a.accept(w, q)
	}
	release, err := a.take(q.fn)
	if err != nil {
		return err
	}
	defer release()
	out := &stream{w: w}
	if q.op == invokeStream {
		q.inv.Stream = out.open
	}
	res, err := a.opts.Invoker.Invoke(ctx, q.fn, &q.inv)
	if err != nil {
		if out.abandon() {
			panic(http.ErrAbortHandler) // the one way to tell a client that has got a part
		}
		return a.explain(err)
	}
	if res.FunctionError != "" {
		a.opts.Failed(q.fn, res)
	}
	if q.op == invokeStream {
		out.end(res)
		return nil
	}
	answer(w, res)
	return nil
}

// explain gives the reason for an invocation that was broken off.
func (a *API) explain(err error) error {
	if errors.Is(err, context.Canceled) && a.ctx.Err() != nil {
		return failure("lambkin is ending")
	}
	return err
}

// readBody reads a request to its end, so that a client that is still sending
// gets to read the answer. Of what is larger than limit the size is all that
// it gives, and a client that sends without an end is cut off.
func readBody(r io.Reader, limit int64) (body []byte, size int64, err error) {
	const patience = 64 << 20
	body, err = io.ReadAll(io.LimitReader(r, limit+1))
	size = int64(len(body))
	if err != nil || size <= limit {
		return body, size, err
	}
	more, err := io.Copy(io.Discard, io.LimitReader(r, patience))
	return nil, size + more, err
}

// payload checks the event and gives it as functions get it: no event is an
// empty object.
func (a *API) payload(kind string, body []byte, size int64) ([]byte, error) {
	limit := lambda.MaxRequestBytes
	if kind == event {
		limit = lambda.MaxEventRequestBytes
	}
	if size > int64(limit) {
		return nil, tooLarge(size, kind, limit)
	}
	if len(body) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(body) {
		var any json.RawMessage
		return nil, a.notJSON(json.Unmarshal(body, &any))
	}
	return body, nil
}

// readHeaders takes what stands in a request's headers.
func (q *request) readHeaders(h http.Header) (err error) {
	kinds := []string{event, requestResponse, dryRun}
	switch q.op {
	case invokeAsync:
		q.kind = event
	case invokeStream:
		kinds = kinds[1:]
		fallthrough
	default:
		if q.kind, err = oneOf(h, "X-Amz-Invocation-Type", "invocationType", requestResponse, kinds); err != nil {
			return err
		}
	}
	tail, err := oneOf(h, "X-Amz-Log-Type", "logType", "None", []string{"Tail", "None"})
	if err != nil {
		return err
	}
	if h.Get("X-Amz-Durable-Execution-Name") != "" {
		return badParameter("lambkin does not run durable functions: leave the name of the execution out")
	}
	q.inv.LogTail = tail == "Tail" && q.kind == requestResponse
	q.inv.TenantID, q.inv.TraceID = h.Get("X-Amz-Tenant-Id"), h.Get("X-Amzn-Trace-Id")
	q.inv.ClientContext, err = clientContext(h.Get("X-Amz-Client-Context"))
	return err
}

// oneOf is the value of a header that takes certain words only.
func oneOf(h http.Header, header, member, unset string, words []string) (string, error) {
	value := h.Get(header)
	if value == "" {
		return unset, nil
	}
	if !slices.Contains(words, value) {
		return "", invalid(member, value, "Member must satisfy enum value set: ["+strings.Join(words, ", ")+"]")
	}
	return value, nil
}

// clientContext decodes the caller's context, nil for none.
func clientContext(encoded string) ([]byte, error) {
	if encoded == "" {
		return nil, nil
	}
	if len(encoded) > lambda.MaxClientContextBytes {
		return nil, badContent("Client context must be at most 3583 bytes of Base64-encoded data.")
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	var object map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &object) != nil {
		return nil, badContent("Client context must be a valid Base64-encoded JSON object.")
	}
	return text, nil
}

// answer writes a result.
func answer(w http.ResponseWriter, res *lambda.Result) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amz-Executed-Version", res.ExecutedVersion)
	h.Set("X-Amzn-Trace-Id", traceOf(res.TraceID))
	if res.FunctionError != "" {
		h.Set("X-Amz-Function-Error", res.FunctionError)
	}
	if res.LogTail != nil {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(res.LogTail))
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(res.Payload) // a client that has gone needs no answer
}

// traceOf is what an answer says of a trace header: its root, and whether it
// is sampled.
func traceOf(header string) string {
	var parts []string
	for member := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(member, "=")
		if name == "Root" || name == "Sampled" {
			parts = append(parts, strings.ToLower(name)+"="+value)
		}
	}
	return strings.Join(parts, ";")
}

// slot has one token for each invocation of fn that is under way; nil where
// there is no limit. SAM CLI knows of none in the project.
func (a *API) slot(fn *lambda.Function) chan struct{} {
	limit := a.opts.MaxConcurrency
	if reserved := fn.ReservedConcurrency; reserved != nil && !a.opts.SAM && (limit == 0 || *reserved < limit) {
		limit = *reserved
	} else if limit == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.slots[fn] == nil {
		a.slots[fn] = make(chan struct{}, limit)
	}
	return a.slots[fn]
}

// take counts an invocation of fn in, or refuses it.
func (a *API) take(fn *lambda.Function) (release func(), err error) {
	slot := a.slot(fn)
	if slot == nil {
		return func() {}, nil
	}
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	default:
		return nil, tooMany("ReservedFunctionConcurrentInvocationLimitExceeded")
	}
}
