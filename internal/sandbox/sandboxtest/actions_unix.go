//go:build unix

package sandboxtest

import (
	"os"
	"syscall"
	"time"
)

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	time.Sleep(lifetime)
}

func hangUp() { _ = syscall.Kill(os.Getpid(), syscall.SIGHUP) }
