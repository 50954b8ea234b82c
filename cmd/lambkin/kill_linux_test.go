package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestNothingIsLeftOfEnvironmentsThatAreKilled starts environments in
// namespaces and ends them at random moments: lambkin by SIGINT, SIGTERM and
// SIGKILL, the first process of an environment, a function's own, and clients
// that hang up. LAMBKIN_KILL_SEED repeats a run's decisions, LAMBKIN_KILL_COUNT
// says how many environments there are at least.
func TestNothingIsLeftOfEnvironmentsThatAreKilled(t *testing.T) {
	if err := (namespace.Sandbox{}).Check(t.Context()); err != nil {
		t.Skip(err)
	}
	number := func(variable string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
			return n
		}
		return otherwise
	}
	seed := number("LAMBKIN_KILL_SEED", int(time.Now().UnixNano()%1e9))
	count := number("LAMBKIN_KILL_COUNT", 300)
	if testing.Short() {
		count /= 10
	}
	t.Logf("LAMBKIN_KILL_SEED=%d", seed)
	if os.Geteuid() != 0 {
		newField(t, os.Geteuid(), seed).play(count)
		return
	}
	const nobody = 65534
	t.Run("root", func(t *testing.T) { newField(t, 0, seed).play(count * 3 / 4) })
	t.Run("ordinary user", func(t *testing.T) { newField(t, nobody, seed+1).play(count / 4) })
}

// enough bounds the time for the environments of one user. Those that have not
// been started by then are not missed, as long as there were some.
const enough = 15 * time.Second

// field is a folder with a project and all that lambkin keeps, so that whatever
// belongs to it is known by its name.
type field struct {
	*testing.T
	dir       string
	user      int
	seed      int
	functions []string
	finally   string // a function that makes lambkin look for what others have left

	mu         sync.Mutex       // guards what follows
	namespaces map[int]*os.File // of the environments, by their first process, open so that no other gets the same number
	lambkins   []int
}

func newField(t *testing.T, user, seed int) *field {
	dir, err := os.MkdirTemp("", "lambkin-kill-*") // t.TempDir is nobody else's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	f := &field{T: t, dir: dir, user: user, seed: seed, finally: "Echo", namespaces: map[int]*os.File{}}
	f.functions = []string{"Echo", "Echo", "Echo", "Brief", "Brief", "Children", "Exits", "Starting"}
	testenv.WriteFiles(t, f.at("project"), map[string]string{
		"template.yaml": `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: provided.al2023, CodeUri: code, Timeout: 3, MemorySize: 512, Environment: {Variables: {LAMBKIN_FAKE_RUNTIME: "1", FIELD: ` + dir + `}}}
Resources:
  Echo: {Type: AWS::Serverless::Function, Properties: {Handler: echo}}
  Brief: {Type: AWS::Serverless::Function, Properties: {Handler: "sleep:150ms"}}
  Children: {Type: AWS::Serverless::Function, Properties: {Handler: grandchildren}}
  Exits: {Type: AWS::Serverless::Function, Properties: {Handler: "exit:3"}}
  Starting: {Type: AWS::Serverless::Function, Properties: {Handler: "init-sleep:300ms"}}
  Inline: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Handler: index.handler, CodeUri: !Ref "AWS::NoValue", InlineCode: "exports.handler = async () => 'well'"}}
  Node: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Handler: index.handler, CodeUri: js}}
`,
		"js/index.js": "exports.handler = async () => { require('child_process').spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }); return 'well' }\n",
	})
	steps := []error{
		os.Mkdir(f.at("bin"), 0o755), copyProgram(f.at("bin", "lambkin")),
		os.Mkdir(f.at("project", "code"), 0o755), copyProgram(f.at("project", "code", "bootstrap")), os.Chmod(dir, 0o755),
	}
	for _, own := range []string{"tmp", "cache", "home"} {
		steps = append(steps, os.Mkdir(f.at(own), 0o755), os.Chown(f.at(own), user, user))
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	return f
}

// copyProgram makes this program once more, as another file.
func copyProgram(name string) error {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	// A file that is open for writing when another test forks cannot be run until
	// that has become another program.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(name, program, 0o755)
}

func (f *field) at(names ...string) string {
	return filepath.Join(append([]string{f.dir}, names...)...)
}

// play runs lambkin until there were count environments, and checks what is left.
func (f *field) play(count int) {
	mounts := mountLines()
	f.calm("Echo")
	if _, err := exec.LookPath("node"); err == nil && f.try("Node") == nil {
		f.calm("Node")                                      // with what it keeps in the cache
		f.functions = append(f.functions, "Node", "Inline") // the code of the one lies in a temporary folder
		f.finally = "Inline"
	}
	kept := files(f.at("cache"))
	begun := time.Now()
	var workers sync.WaitGroup
	rounds := make(chan int)
	for range 3 {
		workers.Go(func() {
			for n := range rounds {
				r := &round{field: f, Rand: rand.New(rand.NewPCG(uint64(f.seed), uint64(n)))}
				if r.IntN(4) == 0 {
					r.once()
				} else {
					r.serve()
				}
			}
		})
	}
	for n := 0; f.count() < count && time.Since(begun) < enough && !f.Failed(); n++ {
		rounds <- n
	}
	close(rounds)
	workers.Wait()
	started := f.count()
	f.Logf("%d environments of %d lambkins in %v", started, len(f.lambkins), time.Since(begun).Round(time.Millisecond))
	if least := count / 10; started < least && !f.Failed() {
		f.Errorf("only %d environments in %v", started, enough)
	}
	f.noProcesses()
	f.calm(f.finally) // sweeps up what only the next one can
	f.noProcesses()
	if left := groups(f.lambkins); len(left) > 0 {
		f.Errorf("control groups are left: %q", left)
	}
	for _, line := range mountLines() {
		if fields := strings.Fields(line); !slices.Contains(mounts, line) && (strings.Contains(line, f.dir) || strings.HasPrefix(fields[4], "/proc")) {
			f.Errorf("a mount is left: %s", line)
		}
	}
	if now := files(f.at("cache")); !slices.Equal(now, kept) {
		f.Errorf("the cache has %q, of a calm run %q", now, kept)
	}
	for _, dir := range []string{"tmp", "home"} {
		if left := files(f.at(dir)); len(left) > 0 {
			f.Errorf("files are left in %s: %q", dir, left)
		}
	}
	for _, file := range f.namespaces {
		_ = file.Close()
	}
}

func (f *field) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.namespaces)
}

