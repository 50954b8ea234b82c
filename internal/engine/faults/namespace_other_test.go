//go:build !linux

package faults

import "github.com/lambkin-dev/lambkin/internal/sandbox"

// isolated is not called where there are no namespaces.
func isolated() sandbox.Sandbox { return nil }
