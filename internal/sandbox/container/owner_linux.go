package container

import "github.com/lambkin-dev/lambkin/internal/sandbox"

// started is when a process was started, "" when it has ended.
func started(pid int) string { return sandbox.Started(pid) }

// alive reports whether there is a process of this id.
func alive(pid int) bool { return started(pid) != "" }
