package image

import (
	"context"
	"io"
	"sync"
	"time"
)

// pace is the least time between two reports of one phase.
const pace = 100 * time.Millisecond

// meter reports how far an image is.
type meter struct {
	name   string
	report func(Progress)

	mu   sync.Mutex
	now  Progress
	last time.Time
}

// manifest says which manifest is meant from now on.
func (m *meter) manifest(digest string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Digest = digest
}

// begin begins a phase.
func (m *meter) begin(p Phase, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = Progress{Name: m.name, Digest: m.now.Digest, Phase: p, Total: total}
	m.tell()
}

// add counts bytes; what was counted in vain is taken back.
func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Done += n
	if time.Since(m.last) >= pace {
		m.tell()
	}
}

// end ends a phase.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell()
}

func (m *meter) tell() {
	m.last = time.Now()
	if m.report != nil {
		m.report(m.now)
	}
}

// metered reads until ctx ends, and counts.
type metered struct {
	ctx   context.Context
	r     io.Reader
	meter *meter
}

func (r *metered) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	r.meter.add(int64(n))
	return n, err
}
