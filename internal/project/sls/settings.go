package sls

import (
	"cmp"
	"math"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// What the framework takes where a service says nothing.
const (
	defaultStage   = "dev"
	defaultRegion  = "us-east-1"
	defaultRuntime = "nodejs20.x"
	defaultMemory  = 1024
	defaultTimeout = 6

	// defaultAccount stands for an account that nobody named.
	defaultAccount = "123456789012"
)

// chosen is what the caller chose for a setting that has an option of its own, "" for nothing.
func (r *resolver) chosen(flag, option string) string {
	return cmp.Or(option, r.opts.Flags[flag])
}

// stage is the deployment's stage.
func (r *resolver) stage() (string, *problem) {
	return r.ofProvider("stage", r.chosen("stage", r.opts.Stage), defaultStage)
}

// region is the deployment's region.
func (r *resolver) region() (string, *problem) {
	return r.ofProvider("region", r.chosen("region", r.opts.Region), defaultRegion)
}

// ofProvider is a text below provider, unless the caller chose another.
func (r *resolver) ofProvider(key, chosen, otherwise string) (string, *problem) {
	if chosen != "" {
		return chosen, nil
	}
	a, p := r.walk(r.root, "", "provider", key)
	if p != nil {
		return otherwise, p
	}
	if a.node == nil || a.node.Kind == doc.Null {
		return otherwise, nil
	}
	if !a.node.IsScalar() {
		return otherwise, r.fail(a.node, 0, "provider."+key, "bad-value", "%q must be a text, not %s", "provider."+key, a.node.Kind)
	}
	return scalarText(a.node), nil
}

// truthy reports whether JavaScript takes n for true.
func truthy(n *doc.Node) bool {
	if n == nil {
		return false
	}
	switch v := n.Value.(type) {
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	}
	return n.Kind != doc.Null
}

// scalarText is a scalar as JavaScript prints it: 1.10 is "1.1", 0123 is "123".
func scalarText(n *doc.Node) string {
	switch v := n.Value.(type) {
	case int64:
		return doc.FormatFloat(float64(v)) // JavaScript knows no other numbers
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return doc.FormatFloat(v)
	case bool:
		return n.JSON()
	}
	return n.Text
}
