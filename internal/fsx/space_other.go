//go:build !linux && !darwin && !windows

package fsx

// FreeSpace is how many bytes may still be written to the file system that
// holds dir; ok is false where the system does not tell.
func FreeSpace(string) (free int64, ok bool, err error) { return 0, false, nil }
