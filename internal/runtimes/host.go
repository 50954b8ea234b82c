package runtimes

// Host is the machine that interpreters are looked for on. It is an input, so
// that tests can make one up.
type Host struct {
	// Env is the user's environment: PATH, HOME, VIRTUAL_ENV, NVM_DIR and their like.
	Env map[string]string
	// Cache is lambkin's cache folder, where what was learned of interpreters is
	// kept; "" where there is none.
	Cache string
	// Strict refuses another version than the one asked for.
	Strict bool
	// Serverless follows the Serverless Framework's local wrapper where it
	// differs from AWS: console and logging are left as the language makes
	// them, and a value that a synchronous Node.js handler returns counts.
	Serverless bool
	// Debug makes processes wait for a debugger, nil for none.
	Debug *Debug
	// Look says that nothing is going to be started: what takes long and shows in
	// no variable is left out.
	Look bool
	// Tell takes a remark while something is done that takes long, nil for nobody.
	Tell func(string)
}

// Say tells the user what is being done.
func (h *Host) Say(text string) {
	if h.Tell != nil {
		h.Tell(text)
	}
}
