package runtimeapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

const prefix = "/2018-06-01/"

// route finds the handler of a path and the one method it takes. There is no
// mux here because AWS's server neither cleans paths nor takes HEAD for GET.
func (s *Server) route(path string) (method string, handler http.HandlerFunc) {
	if path == CredentialsPath && s.opts.Snapshot != nil {
		return http.MethodGet, s.credentials
	}
	path, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return "", nil
	}
	switch path {
	case "ping":
		return http.MethodGet, ping
	case "runtime/invocation/next":
		return http.MethodGet, s.next
	case "runtime/init/error":
		return http.MethodPost, s.initFailed
	}
	if s.opts.Snapshot != nil {
		switch path {
		case "runtime/restore/next":
			return http.MethodGet, s.restoreNext
		case "runtime/restore/error":
			return http.MethodPost, s.restoreFailed
		}
	}
	id, ok := strings.CutPrefix(path, "runtime/invocation/")
	if !ok {
		return "", nil
	}
	if id, ok := strings.CutSuffix(id, "/response"); ok {
		return http.MethodPost, func(w http.ResponseWriter, r *http.Request) { s.responded(w, r, id) }
	}
	if id, ok := strings.CutSuffix(id, "/error"); ok {
		return http.MethodPost, func(w http.ResponseWriter, r *http.Request) { s.failed(w, r, id) }
	}
	return "", nil
}

func ping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("pong"))
}

const (
	typeHeader = "Lambda-Runtime-Function-Error-Type"
	bodyHeader = "Lambda-Runtime-Function-Error-Body"
	modeHeader = "Lambda-Runtime-Function-Response-Mode"
	causeType  = "application/vnd.aws.lambda.error.cause+json"
)

