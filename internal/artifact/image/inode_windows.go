package image

import "io/fs"

type inode struct{}

// inodeOf tells files apart that have several names; here nothing does.
func inodeOf(fs.FileInfo) (node inode, shared bool) { return inode{}, false }
