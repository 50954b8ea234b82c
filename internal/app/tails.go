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

	mu     sync.Mutex       // guards what follows
	wanted map[string]*tail // by request id
	// running are those whose invocation has begun, by the log stream of the
	// environment that serves it and by request id.
	running map[string]map[string]*tail
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
		l.wanted, l.running = map[string]*tail{}, map[string]map[string]*tail{}
	}
	l.wanted[id] = t
	return t
}

// forget says that nobody wants the invocation's log any more.
func (l *tails) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for stream := range l.running {
		l.end(stream, id)
	}
	delete(l.wanted, id)
}

// end says that an invocation's log is complete; the caller holds mu.
func (l *tails) end(stream, id string) {
	if delete(l.running[stream], id); len(l.running[stream]) == 0 {
		delete(l.running, stream)
	}
}

// record is a [telemetry.Sink]. Output of an environment that serves several
// invocations at once is in the log of each.
func (l *tails) record(r telemetry.Record) {
	l.next(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	only := ""
	switch e := r.Event.(type) {
	case telemetry.Start:
		if only = e.RequestID; l.wanted[only] != nil {
			if l.running[r.LogStream] == nil {
				l.running[r.LogStream] = map[string]*tail{}
			}
			l.running[r.LogStream][only] = l.wanted[only]
		}
	case telemetry.RuntimeDone:
		only = e.RequestID
	case telemetry.Fault:
		only = e.RequestID
	case telemetry.Report:
		only = e.RequestID
	}
	for id, t := range l.running[r.LogStream] {
		if only == "" || only == id {
			t.text.Record(r)
		}
	}
	if _, ok := r.Event.(telemetry.Report); !ok {
		return
	}
	if t := l.running[r.LogStream][only]; t != nil {
		l.end(r.LogStream, only)
		close(t.complete)
	}
}
