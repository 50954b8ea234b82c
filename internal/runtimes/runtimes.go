// Package runtimes knows the languages that functions are written in: which
// identifiers AWS gives them, how their interpreters are found on this machine
// and how a process is started that loads the handler and speaks the Runtime
// API. Each language is a package below; package app lists them. Nothing here
// starts a process, except that an interpreter whose version shows nowhere is
// asked for it, once.
package runtimes

import (
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Runtime is one language. Its methods may be called from several goroutines.
type Runtime interface {
	// Name is the language's short name: "node", "python", "provided".
	Name() string
	// Identifiers are AWS's identifiers that this runtime serves, newest first.
	Identifiers() []string
	// Launch says how to start fn's runtime process. It returns a *[Missing]
	// when the machine lacks what it takes.
	Launch(fn *lambda.Function, paths Paths, host *Host) (*Launch, error)
	// Survey lists what the machine has for this language, for `lambkin doctor`.
	Survey(host *Host) []Finding
}

// Paths are the folders of an execution environment as its processes see them.
type Paths struct {
	Task    string // the code: /var/task, or where it lies
	Opt     string // the layers merged: /opt, or a folder of the host; "" without layers
	Runtime string // lambkin's bootstraps: /var/runtime, or a folder of the host
	Tmp     string // scratch: /tmp

	// HostTask and HostLayers are the folders of the host behind Task and Opt,
	// for what has to be looked at before the process starts; later layers hide
	// what earlier ones have. With "" for HostTask, Task and Opt are folders of
	// the host themselves.
	HostTask   string
	HostLayers []string
}

// Launch is a process to start. The process's environment is the one that AWS
// gives every runtime, with Env on top.
type Launch struct {
	Path string   // absolute path of the program, or a name to be found in PATH
	Args []string // arguments, without the program's name
	Dir  string   // working folder, "" for the code's
	Env  []string // NAME=value, what this runtime adds to or changes in the common environment
	// Image are the variables of the image that the program is in, NAME=value, below
	// Env. As on AWS extensions see them, too.
	Image []string
	// Behind goes behind the values that these variables have, after a blank,
	// whoever has set them: NAME=value.
	Behind []string
	// Uses are folders of the host that the program needs besides Paths, such
	// as the interpreter's own; a sandbox that hides the host shows them.
	Uses []string
	// Keeps are folders of lambkin's cache that the program writes to.
	Keeps []string
	// Version is the interpreter's version, "" for a program that brings its own.
	Version string
	// Snapshots is set where AWS can start the function from a snapshot
	// (SnapStart): the runtime then runs the function's hooks around it.
	Snapshots bool
	// Notices are remarks for the user: another version is used than asked for.
	Notices []string
}

// Missing says that the machine lacks what a function needs to run.
type Missing struct {
	What string // "Python 3.13 for runtime python3.13"
	Hint string // how to get it
}

func (m *Missing) Error() string { return m.What + " is not on this machine" }

// Finding is one thing that Survey found or missed.
type Finding struct {
	Name    string // "Python 3.13"
	Version string // "3.13.0", "" when missing
	Path    string // "" when missing
	Hint    string // how to get it, when missing
}

// Set is the list of runtimes that lambkin has.
type Set []Runtime

// Lookup returns the runtime that serves the identifier, nil when none does.
func (s Set) Lookup(identifier string) Runtime {
	for _, r := range s {
		for _, id := range r.Identifiers() {
			if id == identifier {
				return r
			}
		}
	}
	return nil
}

// Identifiers are those of all runtimes.
func (s Set) Identifiers() []string {
	var all []string
	for _, r := range s {
		all = append(all, r.Identifiers()...)
	}
	return all
}
