package extension

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
)

// relay brings an environment's records to those who have subscribed to them.
// Until the initialisation has ended it keeps them, so that those who
// subscribe late miss nothing.
type relay struct {
	// needed is unset when nobody listens and nobody can any more, so that
	// records cost nothing.
	needed atomic.Bool
	ctx    context.Context // ends deliveries
	cancel context.CancelFunc
	// running are the subscriptions' goroutines.
	running sync.WaitGroup

	mu      sync.Mutex // guards what follows
	open    bool       // for subscriptions
	backlog []telemetry.Record
	bytes   int // of the lines in backlog
	lost    telemetry.Dropped
	partial map[source]begun // what is not a whole line yet
	subs    []*subscription
}

// begun is a line without its end.
type begun struct {
	rec  telemetry.Record // the one that began it
	text []byte
}

// source is where output comes from.
type source struct {
	stream    telemetry.Stream
	extension string
}

// Limits of what is kept in memory.
const (
	maxBacklog = 1 << 20   // bytes of lines before the end of the initialisation
	maxLine    = 256 << 10 // bytes; longer lines are cut into several
)

func (r *relay) init() {
	r.open = true
	r.partial = map[source]begun{}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.needed.Store(true)
}

// Record takes a record of the environment.
func (g *Group) Record(rec telemetry.Record) { g.relay.record(rec) }

func (r *relay) record(rec telemetry.Record) {
	if !r.needed.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if log, ok := rec.Event.(telemetry.Log); ok {
		r.log(rec, log)
		return
	}
	switch rec.Event.(type) {
	case telemetry.RuntimeDone, telemetry.Report:
		r.complete(false) // no output of an invocation comes behind its end
	}
	r.pass(rec)
}

// log passes on whole lines and keeps the rest.
func (r *relay) log(rec telemetry.Record, log telemetry.Log) {
	from := source{log.Stream, log.Extension}
	for data := log.Data; len(data) > 0; {
		had, ok := r.partial[from]
		if !ok {
			had.rec = rec
		}
		n := bytes.IndexByte(data, '\n')
		part, rest := data, []byte(nil)
		if n >= 0 {
			part, rest = data[:n], data[n+1:]
		}
		room := maxLine - len(had.text)
		switch {
		case len(part) > room:
			had.text = append(had.text, part[:room]...)
			r.line(from, had)
			data = data[room:]
		case n < 0:
			had.text = append(had.text, part...)
			r.partial[from] = had
			return
		default:
			had.text = append(had.text, part...)
			r.line(from, had)
			data = rest
		}
	}
}

func (r *relay) line(from source, l begun) {
	delete(r.partial, from)
	text := string(bytes.TrimSuffix(l.text, []byte("\r")))
	l.rec.Event = telemetry.Line{Extension: from.extension != "", Text: text}
	r.pass(l.rec)
}

// complete makes lines of what has no end, of the function or of all.
func (r *relay) complete(all bool) {
	for from, l := range r.partial {
		if all || from.extension == "" {
			r.line(from, l)
		}
	}
}

// pass gives a record to the subscribers and, while there may be more of them,
// keeps it. The caller holds mu.
func (r *relay) pass(rec telemetry.Record) {
	for _, s := range r.subs {
		s.offer(rec)
	}
	if !r.open {
		return
	}
	size := 0
	if line, ok := rec.Event.(telemetry.Line); ok {
		size = len(line.Text)
	}
	if r.bytes+size > maxBacklog {
		r.lost.Records++
		r.lost.Bytes += size
		return
	}
	r.bytes += size
	r.backlog = append(r.backlog, rec)
}

// add makes a subscription. One extension has one: the last.
func (r *relay) add(name, api string, o *order) *refused {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open {
		return forbidden(api+".SubscriptionClosed", api+" API subscription is closed already")
	}
	s := newSubscription(name, api, o)
	if i := slices.IndexFunc(r.subs, func(old *subscription) bool { return old.name == name }); i >= 0 {
		old := r.subs[i]
		if old.api != api {
			return invalid(api, "AccessDenied", "The extension "+name+" is already subscribed to the "+old.api+
				"API. You must either subscribe to the LogsAPI or the TelemetryAPI")
		}
		old.leave()
		r.subs = slices.Delete(r.subs, i, i+1)
	}
	for _, rec := range r.backlog {
		s.offer(rec)
	}
	if r.lost.Records > 0 {
		s.lose(r.lost.Records, r.lost.Bytes)
	}
	r.subs = append(r.subs, s)
	r.running.Go(func() { s.run(r.ctx) })
	return nil
}

// close ends the time for subscriptions.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open, r.backlog = false, nil
	r.needed.Store(len(r.subs) > 0)
}

// Flush delivers all that has been recorded, and from now on every record at
// once. It gives up when ctx ends.
func (g *Group) Flush(ctx context.Context) {
	r := &g.relay
	if !r.needed.Load() {
		return
	}
	r.mu.Lock()
	r.complete(true)
	subs := slices.Clone(r.subs)
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range subs {
		wg.Go(func() { s.flush(ctx) })
	}
	wg.Wait()
}

// stop ends all deliveries.
func (r *relay) stop() {
	r.needed.Store(false)
	r.cancel()
	r.running.Wait()
}
