package extension

import "fmt"

// state is where one extension stands. Names and transitions are those of
// AWS's own implementation, since the names reach the extension in the
// messages of refused requests:
//
//	Started --register--> Registered --event/next--> Ready --event taken--> Running --event/next--> Ready ...
//	                         |  |                      |                       |
//	                         |  +------ exit/error ----+-----------------------+--> ExitError (final)
//	                         +--init/error--> InitError (final)
//
// Of external extensions, a process that ends leads to Exited, and one that
// cannot be started to LaunchError.
type state string

const (
	started     state = "Started"
	registered  state = "Registered"
	ready       state = "Ready"
	running     state = "Running"
	initError   state = "InitError"
	exitError   state = "ExitError"
	exited      state = "Exited"
	launchError state = "LaunchError"
)

// allowed lists the states from which a request may move to another.
var allowed = map[state][]state{
	registered: {started},
	ready:      {registered, ready, running},
	initError:  {registered, initError},
	exitError:  {registered, ready, running, exitError},
}

// refusal is the message for a transition that is not allowed.
func refusal(name string, from, to state) string {
	return fmt.Sprintf("State transition from %s to %s failed for extension %s. Error: State transition is not allowed", from, to, name)
}
