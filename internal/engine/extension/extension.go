// Package extension is the extensions of one execution environment: who they
// are, where each stands, and what they are told. It serves the Extensions API
// (2020-01-01), the Telemetry API (2022-07-01) and the Logs API (2020-08-15)
// beside the Runtime API, and delivers telemetry to those who asked for it. It
// starts and ends no process: that is the business of package instance.
//
// Paths, status codes, headers and texts are AWS's
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
package extension

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Max is how many extensions, external and internal, an environment may have.
const Max = 10

// The types of failure that AWS reports for extensions.
const (
	InitFailed   = "Extension.InitError"
	ExitFailed   = "Extension.ExitError"
	Crashed      = "Extension.Crash"
	LaunchFailed = "Extension.LaunchError"
)

// Reason says why an environment ends, in the SHUTDOWN event's words.
type Reason string

// The three reasons.
const (
	Spindown Reason = "spindown"
	Timeout  Reason = "timeout"
	Failure  Reason = "failure"
)

// Options is what a group is made of.
type Options struct {
	Function *lambda.Function
	Account  string // the id of the account, for those who ask
	// External are the file names of the external extensions, which are about
	// to be started.
	External []string
	// Emit takes the records that the group makes. It must hand them to Record.
	Emit func(event any)
	// NewID makes UUIDs.
	NewID func() string
	// Dial connects to a port of the loopback interface that the extensions
	// see, for what they subscribe to.
	Dial func(ctx context.Context, port int) (net.Conn, error)
}

// Failed says that an extension has failed, and the environment with it.
type Failed struct{ ErrorType, Message string }

// Group is the extensions of one environment, from its start to its end. Its
// methods may be called from several goroutines.
type Group struct {
	opts  Options
	relay relay

	registered chan struct{} // closed when all external extensions have registered
	ready      chan struct{} // closed when runtime and extensions have asked for more
	failed     chan Failed   // the first failure
	watched    sync.WaitGroup

	mu        sync.Mutex // guards what follows
	members   []*member  // external ones first
	closed    bool       // registration is
	initEnded bool
	ending    bool
	owing     int           // members that have the current invocation
	idle      chan struct{} // closed when owing is 0
}

// member is one extension.
type member struct {
	name, id  string
	external  bool
	state     state
	events    []string
	errorType string // what it has reported
	owes      bool
	queue     chan delivery // at most one
}

// New makes the group of an environment that is about to start. The caller
// closes it.
func New(opts Options) *Group {
	g := &Group{
		opts: opts, registered: make(chan struct{}), ready: make(chan struct{}), failed: make(chan Failed, 1), idle: make(chan struct{}),
	}
	g.relay.init()
	close(g.idle)
	for _, name := range opts.External {
		g.members = append(g.members, &member{name: name, id: opts.NewID(), external: true, state: started, queue: make(chan delivery, 1)})
	}
	if len(opts.External) == 0 {
		close(g.registered)
	}
	return g
}

// Registered is closed when all external extensions have registered, so that
// the runtime may be started.
func (g *Group) Registered() <-chan struct{} { return g.registered }

// Ready is closed when the runtime and all extensions have asked for an event:
// the environment's initialisation has ended.
func (g *Group) Ready() <-chan struct{} { return g.ready }

// Failed delivers the first failure of an extension.
func (g *Group) Failed() <-chan Failed { return g.failed }

// CloseRegistration is called when the runtime asks for its first event: from
// then on no further extension may register.
func (g *Group) CloseRegistration() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.progress()
}

// progress closes the channels whose time has come. The caller holds mu.
func (g *Group) progress() {
	pending := func(m *member) bool { return m.external && m.state == started }
	if !isClosed(g.registered) && !slices.ContainsFunc(g.members, pending) {
		close(g.registered)
	}
	waiting := func(m *member) bool { return m.state != ready && m.state != running }
	if g.closed && !g.initEnded && !slices.ContainsFunc(g.members, waiting) {
		g.initEnded = true
		g.relay.close()
		close(g.ready)
	}
}

// States says where each extension stands, as AWS logs it when the
// initialisation has ended.
func (g *Group) States() []telemetry.Extension {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []telemetry.Extension
	for _, m := range g.members {
		at := m.state
		if at == running {
			at = ready
		}
		out = append(out, telemetry.Extension{Name: m.name, State: string(at), Events: m.events, ErrorType: m.errorType})
	}
	return out
}

// Any reports whether there is an extension, of whichever kind, that has
// registered or is to; external whether one is external.
func (g *Group) Any() (registered, external bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.members) > 0, len(g.opts.External) > 0
}

// Invocation is what extensions get to know of one.
type Invocation struct {
	RequestID, ARN, TraceID string
	Deadline                time.Time
}

// Invoke tells those who want to know that an invocation begins.
func (g *Group) Invoke(inv Invocation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if !slices.Contains(m.events, invokeEvent) {
			continue
		}
		if g.owing == 0 {
			g.idle = make(chan struct{})
		}
		g.owing++
		m.owes = true
		m.put(delivery{id: g.opts.NewID(), body: inv.event()})
	}
}

// Idle is closed when every extension that was told of the current invocation
// has asked for the next event.
func (g *Group) Idle() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.idle
}

// LaunchFailed says that an external extension could not be started.
func (g *Group) LaunchFailed(name, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost(name, launchError, LaunchFailed, why)
}

// Watch looks after the process of an external extension: done is closed when
// it has ended, text then says how. An extension must not end before its
// environment does.
func (g *Group) Watch(name string, done <-chan struct{}, text func() string) {
	g.watched.Go(func() {
		<-done
		g.mu.Lock()
		defer g.mu.Unlock()
		g.lost(name, exited, Crashed, text())
	})
}

// lost notes the end of an external extension. The caller holds mu.
func (g *Group) lost(name string, to state, errorType, message string) {
	i := slices.IndexFunc(g.members, func(m *member) bool { return m.external && m.name == name })
	if i < 0 || g.ending {
		return
	}
	m := g.members[i]
	if m.state != initError && m.state != exitError { // else it has said more itself
		m.state, m.errorType = to, errorType
	}
	g.fail(Failed{errorType, message})
}

// fail keeps the first failure, as AWS does.
func (g *Group) fail(f Failed) {
	select {
	case g.failed <- f:
	default:
	}
}

// Shutdown tells the extensions that the environment ends, and that they have
// time until the deadline. It returns the names of the external ones that were
// told; the others need not be waited for. Extensions that end from now on are
// no failure.
func (g *Group) Shutdown(reason Reason, deadline time.Time) (told []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ending = true
	for _, m := range g.members {
		alive := m.state == registered || m.state == ready || m.state == running
		if alive && slices.Contains(m.events, shutdownEvent) {
			m.put(delivery{body: shutdownBody(reason, deadline)})
			told = append(told, m.name)
		}
	}
	return told
}

// Ending says that extensions may end from now on.
func (g *Group) Ending() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ending = true
}

// Close ends what the group has running. The processes of the extensions have
// ended.
func (g *Group) Close() {
	g.relay.stop()
	g.watched.Wait()
}

// put queues an event in the place of one that was not fetched. The caller
// holds the group's mu.
func (m *member) put(d delivery) {
	select {
	case <-m.queue:
	default:
	}
	m.queue <- d
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
