package image

import "io"

// ahead reads in a goroutine of its own, some blocks ahead: what it reads from
// decompresses while others write.
type ahead struct {
	full, empty chan []byte
	stop, done  chan struct{}
	err         error // valid when full is closed

	block, rest []byte
}

const (
	aheadBlocks = 4
	aheadSize   = 1 << 20
)

// newAhead begins. The caller closes it before r.
func newAhead(r io.Reader) *ahead {
	a := &ahead{
		full: make(chan []byte, aheadBlocks), empty: make(chan []byte, aheadBlocks),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	for range aheadBlocks {
		a.empty <- nil // made when it is needed: layers may be small
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.done)
	defer close(a.full)
	for a.err == nil {
		var block []byte
		select {
		case block = <-a.empty:
		case <-a.stop:
			return
		}
		if block == nil {
			block = make([]byte, aheadSize)
		}
		n := 0
		for n < len(block) && a.err == nil {
			var got int
			got, a.err = r.Read(block[n:])
			n += got
		}
		a.full <- block[:n] // there are no more blocks than it takes
	}
}

// Read implements [io.Reader].
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.block != nil {
			a.empty <- a.block[:cap(a.block)]
		}
		var ok bool
		if a.block, ok = <-a.full; !ok {
			return 0, a.err
		}
		a.rest = a.block
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// close ends the goroutine and waits for it.
func (a *ahead) close() {
	close(a.stop)
	<-a.done
}
