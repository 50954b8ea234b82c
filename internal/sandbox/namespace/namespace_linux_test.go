package namespace

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/sandboxtest"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/imagetest"
)

func TestMain(m *testing.M) {
	limitsMain()
	sandboxtest.Main()
	os.Exit(m.Run())
}

// able skips the test on a machine that has no namespaces to give.
func able(t *testing.T) {
	t.Helper()
	if err := (Sandbox{}).Check(t.Context()); err != nil {
		t.Skip(err)
	}
}

func TestSandbox(t *testing.T) {
	able(t)
	sandboxtest.Run(t, Sandbox{})
}

func TestSandboxWithoutNetwork(t *testing.T) {
	able(t)
	sandboxtest.Run(t, Sandbox{Alone: true})
}

// image makes an image with programs and the tests' own in it.
func image(t *testing.T, programs ...string) (img sandbox.Image, program string) {
	t.Helper()
	able(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("ldd"); err != nil {
		t.Skip("needs ldd, to find the libraries of programs")
	}
	img = sandbox.Image{Name: "test", Root: t.TempDir()}
	if err := imagetest.Folder(img.Root, append(programs, exe)...); err != nil {
		t.Fatal(err)
	}
	return img, "/usr/bin/" + filepath.Base(exe)
}

func TestSandboxOfAnImage(t *testing.T) {
	img, program := image(t)
	sandboxtest.Run(t, Sandbox{}, sandboxtest.InImage(img, program))
}

// TestWhatAFunctionInAnImageSeesAndMay is about what is not as it is with the
// host's programs.
func TestWhatAFunctionInAnImageSeesAndMay(t *testing.T) {
	img, _ := image(t, "sh", "ls", "cat", "id", "grep", "test")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	layer := t.TempDir()
	if err := os.WriteFile(filepath.Join(layer, "mine"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(img.Root, "opt", "its"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	env, err := Sandbox{Hosts: []string{"192.0.2.1 db"}}.Open(t.Context(), sandbox.Spec{Image: &img, Layers: []string{layer}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	}()
	const no = "no"
	for _, tt := range []struct{ what, script, want string }{
		{"its user", "id -u; id -g", "993\n990"},
		{"the top folders", "ls / | grep -v -e ^lib", "bin\ndev\netc\nopt\nproc\nrun\nsys\ntmp\nusr\nvar"},
		{"layers over the image's", "ls /opt", "its\nmine"},
		{"names", "grep -c -e sandbox.localdomain -e '^192.0.2.1 db' /etc/hosts", "2"},
		{"the host's files", "test -e " + secret + " && echo yes || echo no", no},
		{"the host's settings", "test -e /etc/passwd && echo yes || echo no", no},
		{"write to the image", "(echo >/x; echo >/var/task/x; echo >/etc/hosts; echo >/usr/bin/x) 2>/dev/null && echo yes || echo no", no},
		{"write to /dev and /opt", "(echo >/dev/x || echo >/opt/x) 2>/dev/null && echo yes || echo no", no},
		{"write to /tmp", "echo kept >/tmp/x && cat /tmp/x", "kept"},
		{"have a capability", "grep -c '^Cap[A-Za-z]*:.*[1-9a-f]' /proc/self/status", "0"},
		{"process 1's memory", "cat /proc/1/mem >/dev/null 2>&1 && echo yes || echo no", no},
	} {
		if got := shell(t, env, tt.script); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
}

// TestTheOtherKindOfUser runs this package's tests as an ordinary user, when
// the tests are root's.
func TestTheOtherKindOfUser(t *testing.T) {
	able(t)
	out, err := testenv.AsOrdinaryUser(t)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestSandbox")) && !bytes.Contains(out, []byte("--- SKIP: TestSandbox")) {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}

// shell runs a shell script in an environment and returns what it prints.
func shell(t *testing.T, env sandbox.Environment, script string, uses ...string) string {
	t.Helper()
	var out bytes.Buffer
	p, err := env.Start(t.Context(), sandbox.Command{
		Path: "/bin/sh", Args: []string{"-c", script}, Dir: "/", Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Uses: uses, Stdout: &out, Stderr: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return strings.TrimSpace(out.String())
}

func opened(t *testing.T, spec sandbox.Spec) sandbox.Environment {
	t.Helper()
	able(t)
	testenv.Leaks(t)
	if spec.Code == "" {
		spec.Code = t.TempDir()
	}
	spec.Runtime = t.TempDir()
	env, err := Sandbox{}.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	return env
}

// TestWhatAFunctionSeesAndMay is the table of docs/isolation.md.
func TestWhatAFunctionSeesAndMay(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	code := t.TempDir()
	for _, file := range []string{secret, filepath.Join(code, "mine")} {
		if err := os.WriteFile(file, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	layer := t.TempDir()
	if err := os.MkdirAll(filepath.Join(layer, "lib"), 0o777); err != nil {
		t.Fatal(err)
	}
	env := opened(t, sandbox.Spec{Code: code, Layers: []string{layer}, EphemeralMB: 3})
	t.Setenv("LAMBKIN_TEST_LEAK", "1")
	const yes, no = "yes", "no"
	for _, tt := range []struct{ what, script, want string }{
		{"its user", "id -u; id -g; id -un", "993\n990\nsbx_user1051"},
		{"its machine's name", "cat /proc/sys/kernel/hostname", "sandbox"},
		{"the top folders", "ls / | grep -v -e ^lib -e bin$ -e ^nix$", "dev\netc\nopt\nproc\ntmp\nusr\nvar"},
		{"its code", "ls /var/task", "mine"},
		{"its processes", "ls /proc | grep -c '^[0-9]*$' | awk '{print ($1 < 6) ? \"yes\" : \"no\"}'", yes},
		{"the host's files", "test -e " + secret + " && echo yes || echo no", no},
		{"the host's root by process 1", "cd /proc/1 && ls r?ot/ >/dev/null 2>&1 && echo yes || echo no", no},
		{"the host's root by a thread of process 1", "cd /proc/1/task && ls */r?ot/ >/dev/null 2>&1 && echo yes || echo no", no},
		{"process 1's files", "ls -l /proc/1/fd/ 2>/dev/null | grep -c -e '->' ", "0"},
		{"process 1's environment", "cat /proc/1/environ >/dev/null 2>&1 && echo yes || echo no", no},
		{"process 1's memory", "head -c1 /proc/1/mem >/dev/null 2>&1 && echo yes || echo no", no},
		{"lambkin's files that are open", "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "},
		{"lambkin's environment", "env | grep -c LAMBKIN", "0"},
		{"write to its code", "(echo >>/var/task/mine) 2>/dev/null && echo yes || echo no", no},
		{"write to its layers", "(echo >/opt/lib/x) 2>/dev/null && echo yes || echo no", no},
		{"write to the root", "(echo >/x) 2>/dev/null && echo yes || echo no", no},
		{"write to /etc", "(echo >>/etc/passwd) 2>/dev/null && echo yes || echo no", no},
		{"write to the system", "(echo >/usr/x) 2>/dev/null && echo yes || echo no", no},
		{"write to /tmp", "echo kept >/tmp/x && echo yes || echo no", yes},
		{"find it there again", "cat /tmp/x", "kept"},
		{"write more than its /tmp holds", "head -c 4000000 /dev/zero 2>/dev/null >/tmp/y && echo yes || echo no", no},
		{"change the kernel's settings", "(echo 1 >/proc/sys/kernel/panic) 2>/dev/null && echo yes || echo no", no},
		{"mount", "mount -t tmpfs none /tmp 2>/dev/null && echo yes || echo no", no},
		{"make the code writable", "mount -o remount,bind,rw /var/task 2>/dev/null && echo yes || echo no", no},
		{"have namespaces of its own", "unshare -U true 2>/dev/null && echo yes || echo no", no},
		{"have a capability", "grep -c '^Cap[A-Za-z]*:.*[1-9a-f]' /proc/self/status", "0"},
		{"get one by a program", "grep NoNewPrivs /proc/self/status | tr -d '[:space:]'", "NoNewPrivs:1"},
		{"raise a limit", "(ulimit -n 5000) 2>/dev/null && echo yes || echo no", no},
		{"reach others' sockets that have a file", "test -e " + socket + " && echo yes || echo no", no},
		{"end process 1", "kill -9 1; kill -15 1; kill -2 1; sleep 0.05; echo there", "there"},
	} {
		if got := shell(t, env, tt.script); got != strings.TrimSpace(tt.want) {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
}

// TestSettingsAreTheMachines: those that are copied and those that are mounted.
func TestSettingsAreTheMachines(t *testing.T) {
	env := opened(t, sandbox.Spec{})
	seen := 0
	for _, name := range settings {
		name = "/etc/" + name
		st, err := os.Stat(name)
		if err != nil || !st.Mode().IsRegular() {
			continue
		}
		want, err := os.ReadFile(name)
		if err != nil {
			continue // nor may the function
		}
		seen++
		if got := shell(t, env, "cat "+name); got != strings.TrimSpace(string(want)) {
			t.Errorf("%s has %d bytes, want %d", name, len(got), len(want))
		}
		if got := shell(t, env, "echo x >"+name+" || echo refused"); !strings.HasSuffix(got, "Read-only file system\nrefused") {
			t.Errorf("writing %s: %s", name, got)
		}
	}
	if seen < 3 {
		t.Errorf("this machine has only %d of the settings", seen)
	}
}

func TestTmpIsTheEnvironmentsOwn(t *testing.T) {
	one, two := opened(t, sandbox.Spec{}), opened(t, sandbox.Spec{})
	shell(t, one, "echo >/tmp/mine")
	if got := shell(t, two, "ls /tmp"); got != "" {
		t.Errorf("another environment's /tmp has %q", got)
	}
}

// TestFoldersAreAddedLater: an interpreter's folder may be anywhere, also in
// /tmp, where a function may have put a trap.
func TestFoldersAreAddedLater(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "interpreter"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := opened(t, sandbox.Spec{})
	if got := shell(t, env, "ls "+dir+"; (echo >"+dir+"/y) 2>/dev/null || echo refused", dir); got != "interpreter\nrefused" {
		t.Errorf("the added folder has %q", got)
	}
	if got := shell(t, env, "ls "+dir, "/no/such/folder", dir); got != "interpreter" {
		t.Errorf("shown again it has %q", got)
	}
	if !covered(dir, []string{"/tmp"}) {
		return // a function can put nothing there
	}
	host, folder := t.TempDir(), filepath.Join(t.TempDir(), "in", "it")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	trap := filepath.Dir(filepath.Dir(folder))
	shell(t, env, "mkdir -p "+filepath.Dir(trap)+"; ln -s /old"+host+" "+trap)
	_, err := env.Start(t.Context(), sandbox.Command{Path: "/bin/sh", Dir: "/", Uses: []string{folder}, Stdout: io.Discard, Stderr: io.Discard})
	if left, readErr := os.ReadDir(host); len(left) != 0 || readErr != nil || err == nil {
		t.Errorf("through a link: error %v; made on the host: %v, %v", err, left, readErr)
	}
}

func TestKeptFoldersCanBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	env := opened(t, sandbox.Spec{})
	var out bytes.Buffer
	p, err := env.Start(t.Context(), sandbox.Command{
		Path: "/bin/sh", Args: []string{"-c", "echo kept >" + dir + "/file"}, Dir: "/", Keeps: []string{dir}, Stdout: &out, Stderr: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got, err := os.ReadFile(filepath.Join(dir, "file")); string(got) != "kept\n" {
		t.Errorf("the file has %q: %v; %s", got, err, &out)
	}
}

func TestErrorsOfAStartAreTheKernels(t *testing.T) {
	code := t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := opened(t, sandbox.Spec{Code: code})
	for _, tt := range []struct{ path, dir, want string }{
		{"/var/task/bootstrap", "/", "fork/exec /var/task/bootstrap: permission denied"},
		{"/var/task/nothing", "/", "fork/exec /var/task/nothing: no such file or directory"},
		{"/bin/sh", "/nowhere", "chdir /nowhere: no such file or directory"},
	} {
		_, err := env.Start(t.Context(), sandbox.Command{Path: tt.path, Dir: tt.dir, Stdout: io.Discard, Stderr: io.Discard})
		if err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
}

// TestTheMachineIsBusyMeanwhile: files are renamed while environments are made,
// which disturbs the kernel in following links with "..", such as /etc/os-release.
func TestTheMachineIsBusyMeanwhile(t *testing.T) {
	able(t)
	dir, stop, stopped := t.TempDir(), make(chan struct{}), make(chan struct{})
	names := [2]string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}
	if err := os.WriteFile(names[0], nil, 0o644); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				if err := os.Rename(names[n%2], names[(n+1)%2]); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	for range 20 {
		env, err := Sandbox{}.Open(t.Context(), sandbox.Spec{Code: t.TempDir(), Runtime: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(env.(*environment).ready(), env.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAHolderThatIsStopped holds nobody up who wants an end.
func TestAHolderThatIsStopped(t *testing.T) {
	env := opened(t, sandbox.Spec{}).(*environment)
	env.patience = 50 * time.Millisecond
	p, err := env.Start(t.Context(), sandbox.Command{Path: "/bin/sleep", Args: []string{"60"}, Dir: "/", Stdout: io.Discard, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := env.holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a signal: error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := env.Start(ctx, sandbox.Command{Path: "/bin/true", Dir: "/", Stdout: io.Discard, Stderr: io.Discard}); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("a start: error %v", err)
	}
	p.Kill()
	<-p.Done()
	if text := p.Exit().Text; text != "signal: killed" {
		t.Errorf("it has ended with %s", text)
	}
}

// TestLinksOfTheProject: packages above the code and links to packages beside
// it are found from where the code is inside.
func TestLinksOfTheProject(t *testing.T) {
	tree := t.TempDir()
	for _, dir := range []string{
		"packages/fn/node_modules/@my", "packages/fn/own", "libs/lib/node_modules", "node_modules/.store/left/node_modules/left",
		"node_modules/hoisted", "lib/clash",
	} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := t.TempDir()
	for link, target := range map[string]string{
		"packages/fn/node_modules/@my/lib":   "../../../../libs/lib",
		"packages/fn/node_modules/left":      "../../../node_modules/.store/left/node_modules/left",
		"packages/fn/node_modules/own":       "../own",
		"packages/fn/node_modules/elsewhere": elsewhere,
		"packages/fn/absolute":               filepath.Join(tree, "libs", "lib"),
		"packages/fn/clash":                  "../../lib/clash",
		"libs/lib/node_modules/left":         "../../../node_modules/.store/left/node_modules/left",
	} {
		if err := os.Symlink(target, filepath.Join(tree, link)); err != nil {
			t.Fatal(err)
		}
	}
	code := filepath.Join(tree, "packages", "fn")
	got := map[string]string{}
	list, hidden := links(code, tree)
	if want := []shown{{elsewhere, "/var/task/node_modules/elsewhere"}}; !slices.Equal(hidden, want) {
		t.Errorf("hidden: %v, want %v", hidden, want)
	}
	for pair := range slices.Chunk(list, 2) {
		got[pair[0]] = strings.TrimPrefix(pair[1], tree)
	}
	want := map[string]string{"/node_modules": "/node_modules", "/libs/lib": "/libs/lib"}
	if !covered(tree, []string{"/tmp"}) { // what is said of /tmp inside holds there
		want[filepath.Join(tree, "libs", "lib")] = "/libs/lib"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	var told []string
	env := opened(t, sandbox.Spec{Code: code, Tree: func() string { return tree }, Tell: func(s string) { told = append(told, s) }})
	if got := shell(t, env, "cd /var/task/node_modules; ls -d left/. @my/lib/node_modules/left/. own/.; ls / | grep node_modules"); got != "@my/lib/node_modules/left/.\nleft/.\nown/.\nnode_modules" {
		t.Errorf("inside: %s", got)
	}
	if len(told) != 1 || !strings.Contains(told[0], "/var/task/node_modules/elsewhere is a link out of the project, to "+elsewhere) {
		t.Errorf("told: %q", told)
	}
}

// TestLinksToFiles: modules that several functions have in common are links to
// them, anywhere in the code and in layers.
func TestLinksToFiles(t *testing.T) {
	tree := t.TempDir()
	testenv.WriteFiles(t, tree, map[string]string{
		"p/fn/lib/own": "", "p/shared/one": "1", "p/shared/deep/two": "2", "p/layer/python/own": "", "data/file": "3", "p/secret": "", "p/fn/.venv/own": "",
	})
	for link, target := range map[string]string{
		"p/fn/one":          "../shared/one",
		"p/fn/zfolder":      "../shared", // holds what is shown already
		"p/fn/lib/two":      "../../shared/deep/two",
		"p/fn/lib/own-link": "own",
		"p/fn/everything":   "../..",
		"p/fn/gone":         "../nothing",
		"p/fn/.venv/out":    "../../secret",
		"p/layer/python/d":  "../../../data/file",
	} {
		if err := os.Symlink(target, filepath.Join(tree, link)); err != nil {
			t.Fatal(err)
		}
	}
	code, layer := filepath.Join(tree, "p", "fn"), filepath.Join(tree, "p", "layer")
	got := map[string]string{}
	list, _ := links(code, tree, layer)
	for pair := range slices.Chunk(list, 2) {
		got[pair[0]] = strings.TrimPrefix(pair[1], tree)
	}
	if diff := cmp.Diff(map[string]string{"/var/shared": "/p/shared", "/data/file": "/data/file"}, got); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	env := opened(t, sandbox.Spec{Code: code, Layers: []string{layer}, Tree: func() string { return tree }})
	if got := shell(t, env, "cat /var/task/one /var/task/zfolder/one /var/task/lib/two /opt/python/d"); got != "1123" {
		t.Errorf("inside: %s", got)
	}
}

func TestFramesKeepTheirWords(t *testing.T) {
	for _, words := range [][][]string{nil, {{}}, {{"a", ""}, {}, {"\xff\n"}}} {
		f := frame{op: "x", id: 7, words: words}
		got := roundTrip(t, f)
		if diff := cmp.Diff(words, got.words, cmp.Comparer(func(a, b []string) bool { return slices.Equal(a, b) })); diff != "" || got.op != "x" || got.id != 7 {
			t.Errorf("%v (-want +got):\n%s", got, diff)
		}
	}
	for _, body := range []string{"", "op", "op\x00x", "op\x001\x002\x00a", "op\x001\x00-1"} {
		if f, err := parse(body); err == nil {
			t.Errorf("%q is taken for %v", body, f)
		}
	}
}

func roundTrip(t *testing.T, f frame) frame {
	t.Helper()
	ours, theirs, err := newPair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.f.Close()
	defer theirs.f.Close()
	if err := ours.send(f); err != nil {
		t.Fatal(err)
	}
	got, err := theirs.receive()
	if err != nil {
		t.Fatal(err)
	}
	return got
}