// try runs a function to its end.
func (f *field) try(function string) error {
	cmd, log := f.lambkin("invoke", function, "--data", `"well"`)
	out, err := cmd.Output()
	if err == nil && strings.TrimSpace(string(out)) != `"well"` {
		err = fmt.Errorf("it answers %s", out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", function, err, log)
	}
	f.lambkins = append(f.lambkins, cmd.Process.Pid)
	return nil
}

func (f *field) calm(function string) {
	f.Helper()
	if err := f.try(function); err != nil {
		f.Error(err)
	}
}

// lambkin is a command of it, and what it will print of errors.
func (f *field) lambkin(args ...string) (*exec.Cmd, *text) {
	cmd, log := exec.Command(f.at("bin", "lambkin"), append(args, "--isolation", "namespace")...), &text{}
	cmd.Dir, cmd.Stderr = f.at("project"), log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + f.at("home"), "TMPDIR=" + f.at("tmp"), "LAMBKIN_CACHE_DIR=" + f.at("cache")}
	cmd.WaitDelay = patience
	if f.user != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(f.user), Gid: uint32(f.user)}}
	}
	return cmd, log
}

// text takes what a process prints.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(data)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// round is one lambkin.
type round struct {
	*field
	*rand.Rand
	cmd   *exec.Cmd
	log   *text
	ended chan struct{}
	way   string
}

func (r *round) start(args ...string) bool {
	ways := []string{"interrupted", "terminated", "killed", "killed", "firsts are killed", "processes are killed", "processes stand still", "clients hang up"}
	r.way = ways[r.IntN(len(ways))]
	r.cmd, r.log = r.lambkin(args...)
	r.ended = make(chan struct{})
	if err := r.cmd.Start(); err != nil {
		r.Error(err)
		return false
	}
	r.mu.Lock()
	r.lambkins = append(r.lambkins, r.cmd.Process.Pid)
	r.mu.Unlock()
	go func() {
		defer close(r.ended)
		if err := r.cmd.Wait(); errors.Is(err, exec.ErrWaitDelay) {
			r.Errorf("%s: somebody keeps lambkin's output open", r.way)
		}
	}()
	go r.watch()
	return true
}

// watch notes the environments until lambkin has ended.
func (r *round) watch() {
	for {
		select {
		case <-r.ended:
			return
		case <-time.After(5 * time.Millisecond):
			r.firsts()
		}
	}
}

// firsts are the first processes of the environments that there are now.
func (r *round) firsts() (pids []int) {
	for _, pid := range sandbox.Children(r.cmd.Process.Pid) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if !bytes.HasPrefix(line, []byte("lambkin: environment\x00")) {
			continue
		}
		pids = append(pids, pid)
		r.mu.Lock()
		if r.namespaces[pid] == nil {
			if file, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", pid)); err == nil {
				r.namespaces[pid] = file
			}
		}
		r.mu.Unlock()
	}
	return pids
}

func (r *round) moment(most time.Duration) { time.Sleep(time.Duration(r.Int64N(int64(most)))) }

// once is lambkin invoke.
func (r *round) once() {
	if !r.start("invoke", r.functions[r.IntN(len(r.functions))], "--data", `"well"`) {
		return
	}
	r.moment(300 * time.Millisecond)
	r.disturb()
	r.finish()
}

