package samcli

import "slices"

// invokeOptions is what `local invoke` is told.
type invokeOptions struct {
	localOptions

	event, runtime, tenant string
	failOnError            bool
	durable                string
}

// options are the command's options in the order of its help.
func (o *invokeOptions) options() []*option {
	var mount bool
	own := []*option{
		{name: "event", short: "e", value: text(&o.event, "PATH"), usage: "JSON `file` with the event, \"-\" for standard input"},
		{name: "no-event", value: yes(new(bool)), usage: "invoke with an empty event, which is the default"},
		{name: "runtime", short: "r", value: text(&o.runtime, "RUNTIME", knownRuntime), usage: "`runtime` in the place of the function's own"},
		{name: "tenant-id", value: text(&o.tenant, "TEXT", tenant), usage: "`tenant` of a function with tenant isolation"},
		{name: "fail-on-error", value: yes(&o.failOnError), usage: "exit with status 1 when the function fails or times out (lambkin's own)"},
	}
	rare := []*option{
		{name: "mount-symlinks", not: "no-mount-symlinks", idle: true, value: yes(&mount), opposite: no(&mount), usage: "no effect: links in the code's folder always lead where they point to"},
		{name: "durable-execution-name", value: text(&o.durable, "TEXT"), usage: "refused: lambkin does not run durable functions"},
	}
	return slices.Concat(own, o.localTable(), rare)
}
