// Package runtimeapi is the Lambda Runtime API, version 2018-06-01, of one
// execution environment: the HTTP server that a runtime asks for work and
// posts results to. It moves bytes and keeps the runtime's state; what an
// answer means, how long a function may take and what happens to its process
// is the business of package instance.
//
// Paths, status codes, headers and texts are AWS's
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html); where
// AWS's published emulator would wait for ever after a broken request, this
// server reports an [Answer] that is Fatal.
package runtimeapi

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Event is one invocation as the runtime gets it.
type Event struct {
	Invocation *lambda.Invocation // RequestID and TraceID are set
	ARN        string
	Deadline   time.Time
}

// Answer is what became of an event.
type Answer struct {
	// Payload is the body that the runtime posted, or the error object that
	// the platform made in its place.
	Payload     []byte
	ContentType string
	// Size is how many bytes the runtime has sent; what went to the
	// invocation's Stream is not in Payload.
	Size int
	// Failed is set when the runtime posted an error, or the platform made one.
	Failed bool
	// ErrorType is the runtime's or the platform's name for the failure, for
	// records; it is not part of Payload's contract and may be empty.
	ErrorType string
	// Platform is set when Payload was made here and not by the runtime.
	Platform bool
	// Fatal means that the runtime can no longer be used.
	Fatal bool
	// Cut means that the runtime's body broke off. The runtime may have ended,
	// which its process then tells better than Payload.
	Cut bool
}

// Exchange is an event on its way through the runtime.
type Exchange struct {
	event     *Event
	abandoned bool          // guarded by the server's mu
	answered  chan Answer   // one Answer
	done      chan struct{} // closed when the runtime asks for the next event
}

// Answered delivers the one answer as soon as the runtime has given it.
func (x *Exchange) Answered() <-chan Answer { return x.answered }

// Done is closed when the runtime, after its answer, asks for more work.
func (x *Exchange) Done() <-chan struct{} { return x.done }

// Server is the Runtime API of one environment. Its methods may be called from
// several goroutines.
type Server struct {
	opts     Options
	listener net.Listener
	http     http.Server
	served   chan struct{} // closed when the accept loop has ended
	closed   chan struct{} // closed by Close
	once     sync.Once

	ready        chan struct{}  // closed when the initialisation has ended well
	asked        chan struct{}  // closed at the first next
	restore      chan struct{}  // closed when the environment is restored
	restored     sync.Once      // closes restore
	initError    chan Answer    // at most one
	restoreError chan Answer    // at most one
	work         chan *Exchange // the exchange that the next /next takes; at most one

	mu      sync.Mutex // guards what follows
	state   state
	current *Exchange // the last one taken
	readyAt time.Time // when ready was closed
	shared  shared
}

// Options is what a server is made of; the zero value is a Runtime API alone.
type Options struct {
	// Listener takes the runtime's connections; nil opens a free port of the
	// loopback interface. The server closes it.
	Listener net.Listener
	// Beside serves the paths that are not the Runtime API's: the Extensions
	// API and its relatives live at the same address. Nil for none.
	Beside http.Handler
	// Concurrency is how many events the runtime may have at once; 0 is one after
	// the other.
	Concurrency int
	// Snapshot is for a function with SnapStart, nil for others.
	Snapshot *Snapshot
	// First is called when the runtime asks for its first event, before it is
	// ready. Nil for none.
	First func()
}

// Listen starts a server.
func Listen(opts Options) (*Server, error) {
	listener := opts.Listener
	if listener == nil {
		var err error
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	s := &Server{
		opts:         opts,
		listener:     listener,
		served:       make(chan struct{}),
		closed:       make(chan struct{}),
		ready:        make(chan struct{}),
		asked:        make(chan struct{}),
		restore:      make(chan struct{}),
		initError:    make(chan Answer, 1),
		restoreError: make(chan Answer, 1),
		work:         make(chan *Exchange, max(1, opts.Concurrency)),
		state:        started,
	}
	// No time limits: a runtime waits for its next event as long as it takes.
	s.http = http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener) // always ErrServerClosed, by Close
	}()
	return s, nil
}

// Addr is the server's host:port, for AWS_LAMBDA_RUNTIME_API.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Ready is closed when the runtime's initialisation has ended well: it has asked
// for its first event, or for the restore of a [Snapshot].
func (s *Server) Ready() <-chan struct{} { return s.ready }

