// Package limits holds the processes of an execution environment to what AWS
// lets them use: memory, the number of processes, open files and, when asked
// for, processor time.
//
// Memory is what processes have allocated. Files in /tmp are not, although a
// /tmp in memory is charged to the same control group; so the kernel's own
// limit has room for them, and a watcher ends what passes the limit proper.
// Where there is no control group to be had, the watcher asks the processes
// themselves.
//
//	used by processes   │■■■■■■■■■■■■■■│                  the watcher ends the largest
//	the kernel's limit  │ Memory       │ /tmp     │ room │ the kernel does
package limits

// Processes is how many processes and threads AWS lets an environment have.
const Processes = 1024

// perProcessor is the memory, in MB, for which AWS gives a whole processor.
const perProcessor = 1769

// Spec says what an environment may use.
type Spec struct {
	// Memory in bytes, of all processes together; 0 for no limit of anything but
	// what [Resources] sets.
	Memory int64
	// TmpMB is the size of the /tmp in memory, which does not count.
	TmpMB int
}

// Means is by what limits are kept.
type Means int

// The means, the best first. Each is described by its text.
const (
	GroupV2  Means = iota + 1 // cgroup v2
	GroupV1                   // cgroup v1
	Watching                  // looking at the processes
)

// Force says what of the limits is in force on a machine.
type Force struct {
	Memory Means // of memory; there is always one
	// Processes is the means for the number of processes: a group's, or
	// [Watching] for the kernel's count per user namespace; 0 for none.
	Processes Means
	CPU       Means  // for [Limits.Throttle]; 0 for none
	Reason    string // why there is no group, "" when there is one
	Hint      string // what to change, "" when nothing is known
}

// String says it for users: "memory and processes limited by cgroup v2".
func (f Force) String() string {
	by := map[Means]string{GroupV2: "by cgroup v2", GroupV1: "by cgroup v1", Watching: "by watching it"}
	text := "memory and processes limited " + by[f.Memory]
	switch {
	case f.Memory == 0:
		return "nothing is limited"
	case f.Processes == 0:
		text = "memory limited " + by[f.Memory] + ", the number of processes not limited"
	case f.Processes == Watching:
		text = "memory limited " + by[f.Memory] + ", the number of processes by the kernel"
	}
	if f.Reason != "" {
		text += " (" + f.Reason
		if f.Hint != "" {
			text += "; better: " + f.Hint
		}
		text += ")"
	}
	return text
}
