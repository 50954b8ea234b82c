package runtimeapi

import "fmt"

// state is where the runtime of one environment stands. Names and transitions
// are those of AWS's own implementation, since the names reach the runtime in
// the messages of refused requests:
//
//	Started --next--> Ready --event taken--> Running --response--> InvocationResponse ------> RuntimeResponseSentState
//	   |               ^ ^                      |                                                        |
//	   |               | +--- next (waits too)  +----error----> InvocationErrorResponse --------> (same) |
//	   |               +---------------------------- next ----------------------------------------------+
//	   +--init/error--> InitError (final)
//
// and, for a function with SnapStart:
//
//	Started --restore/next--> RestoreReady --restored--> Restoring --next--> Ready
//	                                                         +--restore/error, init/error--> RuntimeRestoreErrorState (final)
//
// A next while Running delivers the same event once more: a runtime that lost
// its connection may ask again.
type state string

const (
	started       state = "Started"
	ready         state = "Ready"
	running       state = "Running"
	response      state = "InvocationResponse"
	errorResponse state = "InvocationErrorResponse"
	responseSent  state = "RuntimeResponseSentState"
	initError     state = "InitError"

	restoreReady   state = "RestoreReady"
	restoring      state = "Restoring"
	restoreFailure state = "RuntimeRestoreErrorState"
)

// allowed lists the states from which a request may move to another.
var allowed = map[state][]state{
	ready:         {started, restoring, ready, running, responseSent},
	response:      {running},
	errorResponse: {running},
	initError:     {started},
}

// refusal is the message for a transition that is not allowed.
func refusal(from, to state) string {
	return fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to)
}
