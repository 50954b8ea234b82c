//go:build linux || darwin

package fsx

import (
	"os"
	"syscall"
)

// FreeSpace is how many bytes may still be written to the file system that
// holds dir; ok is false where the system does not tell.
func FreeSpace(dir string) (free int64, ok bool, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * int64(st.Bsize), true, nil
}
