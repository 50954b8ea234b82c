package runtimes

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Debug says how a function's process is debugged. It is set on [Host].
type Debug struct {
	// Ports are the ports that debuggers attach to; the runtime listens on the first.
	Ports []int
	// Args are arguments for the language's debugger, nil for its usual ones.
	Args []string
	// Path is a folder with the debugger, "" for the one that is installed.
	Path string
}

// DebugHost is where runtimes listen for debuggers: on this machine only.
const DebugHost = "127.0.0.1"

// Addr is where the debugger attaches.
func (d *Debug) Addr() string { return net.JoinHostPort(DebugHost, strconv.Itoa(d.Ports[0])) }

// samDebugger is the folder that SAM CLI shows the debugger in, inside of its container.
const samDebugger = "/tmp/lambci_debug_files"

// Arguments are Args with the folder of the debugger in the place of the one
// that SAM CLI's containers have it in.
func (d *Debug) Arguments() []string {
	args := make([]string, 0, len(d.Args))
	for _, a := range d.Args {
		if d.Path != "" {
			a = strings.ReplaceAll(a, samDebugger, filepath.Clean(d.Path))
		}
		args = append(args, a)
	}
	return args
}

// Notice tells the user where to attach, and how.
func (d *Debug) Notice(how string) string {
	args := strings.Join(d.Args, " ")
	if args != "" && !strings.Contains(args, strconv.Itoa(d.Ports[0])) {
		return "the function is started with " + args + ": attach where that listens"
	}
	return fmt.Sprintf("the function waits for a debugger at %s: %s", d.Addr(), how)
}