// ReadyAt is when that was; valid after Ready.
func (s *Server) ReadyAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readyAt
}

// InitError delivers the error with which the runtime reports that its
// initialisation has failed.
func (s *Server) InitError() <-chan Answer { return s.initError }

// Deliver gives the runtime an event. The one before must be done, unless the
// runtime may have several.
func (s *Server) Deliver(ev *Event) *Exchange {
	x := &Exchange{event: ev, answered: make(chan Answer, 1), done: make(chan struct{})}
	s.work <- x
	return x
}

// Close cuts all connections and returns when no request is being served.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closed)
		err = s.http.Close()
		<-s.served
	})
	return err
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method, handler := s.route(r.URL.Path)
	switch {
	case handler == nil && s.opts.Beside != nil:
		s.opts.Beside.ServeHTTP(w, r)
	case handler == nil:
		http.NotFound(w, r)
	case r.Method != method:
		w.Header().Set("Allow", method)
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		handler(w, r)
	}
}

// next serves GET /runtime/invocation/next: it waits for an event.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	if s.opts.Concurrency > 0 {
		s.nextShared(w, r)
		return
	}
	again, ok := s.ask(w)
	if !ok {
		return
	}
	if again == nil {
		select {
		case again = <-s.work:
			s.take(again)
		case <-r.Context().Done(): // the runtime has gone
			return
		case <-s.closed:
			return
		}
	}
	writeEvent(w, again.event)
}

// ask moves to Ready, or returns the exchange that is running to deliver it
// once more.
func (s *Server) ask(w http.ResponseWriter) (*Exchange, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !slices.Contains(allowed[ready], s.state):
		refuse(w, s.state, ready)
		return nil, false
	case s.state == running:
		return s.current, true
	case s.state == started:
		s.initialized()
		close(s.asked)
	case s.state == restoring:
		close(s.asked)
	case s.state == responseSent:
		close(s.current.done)
	}
	s.state = ready
	return nil, true
}

// initialized notes the end of the initialisation; the caller has the lock.
func (s *Server) initialized() {
	s.readyAt = time.Now()
	if s.opts.First != nil {
		s.opts.First()
	}
	close(s.ready)
}

func (s *Server) take(x *Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.state = x, running
}

func writeEvent(w http.ResponseWriter, ev *Event) {
	h, inv := w.Header(), ev.Invocation
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Content-Type", "application/json")
	set("Content-Length", strconv.Itoa(len(inv.Payload)))
	set("Lambda-Runtime-Aws-Request-Id", inv.RequestID)
	set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(ev.Deadline.UnixMilli(), 10))
	set("Lambda-Runtime-Invoked-Function-Arn", ev.ARN)
	set("Lambda-Runtime-Trace-Id", inv.TraceID)
	set("Lambda-Runtime-Client-Context", string(inv.ClientContext))
	set("Lambkin-Context", string(inv.Context))
	set("Lambda-Runtime-Cognito-Identity", string(inv.CognitoIdentity))
	set("Lambda-Runtime-Aws-Tenant-Id", inv.TenantID)
	_, _ = w.Write(inv.Payload) // a runtime that lost it asks again
}

// begin checks that a result for the event with this id may come now and, if
// so, moves to the state to. Ids are checked before states, as AWS does.
func (s *Server) begin(w http.ResponseWriter, id string, to state) (*Exchange, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opts.Concurrency > 0 {
		return s.shared.begin(w, id)
	}
	if s.current == nil || s.current.event.Invocation.RequestID != id {
		fail(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil, false
	}
	if !slices.Contains(allowed[to], s.state) {
		refuse(w, s.state, to)
		return nil, false
	}
	s.state = to
	return s.current, true
}

// finish hands the answer to the caller and lets the runtime ask for more.
func (s *Server) finish(x *Exchange, a Answer) {
	if s.opts.Concurrency > 0 {
		close(x.done)
	} else {
		s.mu.Lock()
		s.state = responseSent
		s.mu.Unlock()
	}
	x.answered <- a
}

var errTooLarge = errors.New("body is too large")

// readBody reads at most MaxResponseBytes. The rest of a larger body is read
// and dropped, because a client that is still writing would not see the reply.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, lambda.MaxResponseBytes+1))
	if err == nil && len(body) > lambda.MaxResponseBytes {
		_, _ = io.Copy(io.Discard, r.Body)
		return nil, errTooLarge
	}
	return body, err
}
