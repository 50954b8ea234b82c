package extension

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

const (
	nameHeader    = "Lambda-Extension-Name"
	idHeader      = "Lambda-Extension-Identifier"
	eventHeader   = "Lambda-Extension-Event-Identifier"
	featureHeader = "Lambda-Extension-Accept-Feature"
	errorHeader   = "Lambda-Extension-Function-Error-Type"

	prefix = "/2020-01-01/extension/"
)

// What an extension can register for.
const (
	invokeEvent   = "INVOKE"
	shutdownEvent = "SHUTDOWN"
)

// delivery is an event on its way to an extension.
type delivery struct {
	id   string // of the event, "" for SHUTDOWN
	body []byte
}

// ServeHTTP implements [http.Handler] for the three APIs.
func (g *Group) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method, handler := g.route(r.URL.Path)
	switch {
	case handler == nil:
		http.NotFound(w, r)
	case r.Method != method:
		w.Header().Set("Allow", method)
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		handler(w, r)
	}
}

func (g *Group) route(path string) (method string, handler http.HandlerFunc) {
	switch path {
	case prefix + "register":
		return http.MethodPost, g.register
	case prefix + "event/next":
		return http.MethodGet, g.known(g.next)
	case prefix + "init/error":
		return http.MethodPost, g.known(func(w http.ResponseWriter, r *http.Request, m *member) { g.reported(w, r, m, initError, InitFailed) })
	case prefix + "exit/error":
		return http.MethodPost, g.known(func(w http.ResponseWriter, r *http.Request, m *member) { g.reported(w, r, m, exitError, ExitFailed) })
	case "/2022-07-01/telemetry", "/2022-07-01/telemetry/": // AWS's own pages write both
		return http.MethodPut, g.known(func(w http.ResponseWriter, r *http.Request, m *member) { g.subscribe(w, r, m, telemetryAPI) })
	case "/2020-08-15/logs", "/2020-08-15/logs/":
		return http.MethodPut, g.known(func(w http.ResponseWriter, r *http.Request, m *member) { g.subscribe(w, r, m, logsAPI) })
	}
	return "", nil
}

// maxBody bounds what an extension may send.
const maxBody = 1 << 20

// register serves POST /extension/register.
func (g *Group) register(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get(nameHeader)
	if name == "" {
		forbid(w, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	events, err := wanted(r)
	if err != nil {
		forbid(w, "InvalidRequestFormat", err.Error())
		return
	}
	m, refused := g.admit(name, events)
	if refused != nil {
		refused.write(w)
		return
	}
	answer := struct {
		Name    string `json:"functionName"`
		Version string `json:"functionVersion"`
		Handler string `json:"handler"`
		Account string `json:"accountId,omitempty"`
	}{g.opts.Function.Name, lambda.LatestVersion, g.opts.Function.Handler, ""}
	for feature := range strings.SplitSeq(r.Header.Get(featureHeader), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer.Account = g.opts.Account
		}
	}
	w.Header().Set(idHeader, m.id)
	writeJSON(w, http.StatusOK, answer)
}

// wanted reads the events that an extension registers for.
func wanted(r *http.Request) ([]string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	var request struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	if len(request.ConfigurationKeys) > 0 {
		return nil, errors.New("configurationKeys are deprecated; use environment variables instead")
	}
	return request.Events, nil
}

// admit registers an extension. One whose name is not that of a file is
// internal: part of the runtime's process.
func (g *Group) admit(name string, events []string) (*member, *refused) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.members, func(m *member) bool { return m.name == name })
	external := i >= 0 && g.members[i].external
	for _, event := range events {
		switch {
		case event != invokeEvent && event != shutdownEvent:
			return nil, forbidden("Extension.InvalidEventType", event+": ErrorInvalidEventType")
		case event == shutdownEvent && !external:
			return nil, forbidden("Extension.InvalidEventType", event+": ShutdownEventNotSupportedForInternalExtension")
		}
	}
	if external {
		m := g.members[i]
		if refused := m.move(registered); refused != nil {
			return nil, refused
		}
		m.events = events
		g.progress()
		return m, nil
	}
	switch {
	case g.closed:
		return nil, forbidden("Extension.RegistrationClosed", "Extension registration closed already")
	case i >= 0:
		return nil, forbidden(invalidState, "Extension with this name already registered")
	case len(g.members) >= Max:
		return nil, forbidden("Extension.TooManyExtensions", fmt.Sprintf("Extension limit (%d) reached", Max))
	}
	m := &member{name: name, id: g.opts.NewID(), state: registered, events: events, queue: make(chan delivery, 1)}
	g.members = append(g.members, m)
	return m, nil
}

