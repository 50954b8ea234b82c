package container

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestWhatAFunctionSeesAndMay is the table of docs/containers.md, and once more
// with all files copied, as for an engine elsewhere.
func TestWhatAFunctionSeesAndMay(t *testing.T) {
	box, img := boxed(t, Options{Hosts: []string{"database:192.0.2.10"}, DNS: []string{"192.0.2.53"}, Args: []string{"-e EXTRA=1"}})
	testenv.Leaks(t)
	code, layer, other := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, code, "mine", "x", 0o644)
	write(t, layer, "lib/one", "1", 0o600) // the developer's alone
	write(t, other, "lib/two", "2", 0o644)
	for name, elsewhere := range map[string]bool{"mounted": false, "copied": true} {
		t.Run(name, func(t *testing.T) {
			box := box
			if elsewhere {
				kernel := *box.Engine.about
				kernel.kernel = "another"
				box.Engine.about = &kernel
			}
			env := opened(t, box, sandbox.Spec{Image: &img, Code: code, Layers: []string{layer, other}, EphemeralMB: 3})
			for _, tt := range []struct{ what, action, args, want string }{
				{"its user", "id", "", "993 990"},
				{"its code, and not the image's", "list", "/var/task", "mine"},
				{"its layers, and not the image's", "list", "/opt/lib", "one two"},
				{"a file that only its owner could read", "read", "/opt/lib/one", "1"},
				{"write to its code", "write", "/var/task/x 1", "open /var/task/x: read-only file system"},
				{"write to its layers", "write", "/opt/lib/x 1", "open /opt/lib/x: permission denied"},
				{"write to the root", "write", "/x 1", "open /x: read-only file system"},
				{"write to /tmp", "write", "/tmp/x 1000000", ""},
				{"write more than its /tmp holds", "write", "/tmp/x 4000000", "write /tmp/x: no space left on device"},
				{"a capability", "status", "CapEff", "0000000000000000"},
				{"get one by a program", "status", "NoNewPrivs", "1"},
				{"open files", "limit", "", "1024"},
				{"end process 1", "signal-1", "", "there"},
				{"process 1's environment", "read", "/proc/1/environ", "open /proc/1/environ: permission denied"},
				{"process 1's connection", "list", "/proc/1/fd", "open /proc/1/fd: permission denied"},
				{"a host of the user's", "resolve", "database", "192.0.2.10"},
			} {
				got, _ := do(t, env, tt.action, strings.Fields(tt.args)...)
				// Where an engine refuses to mount, as it does now and then, files are copied.
				if denied := "open /var/task/x: permission denied"; tt.what == "write to its code" && (elsewhere || got == denied) {
					tt.want = denied
				}
				if got != tt.want {
					t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
				}
			}
			if err := env.Close(); err != nil {
				t.Error(err)
			}
			var left struct{ Volumes []struct{ Name string } }
			if err := box.Engine.ask(t.Context(), request{method: http.MethodGet, path: "/volumes"}, &left); err != nil || len(left.Volumes) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// TestNetworks: whatever the network, lambkin is reached.
func TestNetworks(t *testing.T) {
	for network, want := range map[string]string{"none": "lo ", "host": ""} {
		t.Run(network, func(t *testing.T) {
			box, img := boxed(t, Options{Network: network, DNS: []string{"192.0.2.53"}})
			env := opened(t, box, sandbox.Spec{Image: &img})
			if got, _ := do(t, env, "interfaces"); want != "" && got != want || !strings.Contains(got, "lo ") {
				t.Errorf("the interfaces are %q", got)
			}
			l, err := env.Listen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				if r.Method == http.MethodGet && err == nil {
					_, _ = w.Write(make([]byte, 300<<10))
					return
				}
				_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
			})}
			served := make(chan struct{})
			go func() { defer close(served); _ = server.Serve(l) }()
			if got, _ := do(t, env, "get", "http://"+l.Addr().String()); got != strconv.Itoa(300<<10) {
				t.Errorf("got %q", got)
			}
			if network == "none" { // as much as AWS streams
				const size = 200 << 20
				start := time.Now()
				if got, _ := do(t, env, "stream", "http://"+l.Addr().String(), strconv.Itoa(size)); got != strconv.Itoa(size) {
					t.Errorf("of %d bytes came %q", size, got)
				}
				t.Logf("%d MB in %v", size>>20, time.Since(start).Round(time.Millisecond))
			}
			if err := server.Close(); err != nil {
				t.Error(err)
			}
			<-served
		})
	}
	box, img := boxed(t, Options{Network: "nowhere"})
	if _, err := box.Open(t.Context(), sandbox.Spec{Image: &img}); err == nil || !strings.Contains(err.Error(), "network nowhere not found") {
		t.Errorf("in a network that there is not: %v", err)
	}
	if left := containers(t, box.Engine); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMemory(t *testing.T) {
	box, img := boxed(t, Options{Network: "none"})
	testenv.Leaks(t)
	const limit = 96 << 20
	for _, tt := range []struct {
		name, action string
		args         []string
		tmpMB        int
		killed       bool
	}{
		{"slowly more than there is", "allocate", []string{"100", "4"}, 512, true},
		{"much more at once", "allocate", []string{"1", "700"}, 10, true},
		{"enough", "allocate", []string{"5", "4"}, 512, false},
		{"a full /tmp", "write", []string{"/tmp/x", strconv.Itoa(120 << 20)}, 128, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := opened(t, box, sandbox.Spec{Image: &img, Memory: limit, EphemeralMB: tt.tmpMB})
			out, exit := do(t, env, tt.action, tt.args...)
			if exit.OutOfMemory != tt.killed || (exit.Text == "signal: killed") != tt.killed {
				t.Errorf("%+v, and it says %q", exit, out)
			}
			// Where the kernel looks for memory again before the first process has
			// given its own back, it ends the agent too.
			p, err := env.Start(t.Context(), sandbox.Command{Path: inside, Dir: "/", Env: []string{actionVariable + "=id"}, Stdout: io.Discard, Stderr: io.Discard})
			if err != nil && tt.killed && err.Error() == "the container has ended: it had used more memory than it may" {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			if <-p.Done(); p.Exit().Code != 0 {
				t.Errorf("the next process: %+v", p.Exit())
			}
		})
	}
	t.Run("without a limit", func(t *testing.T) {
		box.Options.NoMemoryLimit = true
		env := opened(t, box, sandbox.Spec{Image: &img, Memory: limit})
		if out, exit := do(t, env, "allocate", "30", "4"); out != "30 steps" || exit.OutOfMemory {
			t.Errorf("%q %+v", out, exit)
		}
	})
}

// containers are all of the engine's that bear the label.
func containers(t *testing.T, e *Engine) (ids []string) {
	t.Helper()
	var list []struct{ ID, State string }
	if err := e.ask(context.WithoutCancel(t.Context()), request{method: http.MethodGet, path: "/containers/json", query: url.Values{"all": {"1"}}}, &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		ids = append(ids, c.ID[:12]+" "+c.State)
	}
	return ids
}

// another starts another lambkin; the processes in its containers have the mark.
func another(t *testing.T, box Sandbox, img sandbox.Image, mark string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t), box.Engine.Host, program(t), img.ID, mark)
	cmd.Env = append(os.Environ(), actionVariable+"=owner")
	return cmd
}

