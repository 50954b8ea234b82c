package fsx

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Temp is a temporary folder of this run of the program.
type Temp struct {
	Dir  string
	lock *Lock // nil on a file system without locks
}

// The folder's lock lies beside it. It is there first, and goes last, so that
// there is never a folder that nobody knows of.
const lockSuffix = ".lock"

// NewTemp makes a temporary folder of a kind, such as "code", and removes those
// of the same kind that runs have left which were killed. The caller closes it.
func NewTemp(kind string) (t *Temp, err error) {
	prefix := "lambkin-" + kind + "-"
	sweep(filepath.Join(os.TempDir(), prefix+"*"+lockSuffix))
	// Whoever sweeps between the making of the lock and its taking removes it.
	const tries = 10
	for range tries {
		if t, err = newTemp(prefix); err == nil {
			return t, nil
		}
	}
	return nil, err
}

func newTemp(prefix string) (*Temp, error) {
	f, err := os.CreateTemp("", prefix+"*"+lockSuffix)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	t := &Temp{Dir: strings.TrimSuffix(f.Name(), lockSuffix)}
	if t.lock, err = TryLock(f.Name(), false); errors.Is(err, ErrLocked) {
		return nil, err
	}
	if err := os.Mkdir(t.Dir, 0o700); err != nil {
		return nil, errors.Join(err, t.unlock())
	}
	return t, nil
}

// Close removes the folder.
func (t *Temp) Close() error { return errors.Join(os.RemoveAll(t.Dir), t.unlock()) }

func (t *Temp) unlock() error {
	if t.lock == nil {
		return os.Remove(t.Dir + lockSuffix)
	}
	return t.lock.Remove()
}

// sweep removes the temporary folders whose locks nobody has. What cannot be
// removed is left to the next.
func sweep(pattern string) {
	found, _ := filepath.Glob(pattern)
	for _, name := range found {
		if st, err := os.Lstat(name); err != nil || !st.Mode().IsRegular() || !own(st) {
			continue
		}
		if lock, err := TryLock(name, false); err == nil {
			_ = (&Temp{Dir: strings.TrimSuffix(name, lockSuffix), lock: lock}).Close()
		}
	}
}
