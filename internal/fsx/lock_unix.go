//go:build !windows

package fsx

import (
	"errors"
	"os"
	"syscall"
)

func lockFile(f *os.File, shared bool) error {
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
		case err != nil:
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		default:
			return nil
		}
	}
}

// own reports whether a file is this user's.
func own(st os.FileInfo) bool {
	info, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(info.Uid) == os.Geteuid()
}

// Remove removes the file and gives the lock up.
func (l *Lock) Remove() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}
