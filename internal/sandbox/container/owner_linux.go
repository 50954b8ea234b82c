package container

import (
	"fmt"
	"os"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// started is when a process was started, in ticks since the machine was.
func started(pid int) string {
	const field = 22 - 3 // of proc(5), where the first of these is the third
	if fields := sandbox.StatFields(fmt.Sprintf("/proc/%d/stat", pid)); len(fields) > field {
		return string(fields[field])
	}
	return ""
}

// alive reports whether there is a process of this id, one that has not been
// waited for aside.
func alive(pid int) bool {
	file := fmt.Sprintf("/proc/%d/stat", pid)
	if _, err := os.Stat(file); err != nil {
		return false
	}
	fields := sandbox.StatFields(file)
	return len(fields) > 0 && string(fields[0]) != "Z"
}
