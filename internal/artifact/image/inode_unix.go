//go:build !windows

package image

import (
	"io/fs"
	"syscall"
)

type inode struct{ device, number uint64 }

// inodeOf tells files apart that have several names; shared is false for others.
func inodeOf(info fs.FileInfo) (node inode, shared bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return inode{}, false
	}
	return inode{uint64(st.Dev), uint64(st.Ino)}, true
}
