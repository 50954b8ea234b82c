package extension_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// listener is an extension's server for telemetry.
type listener struct {
	port, path string
	mu         sync.Mutex
	methods    []string
	batches    []int
	events     []string
	refuse     int           // requests to answer with an error
	hang       chan struct{} // when set, requests wait for its end
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.hang != nil {
			select {
			case <-l.hang:
			case <-r.Context().Done():
				return
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.refuse > 0 {
			l.refuse--
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var batch []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
			t.Errorf("a batch is no JSON array: %v", err)
		}
		l.path = r.URL.Path
		l.methods = append(l.methods, r.Method+" "+r.Header.Get("Content-Type"))
		l.batches = append(l.batches, len(batch))
		for _, event := range batch {
			l.events = append(l.events, string(event))
		}
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.port = u.Port()
	return l
}

func (l *listener) got() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}

const (
	toTelemetry = "PUT /2022-07-01/telemetry"
	toLogs      = "PUT /2020-08-15/logs"
)

// subscribe subscribes agent to all three types and expects it to succeed.
func (h *harness) subscribe(agent, to, schema, destination string) {
	h.t.Helper()
	body := fmt.Sprintf(`{"schemaVersion":%q,"types":["platform","function","extension"],"buffering":{"timeoutMs":25},"destination":%s}`, schema, destination)
	if res, text := h.ask(to, body, id, agent); res.StatusCode != http.StatusOK || text != `"OK"` {
		h.t.Fatalf("subscribing: %s %s", res.Status, text)
	}
}

func (l *listener) destination() string {
	return fmt.Sprintf(`{"protocol":"HTTP","URI":"http://sandbox.localdomain:%s/in"}`, l.port)
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	const good = `"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080"}`
	tests := []struct {
		name, to, body string
		status         int
		want           string
	}{
		{"no JSON", toTelemetry, `{`, 400, "Telemetry.DeserializationError: unexpected end of JSON input"},
		{"no destination", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"]}`, 400, "Telemetry.DeserializationError: missing field `destination`"},
		{"no types", toLogs, `{` + good + `}`, 400, "Logs.DeserializationError: missing field `types`"},
		{"no port, no types", toTelemetry, `{"schemaVersion":"2022-07-01","types":[],"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain"}}`, 400, "Telemetry.ValidationError: URI port is not provided; types should not be empty"},
		{"the same for logs", toLogs, `{"types":[],"destination":{"protocol":"HTTP","URI":"http://sandbox:/x"}}`, 400, "Logs.ValidationError: URI port is not provided; types should not be empty"},
		{"no schema", toTelemetry, `{"types":["platform"],` + good + `}`, 400, "Telemetry.ValidationError: TelemetryAPI only supports the SchemaVersion released after 2021-03-18"},
		{"the other API's schema", toTelemetry, `{"schemaVersion":"2021-03-18","types":["platform"],` + good + `}`, 400, "Telemetry.ValidationError: TelemetryAPI only supports the SchemaVersion released after 2021-03-18"},
		{"the other API's schema, logs", toLogs, `{"schemaVersion":"2022-07-01","types":["platform"],` + good + `}`, 400, "Logs.ValidationError: LogsAPI only supports the following SchemaVersion: 2020-08-15, 2021-03-18"},
		{"unknown type", toTelemetry, `{"schemaVersion":"2022-07-01","types":["logs"],` + good + `}`, 400, "Telemetry.ValidationError: unknown variant `logs`, expected one of `platform`, `function`, `extension`"},
		{"type twice", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform","platform"],` + good + `}`, 400, "Telemetry.ValidationError: types should be unique"},
		{"another host", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://example.com:8080"}}`, 403, "Telemetry.AccessDenied: Only 'sandbox.localdomain' hostname is supported."},
		{"HTTPS", toLogs, `{"types":["platform"],"destination":{"protocol":"HTTP","URI":"https://sandbox:8080"}}`, 403, "Logs.AccessDenied: Only 'http' scheme is supported."},
		{"the Runtime API's port", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:9001"}}`, 400, "Telemetry.ValidationError: port 9001 is reserved"},
		{"TCP without port", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"TCP"}}`, 400, "Telemetry.ValidationError: port should be between 1 and 65535"},
		{"unknown protocol", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"UDP","port":1}}`, 400, "Telemetry.ValidationError: unknown variant `UDP`, expected `HTTP` or `TCP`"},
		{"unknown method", toLogs, `{"types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:8080","method":"GET"}}`, 400, "Logs.ValidationError: unknown variant `GET`, expected `POST` or `PUT`"},
		{"too few items", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"buffering":{"maxItems":999},` + good + `}`, 400, "Telemetry.ValidationError: maxItems should be between 1000 and 10000"},
		{"too many bytes", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"buffering":{"maxBytes":1048577},` + good + `}`, 400, "Telemetry.ValidationError: maxBytes should be between 262144 and 1048576"},
		{"too little time", toTelemetry, `{"schemaVersion":"2022-07-01","types":["platform"],"buffering":{"timeoutMs":24},` + good + `}`, 400, "Telemetry.ValidationError: timeoutMs should be between 25 and 30000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, function(), "agent")
			res, body := h.ask(tt.to, tt.body, id, h.register("agent", `[]`))
			refusal(t, res, body, tt.status, tt.want)
		})
	}
}

func TestSubscriptionsEndWithTheInit(t *testing.T) {
	for to, want := range map[string]string{
		toTelemetry: "Telemetry.SubscriptionClosed: Telemetry API subscription is closed already",
		toLogs:      "Logs.SubscriptionClosed: Logs API subscription is closed already",
	} {
		h := open(t, function(), "agent")
		agent := h.register("agent", `[]`)
		h.next(agent)
		h.CloseRegistration()
		closes(t, "the end of the initialisation", h.Ready())
		schema := `"schemaVersion":"2022-07-01",`
		if to == toLogs {
			schema = ""
		}
		res, body := h.ask(to, `{`+schema+`"types":["platform"],"destination":{"protocol":"TCP","port":8080}}`, id, agent)
		refusal(t, res, body, 403, want)
	}
}

func TestOneExtensionUsesOneAPI(t *testing.T) {
	h := open(t, function(), "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	h.subscribe(agent, toTelemetry, "2022-07-01", l.destination())
	res, body := h.ask(toLogs, `{"types":["platform"],"destination":`+l.destination()+`}`, id, agent)
	refusal(t, res, body, 400, "Logs.AccessDenied: The extension agent is already subscribed to the TelemetryAPI. You must either subscribe to the LogsAPI or the TelemetryAPI")
}

func TestALaterSubscriptionTakesThePlaceOfTheFirst(t *testing.T) {
	h := open(t, function(), "agent")
	agent, first, second := h.register("agent", `[]`), listen(t), listen(t)
	h.subscribe(agent, toTelemetry, "2022-07-01", first.destination())
	h.flush()
	before := len(first.got())
	h.subscribe(agent, toTelemetry, "2022-07-01", second.destination())
	h.record("only once\n")
	h.flush()
	if got := len(first.got()); got != before {
		t.Errorf("the first subscription got %d more events", got-before)
	}
	if got := strings.Join(second.got(), "\n"); strings.Count(got, "only once") != 1 {
		t.Errorf("the second subscription got %s", got)
	}
}

// record records output of the function.
func (h *harness) record(output string) {
	h.emit(telemetry.Log{Data: []byte(output)})
}

func (h *harness) emit(event any) {
	h.Record(telemetry.Record{Time: at(0), Function: function(), Event: event})
}

func line(kind, text string) string {
	return fmt.Sprintf(`{"time":"2020-09-13T12:26:40.000Z","type":%q,"record":%q}`, kind, text)
}

const subscribed = `{"time":"2020-09-13T12:26:40.000Z","type":"platform.telemetrySubscription","record":{"name":"agent","state":"Subscribed","types":["platform","function","extension"]}}`

func TestOutputComesInWholeLines(t *testing.T) {
	h := open(t, function(), "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	h.record("before the subscription\nand half ")
	h.subscribe(agent, toTelemetry, "2022-12-13", l.destination())
	h.record("a line\r\n\n<b>\"kept\"</b>\n")
	h.emit(telemetry.Log{Extension: "agent", Data: []byte("of the extension\n")})
	h.record("no end")
	h.flush()
	want := []string{
		line("function", "before the subscription"), subscribed, line("function", "and half a line"), line("function", ""),
		line("function", `<b>"kept"</b>`), line("extension", "of the extension"), line("function", "no end"),
	}
	if diff := cmp.Diff(want, l.got()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if l.path != "/in" || l.methods[0] != "POST application/json" {
		t.Errorf("delivered by %s to %s", l.methods[0], l.path)
	}
}

func TestLongLinesAreCut(t *testing.T) {
	h := open(t, function(), "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	h.subscribe(agent, toLogs, "2020-08-15", strings.Replace(l.destination(), `"HTTP"`, `"HTTP","method":"PUT"`, 1))
	h.record(strings.Repeat("x", 300<<10))
	h.record("y\n")
	h.flush()
	got := l.got()
	if len(got) != 3 || len(got[1]) < 256<<10 || !strings.HasSuffix(got[2], `xy"}`) {
		t.Errorf("%d events", len(got))
	}
	if l.methods[0] != "PUT application/json" {
		t.Errorf("delivered by %s", l.methods[0])
	}
}

func TestObjectsInJSONLogsStayObjects(t *testing.T) {
	fn := function()
	fn.LogFormat = "JSON"
	h := open(t, fn, "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	h.subscribe(agent, toTelemetry, "2022-12-13", l.destination())
	for _, text := range []string{`{"level":"INFO","n":1.50}`, `{"no JSON"`, `[1]`} {
		h.Record(telemetry.Record{Time: at(0), Function: fn, Event: telemetry.Log{Data: []byte(text + "\n")}})
	}
	h.flush()
	want := []string{
		subscribed, `{"time":"2020-09-13T12:26:40.000Z","type":"function","record":{"level":"INFO","n":1.50}}`,
		line("function", `{"no JSON"`), line("function", `[1]`),
	}
	if diff := cmp.Diff(want, l.got()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOnlyWantedTypesAreDelivered(t *testing.T) {
	h := open(t, function(), "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	body := `{"schemaVersion":"2022-12-13","types":["extension"],"destination":` + l.destination() + `}`
	if res, text := h.ask(toTelemetry, body, id, agent); res.StatusCode != http.StatusOK {
		t.Fatal(text)
	}
	h.record("of the function\n")
	h.emit(telemetry.Log{Extension: "agent", Data: []byte("of the extension\n")})
	h.flush()
	if diff := cmp.Diff([]string{line("extension", "of the extension")}, l.got()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTCPDeliversLines(t *testing.T) {
	h := open(t, function(), "agent")
	agent := h.register("agent", `[]`)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	lines := make(chan string, 10)
	go func() {
		conn, err := server.Accept()
		if err != nil {
			close(lines)
			return
		}
		for in := bufio.NewScanner(conn); in.Scan(); {
			lines <- in.Text()
		}
		close(lines)
	}()
	h.subscribe(agent, toTelemetry, "2022-12-13", fmt.Sprintf(`{"protocol":"TCP","port":%d}`, server.Addr().(*net.TCPAddr).Port))
	h.record("one\n")
	h.flush()
	h.record("two\n") // after a flush nothing waits
	for _, want := range []string{subscribed, line("function", "one"), line("function", "two")} {
		select {
		case got := <-lines:
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s does not come", want)
		}
	}
	h.Group.Close()
	if _, more := <-lines; more {
		t.Error("the connection goes on")
	}
}

func TestRefusedDeliveriesAreRepeated(t *testing.T) {
	h := open(t, function(), "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	l.refuse = 3
	h.subscribe(agent, toTelemetry, "2022-12-13", l.destination())
	h.record("kept\n")
	h.flush()
	if diff := cmp.Diff([]string{subscribed, line("function", "kept")}, l.got()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestASlowSubscriberCostsBoundedMemory fills the buffer of one that answers
// nothing: what does not fit is counted, and told when it answers again.
func TestASlowSubscriberCostsBoundedMemory(t *testing.T) {
	h := open(t, function(), "agent")
	agent, l := h.register("agent", `[]`), listen(t)
	l.hang = make(chan struct{})
	h.subscribe(agent, toTelemetry, "2022-12-13", l.destination())
	const records = 100
	for range records {
		h.record(strings.Repeat("x", 64<<10) + "\n")
	}
	close(l.hang)
	h.flush()
	h.flush()
	got, dropped := 0, 0
	for _, event := range l.got() {
		var e struct {
			Type   string
			Record json.RawMessage
		}
		if err := json.Unmarshal([]byte(event), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "function":
			got++
		case "platform.logsDropped":
			var r struct {
				DroppedRecords, DroppedBytes int
				Reason                       string
			}
			if err := json.Unmarshal(e.Record, &r); err != nil || r.DroppedBytes < r.DroppedRecords*64<<10 || r.Reason == "" {
				t.Errorf("%v: %s", err, e.Record)
			}
			dropped += r.DroppedRecords
		}
	}
	if got+dropped != records || dropped == 0 || got > 3*256/64 {
		t.Errorf("%d delivered and %d dropped of %d", got, dropped, records)
	}
}

func TestASubscriberThatIsNotThereHoldsUpNobody(t *testing.T) {
	h := open(t, function(), "agent", "other")
	agent, other, l := h.register("agent", `[]`), h.register("other", `[]`), listen(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := gone.Addr().(*net.TCPAddr).Port
	_ = gone.Close()
	h.subscribe(agent, toTelemetry, "2022-12-13", fmt.Sprintf(`{"protocol":"HTTP","URI":"http://sandbox:%d"}`, port))
	h.subscribe(other, toTelemetry, "2022-12-13", l.destination())
	h.record("for all\n")
	h.flush()
	if got := strings.Join(l.got(), "\n"); !strings.Contains(got, "for all") {
		t.Errorf("the other subscriber got %s", got)
	}
}

func TestNothingIsKeptWhenNobodyCanListen(t *testing.T) {
	h := open(t, &lambda.Function{Name: "f"})
	h.CloseRegistration()
	closes(t, "the end of the initialisation", h.Ready())
	data := []byte(strings.Repeat("x", 1000) + "\n")
	allocations := testing.AllocsPerRun(100, func() { h.emit(telemetry.Log{Data: data}) })
	if allocations > 3 { // the harness's own
		t.Errorf("a record that nobody wants costs %v allocations", allocations)
	}
}
