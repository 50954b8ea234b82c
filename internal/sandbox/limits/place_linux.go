package limits

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// places are the folders in which control groups can be made; "" where none
// can. With version 2 they are the same one.
type places struct {
	version           Means // 0 when there is no place for memory
	memory, pids, cpu string
	reason, hint      string // why there is no place, and what to change
}

// find looks for places from what a /proc says of this process. Nothing is
// changed: neither the group that this process is in, nor which controllers a
// group has.
func find(proc string) places {
	text, err := os.ReadFile(filepath.Join(proc, "self/cgroup"))
	if err != nil {
		return places{reason: "the kernel has no control groups"}
	}
	mounts := mountsOf(proc)
	at := map[string]string{} // folders of this process's groups, by controller; "" for version 2
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		for controller := range strings.SplitSeq(controllers, ",") {
			if dir := mounts.folder(controller, group); dir != "" {
				at[controller] = dir
			}
		}
	}
	if p, ok := unified(at[""], mounts.top()); ok {
		return p
	}
	memory, ok := at["memory"]
	switch {
	case ok && writable(memory):
		p := places{version: GroupV1, memory: memory}
		if dir := at["pids"]; writable(dir) {
			p.pids = dir
		}
		if dir := at["cpu"]; writable(dir) {
			p.cpu = dir
		}
		return p
	case ok && os.Geteuid() == 0:
		return places{reason: "lambkin may not make a control group in its own"}
	case ok:
		return places{reason: "only root may make control groups of version 1"}
	case at[""] != "":
		p := places{reason: "lambkin may not make a control group beside its own"}
		if text, err := os.ReadFile(filepath.Join(mounts.top(), "cgroup.controllers")); err == nil && slices.Contains(strings.Fields(string(text)), "memory") && os.Geteuid() != 0 {
			// The scope comes to where the groups are the user's.
			p.hint = "systemd-run --user --scope -p Delegate=yes lambkin …"
		}
		return p
	}
	return places{reason: "no control groups are mounted"}
}

// unified finds a place in version 2: in the own group, if controllers are on
// for groups in it, which only the root can have beside processes; else beside
// it, where they are if it has any itself.
func unified(own, top string) (places, bool) {
	if own == "" {
		return places{}, false
	}
	candidates := []string{own}
	if own != top {
		candidates = append(candidates, filepath.Dir(own))
	}
	for _, dir := range candidates {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if err != nil {
			continue
		}
		on := strings.Fields(string(text))
		// A process is moved by writing to the file of the group above both.
		if !slices.Contains(on, "memory") || !writable(dir) || !writable(filepath.Join(dir, "cgroup.procs")) {
			continue
		}
		p := places{version: GroupV2, memory: dir}
		if slices.Contains(on, "pids") {
			p.pids = dir
		}
		if slices.Contains(on, "cpu") {
			p.cpu = dir
		}
		return p, true
	}
	return places{}, false
}

func writable(name string) bool { return name != "" && unix.Access(name, unix.W_OK) == nil }

// mount is where a hierarchy of groups can be seen.
type mount struct {
	controllers []string // nil for version 2
	root, point string   // the group that is seen, and where
}

type mounts []mount

// mountsOf reads the mounts of this process.
func mountsOf(proc string) (found mounts) {
	text, err := os.ReadFile(filepath.Join(proc, "self/mountinfo"))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(" - cgroup")) {
			continue
		}
		before, after, _ := strings.Cut(strings.TrimSpace(string(line)), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 {
			continue
		}
		m := mount{root: left[3], point: left[4]}
		switch right[0] {
		case "cgroup2":
		case "cgroup":
			m.controllers = strings.Split(right[2], ",")
		default:
			continue
		}
		found = append(found, m)
	}
	return found
}

// folder is where a group of a controller's hierarchy can be seen, "" when
// it cannot.
func (ms mounts) folder(controller, group string) string {
	for _, m := range ms {
		if controller == "" && m.controllers != nil || controller != "" && !slices.Contains(m.controllers, controller) {
			continue
		}
		below, err := filepath.Rel(m.root, group)
		if err != nil || below == ".." || strings.HasPrefix(below, "../") {
			continue
		}
		return filepath.Join(m.point, below)
	}
	return ""
}

// top is the uppermost group of version 2 that can be seen.
func (ms mounts) top() string {
	for _, m := range ms {
		if m.controllers == nil {
			return m.point
		}
	}
	return ""
}

