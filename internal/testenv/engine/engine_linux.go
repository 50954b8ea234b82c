package engine

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// attributes see to it that the engine does not outlive the tests, whatever
// way those end.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }

// unmount takes away what the engine has left mounted below a folder.
func unmount(dir string) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
}

// removeGroups takes the engine's control groups away, of either version.
func removeGroups(name string) {
	for _, pattern := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name} {
		groups, err := filepath.Glob(pattern)
		if err != nil {
			return
		}
		for _, group := range groups {
			below, err := filepath.Glob(group + "/*/")
			if err != nil {
				return
			}
			for _, dir := range append(below, group) {
				_ = syscall.Rmdir(dir)
			}
		}
	}
}
