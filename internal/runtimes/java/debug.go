package java

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// debugger are the options that make a Java virtual machine wait for a
// debugger before it runs anything, besides those that the user gives, and
// remarks for the user. They are SAM CLI's, but listen on this machine only,
// and are no variable: processes that the function starts would wait, too.
func debugger(d *runtimes.Debug) (options, notices []string) {
	options = d.Arguments()
	told := *d
	if !slices.ContainsFunc(options, func(a string) bool { return strings.Contains(a, "jdwp") }) {
		agent := "-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,quiet=y,address=" + d.Addr()
		options, told.Args = append([]string{agent}, options...), nil
	}
	notices = []string{told.Notice("attach an editor as to a remote JVM, or run jdb -attach " + d.Addr())}
	if d.Path != "" && !strings.Contains(strings.Join(options, " "), filepath.Clean(d.Path)) {
		notices = append(notices, "the debugger's folder is not used: Java has its own debugger")
	}
	return append(options, "-Xshare:off"), notices
}
