package extension

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
)

// The two APIs by which an extension subscribes, by the names that AWS's error
// types begin with.
const (
	telemetryAPI = "Telemetry"
	logsAPI      = "Logs"
)

// request is the body of a subscription.
type request struct {
	Schema      *string  `json:"schemaVersion"`
	Types       []string `json:"types"`
	Destination *struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
		Port     *int   `json:"port"`
		Method   string `json:"method"`
		Encoding string `json:"encoding"`
	} `json:"destination"`
	Buffering struct {
		MaxItems *int `json:"maxItems"`
		MaxBytes *int `json:"maxBytes"`
		Timeout  *int `json:"timeoutMs"`
	} `json:"buffering"`
}

// order is what a valid request asks for.
type order struct {
	form     telemetry.Form
	types    []string
	maxItems int
	maxBytes int
	timeout  time.Duration
	port     int    // of the loopback interface that the extension sees
	url      string // "" for TCP
	method   string
	dial     func(context.Context) (net.Conn, error)
}

// subscribe serves PUT /telemetry and PUT /logs.
func (g *Group) subscribe(w http.ResponseWriter, r *http.Request, m *member, api string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	var o *order
	var refusal *refused
	if err != nil {
		refusal = invalid(api, "DeserializationError", err.Error())
	} else {
		o, refusal = read(body, api)
	}
	if refusal == nil {
		o.dial = func(ctx context.Context) (net.Conn, error) { return g.opts.Dial(ctx, o.port) }
		refusal = g.relay.add(m.name, api, o)
	}
	if refusal != nil {
		refusal.write(w)
		return
	}
	g.opts.Emit(telemetry.Subscription{Name: m.name, Logs: api == logsAPI, Types: o.types})
	writeJSON(w, http.StatusOK, "OK")
}

func invalid(api, name, message string) *refused {
	return &refused{http.StatusBadRequest, api + "." + name, message}
}

// read checks a subscription. All that is wrong with the values is said at
// once, as AWS does.
func read(body []byte, api string) (*order, *refused) {
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, invalid(api, "DeserializationError", err.Error())
	}
	switch {
	case q.Destination == nil:
		return nil, invalid(api, "DeserializationError", "missing field `destination`")
	case q.Types == nil:
		return nil, invalid(api, "DeserializationError", "missing field `types`")
	}
	o := &order{types: q.Types, form: telemetry.Form{Logs: api == logsAPI}}
	var wrong []string
	wrong = append(wrong, q.schema(o)...)
	destination, denied := q.destination(o)
	if denied != "" {
		return nil, forbidden(api+".AccessDenied", denied)
	}
	wrong = append(wrong, destination...)
	wrong = append(wrong, q.typesWrong()...)
	wrong = append(wrong, q.buffering(o)...)
	if len(wrong) > 0 {
		return nil, invalid(api, "ValidationError", strings.Join(wrong, "; "))
	}
	return o, nil
}

var (
	logsSchemas      = []string{"2020-08-15", "2021-03-18"}
	telemetrySchemas = []string{"2022-07-01", "2022-12-13", "2025-01-29"}
)

func (q *request) schema(o *order) (wrong []string) {
	known, message := telemetrySchemas, "TelemetryAPI only supports the SchemaVersion released after 2021-03-18"
	if o.form.Logs {
		known, message = logsSchemas, "LogsAPI only supports the following SchemaVersion: "+strings.Join(logsSchemas, ", ")
		o.form.Schema = logsSchemas[0] // the Logs API was there before versions were
	}
	if q.Schema != nil {
		o.form.Schema = *q.Schema
	}
	if !slices.Contains(known, o.form.Schema) {
		return []string{message}
	}
	return nil
}

func (q *request) typesWrong() (wrong []string) {
	if len(q.Types) == 0 {
		return []string{"types should not be empty"}
	}
	for i, name := range q.Types {
		switch {
		case !slices.Contains([]string{telemetry.PlatformEvents, telemetry.FunctionEvents, telemetry.ExtensionEvents}, name):
			wrong = append(wrong, fmt.Sprintf("unknown variant `%s`, expected one of `platform`, `function`, `extension`", name))
		case slices.Contains(q.Types[:i], name):
			wrong = append(wrong, "types should be unique")
		}
	}
	return wrong
}

// reserved is the port that AWS keeps for the Runtime API.
const reserved = 9001

// destination finds out where events go: always to this environment, whose
// name on AWS is not known to this machine.
func (q *request) destination(o *order) (wrong []string, denied string) {
	d := q.Destination
	if d.Encoding != "" && d.Encoding != "JSON" {
		wrong = append(wrong, fmt.Sprintf("unknown variant `%s`, expected `JSON`", d.Encoding))
	}
	switch d.Protocol {
	case "TCP":
		if d.Port == nil || *d.Port < 1 || *d.Port > 65535 {
			return append(wrong, "port should be between 1 and 65535"), ""
		}
		o.port = *d.Port
		return append(wrong, portWrong(*d.Port)...), ""
	case "HTTP":
	default:
		return append(wrong, fmt.Sprintf("unknown variant `%s`, expected `HTTP` or `TCP`", d.Protocol)), ""
	}
	switch d.Method {
	case "":
		o.method = http.MethodPost
	case http.MethodPost, http.MethodPut:
		o.method = d.Method
	default:
		wrong = append(wrong, fmt.Sprintf("unknown variant `%s`, expected `POST` or `PUT`", d.Method))
	}
	u, err := url.Parse(d.URI)
	switch {
	case err != nil:
		return append(wrong, "invalid destination URI: "+err.Error()), ""
	case u.Scheme != "http":
		return nil, "Only 'http' scheme is supported."
	case u.Hostname() != "sandbox.localdomain" && u.Hostname() != "sandbox":
		return nil, "Only 'sandbox.localdomain' hostname is supported."
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return append(wrong, "URI port is not provided"), ""
	}
	o.port = int(port)
	u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	o.url = u.String()
	return append(wrong, portWrong(int(port))...), ""
}

func portWrong(port int) []string {
	if port == reserved {
		return []string{"port 9001 is reserved"}
	}
	return nil
}

func (q *request) buffering(o *order) (wrong []string) {
	pick := func(name string, value *int, standard, least, most int) int {
		switch {
		case value == nil:
			return standard
		case *value < least || *value > most:
			wrong = append(wrong, fmt.Sprintf("%s should be between %d and %d", name, least, most))
		}
		return *value
	}
	b := q.Buffering
	o.maxItems = pick("maxItems", b.MaxItems, 10000, 1000, 10000)
	o.maxBytes = pick("maxBytes", b.MaxBytes, 256<<10, 256<<10, 1<<20)
	o.timeout = time.Duration(pick("timeoutMs", b.Timeout, 1000, 25, 30000)) * time.Millisecond
	return wrong
}
