package app

import (
	"fmt"
	"net"
	"runtime"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/sandbox/process"
)

// DefaultIsolation is the variable with the user's own choice for commands that
// name no isolation.
const DefaultIsolation = "LAMBKIN_ISOLATION"

// NoNetwork is the network with nothing in it but the Runtime API.
const NoNetwork = "none"

// isolation is where functions run, as the options want it.
type isolation struct {
	box sandbox.Sandbox
	// fallback takes box's place where the machine does not let that be; nil when
	// the user has asked for box.
	fallback sandbox.Sandbox
}

// isolate chooses the sandbox. AWS's own file system is what functions see
// wherever the machine can show it; the framework runs them in place.
func isolate(o Options) (isolation, error) {
	name := first(o.Isolation, o.Env[DefaultIsolation])
	hosts, err := hostLines(o.Hosts)
	if err != nil {
		return isolation{}, err
	}
	switch o.Network {
	case "", "host", NoNetwork:
	default:
		return isolation{}, BadCall("the networks are host and none", "there is no network %q", o.Network)
	}
	inNamespace := namespace.Sandbox{Alone: o.Network == NoNetwork, Hosts: hosts}
	if name == "" && o.Vocabulary != Serverless && runtime.GOOS == "linux" {
		chosen := isolation{box: inNamespace, fallback: process.Sandbox{}}
		if o.Network == NoNetwork || hosts != nil {
			chosen.fallback = nil // it could not keep what is asked for
		}
		return chosen, nil
	}
	if name == "" {
		name = process.Sandbox{}.Name()
	}
	boxes := []sandbox.Sandbox{process.Sandbox{}, inNamespace}
	var names []string
	for _, b := range boxes {
		names = append(names, b.Name())
		if b.Name() != name {
			continue
		}
		if name == (process.Sandbox{}).Name() && (o.Network == NoNetwork || hosts != nil) {
			return isolation{}, BadCall("use --isolation namespace", "plain processes share the machine's network and its names")
		}
		return isolation{box: b}, nil
	}
	hint := "there are " + strings.Join(names, " and ")
	if near := diag.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return isolation{}, BadCall(hint, "there is no isolation %q", name)
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