// responded serves POST /runtime/invocation/{id}/response.
func (s *Server) responded(w http.ResponseWriter, r *http.Request, id string) {
	x, ok := s.begin(w, id, response)
	if !ok {
		return
	}
	if mode := r.Header.Get(modeHeader); mode != "" && mode != "streaming" {
		s.finish(x, platformError(id, "Runtime.InvalidResponseModeHeader", fmt.Sprintf("the runtime sent the response mode %q", mode)))
		fail(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	answer := Answer{ContentType: r.Header.Get("Content-Type")}
	if mode := r.Header.Get(modeHeader); mode != "" && x.event.Invocation.Stream != nil {
		ok = s.stream(w, r, x, &answer)
	} else {
		answer.Payload, ok = s.body(w, r, x, "response")
		answer.Size = len(answer.Payload)
	}
	if ok {
		s.finish(x, streamed(r, answer))
		accept(w)
	}
}

// stream passes on what the runtime sends while it comes.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, x *Exchange, a *Answer) bool {
	out := x.event.Invocation.Stream(a.ContentType)
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		a.Size += n
		if a.Size > lambda.MaxStreamBytes {
			s.finish(x, tooLarge(lambda.MaxStreamBytes))
			_, _ = io.Copy(io.Discard, r.Body) // for as long as the function has time
			refuseSize(w, lambda.MaxStreamBytes)
			return false
		}
		if n > 0 && out != nil {
			if _, gone := out.Write(buf[:n]); gone != nil {
				out = nil // the function goes on without a reader, as on AWS
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			s.cutShort(w, x, "response")
			return false
		}
	}
}

// body reads what the runtime has posted. When that cannot be had in full, it
// ends the exchange and says why. what names it for the message.
func (s *Server) body(w http.ResponseWriter, r *http.Request, x *Exchange, what string) ([]byte, bool) {
	body, err := readBody(r)
	switch {
	case errors.Is(err, errTooLarge):
		s.finish(x, tooLarge(lambda.MaxResponseBytes))
		refuseSize(w, lambda.MaxResponseBytes)
	case err != nil:
		s.cutShort(w, x, what)
	}
	return body, err == nil
}

// cutShort ends an exchange whose answer has broken off.
func (s *Server) cutShort(w http.ResponseWriter, x *Exchange, what string) {
	a := platformError(x.event.Invocation.RequestID, "Runtime.TruncatedResponse", "the runtime's "+what+" ended too early")
	a.Cut = true
	s.finish(x, a)
	fail(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

// streamed looks at the trailers, in which a streaming runtime says that the
// function has failed half way: the error then takes the place of the body.
func streamed(r *http.Request, a Answer) Answer {
	errorType := r.Trailer.Get(typeHeader)
	if errorType == "" {
		return a
	}
	body, err := base64.StdEncoding.DecodeString(r.Trailer.Get(bodyHeader))
	if err != nil || len(body) == 0 {
		body = errorObject(errorType, "the function failed while it was streaming its response")
	}
	return Answer{Payload: body, ContentType: "application/json", Size: a.Size, Failed: true, ErrorType: validErrorType(errorType)}
}

// failed serves POST /runtime/invocation/{id}/error. Bodies are not looked
// into, with one exception that AWS documents for its own clients.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, id string) {
	x, ok := s.begin(w, id, errorResponse)
	if !ok {
		return
	}
	body, ok := s.body(w, r, x, "error")
	if !ok {
		return
	}
	contentType := r.Header.Get("Content-Type")
	if contentType == causeType {
		body, contentType = withoutCause(body)
	}
	errorType := validErrorType(r.Header.Get(typeHeader))
	s.finish(x, Answer{Payload: body, ContentType: contentType, Size: len(body), Failed: true, ErrorType: errorType})
	accept(w)
}

// withoutCause drops the cause for X-Ray from an error that carries one.
func withoutCause(body []byte) (clean []byte, contentType string) {
	var e struct {
		Message json.RawMessage `json:"errorMessage,omitempty"`
		Type    json.RawMessage `json:"errorType,omitempty"`
		Trace   json.RawMessage `json:"stackTrace,omitempty"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return []byte(`"Invalid error body"`), "application/octet-stream"
	}
	clean, err := json.Marshal(e)
	if err != nil {
		return []byte(`"Invalid error body"`), "application/octet-stream"
	}
	return clean, "application/json"
}

// initFailed serves POST /runtime/init/error.
func (s *Server) initFailed(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	from := s.state
	switch from {
	case started:
		s.state = initError
	case restoring:
		s.state = restoreFailure
	}
	s.mu.Unlock()
	switch from {
	case started:
		s.initError <- report(r, "initialisation")
	case restoring:
		s.restoreError <- report(r, "restore")
	default:
		refuse(w, from, initError)
		return
	}
	accept(w)
}

// report is a runtime's report of what has failed before its first event.
func report(r *http.Request, what string) Answer {
	body, err := readBody(r)
	if err != nil {
		body = errorObject("Runtime.Unknown", "the runtime's report of its failed "+what+" could not be read")
	}
	contentType := "application/json"
	if !json.Valid(body) {
		contentType = "application/octet-stream"
	}
	return Answer{
		Payload: body, ContentType: contentType, Failed: true, Fatal: true, Cut: err != nil,
		ErrorType: validErrorType(r.Header.Get(typeHeader)),
	}
}

// errorType is the form of the names that AWS takes over into its records. It
// is not anchored, as on AWS.
var errorType = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(Runtime|Function)\.[A-Z][a-zA-Z]+`) })

// validErrorType maps names that AWS does not take to its catch-all names.
func validErrorType(name string) string {
	switch {
	case errorType().MatchString(name):
		return name
	case strings.HasPrefix(name, "Function."):
		return "Function.Unknown"
	default:
		return "Runtime.Unknown"
	}
}

func refuseSize(w http.ResponseWriter, limit int) {
	fail(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit))
}

func tooLarge(limit int) Answer {
	const name = "Function.ResponseSizeTooLarge"
	text := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit)
	body, _ := json.Marshal(struct { // strings always encode
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{text, name})
	return Answer{Payload: body, ContentType: "application/json", Failed: true, ErrorType: name, Platform: true}
}

// platformError is a failure of the runtime after which it cannot go on.
func platformError(id, name, text string) Answer {
	return Answer{
		Payload: errorObject(name, "RequestId: "+id+" Error: "+text), ContentType: "application/json",
		Failed: true, ErrorType: name, Platform: true, Fatal: true,
	}
}

func errorObject(name, message string) []byte {
	body, _ := json.Marshal(struct { // strings always encode
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{name, message})
	return body
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte("{\"status\":\"OK\"}\n"))
}

func refuse(w http.ResponseWriter, from, to state) {
	fail(w, http.StatusForbidden, "InvalidStateTransition", refusal(from, to))
}

func fail(w http.ResponseWriter, status int, name, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, name})
}