// TestNothingIsLeftOfAKilledLambkin ends others by SIGKILL at any moment.
func TestNothingIsLeftOfAKilledLambkin(t *testing.T) {
	box, img := boxed(t, Options{Network: "none"})
	for range 20 {
		cmd := another(t, box, img, "A=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	time.Sleep(300 * time.Millisecond) // what the engine was asked for last it still makes
	env := opened(t, box, sandbox.Spec{Image: &img})
	if left := containers(t, box.Engine); len(left) != 1 {
		t.Errorf("beside the new one there are: %v", left)
	}
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if left := containers(t, box.Engine); len(left) != 0 {
		t.Errorf("in the end there are: %v", left)
	}
}

// TestProcessesEndWithLambkin: nobody needs to come and sweep.
func TestProcessesEndWithLambkin(t *testing.T) {
	box, img := boxed(t, Options{Network: "none"})
	mark := "CONTAINER_TEST_MARK=" + strconv.Itoa(os.Getpid())
	cmd := another(t, box, img, mark)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\nready\n"))); err != nil {
		t.Error(err)
	}
	if n := marked(t, mark); n < 2 {
		t.Errorf("%d processes are marked", n)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	start := time.Now()
	for marked(t, mark) > 0 {
		if time.Since(start) > 5*time.Second {
			t.Fatal("its processes are still there")
		}
		time.Sleep(time.Millisecond)
	}
	t.Logf("its processes ended within %v", time.Since(start).Round(time.Millisecond))
	// A container that it was about to start when it was ended is the next one's to sweep.
	for len(containers(t, box.Engine)) > 0 {
		box.Engine.sweep(t.Context(), self())
		if time.Since(start) > 10*time.Second {
			t.Fatal("its containers are still there:", containers(t, box.Engine))
		}
	}
}

// marked counts the processes that have an entry in their environment.
func marked(t *testing.T, mark string) (n int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if env, err := os.ReadFile(file); err == nil && slices.Contains(strings.Split(string(env), "\x00"), mark) {
			n++
		}
	}
	return n
}

// TestOwners: only what is known to be nobody's is removed.
func TestOwners(t *testing.T) {
	me := self()
	if me.machine == "" || me.pid != os.Getpid() {
		t.Fatalf("this process is %+v", me)
	}
	ended := exec.Command(program(t), "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*owner)
		gone   bool
	}{
		"this one":                       {func(*owner) {}, false},
		"one that has ended":             {func(o *owner) { o.pid = ended.Process.Pid }, true},
		"one whose id was given again":   {func(o *owner) { o.start = "1" }, true},
		"before the machine's start":     {func(o *owner) { o.boot = "x" }, true},
		"another machine's":              {func(o *owner) { o.machine, o.pid = "x", 0 }, false},
		"in a container of its own":      {func(o *owner) { o.pids, o.pid = "x", 0 }, false},
		"a label that somebody else set": {func(o *owner) { o.machine = "a b" }, false},
	} {
		o := me
		tt.change(&o)
		if got := me.gone(o.String()); got != tt.gone {
			t.Errorf("%s: gone is %v", name, got)
		}
	}
}

func TestWhatAContainerIsRefused(t *testing.T) {
	box, img := boxed(t, Options{})
	env := opened(t, box, sandbox.Spec{Image: &img})
	_, err := env.Start(t.Context(), sandbox.Command{Path: inside, Dir: "/", Uses: []string{"/usr/lib"}, Stdout: io.Discard, Stderr: io.Discard})
	if err == nil || !strings.HasPrefix(err.Error(), "/usr/lib is a folder of this machine") {
		t.Errorf("a folder of the host's: %v", err)
	}
	for _, tt := range []struct{ path, dir, want string }{
		{"/var/task/of-the-image", "/nowhere", "chdir /nowhere: no such file or directory"},
		{"/nothing", "/", "fork/exec /nothing: no such file or directory"},
		{"/var/task", "/", "fork/exec /var/task: permission denied"},
	} {
		_, err := env.Start(t.Context(), sandbox.Command{Path: tt.path, Dir: tt.dir, Stdout: io.Discard, Stderr: io.Discard})
		if err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
	for want, spec := range map[string]sandbox.Spec{
		"a container needs an image that the container engine has":                   {},
		"starting a container of no-such-image: No such image: no-such-image:latest": {Image: &sandbox.Image{ID: "no-such-image"}},
	} {
		if _, err := box.Open(t.Context(), spec); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	text := filepath.Join(t.TempDir(), "lambkin")
	write(t, filepath.Dir(text), "lambkin", "#!/bin/sh\n", 0o755)
	box.Options.Binary = text
	_, err = box.Open(t.Context(), sandbox.Spec{Image: &img})
	unfit, ok := errors.AsType[*sandbox.Unavailable](err)
	if !ok || !strings.HasSuffix(unfit.Error(), "it is no program for Linux") || !strings.HasPrefix(unfit.Hint, "set LAMBKIN_LINUX_BINARY to ") {
		t.Errorf("a program that is none: %v", err)
	}
}

// TestTheOptionsReachTheEngine looks at what the engine made of them.
func TestTheOptionsReachTheEngine(t *testing.T) {
	project := t.TempDir()
	code := filepath.Join(project, "src", "fn")
	write(t, code, "mine", "x", 0o644)
	there := t.TempDir() // the same on the engine's machine
	write(t, filepath.Join(there, "src", "fn"), "theirs", "x", 0o644)
	box, img := boxed(t, Options{
		Network: "none", DNS: []string{"192.0.2.53"}, Volumes: Volumes{Host: project, Engine: there},
		Args: []string{"-e A=from-args", "-v " + project + ":/project:ro", "--user 1000:1000 -m256m --cpus=1.5"},
	})
	env := opened(t, box, sandbox.Spec{Image: &img, Code: code, Memory: 128 << 20})
	if got, _ := do(t, env, "list", "/var/task"); got != "theirs" {
		t.Errorf("the code is %q", got)
	}
	if got, _ := do(t, env, "list", "/project/src/fn"); got != "mine" {
		t.Errorf("the volume has %q", got)
	}
	if got, _ := do(t, env, "id"); got != "1000 1000" {
		t.Errorf("the user is %q", got)
	}
	if got, _ := do(t, env, "read", "/proc/self/environ"); !strings.Contains(got, "A=from-args") || strings.Contains(got, "OF_THE_IMAGE") {
		t.Errorf("the environment is %q", got)
	}
	var said struct {
		HostConfig struct {
			Dns              []string
			Memory, NanoCpus int64
		}
	}
	if err := box.Engine.ask(t.Context(), request{method: http.MethodGet, path: "/containers/" + env.(*environment).id + "/json"}, &said); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(said.HostConfig.Dns, []string{"192.0.2.53"}) || said.HostConfig.NanoCpus != 1.5e9 || said.HostConfig.Memory != (256+512+32)<<20 {
		t.Errorf("the engine has %+v", said)
	}
}

// TestASlowReaderStopsNobodyElse: one process's output is not read.
func TestASlowReaderStopsNobodyElse(t *testing.T) {
	box, img := boxed(t, Options{Network: "none"})
	env := opened(t, box, sandbox.Spec{Image: &img})
	slow := &gate{open: make(chan struct{})}
	p, err := env.Start(t.Context(), sandbox.Command{Path: inside, Args: []string{"8000000"}, Dir: "/", Env: []string{"SANDBOXTEST_ACTION=write"}, Stdout: slow, Stderr: slow})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := do(t, env, "id"); got != "993 990" {
		t.Errorf("another process says %q", got)
	}
	if p.PeakMemory() == 0 {
		t.Error("the slow one has no memory")
	}
	close(slow.open)
	<-p.Done()
	if slow.n != 8000000 {
		t.Errorf("%d bytes came", slow.n)
	}
}

type gate struct {
	open chan struct{}
	n    int
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.n += len(p)
	return len(p), nil
}

// TestForeignArchitecture: the agent is the engine's, the function's program is not.
func TestForeignArchitecture(t *testing.T) {
	box, _ := boxed(t, Options{Network: "none"})
	if box.Engine.about.architecture != "amd64" {
		t.Skip("the stand-in is for another architecture than arm64")
	}
	if _, err := os.Stat("/proc/sys/fs/binfmt_misc/qemu-aarch64"); err == nil {
		t.Skip("this machine emulates arm64")
	}
	dir := t.TempDir()
	header := make([]byte, 4096)
	copy(header, "\x7fELF\x02\x01\x01")
	copy(header[16:], "\x02\x00\xb7\x00\x01") // a program, for arm64
	write(t, dir, "bootstrap", string(header), 0o755)
	write(t, dir, "Dockerfile", "FROM scratch\nCOPY bootstrap /bootstrap\n", 0o644)
	id, err := box.Engine.Build(t.Context(), BuildSpec{Context: dir, Platform: "linux/arm64"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := opened(t, box, sandbox.Spec{Image: &sandbox.Image{ID: id}})
	_, err = env.Start(t.Context(), sandbox.Command{Path: "/bootstrap", Dir: "/", Stdout: io.Discard, Stderr: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "the image is for linux/arm64, and the container engine runs linux/amd64 without emulating others") {
		t.Errorf("error %v", err)
	}
}

// TestOpeningIsGivenUp: whenever that is, nothing stays.
func TestOpeningIsGivenUp(t *testing.T) {
	box, img := boxed(t, Options{Network: "none"})
	testenv.Leaks(t)
	for wait := time.Duration(0); wait < 250*time.Millisecond; wait += 25 * time.Millisecond {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		env, err := box.Open(ctx, sandbox.Spec{Image: &img})
		cancel()
		if err == nil {
			err = env.Close()
		} else if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
		if err != nil {
			t.Errorf("after %v: %v", wait, err)
		}
	}
	if left := containers(t, box.Engine); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestOnlyAContainersFirstProcessIsAnAgent: elsewhere it would end all that runs.
func TestOnlyAContainersFirstProcessIsAnAgent(t *testing.T) {
	args := []string{"lambkin", agentName, "128"}
	if limit, err := limitOf(args, 1); limit != 128<<20 || err != nil {
		t.Errorf("process 1 gets %d, %v", limit, err)
	}
	if _, err := limitOf(args, 2); err == nil {
		t.Error("process 2 is an agent")
	}
	if isAgent([]string{"lambkin", "invoke", "128"}) || isAgent(args[:2]) || !isAgent(args) {
		t.Error("an agent is known by other than its arguments")
	}
}

// TestAnEngineThatRefusesIsAskedForLess: one without this machine's folders,
// and without an address for it.
func TestAnEngineThatRefusesIsAskedForLess(t *testing.T) {
	box, img := boxed(t, Options{})
	testenv.Leaks(t)
	code := t.TempDir()
	write(t, code, "mine", "x", 0o644)
	strict := &refusing{to: box.Engine.client.Transport}
	box.Engine.client.Transport = strict
	env := opened(t, box, sandbox.Spec{Image: &img, Code: code})
	if got, _ := do(t, env, "list", "/var/task"); got != "mine" || strict.refused != 2 {
		t.Errorf("the code is %q, after %d refusals", got, strict.refused)
	}
	box.Engine.client.Transport = strict.to
}

type refusing struct {
	to      http.RoundTripper
	refused int
}

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, "/containers/create") {
		return r.to.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	for part, message := range map[string]string{
		`"Type":"bind"`: "invalid mount config: bind source path does not exist: /x", "host-gateway": "unable to derive the IP value for host-gateway",
	} {
		if strings.Contains(string(body), part) {
			r.refused++
			answer := `{"message":"` + message + `"}`
			return &http.Response{StatusCode: http.StatusBadRequest, Body: io.NopCloser(strings.NewReader(answer)), Request: req}, nil
		}
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	return r.to.RoundTrip(req)
}
