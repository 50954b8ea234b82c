package runtimeapi

import (
	"net/http"
	"slices"
)

// shared is what is known of the events of a runtime that has several at once,
// as on a capacity provider. Such a runtime asks from several threads or
// processes; there is no order between asking and answering, and an event that
// took too long is given up without ending the runtime.
type shared struct {
	running map[string]*Exchange // taken and not answered, by request id
	late    []string             // the last ones that were given up
}

// maxLate is how many of the events that were given up are remembered.
const maxLate = 1000

// nextShared serves GET /runtime/invocation/next.
func (s *Server) nextShared(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	from := s.state
	switch from {
	case started, restoring:
		if from == started {
			s.initialized()
		}
		close(s.asked)
		s.state = ready
	}
	s.mu.Unlock()
	if !slices.Contains(allowed[ready], from) {
		refuse(w, from, ready)
		return
	}
	for {
		select {
		case x := <-s.work:
			if r.Context().Err() != nil { // nobody reads it: another may have it
				s.work <- x
				return
			}
			if s.shared.take(s, x) {
				writeEvent(w, x.event)
				return
			}
		case <-r.Context().Done():
			return
		case <-s.closed:
			return
		}
	}
}

// take notes that the runtime has the event, unless it was given up before.
func (h *shared) take(s *Server, x *Exchange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.abandoned {
		return false
	}
	if h.running == nil {
		h.running = map[string]*Exchange{}
	}
	h.running[x.event.Invocation.RequestID] = x
	return true
}

// begin takes an event out that is being answered; the caller has the lock.
func (h *shared) begin(w http.ResponseWriter, id string) (*Exchange, bool) {
	x := h.running[id]
	switch {
	case x != nil:
		delete(h.running, id)
		return x, true
	case slices.Contains(h.late, id):
		fail(w, http.StatusGone, "InvokeTimeout", "Invoke timeout")
	default:
		fail(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	return nil, false
}

// Abandon gives up an event that has not been answered in time. The runtime,
// which may have several, goes on; its answer will be refused.
func (s *Server) Abandon(x *Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.abandoned = true
	id := x.event.Invocation.RequestID
	delete(s.shared.running, id)
	if s.shared.late = append(s.shared.late, id); len(s.shared.late) > maxLate {
		s.shared.late = s.shared.late[1:]
	}
}
