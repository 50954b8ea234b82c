package extension

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
)

// subscription is one extension's. A goroutine of its own delivers, so that a
// slow extension holds up nobody; what is kept for it is bounded.
type subscription struct {
	name, api string
	*order
	send  func(ctx context.Context, batch [][]byte) error
	wake  chan struct{}      // something has come
	now   chan chan struct{} // closes what it gets when all is delivered
	gone  chan struct{}      // closed by leave
	ended chan struct{}      // closed when run has returned

	mu    sync.Mutex // guards what follows
	queue [][]byte
	bytes int
	lost  telemetry.Dropped
	last  telemetry.Record // the one that was lost last, for time and function
}

func newSubscription(name, api string, o *order) *subscription {
	s := &subscription{
		name: name, api: api, order: o,
		wake: make(chan struct{}, 1), now: make(chan chan struct{}), gone: make(chan struct{}), ended: make(chan struct{}),
	}
	if o.url == "" {
		s.send = (&lines{dial: o.dial}).send
	} else {
		s.send = (&post{method: o.method, url: o.url, dial: o.dial}).send
	}
	return s
}

// slack is how many batches are kept for a subscriber that does not keep up.
const slack = 2

// offer queues the events of a record that the subscriber wants.
func (s *subscription) offer(rec telemetry.Record) {
	if !slices.Contains(s.types, telemetry.KindOf(rec)) {
		return
	}
	for _, event := range s.form.Encode(rec) {
		s.mu.Lock()
		if len(s.queue) >= slack*s.maxItems || s.bytes+len(event) > slack*s.maxBytes {
			s.lost.Records++
			s.lost.Bytes += len(event)
			s.last = rec
		} else {
			s.queue = append(s.queue, event)
			s.bytes += len(event)
		}
		s.mu.Unlock()
	}
	s.nudge()
}

func (s *subscription) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// lose notes events that the subscriber will not see.
func (s *subscription) lose(records, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost.Records += records
	s.lost.Bytes += bytes
}

// full reports whether a batch need not wait for more.
func (s *subscription) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) >= s.maxItems || s.bytes >= s.maxBytes
}

func (s *subscription) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) == 0
}

// take is the next batch, nil when there is none.
func (s *subscription) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost.Records > 0 && slices.Contains(s.types, telemetry.PlatformEvents) {
		if s.last.Time.IsZero() {
			s.last.Time = time.Now()
		}
		s.lost.Reason = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."
		s.last.Event = s.lost
		s.queue = append(s.queue, s.form.Encode(s.last)...)
	}
	s.lost = telemetry.Dropped{}
	n, size := 0, 0
	for n < len(s.queue) && n < s.maxItems && (n == 0 || size+len(s.queue[n]) <= s.maxBytes) {
		size += len(s.queue[n])
		n++
	}
	batch := s.queue[:n:n]
	s.queue = s.queue[n:]
	s.bytes = 0
	for _, event := range s.queue {
		s.bytes += len(event)
	}
	return batch
}

// run delivers until ctx ends or the subscription is replaced.
func (s *subscription) run(ctx context.Context) {
	defer close(s.ended)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = s.send(ctx, nil) }() // closes what is open
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	waiting, hurry := false, false
	for {
		select {
		case <-s.wake:
			if s.empty() {
				continue
			}
			if hurry || s.full() {
				waiting = false
				s.deliver(ctx)
			} else if !waiting {
				waiting = true
				timer.Reset(s.timeout)
			}
		case <-timer.C:
			waiting = false
			s.deliver(ctx)
		case done := <-s.now:
			hurry = true
			s.deliver(ctx)
			close(done)
		case <-s.gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// flush delivers all, and from now on without delay.
func (s *subscription) flush(ctx context.Context) {
	done := make(chan struct{})
	select {
	case s.now <- done:
	case <-s.ended:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// leave ends a subscription that another takes the place of.
func (s *subscription) leave() {
	close(s.gone)
}

// firstPause is how long a delivery that has failed is put off; then twice as
// long, attempts in all.
const (
	firstPause = 25 * time.Millisecond
	attempts   = 6
)

// deliver sends all that is queued. What cannot be delivered is lost.
func (s *subscription) deliver(ctx context.Context) {
	for batch := s.take(); len(batch) > 0 && ctx.Err() == nil; batch = s.take() {
		pause := firstPause
		for n := 1; ; n++ {
			if s.send(ctx, batch) == nil {
				break
			}
			if n == attempts || ctx.Err() != nil {
				size := 0
				for _, event := range batch {
					size += len(event)
				}
				s.lose(len(batch), size)
				s.nudge() // what has come meanwhile brings the next attempt
				return
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause *= 2
		}
	}
}

// post delivers batches as JSON arrays by HTTP.
type post struct {
	method, url string
	dial        func(context.Context) (net.Conn, error)
	client      *http.Client
}

// send delivers a batch; nil ends the deliveries.
func (p *post) send(ctx context.Context, batch [][]byte) error {
	if p.client == nil {
		// No proxy: it goes to this machine.
		p.client = &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) },
		}}
	}
	if batch == nil {
		p.client.CloseIdleConnections()
		return nil
	}
	body := slices.Concat([]byte("["), bytes.Join(batch, []byte(",")), []byte("]"))
	req, err := http.NewRequestWithContext(ctx, p.method, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	if res.StatusCode >= 400 {
		return fmt.Errorf("the subscriber answered %s", res.Status)
	}
	return nil
}

// lines delivers batches as lines of JSON over one TCP connection.
type lines struct {
	dial func(context.Context) (net.Conn, error)
	conn net.Conn
}

// send delivers a batch; nil ends the deliveries.
func (l *lines) send(ctx context.Context, batch [][]byte) error {
	if batch == nil {
		if l.conn != nil {
			_ = l.conn.Close()
		}
		return nil
	}
	if l.conn == nil {
		conn, err := l.dial(ctx)
		if err != nil {
			return err
		}
		l.conn = conn
	}
	conn := l.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Now()) })
	defer stop()
	_, err := conn.Write(append(bytes.Join(batch, []byte("\n")), '\n'))
	if err != nil {
		_ = conn.Close()
		l.conn = nil
	}
	return err
}
