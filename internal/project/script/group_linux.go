package script

import "syscall"

// attributes put the process at the head of a group of its own, which ends
// also when lambkin is killed without a chance to clean up.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
