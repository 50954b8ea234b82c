package fsx

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

func lockFile(f *os.File, shared bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return ErrLocked
	case err != nil:
		return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

// Remove gives the lock up and removes the file, unless somebody else has it
// open: the system does not remove such files.
func (l *Lock) Remove() error {
	err := l.file.Close()
	_ = os.Remove(l.file.Name())
	return err
}

// own reports whether a file is this user's, as those in the user's own folder are.
func own(os.FileInfo) bool { return true }
