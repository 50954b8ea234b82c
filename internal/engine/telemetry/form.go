package telemetry

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Line is one line of output, made of [Log]s, without its line feed.
type Line struct {
	Extension bool // written by an external extension
	Text      string
}

// The kinds of event that an extension can subscribe to.
const (
	PlatformEvents  = "platform"
	FunctionEvents  = "function"
	ExtensionEvents = "extension"
)

// KindOf says of which kind a record is.
func KindOf(r Record) string {
	line, ok := r.Event.(Line)
	switch {
	case !ok:
		return PlatformEvents
	case line.Extension:
		return ExtensionEvents
	}
	return FunctionEvents
}

// Form is how records become the JSON objects that AWS delivers to extensions
// (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
// and runtimes-logs-api.html).
type Form struct {
	Logs   bool   // the Logs API's form, not the Telemetry API's
	Schema string // the schema's version, such as "2022-12-13"
}

// Dropped says that events were not delivered to one subscriber.
type Dropped struct {
	Reason  string
	Records int
	Bytes   int
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// Encode returns the events of a record, none when this form has no event for it.
func (f Form) Encode(r Record) [][]byte {
	switch e := r.Event.(type) {
	case Line:
		return [][]byte{encode(r, KindOf(r), lineRecord(r.Function, e.Text))}
	case Dropped:
		return [][]byte{encode(r, "platform.logsDropped", droppedRecord(e))}
	case Extension:
		return [][]byte{encode(r, "platform.extension", extensionRecord{e.Name, e.State, nonNil(e.Events), e.ErrorType})}
	case Subscription:
		kind := "platform.telemetrySubscription"
		if e.Logs {
			kind = "platform.logsSubscription"
		}
		return [][]byte{encode(r, kind, subscriptionRecord{e.Name, "Subscribed", e.Types})}
	case Start:
		return [][]byte{encode(r, "platform.start", startRecord{e.RequestID, e.Version, traced(e.TraceID), e.TenantID})}
	}
	if f.Logs {
		return f.logs(r)
	}
	return f.telemetry(r)
}

// logs has what is the Logs API's own.
func (f Form) logs(r Record) [][]byte {
	switch e := r.Event.(type) {
	case Fault:
		return [][]byte{encode(r, "platform.fault", faultText(r.Time, e))}
	case RuntimeDone:
		if f.Schema != "2020-08-15" { // it came with the second version
			return [][]byte{encode(r, "platform.runtimeDone", endRecord{RequestID: e.RequestID, Status: e.Status})}
		}
	case Report:
		return [][]byte{
			encode(r, "platform.end", endRecord{RequestID: e.RequestID}),
			encode(r, "platform.report", reportRecord{RequestID: e.RequestID, Metrics: metricsOf(e), Tracing: traced(e.TraceID)}),
		}
	}
	return nil
}

// telemetry has what is the Telemetry API's own.
func (f Form) telemetry(r Record) [][]byte {
	switch e := r.Event.(type) {
	case InitStart:
		record := initStartRecord{
			InitializationType: e.Type, Phase: e.Phase, FunctionName: r.Function.Name, FunctionVersion: lambda.LatestVersion,
			InstanceID: e.LogStream, InstanceMaxMemory: int64(r.Function.MemoryMB) << 20,
		}
		if f.Schema >= "2025-01-29" {
			record.FunctionARN = e.ARN
		}
		return [][]byte{encode(r, "platform.initStart", record)}
	case InitRuntimeDone:
		return [][]byte{encode(r, "platform.initRuntimeDone", initRecord{e.Type, e.Phase, e.Status, f.since2022(e.ErrorType), nil})}
	case InitReport:
		return [][]byte{encode(r, "platform.initReport", initRecord{
			e.Type, e.Phase, Status(f.since2022(string(e.Status))), f.since2022(e.ErrorType), &durationMetrics{millisOf(e.Duration)},
		})}
	case RestoreStart:
		return [][]byte{encode(r, "platform.restoreStart", initStartRecord{
			FunctionName: r.Function.Name, FunctionVersion: lambda.LatestVersion,
			InstanceID: e.LogStream, InstanceMaxMemory: int64(r.Function.MemoryMB) << 20,
		})}
	case RestoreDone:
		return [][]byte{
			encode(r, "platform.restoreRuntimeDone", restoreRecord{e.Status, e.ErrorType, nil}),
			encode(r, "platform.restoreReport", restoreRecord{e.Status, e.ErrorType, &durationMetrics{millisOf(e.Duration)}}),
		}
	case RuntimeDone:
		return [][]byte{encode(r, "platform.runtimeDone", runtimeDoneOf(r.Time, e))}
	case Report:
		record := reportRecord{RequestID: e.RequestID, Status: e.Status, ErrorType: e.ErrorType, Metrics: metricsOf(e), Tracing: traced(e.TraceID), TenantID: e.TenantID}
		if e.Overhead > 0 {
			record.Spans = []spanRecord{spanOf("extensionOverhead", r.Time.Add(-e.Overhead), e.Overhead)}
		}
		return [][]byte{encode(r, "platform.report", record)}
	}
	return nil
}

// since2022 leaves out what the first version of the schema does not have.
func (f Form) since2022(value string) string {
	if f.Schema < "2022-12-13" {
		return ""
	}
	return value
}

type (
	initStartRecord struct {
		InitializationType InitType `json:"initializationType,omitempty"`
		Phase              string   `json:"phase,omitempty"`
		FunctionName       string   `json:"functionName"`
		FunctionVersion    string   `json:"functionVersion"`
		FunctionARN        string   `json:"functionArn,omitempty"`
		InstanceID         string   `json:"instanceId"`
		InstanceMaxMemory  int64    `json:"instanceMaxMemory"`
	}
	initRecord struct {
		InitializationType InitType         `json:"initializationType"`
		Phase              string           `json:"phase"`
		Status             Status           `json:"status,omitempty"`
		ErrorType          string           `json:"errorType,omitempty"`
		Metrics            *durationMetrics `json:"metrics,omitempty"`
	}
	restoreRecord struct {
		Status    Status           `json:"status"`
		ErrorType string           `json:"errorType,omitempty"`
		Metrics   *durationMetrics `json:"metrics,omitempty"`
	}
	durationMetrics struct {
		Duration float64 `json:"durationMs"`
	}
	startRecord struct {
		RequestID string         `json:"requestId"`
		Version   string         `json:"version"`
		Tracing   *tracingRecord `json:"tracing,omitempty"`
		TenantID  string         `json:"tenantId,omitempty"`
	}
	tracingRecord struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	spanRecord struct {
		Name     string  `json:"name"`
		Start    string  `json:"start"`
		Duration float64 `json:"durationMs"`
	}
	runtimeDoneRecord struct {
		RequestID string           `json:"requestId"`
		Status    Status           `json:"status"`
		ErrorType string           `json:"errorType,omitempty"`
		Metrics   *producedMetrics `json:"metrics,omitempty"`
		Spans     []spanRecord     `json:"spans,omitempty"`
		Tracing   *tracingRecord   `json:"tracing,omitempty"`
		TenantID  string           `json:"tenantId,omitempty"`
	}
	producedMetrics struct {
		Duration float64 `json:"durationMs"`
		Produced int     `json:"producedBytes"`
	}
	reportRecord struct {
		RequestID string         `json:"requestId"`
		Status    Status         `json:"status,omitempty"`
		ErrorType string         `json:"errorType,omitempty"`
		Metrics   reportMetrics  `json:"metrics"`
		Spans     []spanRecord   `json:"spans,omitempty"`
		Tracing   *tracingRecord `json:"tracing,omitempty"`
		TenantID  string         `json:"tenantId,omitempty"`
	}
	reportMetrics struct {
		Duration      float64 `json:"durationMs"`
		Billed        int64   `json:"billedDurationMs"`
		MemorySize    int     `json:"memorySizeMB"`
		MaxMemoryUsed int64   `json:"maxMemoryUsedMB"`
		InitDuration  float64 `json:"initDurationMs,omitempty"`
		Restore       float64 `json:"restoreDurationMs,omitempty"`
		BilledRestore int64   `json:"billedRestoreDurationMs,omitempty"`
	}
	endRecord struct {
		RequestID string `json:"requestId"`
		Status    Status `json:"status,omitempty"`
	}
	extensionRecord struct {
		Name      string   `json:"name"`
		State     string   `json:"state"`
		Events    []string `json:"events"`
		ErrorType string   `json:"errorType,omitempty"`
	}
	subscriptionRecord struct {
		Name  string   `json:"name"`
		State string   `json:"state"`
		Types []string `json:"types"`
	}
	droppedRecord struct {
		Reason  string `json:"reason"`
		Records int    `json:"droppedRecords"`
		Bytes   int    `json:"droppedBytes"`
	}
)

// encode puts a record into its envelope. HTML is left as it is, since that is
// what the function has written.
func encode(r Record, kind string, record any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(struct { // strings, numbers and checked JSON always encode
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{r.Time.UTC().Format(timeLayout), kind, record})
	return bytes.TrimRight(b.Bytes(), "\n")
}

// lineRecord is a line as text or, where the function logs in JSON and the
// line is an object, that object.
func lineRecord(fn *lambda.Function, text string) any {
	if fn.LogFormat == lambda.JSONLogs && strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

func runtimeDoneOf(at time.Time, e RuntimeDone) runtimeDoneRecord {
	record := runtimeDoneRecord{RequestID: e.RequestID, Status: e.Status, ErrorType: e.ErrorType, Tracing: traced(e.TraceID), TenantID: e.TenantID}
	if e.Begun.IsZero() {
		return record
	}
	record.Metrics = &producedMetrics{millisOf(at.Sub(e.Begun)), e.Produced}
	if !e.Answered.IsZero() {
		record.Spans = []spanRecord{
			spanOf("responseLatency", e.Begun, e.Answered.Sub(e.Begun)),
			spanOf("responseDuration", e.Answered, 0),
			spanOf("runtimeOverhead", e.Answered, at.Sub(e.Answered)),
		}
	}
	return record
}

func metricsOf(e Report) reportMetrics {
	return reportMetrics{
		Duration: millisOf(e.Duration), Billed: e.Billed().Milliseconds(), MemorySize: e.MemoryMB,
		MaxMemoryUsed: (e.PeakMemory + 1<<20 - 1) >> 20, InitDuration: millisOf(e.InitDuration),
		Restore: millisOf(e.RestoreDuration), BilledRestore: wholeMillis(e.RestoreDuration).Milliseconds(),
	}
}

func spanOf(name string, start time.Time, d time.Duration) spanRecord {
	return spanRecord{name, start.UTC().Format(timeLayout), millisOf(d)}
}

// millisOf has three decimals at most.
func millisOf(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// traced is there for invocations that somebody traces, as on AWS.
func traced(header string) *tracingRecord {
	if !strings.Contains(header, "Sampled=1") {
		return nil
	}
	return &tracingRecord{"X-Amzn-Trace-Id", header}
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