// prefix begins the names of all groups of lambkin's. The process that made
// one follows, by its id and by when it was started.
const prefix = "lambkin-"

func groupName() string {
	pid := os.Getpid()
	return fmt.Sprintf("%s%d-%s-", prefix, pid, sandbox.Started(pid))
}

// sweep removes groups that were left behind by a lambkin that was killed. One
// that still has processes cannot be removed, and stays.
func (p places) sweep() {
	dirs := []string{p.memory, p.pids, p.cpu}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if dir == "" {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), prefix)
			if !ok {
				continue
			}
			parts := strings.Split(name, "-")
			if len(parts) != 3 {
				continue // not lambkin's
			}
			if pid, err := strconv.Atoi(parts[0]); err != nil || sandbox.Started(pid) == parts[1] {
				continue // or a living one's
			}
			_ = unix.Rmdir(filepath.Join(dir, e.Name()))
		}
	}
}

// group is a control group, or with version 1 several, of one environment.
type group struct {
	version           Means
	memory, pids, cpu string // folders, "" for what it does not limit
}

// room is how much more than memory and /tmp a group may have: the kernel's own
// for its processes, and the holder.
const room = 64 << 20

// newGroup makes a group, without limits; with cpu one that can be throttled.
func newGroup(p places, cpu bool) (g *group, err error) {
	g = &group{version: p.version}
	defer func() {
		if err != nil {
			_ = g.remove(0)
		}
	}()
	if g.memory, err = os.MkdirTemp(p.memory, groupName()+"*"); err != nil {
		return g, err
	}
	name := filepath.Base(g.memory)
	for _, other := range []struct {
		parent string
		dir    *string
		wanted bool
	}{{p.pids, &g.pids, true}, {p.cpu, &g.cpu, cpu}} {
		if other.parent == "" || !other.wanted {
			continue
		}
		dir := filepath.Join(other.parent, name)
		if p.version == GroupV1 {
			if err = os.Mkdir(dir, 0o755); err != nil {
				return g, err
			}
		}
		*other.dir = dir
	}
	return g, nil
}

// limit sets the group's limits.
func (g *group) limit(spec Spec) (err error) {
	hard := strconv.FormatInt(spec.Memory+int64(spec.TmpMB)<<20+room, 10)
	if g.version == GroupV2 {
		err = set(g.memory, "memory.max", hard)
		_ = set(g.memory, "memory.swap.max", "0") // a kernel without swap has no such file
	} else {
		err = set(g.memory, "memory.limit_in_bytes", hard)
		_ = set(g.memory, "memory.memsw.limit_in_bytes", hard) // likewise
	}
	if err == nil && g.pids != "" {
		err = set(g.pids, "pids.max", strconv.Itoa(Processes+holderThreads))
	}
	return err
}

// holderThreads is room for the threads of an environment's process 1, which
// is in the group too.
const holderThreads = 32

func set(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// folders are the group's, each once.
func (g *group) folders() []string {
	dirs := []string{g.memory, g.pids, g.cpu}
	slices.Sort(dirs)
	return slices.DeleteFunc(slices.Compact(dirs), func(dir string) bool { return dir == "" })
}

// doors are the files by which somebody enters the group. In version 1 a thread
// does so by itself: for the move of a process the kernel waits until all
// processors have taken notice, some ten milliseconds.
func (g *group) doors() (files []*os.File, err error) {
	name := "tasks"
	if g.version == GroupV2 {
		name = "cgroup.procs"
	}
	for _, dir := range g.folders() {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// remove removes the group, whose processes have ended; it may take the kernel
// a moment to see that.
func (g *group) remove(patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for _, dir := range g.folders() {
		for {
			err := unix.Rmdir(dir)
			if err == nil || errors.Is(err, unix.ENOENT) {
				break
			}
			if time.Now().After(deadline) {
				return &os.PathError{Op: "rmdir", Path: dir, Err: err}
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// throttle gives the group a share of a processor, all of them for 0.
func (g *group) throttle(share float64) error {
	const period = 20000 // microseconds
	quota := int64(share * period)
	if g.version == GroupV2 {
		value := "max"
		if quota > 0 {
			value = strconv.FormatInt(quota, 10)
		}
		return set(g.cpu, "cpu.max", value+" "+strconv.Itoa(period))
	}
	if quota == 0 {
		quota = -1
	}
	return errors.Join(set(g.cpu, "cpu.cfs_period_us", strconv.Itoa(period)), set(g.cpu, "cpu.cfs_quota_us", strconv.FormatInt(quota, 10)))
}
