package container

import (
	"os"
	"strconv"
	"strings"
)

// labelName marks lambkin's containers; its value is their owner.
const labelName = "dev.lambkin"

// owner is the process that a container is for.
type owner struct {
	machine string // its id, or its name
	boot    string // id of its run, "" where the system has none
	pids    string // where pid is valid, "" where the system has only one
	pid     int
	start   string // when it started, "" where that is not known
}

func self() owner {
	o := owner{machine: machine(), boot: line("/proc/sys/kernel/random/boot_id"), pid: os.Getpid()}
	if pids, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		o.pids = pids
	}
	o.start = started(o.pid)
	return o
}

func machine() string {
	if id := line("/etc/machine-id"); id != "" {
		return id
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// line is the one line of a small file, "" where there is none.
func line(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func (o owner) String() string {
	return strings.Join([]string{o.machine, o.boot, o.pids, strconv.Itoa(o.pid), o.start}, " ")
}

// gone reports whether the process that a label names is known to have ended.
// Of another machine's, and of those in another container, nothing is known.
func (o owner) gone(label string) bool {
	parts := strings.Split(label, " ")
	if len(parts) != 5 || parts[0] != o.machine || o.machine == "" {
		return false
	}
	if parts[1] != o.boot {
		return true
	}
	pid, err := strconv.Atoi(parts[3])
	return err == nil && parts[2] == o.pids && !(alive(pid) && started(pid) == parts[4])
}
