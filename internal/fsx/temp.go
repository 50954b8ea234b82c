package fsx

import (
	"errors"
	"os"
	"path/filepath"
)

// Temp is a temporary folder of this run of the program.
type Temp struct {
	Dir  string // where the caller's files go
	top  string
	lock *Lock
}

// lockName and filesName are what a temporary folder holds.
const lockName, filesName = "lock", "files"

// NewTemp makes a temporary folder of a kind, such as "code", and removes those
// of the same kind that runs have left which were killed. The caller closes it.
func NewTemp(kind string) (t *Temp, err error) {
	prefix := "lambkin-" + kind + "-"
	sweep(filepath.Join(os.TempDir(), prefix+"*"))
	// Whoever sweeps between the folder's making and its locking removes it.
	const tries = 10
	for range tries {
		if t, err = newTemp(prefix); err == nil {
			return t, nil
		}
	}
	return nil, err
}

func newTemp(prefix string) (*Temp, error) {
	top, err := os.MkdirTemp("", prefix+"*")
	if err != nil {
		return nil, err
	}
	t := &Temp{Dir: filepath.Join(top, filesName), top: top}
	t.lock, err = TryLock(filepath.Join(top, lockName), false)
	if !errors.Is(err, ErrLocked) { // a file system without locks does without
		err = os.Mkdir(t.Dir, 0o700)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close removes the folder.
func (t *Temp) Close() error {
	err := os.RemoveAll(t.Dir)
	if t.lock != nil {
		err = errors.Join(err, t.lock.Close()) // Windows removes no file that is open
	}
	return errors.Join(err, os.RemoveAll(t.top))
}

// sweep removes the temporary folders whose locks nobody has. What cannot be
// removed is left to the next.
func sweep(pattern string) {
	found, _ := filepath.Glob(pattern)
	for _, top := range found {
		if st, err := os.Lstat(top); err != nil || !st.IsDir() || !own(st) {
			continue
		}
		name := filepath.Join(top, lockName)
		if _, err := os.Lstat(name); err != nil {
			continue // it is being made
		}
		if lock, err := TryLock(name, false); err == nil {
			_ = (&Temp{Dir: filepath.Join(top, filesName), top: top, lock: lock}).Close()
		}
	}
}
