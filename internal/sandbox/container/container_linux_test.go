package container

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/sandboxtest"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/engine"
)

func TestMain(m *testing.M) {
	if status, ok := Main(os.Args); ok {
		os.Exit(status)
	}
	sandboxtest.Main()
	act()
	status := m.Run()
	engine.Stop()
	_ = os.RemoveAll(built.dir)
	os.Exit(status)
}

// built is this package's test binary as a static program: the one that runs
// may need libraries, and the race detector does.
var built struct {
	sync.Mutex
	dir, file string
	image     bool
}

func program(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.file != "" {
		return built.file
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if fits(exe, "") == nil {
		built.file = exe
		return exe
	}
	if built.dir, err = os.MkdirTemp("", "lambkin-container-test-*"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(built.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(built.dir, "program")
	cmd := exec.Command(testenv.Go(t), "test", "-c", "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the tests as a static program: %v\n%s", err, out)
	}
	built.file = file
	return file
}

// inside is where the image has the program.
const inside = "/usr/bin/program"

// boxed is a sandbox of the tests' engine, and an image for it.
func boxed(t testing.TB, options Options) (Sandbox, sandbox.Image) {
	t.Helper()
	host := engine.Host(t)
	file := program(t)
	built.Lock()
	if !built.image {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		engine.Import(t, "lambkin-test:program", map[string]string{inside: string(data), "/opt/of-the-image": "1", "/var/task/of-the-image": "1"}, "ENV OF_THE_IMAGE=1")
		built.image = true
	}
	built.Unlock()
	e, err := Find(t.Context(), map[string]string{"DOCKER_HOST": host, BinaryVariable: file})
	if err != nil {
		t.Fatal(err)
	}
	img, err := e.Inspect(t.Context(), "lambkin-test:program")
	if err != nil {
		t.Fatal(err)
	}
	return Sandbox{Engine: e, Options: options}, img.Image
}

func TestSandbox(t *testing.T) {
	box, img := boxed(t, Options{})
	sandboxtest.Run(t, box, sandboxtest.InImage(img, inside))
}

// BenchmarkColdStart is what an environment costs before a function's own time.
func BenchmarkColdStart(b *testing.B) {
	box, img := boxed(b, Options{Network: "none"})
	code := b.TempDir()
	if err := os.Chmod(code, 0o755); err != nil {
		b.Fatal(err)
	}
	var opening, starting, round, closing time.Duration
	for b.Loop() {
		begin := time.Now()
		env, err := box.Open(b.Context(), sandbox.Spec{Image: &img, Code: code, Memory: 128 << 20})
		if err != nil {
			b.Fatal(err)
		}
		opened := time.Now()
		first := make(chan time.Time, 1)
		_, err = env.Start(b.Context(), sandbox.Command{
			Path: inside, Dir: "/", Env: []string{actionVariable + "=wait"}, Stdout: told(first), Stderr: io.Discard,
		})
		if err != nil {
			b.Fatal(err)
		}
		came := <-first
		if _, err := env.Dial(b.Context(), 1); err == nil {
			b.Fatal("somebody listens")
		}
		asked := time.Now()
		if err := env.Close(); err != nil {
			b.Fatal(err)
		}
		opening += opened.Sub(begin)
		starting += came.Sub(opened)
		round += asked.Sub(came)
		closing += time.Since(asked)
	}
	for what, total := range map[string]time.Duration{"open": opening, "first-byte": starting, "round-trip": round, "close": closing} {
		b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), what+"-ms")
	}
}

type told chan time.Time

func (c told) Write(p []byte) (int, error) {
	select {
	case c <- time.Now():
	default:
	}
	return len(p), nil
}
