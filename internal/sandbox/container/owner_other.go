//go:build !linux

package container

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// started is when a process was started, which only Linux tells.
func started(int) string { return "" }

// alive reports whether there is a process of this id.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	if runtime.GOOS == "windows" {
		return true // or it would not have been found
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, fs.ErrPermission)
}
