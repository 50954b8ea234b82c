package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a job object: ending it ends every process in it.
type group struct {
	job     windows.Handle
	process *os.Process
}

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func adoptOrphans() {}

// launch starts a process in a job of its own.
func launch(cmd *exec.Cmd) (group, error) {
	if err := cmd.Start(); err != nil {
		return group{}, err
	}
	return join(cmd.Process), nil
}

// join puts the process into a new job that ends with lambkin. A process that
// cannot be put into one is ended alone.
func join(p *os.Process) group {
	g := group{process: p}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return g
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err == nil {
		var h windows.Handle
		h, err = windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Pid))
		if err == nil {
			err = windows.AssignProcessToJobObject(job, h)
			_ = windows.CloseHandle(h)
		}
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return g
	}
	g.job = job
	return g
}

func (g group) left() {}

func (g group) signal(s os.Signal) error { return g.process.Signal(s) }

func (g group) kill() {
	if g.job != 0 {
		_ = windows.TerminateJobObject(g.job, 1)
		return
	}
	_ = g.process.Kill()
}

func (g group) freeze() error { return errors.ErrUnsupported }

func (g group) thaw() error { return errors.ErrUnsupported }

func (g group) sweep(string) {}

// release closes the job, which ends what is left in it.
func (g group) release() {
	if g.job != 0 {
		_ = windows.CloseHandle(g.job)
	}
}

func maxRSS(*os.ProcessState) int64 { return 0 }

func peakMemory(int) int64 { return 0 }
