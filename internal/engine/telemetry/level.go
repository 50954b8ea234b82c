package telemetry

import (
	"slices"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// object writes a platform record as AWS does for functions that log in JSON,
// when it is of the function's system log level or above.
func (t *Text) object(r Record) {
	level := systemLevel(r.Event)
	wanted := r.Function.SystemLogLevel
	if wanted == "" {
		wanted = "INFO"
	}
	if t.Quiet {
		wanted = "WARN"
	}
	if slices.Index(lambda.LogLevels(), level) < slices.Index(lambda.LogLevels(), wanted) {
		return
	}
	encoded := Form{Schema: jsonSchema}.Encode(r)
	if _, ok := r.Event.(Fault); ok {
		encoded = Form{Logs: true}.Encode(r) // the Telemetry API has no text of a failure
	}
	for _, one := range encoded {
		t.line("%s\n", one)
	}
}

// jsonSchema is the version of the Telemetry API's schema whose events are logged.
const jsonSchema = "2022-12-13"

// systemLevel is the level that AWS assigns to an event
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
func systemLevel(event any) string {
	status, fine := Success, "INFO"
	switch e := event.(type) {
	case InitStart, RestoreStart: // of a runtime whose version is not known
		fine = "DEBUG"
	case RestoreDone:
		status = e.Status
	case InitRuntimeDone:
		status, fine = e.Status, "DEBUG"
	case InitReport:
		if status = e.Status; e.Type == OnDemand {
			fine = "DEBUG"
		}
	case RuntimeDone:
		status, fine = e.Status, "DEBUG"
	case Report:
		status = e.Status
	case Extension:
		if e.ErrorType != "" {
			status = Failed
		}
	case Dropped, Fault:
		status = Failure
	}
	if status != Success {
		return "WARN"
	}
	return fine
}
