package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Text writes records as the log lines that AWS writes to CloudWatch: text or,
// for functions that log in JSON, objects. The wording of START, END, REPORT
// and INIT_REPORT lines is stable: scripts read them. Its Record method is a [Sink] for any number of environments.
type Text struct {
	// Platform takes the platform's lines and, when Stdout and Stderr are nil,
	// the function's output too.
	Platform io.Writer
	// Stdout and Stderr take the function's output, stream by stream. The
	// output of extensions goes where Stderr does.
	Stdout, Stderr io.Writer
	// NewLines turns carriage returns inside the function's output, which
	// keep several lines in one CloudWatch event, into line feeds.
	NewLines bool
	// Quiet leaves out the platform's lines of a successful invocation.
	Quiet bool

	mu sync.Mutex // one record at a time
	// partial says that Platform's last output did not end its line, and owner
	// whose it was. What others print meanwhile is held, so that no line is torn.
	partial bool
	owner   source
	held    []printed
	size    int // of what is held, in bytes
}

// source is who prints: a function's environment, or an extension in it.
type source struct{ logStream, extension string }

// printed is output that waits for another's line to end.
type printed struct {
	by   source
	data []byte
}

// maxHeld is how much output waits, in bytes, before the other's line is ended for it.
const maxHeld = 64 << 10

// Record writes one record.
func (t *Text) Record(r Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := r.Event.(Log); ok {
		t.log(source{r.LogStream, e.Extension}, e)
		return
	}
	if _, ok := r.Event.(Report); ok && len(t.held) > 0 {
		t.endLine()
	}
	if r.Function != nil && r.Function.LogFormat == lambda.JSONLogs {
		t.object(r)
		return
	}
	switch e := r.Event.(type) {
	case Subscription:
		if !t.Quiet {
			t.line("%s\n", subscriptionLine(e))
		}
	case Extension:
		if !t.Quiet {
			t.line("%s\n", extensionLine(e))
		}
	case InitReport:
		t.initReport(e)
	case RestoreStart:
		if !t.Quiet {
			t.line("RESTORE_START\n")
		}
	case RestoreDone:
		t.restoreReport(e)
	case Start:
		if !t.Quiet {
			t.line("START RequestId: %s Version: %s\n", e.RequestID, e.Version)
		}
	case Fault:
		t.fault(r.Time, e)
	case Report:
		if !t.Quiet {
			t.line("END RequestId: %s\n", e.RequestID)
			t.line("%s\n%s", reportLine(e), xrayLine(e.TraceID))
		}
	}
}

// Aside calls print, which writes what is no record to where Platform goes:
// between two lines of the log, and one at a time.
func (t *Text) Aside(print func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endLine()
	print()
}

func (t *Text) log(by source, e Log) {
	w := t.Platform
	if t.Stdout != nil && e.Stream == Stdout && e.Extension == "" {
		w = t.Stdout
	}
	if t.Stderr != nil && (e.Stream == Stderr || e.Extension != "") {
		w = t.Stderr
	}
	if len(e.Data) == 0 {
		return
	}
	data := e.Data
	if t.NewLines && bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	}
	if w != t.Platform {
		_, _ = w.Write(data) // a reader that has gone must not stop the function
		return
	}
	t.print(printed{by, data})
}

// print writes output beside the platform's lines, or holds it while somebody
// else's line is unfinished.
func (t *Text) print(p printed) {
	if t.partial && t.owner != p.by {
		if t.size += len(p.data); t.size <= maxHeld {
			t.held = append(t.held, printed{p.by, bytes.Clone(p.data)})
			return
		}
		t.endLine()
	}
	_, _ = t.Platform.Write(p.data)
	t.partial, t.owner = p.data[len(p.data)-1] != '\n', p.by
	if !t.partial {
		t.release()
	}
}

// release prints what was held.
func (t *Text) release() {
	held := t.held
	t.held, t.size = nil, 0
	for _, p := range held {
		t.print(p)
	}
}

// endLine ends the unfinished line, and those that were held because of it.
func (t *Text) endLine() {
	for t.partial {
		_, _ = io.WriteString(t.Platform, "\n")
		t.partial = false
		t.release()
	}
}

