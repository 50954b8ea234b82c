package telemetry_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/engine/telemetry"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

const id = "7b5a9c60-0000-4000-8000-000000000000"

func record(t *telemetry.Text, events ...any) {
	for _, e := range events {
		t.Record(telemetry.Record{Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Event: e})
	}
}

func log(text string) telemetry.Log { return telemetry.Log{Data: []byte(text)} }

// TestLines fixes the wording that scripts read.
func TestLines(t *testing.T) {
	report := telemetry.Report{
		RequestID: id, Status: telemetry.Success, Duration: 3014 * time.Microsecond, InitDuration: 110100 * time.Microsecond,
		MemoryMB: 128, PeakMemory: 36<<20 - 5,
	}
	tests := []struct {
		name   string
		events []any
		want   string
	}{
		{"start", []any{telemetry.Start{RequestID: id, Version: "$LATEST"}}, "START RequestId: " + id + " Version: $LATEST\n"},
		{
			"report of a first invocation",
			[]any{report},
			"END RequestId: " + id + "\n" +
				"REPORT RequestId: " + id + "\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n",
		},
		{
			"report of a later one, on a system that does not tell memory",
			[]any{telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: time.Millisecond, MemoryMB: 256}},
			"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 256 MB\t\n",
		},
		{
			"traced",
			[]any{telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: time.Millisecond, MemoryMB: 256, TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0"}},
			"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 256 MB\t\n" +
				"XRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 53995c3f42cd8ad8\tSampled: true\t\n",
		},
		{
			"traced, by a caller without a segment",
			[]any{telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: time.Millisecond, MemoryMB: 256, TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}},
			"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 256 MB\t\n" +
				"XRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSampled: true\t\n",
		},
		{
			"not sampled",
			[]any{telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: time.Millisecond, MemoryMB: 256, TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"}},
			"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 256 MB\t\n",
		},
		{
			"timeout",
			[]any{
				telemetry.Fault{RequestID: id, ErrorType: lambda.TimedOut, Message: "Task timed out after 3.00 seconds"},
				telemetry.Report{RequestID: id, Status: telemetry.Timeout, ErrorType: lambda.TimedOut, Ended: true, Duration: 3 * time.Second, MemoryMB: 128},
			},
			"2026-01-02T03:04:05.678Z " + id + " Task timed out after 3.00 seconds\n\n" +
				"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tStatus: timeout\n",
		},
		{
			"exit",
			[]any{
				telemetry.Fault{RequestID: id, ErrorType: "Runtime.ExitError", Message: "Runtime exited with error: exit status 1"},
				telemetry.Report{RequestID: id, Status: telemetry.Failure, ErrorType: "Runtime.ExitError", Ended: true, Duration: time.Millisecond, MemoryMB: 128},
			},
			"RequestId: " + id + " Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n" +
				"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tStatus: error\tError Type: Runtime.ExitError\n",
		},
		{
			"an exception that the runtime has survived",
			[]any{telemetry.Report{RequestID: id, Status: telemetry.Failed, ErrorType: "Runtime.Unknown", Duration: time.Millisecond, MemoryMB: 128}},
			"END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\t\n",
		},
		{"a good init", []any{telemetry.InitReport{Type: telemetry.OnDemand, Phase: "init", Status: telemetry.Success}}, ""},
		{
			"a failed init",
			[]any{telemetry.InitReport{Type: telemetry.OnDemand, Phase: "init", Status: telemetry.Failure, ErrorType: "Runtime.ExitError", Duration: 12 * time.Millisecond}},
			"INIT_REPORT Init Duration: 12.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n",
		},
		{
			"an init that took too long",
			[]any{telemetry.InitReport{Phase: "init", Status: telemetry.Timeout, ErrorType: lambda.TimedOut, Duration: 10 * time.Second}},
			"INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n",
		},
		{
			"extensions",
			[]any{
				telemetry.Subscription{Name: "a", Types: []string{"platform", "function"}},
				telemetry.Subscription{Name: "b", Logs: true, Types: []string{"extension"}},
				telemetry.Extension{Name: "a", State: "Ready", Events: []string{"INVOKE", "SHUTDOWN"}},
				telemetry.Extension{Name: "b", State: "LaunchError", ErrorType: "Extension.LaunchError"},
			},
			"TELEMETRY\tName: a\tState: Subscribed\tTypes: [Platform, Function]\nLOGS\tName: b\tState: Subscribed\tTypes: [Extension]\n" +
				"EXTENSION\tName: a\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\nEXTENSION\tName: b\tState: LaunchError\tEvents: []\tError Type: Extension.LaunchError\n",
		},
		{"output as it comes", []any{log("a\nb"), log("c\n")}, "a\nbc\n"},
		{"a platform line after half a line", []any{log("half"), telemetry.Start{RequestID: id, Version: "1"}}, "half\nSTART RequestId: " + id + " Version: 1\n"},
		{"no output at all", []any{log("")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			record(&telemetry.Text{Platform: &b}, tt.events...)
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

// TestObjects has a function that logs in JSON: each system log level, an
// invocation that goes well and one that does not.
func TestObjects(t *testing.T) {
	const at = `{"time":"2026-01-02T03:04:05.678Z","type":"platform.`
	start := at + `start","record":{"requestId":"` + id + `","version":"1"}}` + "\n"
	report := at + `report","record":{"requestId":"` + id + `","status":"success","metrics":{"durationMs":1,"billedDurationMs":1,"memorySizeMB":128,"maxMemoryUsedMB":0}}}` + "\n"
	done := at + `runtimeDone","record":{"requestId":"` + id + `","status":"success"}}` + "\n"
	initDone := at + `initRuntimeDone","record":{"initializationType":"on-demand","phase":"init","status":"success"}}` + "\n"
	good := []any{
		telemetry.InitRuntimeDone{Type: telemetry.OnDemand, Phase: "init", Status: telemetry.Success},
		telemetry.Start{RequestID: id, Version: "1"},
		log("half"),
		telemetry.RuntimeDone{RequestID: id, Status: telemetry.Success},
		telemetry.Report{RequestID: id, Status: telemetry.Success, Duration: time.Millisecond, MemoryMB: 128},
	}
	bad := []any{
		telemetry.Start{RequestID: id, Version: "1"},
		telemetry.Fault{RequestID: id, ErrorType: lambda.Exited, Message: "gone"},
		telemetry.Report{RequestID: id, Status: telemetry.Failure, ErrorType: lambda.Exited, Ended: true, Duration: time.Millisecond, MemoryMB: 128},
	}
	failure := at + `fault","record":"RequestId: ` + id + ` Error: gone\nRuntime.ExitError"}` + "\n" +
		at + `report","record":{"requestId":"` + id + `","status":"failure","errorType":"Runtime.ExitError","metrics":{"durationMs":1,"billedDurationMs":1,"memorySizeMB":128,"maxMemoryUsedMB":0}}}` + "\n"
	tests := []struct {
		level  string
		quiet  bool
		events []any
		want   string
	}{
		{"", false, good, start + "half\n" + report},
		{"INFO", false, good, start + "half\n" + report},
		{"DEBUG", false, good, initDone + start + "half\n" + done + report},
		{"WARN", false, good, "half"},
		{"DEBUG", true, good, "half"},
		{"", false, bad, start + failure},
		{"WARN", false, bad, failure},
		{"", true, bad, failure},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		text := &telemetry.Text{Platform: &b, Quiet: tt.quiet}
		for _, e := range tt.events {
			fn := &lambda.Function{LogFormat: lambda.JSONLogs, SystemLogLevel: tt.level}
			text.Record(telemetry.Record{Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Function: fn, Event: e})
		}
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("level %q, quiet %v (-want +got):\n%s", tt.level, tt.quiet, diff)
		}
	}
}

func TestNewLinesOpensRecordsOfSeveralLines(t *testing.T) {
	for newLines, want := range map[bool]string{false: "a\rb\r\nc\n", true: "a\nb\nc\n"} {
		var b bytes.Buffer
		record(&telemetry.Text{Platform: &b, NewLines: newLines}, log("a\rb\r\nc\n"))
		if b.String() != want {
			t.Errorf("NewLines %v: %q, want %q", newLines, b.String(), want)
		}
	}
}

func TestStreamsGoWhereTheyShould(t *testing.T) {
	var platform, stdout, stderr bytes.Buffer
	text := &telemetry.Text{Platform: &platform, Stdout: &stdout, Stderr: &stderr, Quiet: true}
	record(text,
		telemetry.Start{RequestID: id}, telemetry.Log{Stream: telemetry.Stdout, Data: []byte("out")}, telemetry.Log{Stream: telemetry.Stderr, Data: []byte("err")},
		telemetry.Log{Extension: "a", Data: []byte(" of an extension")}, telemetry.Extension{Name: "a", State: "Ready"},
		telemetry.Fault{RequestID: id, ErrorType: "T", Message: "m"}, telemetry.Report{RequestID: id})
	if stdout.String() != "out" || stderr.String() != "err of an extension" {
		t.Errorf("standard output %q, standard error %q", stdout.String(), stderr.String())
	}
	if want := "RequestId: " + id + " Error: m\nT\n"; platform.String() != want {
		t.Errorf("a quiet platform says %q, want %q", platform.String(), want)
	}
}

func TestBilledRoundsUpAndCountsTheInit(t *testing.T) {
	r := telemetry.Report{Duration: 5000 * time.Millisecond, InitDuration: 578070 * time.Microsecond}
	if got := r.Billed(); got != 5579*time.Millisecond {
		t.Errorf("billed %v, want 5.579s", got)
	}
}

func TestLinesAreNotTorn(t *testing.T) {
	say := func(stream, extension, text string) telemetry.Record {
		return telemetry.Record{LogStream: stream, Event: telemetry.Log{Extension: extension, Data: []byte(text)}}
	}
	end := func(id string) telemetry.Record {
		return telemetry.Record{Event: telemetry.Report{RequestID: id, Status: telemetry.Success}}
	}
	big := strings.Repeat("x", 50<<10)
	tests := []struct {
		name    string
		records []telemetry.Record
		want    string
	}{
		{"an extension waits", []telemetry.Record{say("a", "", "one"), say("a", "x", "told\n"), say("a", "", "\n")}, "one\ntold\n"},
		{"a function waits", []telemetry.Record{say("a", "x", "told"), say("a", "", "one\n"), say("a", "x", "\n")}, "told\none\n"},
		{"another environment waits", []telemetry.Record{say("a", "", "one"), say("b", "", "two\n"), say("a", "", " more\n")}, "one more\ntwo\n"},
		{
			"what waited begins a line that others wait for",
			[]telemetry.Record{say("a", "", "one"), say("b", "", "two"), say("c", "", "three\n"), say("a", "", "\n"), say("b", "", "\n")},
			"one\ntwo\nthree\n",
		},
		{"the end ends all lines", []telemetry.Record{say("a", "", "one"), say("a", "x", "told"), end("i")}, "one\ntold\n"},
		{"nobody waits for ever", []telemetry.Record{say("a", "", "one"), say("b", "", big+"\n"), say("b", "", big+"\n")}, "one\n" + big + "\n" + big + "\n"},
		{"an unfinished line of its own stays", []telemetry.Record{say("a", "", "one"), end("i")}, "one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			text := telemetry.Text{Platform: &b, Quiet: true}
			for _, r := range tt.records {
				text.Record(r)
			}
			if got := b.String(); got != tt.want {
				t.Errorf("printed %.200q, want %.200q", got, tt.want)
			}
		})
	}
}

func TestRemarksStandBetweenLines(t *testing.T) {
	var b strings.Builder
	text := telemetry.Text{Platform: &b}
	for _, part := range []struct{ by, data string }{{"a", "one"}, {"b", "two"}} {
		text.Record(telemetry.Record{LogStream: part.by, Event: telemetry.Log{Data: []byte(part.data)}})
	}
	text.Aside(func() { b.WriteString("remark\n") })
	if got, want := b.String(), "one\ntwo\nremark\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
