//go:build !linux

package container

// Main has nothing to hand over to: agents are Linux's.
func Main([]string) (status int, ok bool) { return 0, false }
