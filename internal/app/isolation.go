package app

import (
	"context"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
)

// DefaultIsolation is the variable with the user's own choice for commands that
// name no isolation.
const DefaultIsolation = "LAMBKIN_ISOLATION"

// NoNetwork is the network with nothing in it but the Runtime API.
const NoNetwork = "none"

// ContainerOptions are for containers alone.
type ContainerOptions struct {
	// DNS are addresses of name servers.
	DNS []string
	// VolumeBase is where an engine on another machine has the project's folder.
	VolumeBase string
	// Args are options of `docker run`.
	Args []string
}

// isolation is where functions run, as the options want it.
type isolation struct {
	box sandbox.Sandbox
	// fallback takes box's place where the machine does not let that be; nil when
	// the user has asked for box.
	fallback sandbox.Sandbox
	engine   *container.Engine // of containers, nil elsewhere
	// stop ends what was begun ahead and not used; nil for nothing.
	stop func() error
}

// ahead begins with the first environment, where the sandbox can.
func (i *isolation) ahead() {
	if box, ok := i.box.(sandbox.Ahead); ok {
		i.box, i.stop = box.Ahead()
	}
}

func (i *isolation) close() error {
	if i.stop == nil {
		return nil
	}
	return i.stop()
}

// IsolationNames are the names of all sandboxes.
func IsolationNames() []string {
	return []string{process.Sandbox{}.Name(), namespace.Sandbox{}.Name(), container.Sandbox{}.Name()}
}

// isolate chooses the sandbox. AWS's own file system is what functions see
// wherever the machine can show it; the framework runs them in place.
func isolate(ctx context.Context, o Options) (isolation, error) {
	hosts, err := hostLines(o.Hosts)
	if err != nil {
		return isolation{}, err
	}
	if o.Throttle && o.NoMemoryLimit {
		return isolation{}, BadCall("leave out one of them", "--throttle goes by the memory that --no-memory-limit takes away")
	}
	none := o.Network == NoNetwork
	inNamespace := namespace.Sandbox{Alone: none, Hosts: hosts, CPU: o.Throttle}
	plain := process.Sandbox{}
	special := none || hosts != nil || o.Throttle
	name := first(o.Isolation, o.Env[DefaultIsolation])
	switch {
	case name == "" && o.Vocabulary != Serverless && runtime.GOOS == "linux":
		chosen := isolation{box: inNamespace}
		if !special {
			chosen.fallback = plain // else it could not keep what is asked for
		}
		return chosen, o.checkNetwork()
	case name == "", name == plain.Name():
		if special {
			return isolation{}, BadCall("use --isolation namespace", "plain processes share the machine's network, its names and its processors")
		}
		return isolation{box: plain}, o.checkNetwork()
	case name == inNamespace.Name():
		return isolation{box: inNamespace}, o.checkNetwork()
	case name == (container.Sandbox{}).Name():
		return inContainers(ctx, o)
	}
	names := IsolationNames()
	hint := "there are " + strings.Join(names, ", ")
	if near := diag.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return isolation{}, BadCall(hint, "there is no isolation %q", name)
}

// checkNetwork refuses networks that only a container engine has.
func (o Options) checkNetwork() error {
	switch o.Network {
	case "", "host", NoNetwork:
		return nil
	}
	return BadCall("the networks are host and none; those of a container engine take --isolation container", "there is no network %q", o.Network)
}

// inContainers finds the engine of containers.
func inContainers(ctx context.Context, o Options) (isolation, error) {
	if o.Throttle {
		return isolation{}, BadCall("use --isolation namespace", "--throttle does not reach containers")
	}
	settings := container.Options{
		Network: o.Network, Hosts: o.Hosts, DNS: o.Container.DNS, NoMemoryLimit: o.NoMemoryLimit, Args: o.Container.Args,
	}
	if base := o.Container.VolumeBase; base != "" {
		if !path.IsAbs(base) && !filepath.IsAbs(base) {
			return isolation{}, BadCall("write the absolute path that the folder has where the engine runs", "the engine cannot know the relative path %q of --docker-volume-basedir", base)
		}
		dir, err := filepath.Abs(filepath.Dir(o.File))
		if err != nil {
			return isolation{}, err
		}
		settings.Volumes = container.Volumes{Host: dir, Engine: o.Container.VolumeBase}
	}
	if err := settings.Check(); err != nil {
		return isolation{}, BadCall("", "%v", err)
	}
	engine, err := container.Find(ctx, o.Env)
	if err != nil {
		return isolation{}, problem(InMachine, diag.Diagnostic{
			Code: "isolation", Summary: "there is no container engine to run functions in", Detail: err.Error(),
			Hint: withoutContainers(o.Vocabulary),
		})
	}
	return isolation{box: container.Sandbox{Engine: engine, Options: settings}, engine: engine}, nil
}

// withoutContainers says how a function runs without an engine.
func withoutContainers(v Vocabulary) string {
	if v == Serverless {
		return "or leave out --docker: functions then run as processes of this machine"
	}
	return "or run functions without containers: --isolation namespace"
}

// hostLines are lines of /etc/hosts for names given as NAME:ADDRESS. The
// address that Docker knows as host-gateway is this machine's.
func hostLines(hosts []string) (lines []string, err error) {
	for _, h := range hosts {
		name, address, ok := strings.Cut(h, ":")
		address = strings.Trim(address, "[]")
		if address == "host-gateway" {
			address = "127.0.0.1"
		}
		if !ok || name == "" || strings.ContainsAny(name, " \t\n#") || net.ParseIP(address) == nil {
			return nil, BadCall("write it as NAME:ADDRESS, such as db:192.0.2.1", "%q is not a name and its address", h)
		}
		lines = append(lines, address+" "+name)
	}
	return lines, nil
}
