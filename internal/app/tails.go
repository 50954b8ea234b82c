package app

import (
	"sync"

	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// tails keeps the end of the log of those invocations whose callers want it.
// It stands in the way of all records and passes them on.
type tails struct {
	next telemetry.Sink

	mu      sync.Mutex       // guards what follows
	wanted  map[string]*tail // by request id
	running map[string]*tail // by the log stream of the environment that serves it
}

// tail is the end of one invocation's log.
type tail struct {
	text telemetry.Text
	last []byte
	// complete is closed behind the REPORT line; last is not changed then.
	complete chan struct{}
}

// Write keeps the last bytes of what is written.
func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if over := len(t.last) - lambda.MaxLogTailBytes; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(p), nil
}

// want asks for the log of an invocation that is going to begin.
func (l *tails) want(id string) *tail {
	t := &tail{complete: make(chan struct{})}
	t.text = telemetry.Text{Platform: t, NewLines: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted == nil {
		l.wanted, l.running = map[string]*tail{}, map[string]*tail{}
	}
	l.wanted[id] = t
	return t
}

// forget says that nobody wants the invocation's log any more.
func (l *tails) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for stream, t := range l.running {
		if t == l.wanted[id] {
			delete(l.running, stream)
		}
	}
	delete(l.wanted, id)
}

// record is a [telemetry.Sink].
func (l *tails) record(r telemetry.Record) {
	l.next(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := r.Event.(telemetry.Start); ok && l.wanted[e.RequestID] != nil {
		l.running[r.LogStream] = l.wanted[e.RequestID]
	}
	t := l.running[r.LogStream]
	if t == nil {
		return
	}
	t.text.Record(r)
	if _, ok := r.Event.(telemetry.Report); ok {
		delete(l.running, r.LogStream)
		close(t.complete)
	}
}