// known passes a request on with the extension that has sent it.
func (g *Group) known(serve func(http.ResponseWriter, *http.Request, *member)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(idHeader)
		if id == "" {
			forbid(w, "Extension.MissingExtensionIdentifier", "Missing "+idHeader+" header")
			return
		}
		if !isID().MatchString(id) {
			forbid(w, "Extension.InvalidExtensionIdentifier", "Invalid "+idHeader)
			return
		}
		g.mu.Lock()
		i := slices.IndexFunc(g.members, func(m *member) bool { return m.id == id })
		var m *member
		if i >= 0 && g.members[i].state != started {
			m = g.members[i]
		}
		g.mu.Unlock()
		if m == nil {
			forbid(w, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
			return
		}
		serve(w, r, m)
	}
}

var isID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
})

// next serves GET /extension/event/next: it waits for an event.
func (g *Group) next(w http.ResponseWriter, r *http.Request, m *member) {
	g.mu.Lock()
	from := m.state
	refused := m.move(ready)
	if refused == nil {
		if m.owes && from == running {
			m.owes = false
			if g.owing--; g.owing == 0 {
				close(g.idle)
			}
		}
		g.progress()
	}
	g.mu.Unlock()
	if refused != nil {
		refused.write(w)
		return
	}
	select {
	case d := <-m.queue:
		g.mu.Lock()
		if m.state == ready {
			m.state = running
		}
		g.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if d.id != "" {
			w.Header().Set(eventHeader, d.id)
		}
		_, _ = w.Write(d.body)
	case <-r.Context().Done(): // the extension, or the environment, has gone
	}
}

// reported serves POST /extension/init/error and exit/error: the extension
// cannot go on.
func (g *Group) reported(w http.ResponseWriter, r *http.Request, m *member, to state, errorType string) {
	name := r.Header.Get(errorHeader)
	if name == "" {
		forbid(w, "Extension.MissingHeader", errorHeader+" not found")
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody)) // AWS logs the type alone
	g.mu.Lock()
	refused := m.move(to)
	if refused == nil {
		m.errorType = name
		if !g.ending {
			g.fail(Failed{errorType, name})
		}
	}
	g.mu.Unlock()
	if refused != nil {
		refused.write(w)
		return
	}
	writeJSON(w, http.StatusAccepted, struct {
		Status string `json:"status"`
	}{"OK"})
}

const invalidState = "Extension.InvalidExtensionState"

// move changes the state, or says why it may not. The caller holds the group's mu.
func (m *member) move(to state) *refused {
	if !slices.Contains(allowed[to], m.state) {
		return forbidden(invalidState, refusal(m.name, m.state, to))
	}
	m.state = to
	return nil
}

// event is the INVOKE event.
func (inv Invocation) event() []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	e := struct {
		Type      string   `json:"eventType"`
		Deadline  int64    `json:"deadlineMs"`
		RequestID string   `json:"requestId"`
		ARN       string   `json:"invokedFunctionArn"`
		Tracing   *tracing `json:"tracing,omitempty"`
	}{invokeEvent, inv.Deadline.UnixMilli(), inv.RequestID, inv.ARN, nil}
	if inv.TraceID != "" {
		e.Tracing = &tracing{"X-Amzn-Trace-Id", inv.TraceID}
	}
	body, _ := json.Marshal(e) // strings and numbers always encode
	return body
}

func shutdownBody(reason Reason, deadline time.Time) []byte {
	body, _ := json.Marshal(struct { // strings and numbers always encode
		Type     string `json:"eventType"`
		Deadline int64  `json:"deadlineMs"`
		Reason   Reason `json:"shutdownReason"`
	}{shutdownEvent, deadline.UnixMilli(), reason})
	return body
}

// refused is a request that is answered with an error.
type refused struct {
	status        int
	name, message string
}

func forbidden(name, message string) *refused {
	return &refused{http.StatusForbidden, name, message}
}

func (e *refused) write(w http.ResponseWriter) {
	writeJSON(w, e.status, struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{e.message, e.name})
}

func forbid(w http.ResponseWriter, name, message string) { forbidden(name, message).write(w) }

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // who has gone needs no answer
}
