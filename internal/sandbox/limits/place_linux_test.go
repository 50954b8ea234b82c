package limits

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// tree makes files below a folder; TOP in them is the folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for name, text := range files {
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "TOP", top)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

const (
	unifiedMount = "31 23 0:28 / TOP/cg rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	memoryMount  = "35 23 0:31 / TOP/memory rw,relatime - cgroup cgroup rw,memory\n"
	cpuMount     = "36 23 0:32 / TOP/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
)

func TestWhereGroupsCanBeMade(t *testing.T) {
	gone := "only root may make control groups of version 1"
	if os.Geteuid() == 0 {
		gone = "lambkin may not make a control group in its own"
	}
	const scope = "cg/user.slice/app.slice/run-1.scope/"
	for _, tt := range []struct {
		what  string
		files map[string]string
		want  places
	}{
		{"beside the own group of version 2", map[string]string{
			"proc/self/cgroup": "0::/user.slice/app.slice/run-1.scope\n", "proc/self/mountinfo": unifiedMount,
			scope + "cgroup.subtree_control": "\n", scope + "cgroup.procs": "",
			"cg/user.slice/app.slice/cgroup.subtree_control": "memory pids\n", "cg/user.slice/app.slice/cgroup.procs": "",
		}, places{version: GroupV2, memory: "/cg/user.slice/app.slice", pids: "/cg/user.slice/app.slice"}},
		{"in the root of version 2", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": unifiedMount,
			"cg/cgroup.subtree_control": "cpuset cpu io memory pids\n", "cg/cgroup.procs": "",
		}, places{version: GroupV2, memory: "/cg", pids: "/cg", cpu: "/cg"}},
		{"without controllers for groups beside it", map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": unifiedMount, "cg/cgroup.procs": "",
			"cg/cgroup.subtree_control": "cpu pids\n", "cg/a/cgroup.subtree_control": "",
		}, places{reason: "lambkin may not make a control group beside its own"}},
		{"in the root that a container sees", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": strings.Replace(unifiedMount, "/ TOP", "/../.. TOP", 1),
			"cg/cgroup.subtree_control": "\n", "cgroup.subtree_control": "memory\n", "cgroup.procs": "",
		}, places{reason: "lambkin may not make a control group beside its own"}},
		{"version 1, with a version 2 that has none of the controllers", map[string]string{
			"proc/self/cgroup":    "4:memory:/mine\n3:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n",
			"proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda rw\n" + memoryMount + cpuMount + unifiedMount,
			"memory/mine/tasks":   "", "cpu,cpuacct/tasks": "", "cg/cgroup.subtree_control": "\n",
		}, places{version: GroupV1, memory: "/memory/mine", cpu: "/cpu,cpuacct"}},
		{"no memory controller", map[string]string{"proc/self/cgroup": "3:cpu,cpuacct:/\n", "proc/self/mountinfo": cpuMount}, places{reason: "no control groups are mounted"}},
		{"a group of version 1 that is gone", map[string]string{"proc/self/cgroup": "4:memory:/gone\n", "proc/self/mountinfo": memoryMount}, places{reason: gone}},
		{"no control groups", map[string]string{}, places{reason: "the kernel has no control groups"}},
	} {
		top := tree(t, tt.files)
		got := find(filepath.Join(top, "proc"))
		for _, dir := range []*string{&got.memory, &got.pids, &got.cpu} {
			*dir = strings.TrimPrefix(*dir, top)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(places{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
}

// TestVersion2 does with files what is done with a group of version 2, which
// need not be there to be tried.
func TestVersion2(t *testing.T) {
	dir := tree(t, map[string]string{
		"memory.max": "max", "memory.swap.max": "max", "pids.max": "max", "cpu.max": "max 100000", "cgroup.procs": "",
		"memory.current": "900\n", "memory.swap.current": "100\n", "memory.stat": "anon 300\nfile 5\nkernel 7\nshmem 200\n",
		"memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n",
	})
	g := &group{version: GroupV2, memory: dir, pids: dir, cpu: dir}
	if err := g.limit(Spec{Memory: 128 << 20, TmpMB: 512}); err != nil {
		t.Fatal(err)
	}
	doors, err := g.doors()
	if err != nil || len(doors) != 1 || Enter(doors) != nil || doors[0].Close() != nil {
		t.Fatalf("doors %v: %v", doors, err)
	}
	if _, err := (&group{version: GroupV1, memory: dir, pids: filepath.Join(dir, "gone")}).doors(); err == nil {
		t.Error("a group that is gone has doors")
	}
	for file, want := range map[string]string{"memory.max": "738197504", "memory.swap.max": "0", "pids.max": "1056", "cgroup.procs": "0"} {
		if got := string(g.read(file)); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
	if err := g.throttle(0.5); err != nil || !strings.HasPrefix(string(g.read("cpu.max")), "10000 20000") {
		t.Errorf("cpu.max is %q: %v", g.read("cpu.max"), err)
	}
	if err := g.throttle(0); err != nil || !strings.HasPrefix(string(g.read("cpu.max")), "max 20000") {
		t.Errorf("cpu.max is %q: %v", g.read("cpu.max"), err)
	}
	anonymous, shared := g.used()
	if got := []int64{g.charged(), anonymous, shared, g.kills()}; !cmp.Equal(got, []int64{1000, 300, 300, 2}) {
		t.Errorf("charged, anonymous, shared, kills: %v", got)
	}
}

func TestSweepKeepsWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	mine := groupName() + "1"
	// Nobody has waited for this one, and it has ended all the same.
	cmd := exec.Command("/bin/sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := fmt.Sprintf("%s%d-%s-1", prefix, cmd.Process.Pid, sandbox.Started(cmd.Process.Pid))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	for end := time.Now().Add(10 * time.Second); sandbox.Started(cmd.Process.Pid) != "" && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for _, name := range []string{mine, ended, "lambkin-1-0-1", "lambkin-999999999-1-1", "lambkin-more", "else"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "lambkin-1-0-1", "used"), 0o755); err != nil {
		t.Fatal(err)
	}
	places{memory: dir, pids: dir}.sweep()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"else", "lambkin-1-0-1", mine, "lambkin-more"}; !cmp.Equal(left, want) && !cmp.Equal(left, []string{"else", mine, "lambkin-1-0-1", "lambkin-more"}) {
		t.Errorf("left: %v, want %v", left, want)
	}
}

func TestForceIsTold(t *testing.T) {
	for _, tt := range []struct {
		force Force
		want  string
	}{
		{Force{}, "nothing is limited"},
		{Force{Memory: GroupV2, Processes: GroupV2}, "memory and processes limited by cgroup v2"},
		{Force{Memory: GroupV1}, "memory limited by cgroup v1, the number of processes not limited"},
		{Force{Memory: Watching, Processes: Watching, Reason: "r", Hint: "h"}, "memory limited by watching it, the number of processes by the kernel (r; better: h)"},
	} {
		if got := tt.force.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
