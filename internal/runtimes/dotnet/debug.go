package dotnet

import (
	"fmt"
	"path/filepath"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// waitForDebugger makes AWS's client wait ten minutes for a debugger before it
// loads the handler. SAM CLI sets it, too.
const waitForDebugger = "_AWS_LAMBDA_DOTNET_DEBUGGING"

// debugNotices say how a .NET process is debugged: debuggers attach to the
// process, and not to a port.
func debugNotices(d *runtimes.Debug, p *program) []string {
	how := "the function waits ten minutes for a debugger to attach to its process, dotnet exec"
	switch {
	case p.native != "":
		how = "the function waits for no debugger: attach one to its process, " + filepath.Base(p.native)
	case p.dll != "":
		how = "the function waits for no debugger: attach one to its process, dotnet exec " + filepath.Base(p.dll)
	}
	notices := []string{fmt.Sprintf("%s (an editor's \"attach to process\", or vsdbg); debuggers of .NET use no port, %d neither", how, d.Ports[0])}
	if d.Path != "" || len(d.Args) > 0 {
		notices = append(notices, "the debugger's folder and arguments are not used: the editor starts the debugger")
	}
	return notices
}
