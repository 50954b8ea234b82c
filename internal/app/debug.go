package app

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// Debug says how a function's process is debugged.
type Debug = runtimes.Debug

// debugTimeout is the timeout that a function under a debugger is told of, as
// by SAM CLI. It is not enforced.
const debugTimeout = 10 * time.Hour

// debugged prepares fn for a debugger; without one it returns fn as it is.
// That a debugger could not attach is told before anything is started.
func debugged(fn *lambda.Function, d *Debug) (*lambda.Function, error) {
	if d == nil {
		return fn, nil
	}
	if len(d.Ports) == 0 {
		return nil, BadCall("give a port, such as 5858", "debugging needs a port for the debugger")
	}
	for _, port := range d.Ports {
		if err := checkPort(port); err != nil {
			return nil, err
		}
	}
	out := *fn
	out.Timeout, out.MaxConcurrency = debugTimeout, 0
	return &out, nil
}

func checkPort(port int) error {
	if port < 1 || port > 65535 {
		return BadCall("ports go from 1 to 65535", "the debug port %d is none", port)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(runtimes.DebugHost, strconv.Itoa(port)))
	if err != nil {
		return problem(InMachine, diag.Diagnostic{
			Code: "debug-port", Summary: fmt.Sprintf("the debug port %d cannot be opened: %v", port, err),
			Hint: "end the program that uses the port, which may be a function that is still being debugged, or give another port",
		})
	}
	return l.Close()
}

// layerCache is the folder with layers that were fetched by their ARN: unless
// told otherwise the one that SAM CLI fills. It is "" without a home folder.
func layerCache(o Options) string {
	if o.LayerCache != "" {
		if dir, err := filepath.Abs(o.LayerCache); err == nil {
			return dir
		}
		return o.LayerCache // without a working folder, as good as any
	}
	if home := first(o.Env["HOME"], o.Env["USERPROFILE"]); home != "" {
		return filepath.Join(home, ".aws-sam", "layers-pkg")
	}
	return ""
}
