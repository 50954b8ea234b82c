// Package telemetry holds the records that the engine makes of what happens in
// an execution environment, and their readers. The engine emits typed records;
// log text, JSON and everything else that people or programs see is made from
// them, never the other way round. Names and fields are those of AWS's
// Telemetry API.
package telemetry

import (
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Record is one thing that happened.
type Record struct {
	Time     time.Time
	Function *lambda.Function
	// LogStream names the environment that it happened in, as CloudWatch does.
	LogStream string
	// Event is one of the event types of this package.
	Event any
}

// Sink takes records. It is called from several goroutines at once and must
// not block for long.
type Sink func(Record)

// Stream is where a function wrote a piece of output.
type Stream int

// The two output streams. Functions that need not be told apart write all
// their output to Stdout, so that its order is kept.
const (
	Stdout Stream = iota
	Stderr
)

// Log is output of the function, its runtime or an extension, as it came: any
// number of lines or a part of one. Data is valid during the call only.
type Log struct {
	Stream Stream
	// Extension names the external extension that wrote it, "" for the function.
	Extension string
	Data      []byte
}

// Status says how a phase ended.
type Status string

// The statuses that AWS reports.
const (
	Success Status = "success"
	Failure Status = "failure" // the process ended
	Failed  Status = "error"   // the runtime reported an error
	Timeout Status = "timeout"
)

// Launch is the start of a runtime's process, of which AWS has no record.
type Launch struct {
	Path string
	Args []string
}

// InitType says what an environment is initialised for.
type InitType string

// The types of initialisation, in AWS's words.
const (
	OnDemand  InitType = "on-demand"
	SnapStart InitType = "snap-start"
	// ManagedInstances are those of a capacity provider.
	ManagedInstances InitType = "lambda-managed-instances"
)

// InitStart begins an initialisation. AWS logs it nowhere.
type InitStart struct {
	Type      InitType
	Phase     string // as in [InitReport]
	LogStream string
	ARN       string // the function's
}

// InitRuntimeDone says that the runtime has ended its part of an
// initialisation; extensions may still be busy with theirs.
type InitRuntimeDone struct {
	Type      InitType
	Phase     string
	Status    Status
	ErrorType string // "" on success
}

// Extension is where an extension stands at the end of an initialisation.
type Extension struct {
	Name      string
	State     string   // AWS's word: "Ready", "Registered", "LaunchError"
	Events    []string // what it has registered for: "INVOKE", "SHUTDOWN"
	ErrorType string   // "" when nothing is wrong
}

// Subscription says that an extension gets telemetry.
type Subscription struct {
	Name  string
	Logs  bool // by the Logs API, not by the Telemetry API
	Types []string
}

// InitReport ends an initialisation. AWS logs it only when it did not succeed.
type InitReport struct {
	Type      InitType
	Phase     string // "init" or, when repeated under the first invocation, "invoke"
	Status    Status
	ErrorType string // "" on success
	Duration  time.Duration
}

// RestoreStart begins the restore of a function with SnapStart.
type RestoreStart struct{ LogStream string }

// RestoreDone ends a restore: the runtime has run the function's hooks.
type RestoreDone struct {
	Status    Status
	ErrorType string // "" on success
	Duration  time.Duration
}

// Start begins an invocation.
type Start struct {
	RequestID string
	Version   string
	TraceID   string // the X-Amzn-Trace-Id header
	TenantID  string // "" for a function that is not isolated by tenant
}

// RuntimeDone says that the runtime has done its part of an invocation:
// it has asked for more work, or has ended.
type RuntimeDone struct {
	RequestID string
	Status    Status
	ErrorType string // "" on success
	TraceID   string
	TenantID  string
	Begun     time.Time
	// Answered is when the runtime gave its answer, zero when it gave none;
	// Produced the size of the answer in bytes.
	Answered time.Time
	Produced int
}

// Fault is the platform's own line about an invocation: a timeout, an exit.
type Fault struct {
	RequestID string
	ErrorType string
	Message   string // "Task timed out after 3.00 seconds"
}

// Report ends an invocation.
type Report struct {
	RequestID string
	Status    Status
	ErrorType string // "" on success
	// Ended is set when the environment has ended with the invocation: by a
	// timeout, an exit, a failed initialisation.
	Ended    bool
	Duration time.Duration
	// InitDuration is the initialisation's, in the first invocation of an environment; else 0.
	InitDuration time.Duration
	// RestoreDuration is the restore's, in its place for a function with SnapStart; else 0.
	RestoreDuration time.Duration
	// Overhead is how long extensions went on after the runtime was done.
	Overhead   time.Duration
	TraceID    string
	TenantID   string
	MemoryMB   int   // the function's memory size
	PeakMemory int64 // bytes; 0 when the system does not tell
}

// Billed is what AWS would bill: whole milliseconds, initialisation included
// (since August 2025).
func (r Report) Billed() time.Duration {
	return wholeMillis(r.Duration + r.InitDuration)
}

// wholeMillis rounds up.
func wholeMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1) / time.Millisecond * time.Millisecond
}