// serve is lambkin start-lambda with clients.
func (r *round) serve() {
	if !r.start("start-lambda", "--port", "0") {
		return
	}
	url := r.url()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var clients sync.WaitGroup
	for range 6 + r.IntN(8) {
		function := r.functions[r.IntN(len(r.functions))]
		patient := r.IntN(6) > 0
		leaves := time.Duration(r.IntN(300)) * time.Millisecond
		clients.Go(func() {
			ctx, cancel := ctx, context.CancelFunc(func() {})
			if !patient {
				ctx, cancel = context.WithTimeout(ctx, leaves)
			}
			defer cancel()
			_, _ = post(ctx, url, function) // whatever becomes of it
		})
	}
	r.moment(600 * time.Millisecond)
	goesOn := r.disturb()
	if r.way == "clients hang up" {
		cancel()
		goesOn = true
	}
	if goesOn {
		r.well(url)
	}
	r.finish()
	cancel()
	clients.Wait()
}

// well checks that lambkin goes on. A process that was killed can have been
// given an event before lambkin knows of its end, and fails it.
func (r *round) well(url string) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	for {
		answer, err := post(ctx, url, "Echo")
		if err == nil && answer == `"well"` {
			return
		}
		if err != nil || !strings.Contains(answer, "Runtime.ExitError") {
			r.Errorf("%s: the next invocation: %q, error %v\n%s", r.way, answer, err, r.log)
			return
		}
	}
}

func (r *round) url() string {
	listening := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if url := listening.FindString(r.log.String()); url != "" {
			return url
		}
	}
	r.Errorf("start-lambda does not start:\n%s", r.log)
	return "http://127.0.0.1:1"
}

func post(ctx context.Context, url, function string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/2015-03-31/functions/"+function+"/invocations", strings.NewReader(`"well"`))
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return string(body), err
}

// disturb does to the environments' processes what the way is, and reports
// whether lambkin goes on serving after it.
func (r *round) disturb() (goesOn bool) {
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGUSR1, syscall.SIGTERM}
	switch r.way {
	case "firsts are killed":
		for _, pid := range r.firsts() {
			if r.IntN(3) > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return true
	case "processes are killed", "processes stand still":
		for _, first := range r.firsts() {
			for _, pid := range sandbox.Children(first) {
				s := syscall.SIGSTOP
				if r.way == "processes are killed" {
					s = signals[r.IntN(len(signals))]
				}
				_ = syscall.Kill(pid, s)
			}
		}
		return r.way == "processes are killed"
	}
	return false
}

// finish ends lambkin, unless it has ended.
func (r *round) finish() {
	s, orderly := syscall.SIGINT, r.way != "killed"
	switch {
	case !orderly:
		s = syscall.SIGKILL
	case r.way == "terminated" || r.way != "interrupted" && r.IntN(2) == 0:
		s = syscall.SIGTERM
	}
	_ = r.cmd.Process.Signal(s)
	select {
	case <-r.ended:
	case <-time.After(patience):
		_ = r.cmd.Process.Signal(syscall.SIGABRT)
		<-r.ended
		r.Errorf("%s: lambkin does not end within %v of %v\n%s", r.way, patience, s, r.log)
	}
	if left := groups([]int{r.cmd.Process.Pid}); orderly && len(left) > 0 {
		r.Errorf("%s: lambkin has left control groups: %q\n%s", r.way, left, r.log)
	}
}

// noProcesses checks that no process is left of the field: by its program, its
// command line, its environment, its folder, and by the namespace it is in.
func (f *field) noProcesses() {
	f.Helper()
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = f.processes(); len(left) == 0 {
			return
		}
	}
	f.Errorf("processes are left: %q", left)
}

func (f *field) processes() (left []string) {
	ours := map[uint64]bool{}
	for _, file := range f.namespaces {
		if st, err := file.Stat(); err == nil {
			ours[st.Sys().(*syscall.Stat_t).Ino] = true
		}
	}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		var found strings.Builder
		for _, link := range []string{"exe", "cwd"} {
			target, _ := os.Readlink(filepath.Join(proc, link))
			found.WriteString(target + " ")
		}
		for _, file := range []string{"cmdline", "environ"} {
			content, _ := os.ReadFile(filepath.Join(proc, file))
			found.Write(content)
		}
		st, err := os.Stat(filepath.Join(proc, "ns", "pid"))
		if strings.Contains(found.String(), f.dir) || err == nil && ours[st.Sys().(*syscall.Stat_t).Ino] {
			left = append(left, proc+": "+found.String())
		}
	}
	return left
}

func mountLines() []string {
	list, _ := os.ReadFile("/proc/self/mountinfo")
	return strings.Split(strings.TrimSpace(string(list)), "\n")
}

// groups are the control groups that lambkins with these process ids have made.
func groups(lambkins []int) (left []string) {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // one that has gone meanwhile
		}
		for _, pid := range lambkins {
			if strings.HasPrefix(d.Name(), "lambkin-"+strconv.Itoa(pid)+"-") {
				left = append(left, name)
			}
		}
		return nil
	})
	return left
}

// files lists all below a folder.
func files(dir string) (names []string) {
	_ = filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && name != dir {
			names = append(names, strings.TrimPrefix(name, dir+"/"))
		}
		return nil
	})
	return names
}
