package limits

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// resources are the limits that each process has on AWS, and its children from
// it: how far it may raise the first value is the second. Those of the machine
// that are lower stay. A crash leaves no core file, although AWS allows one of
// 10 GB: the machine's may go to a crash reporter, and the log would say so.
var resources = []struct {
	what      int
	soft, top uint64
}{
	{unix.RLIMIT_NOFILE, 1024, 1024},
	{unix.RLIMIT_CORE, 0, 10 << 30},
	{unix.RLIMIT_MEMLOCK, 64 << 10, 64 << 10},
	{unix.RLIMIT_STACK, 8 << 20, unix.RLIM_INFINITY},
}

// Resources sets the limits of AWS's processes on this one, which passes them
// on to all that it starts. An ordinary user cannot raise them again.
func Resources() error {
	var errs error
	for _, r := range resources {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(r.what, &now); err != nil {
			errs = errors.Join(errs, os.NewSyscallError("getrlimit", err))
			continue
		}
		now.Max = min(now.Max, r.top)
		now.Cur = min(r.soft, now.Max)
		// Not unix.Setrlimit: package syscall gives children what it thinks
		// that the number of open files was.
		if err := syscall.Setrlimit(r.what, &now); err != nil {
			errs = errors.Join(errs, os.NewSyscallError("setrlimit", err))
		}
	}
	return errs
}

// Views opens what a watcher needs to see of an environment: the list of its
// processes and its /tmp. The caller is where they are visible, and closes them.
func Views() ([]*os.File, error) {
	proc, err := os.OpenFile("/proc", os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	tmp, err := os.OpenFile("/tmp", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, errors.Join(err, proc.Close())
	}
	return []*os.File{proc, tmp}, nil
}