// line writes a platform line, on a line of its own.
func (t *Text) line(format string, args ...any) {
	t.endLine()
	_, _ = fmt.Fprintf(t.Platform, format, args...)
}

func (t *Text) initReport(e InitReport) {
	if e.Status == Success {
		return
	}
	line := fmt.Sprintf("INIT_REPORT Init Duration: %s ms\tPhase: %s\tStatus: %s", millis(e.Duration), e.Phase, reported(e.Status))
	if e.ErrorType != "" && e.Status != Timeout {
		line += "\tError Type: " + e.ErrorType
	}
	t.line("%s\n", line)
}

func (t *Text) restoreReport(e RestoreDone) {
	line := fmt.Sprintf("RESTORE_REPORT Restore Duration: %s ms", millis(e.Duration))
	switch {
	case e.Status != Success:
		line += fmt.Sprintf("\tStatus: %s\tError Type: %s", reported(e.Status), e.ErrorType)
	case t.Quiet:
		return
	}
	t.line("%s\n", line)
}

func (t *Text) fault(at time.Time, e Fault) {
	end := "\n"
	if e.ErrorType == lambda.TimedOut {
		end = "\n\n"
	}
	t.line("%s", faultText(at, e)+end)
}

func faultText(at time.Time, e Fault) string {
	if e.ErrorType == lambda.TimedOut {
		return at.UTC().Format(timeLayout) + " " + e.RequestID + " " + e.Message
	}
	return fmt.Sprintf("RequestId: %s Error: %s\n%s", e.RequestID, e.Message, e.ErrorType)
}

// subscriptionLine and extensionLine are lines that AWS writes before the
// first START.
func subscriptionLine(e Subscription) string {
	api := "TELEMETRY"
	if e.Logs {
		api = "LOGS"
	}
	types := make([]string, len(e.Types))
	for i, name := range e.Types {
		types[i] = strings.ToUpper(name[:1]) + name[1:]
	}
	return fmt.Sprintf("%s\tName: %s\tState: Subscribed\tTypes: [%s]", api, e.Name, strings.Join(types, ", "))
}

func extensionLine(e Extension) string {
	line := fmt.Sprintf("EXTENSION\tName: %s\tState: %s\tEvents: [%s]", e.Name, e.State, strings.Join(e.Events, ", "))
	if e.ErrorType != "" {
		line += "\tError Type: " + e.ErrorType
	}
	return line
}

func reportLine(e Report) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %d ms\tMemory Size: %d MB\t",
		e.RequestID, millis(e.Duration), e.Billed().Milliseconds(), e.MemoryMB)
	if e.PeakMemory > 0 {
		fmt.Fprintf(&b, "Max Memory Used: %d MB\t", (e.PeakMemory+1<<20-1)>>20)
	}
	if e.InitDuration > 0 {
		fmt.Fprintf(&b, "Init Duration: %s ms\t", millis(e.InitDuration))
	}
	if e.RestoreDuration > 0 {
		fmt.Fprintf(&b, "Restore Duration: %s ms\tBilled Restore Duration: %d ms\t", millis(e.RestoreDuration), wholeMillis(e.RestoreDuration).Milliseconds())
	}
	// An exception that the runtime has survived is told by the runtime alone.
	if e.Ended {
		fmt.Fprintf(&b, "Status: %s", reported(e.Status))
		if e.ErrorType != "" && e.Status != Timeout {
			fmt.Fprintf(&b, "\tError Type: %s", e.ErrorType)
		}
	}
	return b.String()
}

// xrayLine follows the REPORT line of an invocation that is traced; it is ""
// for others. No segment is recorded here: the one named is the caller's.
func xrayLine(header string) string {
	if traced(header) == nil {
		return ""
	}
	var root, parent string
	for member := range strings.SplitSeq(header, ";") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(member), "="); name {
		case "Root":
			root = value
		case "Parent":
			parent = "\tSegmentId: " + value
		}
	}
	return "XRAY TraceId: " + root + parent + "\tSampled: true\t\n"
}

// reported is the word of the log lines, which know no "failure".
func reported(s Status) Status {
	if s == Failure {
		return Failed
	}
	return s
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000)
}
