package app

import (
	"context"
	"errors"
	"maps"
	"runtime"

	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
	"github.com/lambkin-dev/lambkin/internal/project/sls"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/dotnet"
	"github.com/lambkin-dev/lambkin/internal/runtimes/java"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/runtimes/provided"
	"github.com/lambkin-dev/lambkin/internal/runtimes/python"
	"github.com/lambkin-dev/lambkin/internal/runtimes/ruby"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
	"github.com/lambkin-dev/lambkin/internal/sandbox/limits"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
)

// Loaders are the kinds of projects that lambkin loads, in the order in which
// a folder is searched for them.
func Loaders() []project.Loader {
	return []project.Loader{cfn.Loader{}, sls.Loader{}}
}

// Runtimes are the languages that lambkin runs.
func Runtimes() runtimes.Set {
	return runtimes.Set{node.Runtime{}, python.Runtime{}, ruby.Runtime{}, java.Runtime{}, dotnet.Runtime{}, provided.Runtime{}}
}

// Bootstraps are the files of the programs that load handlers, by the names
// that the runtimes expect them under.
func Bootstraps() map[string][]byte {
	files := node.Files()
	maps.Copy(files, python.Files())
	maps.Copy(files, ruby.Files())
	maps.Copy(files, dotnet.Files())
	return files
}

// Isolation is what this machine offers of one way of isolating functions.
type Isolation struct {
	Name      string
	Available bool
	Detail    string
}

// Isolations lists all ways. It tries out those that a machine may refuse or
// lack; env is the user's environment.
func Isolations(ctx context.Context, env map[string]string) []Isolation {
	processes := Isolation{Name: "process", Available: true, Detail: "plain processes in the code's own folder; nothing is hidden from a function"}
	switch runtime.GOOS {
	case "linux":
		processes.Detail += ", ending one ends all that it started"
	case "windows":
		processes.Detail += ", ending one ends its job"
	default:
		processes.Detail += ", ending one ends its process group"
	}
	return []Isolation{
		processes,
		namespaces(ctx),
		containers(ctx, env),
	}
}

// containers looks for a container engine.
func containers(ctx context.Context, env map[string]string) Isolation {
	i := Isolation{Name: container.Sandbox{}.Name()}
	engine, err := container.Find(ctx, env)
	if err != nil {
		i.Detail = err.Error()
		return i
	}
	i.Available, i.Detail = true, "containers of AWS's images, in the engine at "+engine.Host
	return i
}

// namespaces tries whether the machine lets functions run in namespaces.
func namespaces(ctx context.Context) Isolation {
	i := Isolation{Name: namespace.Sandbox{}.Name()}
	err := namespace.Sandbox{}.Check(ctx)
	var unavailable *sandbox.Unavailable
	switch {
	case err == nil:
		i.Available, i.Detail = true, "AWS's folders, read-only code, a private /tmp; nothing else of the machine but its network can be seen; "+limits.Find().String()
	case errors.As(err, &unavailable):
		i.Detail = unavailable.Reason + ": " + unavailable.Hint
	default:
		i.Detail = err.Error()
	}
	return i
}
