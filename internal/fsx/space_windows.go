package fsx

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// FreeSpace is how many bytes may still be written to the file system that
// holds dir; ok is false where the system does not tell.
func FreeSpace(dir string) (free int64, ok bool, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false, err
	}
	var bytes uint64
	if err := windows.GetDiskFreeSpaceEx(name, &bytes, nil, nil); err != nil {
		return 0, false, &os.PathError{Op: "free space", Path: dir, Err: err}
	}
	return int64(min(bytes, math.MaxInt64)), true, nil
}
