package telemetry_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// TestForms shows where versions of the schema and the two APIs differ.
func TestForms(t *testing.T) {
	fn := &lambda.Function{Name: "f", MemoryMB: 128}
	now := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	const head = `{"time":"2026-01-02T03:04:05.678Z","type":"`
	first, second, third := telemetry.Form{Schema: "2022-07-01"}, telemetry.Form{Schema: "2022-12-13"}, telemetry.Form{Schema: "2025-01-29"}
	oldLogs, newLogs := telemetry.Form{Logs: true, Schema: "2020-08-15"}, telemetry.Form{Logs: true, Schema: "2021-03-18"}
	initReport := telemetry.InitReport{Type: telemetry.OnDemand, Phase: "init", Status: telemetry.Failed, ErrorType: "Runtime.X", Duration: 1234567 * time.Nanosecond}
	done := telemetry.RuntimeDone{
		RequestID: id, Status: telemetry.Success, Begun: now.Add(-10 * time.Millisecond), Answered: now.Add(-4 * time.Millisecond), Produced: 3,
	}
	report := telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: 10 * time.Millisecond, Overhead: 2500 * time.Microsecond, MemoryMB: 128, PeakMemory: 5 << 20}
	const reportMetrics = `"metrics":{"durationMs":10,"billedDurationMs":10,"memorySizeMB":128,"maxMemoryUsedMB":5}`
	tests := []struct {
		name  string
		form  telemetry.Form
		event any
		want  string
	}{
		{"init start", second, telemetry.InitStart{Type: telemetry.OnDemand, Phase: "init", LogStream: "s", ARN: "arn"}, head + `platform.initStart","record":{"initializationType":"on-demand","phase":"init","functionName":"f","functionVersion":"$LATEST","instanceId":"s","instanceMaxMemory":134217728}}`},
		{"init start with ARN", third, telemetry.InitStart{Type: telemetry.OnDemand, Phase: "init", LogStream: "s", ARN: "arn"}, head + `platform.initStart","record":{"initializationType":"on-demand","phase":"init","functionName":"f","functionVersion":"$LATEST","functionArn":"arn","instanceId":"s","instanceMaxMemory":134217728}}`},
		{"init start for logs", newLogs, telemetry.InitStart{}, ""},
		{"init report without status", first, initReport, head + `platform.initReport","record":{"initializationType":"on-demand","phase":"init","metrics":{"durationMs":1.234}}}`},
		{"init report", second, initReport, head + `platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"error","errorType":"Runtime.X","metrics":{"durationMs":1.234}}}`},
		{"runtime done", second, done, head + `platform.runtimeDone","record":{"requestId":"` + id + `","status":"success","metrics":{"durationMs":10,"producedBytes":3},"spans":[{"name":"responseLatency","start":"2026-01-02T03:04:05.668Z","durationMs":6},{"name":"responseDuration","start":"2026-01-02T03:04:05.674Z","durationMs":0},{"name":"runtimeOverhead","start":"2026-01-02T03:04:05.674Z","durationMs":4}]}}`},
		{"runtime done for logs", newLogs, done, head + `platform.runtimeDone","record":{"requestId":"` + id + `","status":"success"}}`},
		{"runtime done for old logs", oldLogs, done, ""},
		{"report", second, report, head + `platform.report","record":{"requestId":"` + id + `","status":"success",` + reportMetrics + `,"spans":[{"name":"extensionOverhead","start":"2026-01-02T03:04:05.675Z","durationMs":2.5}]}}`},
		{"report for logs", oldLogs, report, head + `platform.end","record":{"requestId":"` + id + `"}}` + "\n" + head + `platform.report","record":{"requestId":"` + id + `",` + reportMetrics + `}}`},
		{"fault", second, telemetry.Fault{RequestID: id, ErrorType: "T", Message: "m"}, ""},
		{"fault for logs", oldLogs, telemetry.Fault{RequestID: id, ErrorType: lambda.TimedOut, Message: "Task timed out after 3.00 seconds"}, head + `platform.fault","record":"2026-01-02T03:04:05.678Z ` + id + ` Task timed out after 3.00 seconds"}`},
		{"dropped", first, telemetry.Dropped{Reason: "slow", Records: 2, Bytes: 30}, head + `platform.logsDropped","record":{"reason":"slow","droppedRecords":2,"droppedBytes":30}}`},
		{"subscription to logs", first, telemetry.Subscription{Name: "a", Logs: true, Types: []string{"function"}}, head + `platform.logsSubscription","record":{"name":"a","state":"Subscribed","types":["function"]}}`},
		{"extension without events", oldLogs, telemetry.Extension{Name: "a", State: "Exited", ErrorType: "Extension.Crash"}, head + `platform.extension","record":{"name":"a","state":"Exited","events":[],"errorType":"Extension.Crash"}}`},
		{"tenant", first, telemetry.Start{RequestID: id, Version: "$LATEST", TenantID: "blue"}, head + `platform.start","record":{"requestId":"` + id + `","version":"$LATEST","tenantId":"blue"}}`},
		{"restore start", second, telemetry.RestoreStart{LogStream: "s"}, head + `platform.restoreStart","record":{"functionName":"f","functionVersion":"$LATEST","instanceId":"s","instanceMaxMemory":134217728}}`},
		{"restore done", second, telemetry.RestoreDone{Status: telemetry.Failed, ErrorType: "Runtime.X", Duration: 1500 * time.Microsecond}, head + `platform.restoreRuntimeDone","record":{"status":"error","errorType":"Runtime.X"}}` + "\n" + head + `platform.restoreReport","record":{"status":"error","errorType":"Runtime.X","metrics":{"durationMs":1.5}}}`},
		{"restored report", second, telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: time.Millisecond, RestoreDuration: 1500 * time.Microsecond, MemoryMB: 128, PeakMemory: 1}, head + `platform.report","record":{"requestId":"` + id + `","status":"success","metrics":{"durationMs":1,"billedDurationMs":1,"memorySizeMB":128,"maxMemoryUsedMB":1,"restoreDurationMs":1.5,"billedRestoreDurationMs":2}}}`},
		{"a launch is lambkin's own", third, telemetry.Launch{Path: "x"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := bytes.Join(tt.form.Encode(telemetry.Record{Time: now, Function: fn, Event: tt.event}), []byte("\n"))
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}
