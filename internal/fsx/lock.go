package fsx

import (
	"errors"
	"os"
)

// ErrLocked says that somebody else has the lock.
var ErrLocked = errors.New("somebody else has the lock")

// Lock is a lock that belongs to an open file: it ends with the process, however that ends.
type Lock struct{ file *os.File }

// TryLock takes the lock of the file name, which it makes where it is missing:
// with others who share it, or alone. It does not wait: the error is [ErrLocked]
// when somebody else, in this process or another one, has it in a way that does not go together.
func TryLock(name string, shared bool) (*Lock, error) {
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f, shared); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		// Whoever had it may have removed the file meanwhile: then this is
		// the lock of a file that nobody else will open.
		held, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if there, err := os.Stat(name); err == nil && os.SameFile(held, there) {
			return &Lock{f}, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// Close gives the lock up. The file stays.
func (l *Lock) Close() error { return l.file.Close() }
