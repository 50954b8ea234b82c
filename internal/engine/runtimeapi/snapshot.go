package runtimeapi

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"time"
)

// Snapshot is what a Runtime API has besides for a function with SnapStart. Its
// runtime ends the initialisation with GET /runtime/restore/next, which is
// answered when the environment is restored, runs the function's hooks and
// only then asks for events. No snapshot is taken here: the process waits.
type Snapshot struct {
	// Token is what GET /2021-04-23/credentials wants as its Authorization.
	Token       string
	Credentials Credentials
}

// Credentials are those of the function's role, in AWS's words.
type Credentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time
}

// CredentialsPath is where the credentials are.
const CredentialsPath = "/2021-04-23/credentials"

// Restore lets a runtime go on that waits for it; one that does not wait has
// gone on already.
func (s *Server) Restore() {
	s.mu.Lock()
	if s.state == restoreReady {
		s.state = restoring
	}
	s.mu.Unlock()
	s.restored.Do(func() { close(s.restore) })
}

// Asked is closed when the runtime has asked for its first event; without a
// [Snapshot] that is when Ready is.
func (s *Server) Asked() <-chan struct{} { return s.asked }

// RestoreError delivers the error of a hook that has failed after the restore.
func (s *Server) RestoreError() <-chan Answer { return s.restoreError }

// restoreNext serves GET /runtime/restore/next.
func (s *Server) restoreNext(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	from := s.state
	if from == started {
		s.state = restoreReady
		s.initialized()
	}
	s.mu.Unlock()
	if from != started {
		refuse(w, from, restoreReady)
		return
	}
	select {
	case <-s.restore:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	case <-r.Context().Done():
	case <-s.closed:
	}
}

// restoreFailed serves POST /runtime/restore/error.
func (s *Server) restoreFailed(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	from := s.state
	if from == restoring {
		s.state = restoreFailure
	}
	s.mu.Unlock()
	if from != restoring {
		refuse(w, from, restoreFailure)
		return
	}
	s.restoreError <- report(r, "restore")
	accept(w)
}

// credentials serves GET /2021-04-23/credentials.
func (s *Server) credentials(w http.ResponseWriter, r *http.Request) {
	given := r.Header.Get("Authorization")
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.opts.Snapshot.Token)) == 0 {
		http.Error(w, "cannot get credentials for the provided token", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.opts.Snapshot.Credentials)
}
