// Package lambdaapi is the part of the Lambda service's API that runs
// functions, over HTTP: Invoke, InvokeWithResponseStream and the retired
// InvokeAsync, as AWS's SDKs and command line call them with --endpoint-url.
// Requests need not be signed, and nobody looks whether they are. What it knows
// of functions is what [Options] hands in.
//
// Paths, headers, limits and errors are those of
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
package lambdaapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Options is what an API is made of. Functions may be called from several
// goroutines at once.
type Options struct {
	// Find gives the function of a plain name: a deployed name, a logical id or
	// the path of a nested stack's function. Errors other than [ErrUnknown] and
	// [*Error] are answered as failures of the service.
	Find func(ctx context.Context, name string) (*lambda.Function, error)
	// Invoker runs functions. Its errors are as those of Find.
	Invoker lambda.Invoker
	// Region and Account are those of ARNs in messages.
	Region, Account string
	// NewRequestID makes the id of a request.
	NewRequestID func() string
	// MaxConcurrency is how many invocations of one function may be under way;
	// further ones are refused as too many. 0 is no limit.
	MaxConcurrency int
	// SAM gives errors the words of SAM CLI's local service, where it has them.
	SAM bool
	// Failed is told of each answer with a function error, and Broken of each
	// error of an asynchronous invocation, which nobody else hears of.
	Failed func(*lambda.Function, *lambda.Result)
	Broken func(*lambda.Function, error)
}

// ErrUnknown is how Find says that there is no such function.
var ErrUnknown = errors.New("there is no such function")

// API serves the requests. It is an [http.Handler]; the caller closes it.
type API struct {
	opts Options
	ctx  context.Context // ends with the API, and with it all that it has begun
	stop context.CancelFunc

	// origins finds requests that a page of some website has made a browser
	// send. No SDK or command line sends what it looks at.
	origins http.CrossOriginProtection

	// accepted and running have one token for each asynchronous invocation that
	// waits or runs, and for each that runs.
	accepted, running chan struct{}

	mu     sync.Mutex // guards what follows
	closed bool
	slots  map[*lambda.Function]chan struct{} // one token for each invocation under way
	work   sync.WaitGroup                     // requests and asynchronous invocations
}

// How many asynchronous invocations wait or run at a time, and how many run.
const (
	maxAccepted = 1000
	maxRunning  = 10
)

// New makes an API.
func New(o Options) *API {
	a := &API{
		opts: o, accepted: make(chan struct{}, maxAccepted), running: make(chan struct{}, maxRunning),
		slots: map[*lambda.Function]chan struct{}{},
	}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// Close ends all invocations, those that wait to be run too, and returns when
// that is done. It gives the number of asynchronous invocations that were
// accepted and have not ended.
func (a *API) Close() (unfinished int) {
	unfinished = len(a.accepted)
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.stop()
	a.work.Wait()
	return unfinished
}

// begin counts a piece of work in, unless the API is closed.
func (a *API) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.work.Add(1)
	}
	return !a.closed
}

// operation is what a path asks for.
type operation int

const (
	unknown operation = iota
	invoke
	invokeAsync
	invokeStream
)

// routes are the paths, before and behind the function's name.
var routes = []struct {
	before, behind string
	op             operation
}{
	{"/2015-03-31/functions/", "/invocations", invoke},
	{"/2021-11-15/functions/", "/response-streaming-invocations", invokeStream},
	{"/2014-11-13/functions/", "/invoke-async", invokeAsync},
}

// route finds what a path asks for, and of which function. Names are escaped,
// or have slashes.
func route(escaped string) (operation, string) {
	escaped = strings.TrimSuffix(escaped, "/")
	for _, r := range routes {
		rest, ok := strings.CutPrefix(escaped, r.before)
		if !ok {
			continue
		}
		if name, ok := strings.CutSuffix(rest, r.behind); ok && name != "" {
			if plain, err := url.PathUnescape(name); err == nil {
				return r.op, plain
			}
		}
	}
	return unknown, ""
}

// ServeHTTP implements [http.Handler]. A client that goes away ends what it
// has asked for, except asynchronous invocations.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := a.opts.NewRequestID()
	w.Header().Set("X-Amzn-RequestId", id)
	if !a.begin() {
		a.fail(w, failure("lambkin is ending"))
		return
	}
	defer a.work.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.ctx, cancel)()
	op, name := route(r.URL.EscapedPath())
	err := a.origins.Check(r)
	switch {
	case err != nil:
		err = crossOrigin()
	case op == unknown:
		err = a.unknownPath(r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		err = a.wrongMethod(r)
	default:
		err = a.serve(ctx, w, r, &request{op: op, inv: lambda.Invocation{RequestID: id}}, name)
	}
	if err != nil {
		a.fail(w, err)
	}
}

// functionName is the rule that the service quotes to whoever breaks it, and
// namePattern what lambkin asks for: accounts need not be numbers, and the
// functions of nested stacks have their path before the name.
const functionName = `^(arn:[^:]+:lambda:[^:]*:\d{12}:function:|\d{12}:function:)?[a-zA-Z0-9-_\.]+(:[\w$-]+)?$`

var namePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|[^:/]+:function:)?((?:[\w.-]+/)*[\w.-]+)(?::([\w$-]+))?$`)
})

// parseName takes a function's name apart: ARNs, parts of them and plain
// names, with a version or an alias. The query may give the latter, too.
func parseName(given, query string) (name, qualifier string, err error) {
	m := namePattern().FindStringSubmatch(given)
	if m == nil {
		return "", "", invalid("functionName", given, "Member must satisfy regular expression pattern: "+functionName)
	}
	name, qualifier = m[1], m[2]
	switch {
	case query == "":
		return name, qualifier, nil
	case !qualifierPattern().MatchString(query):
		return "", "", invalid("qualifier", query, `Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)`)
	case qualifier != "" && qualifier != query:
		return "", "", badParameter("The derived qualifier from the function name does not match the specified qualifier.")
	}
	return name, query, nil
}

var qualifierPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w$-]{1,128}$`) })
