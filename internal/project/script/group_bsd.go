//go:build unix && !linux

package script

import "syscall"

// attributes put the process at the head of a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
