// Package peers holds `lambkin invoke local` against the programs that it
// stands in for. There are only tests in it: one replays recorded runs of the
// Serverless Framework and of its fork osls, one runs both beside lambkin.
// deviations_test.go names where lambkin means to differ, pending.txt where it
// does not mean to.
package peers

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	// The tests run lambkin as a program of its own. Without these, go test
	// would not know that a change of lambkin is a change of what they test.
	_ "github.com/lambkin-dev/lambkin/internal/cli/samcli"
	_ "github.com/lambkin-dev/lambkin/internal/cli/slscli"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

const (
	// atOnce is how many runs there are at a time: a run of a framework keeps
	// a core busy.
	atOnce = 2
	// lambkinLimit bounds a run of lambkin. A function that never answers is
	// ended by its own timeout, six seconds unless its service says other.
	lambkinLimit = 20 * time.Second
	// frameworkLimit bounds a run of a framework, which takes one to three
	// seconds on a quiet machine.
	frameworkLimit = time.Minute
)

// hung is the status of a run that had to be ended.
const hung = -1

// answer is what a script sees of a run.
type answer struct {
	Status int
	Stdout string
}

// call is one run: what is typed, where and with what around it. ROOT stands
// for the folder that the services lie in.
type call struct {
	ID    string
	Dir   string // below ROOT
	Args  []string
	Stdin *string // nil is an empty one
	Env   map[string]string
	// Python tells that the function is in Python.
	Python bool
}

const rootMark = "<ROOT>"

// program is what is run: a command and how long it may take.
type program struct {
	command []string
	limit   time.Duration
}

// run calls a program in root, where the services lie. The environment is a
// PATH, an empty home and what the call says.
func (c *call) run(ctx context.Context, p program, root, home, path string) (answer, error) {
	put := func(text string) string { return strings.ReplaceAll(text, rootMark, root) }
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	args := append([]string(nil), p.command[1:]...)
	for _, arg := range c.Args {
		args = append(args, put(arg))
	}
	cmd := exec.CommandContext(ctx, p.command[0], args...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(c.Dir))
	cmd.Env = []string{"PATH=" + path, "HOME=" + home, "SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off"}
	for name, value := range c.Env {
		cmd.Env = append(cmd.Env, name+"="+put(value))
	}
	if c.Stdin != nil {
		cmd.Stdin = strings.NewReader(*c.Stdin)
	}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	// Both end what they have started when they are asked to.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return answer{hung, stdout.String()}, nil
	case err != nil && !errors.As(err, &exit):
		return answer{}, err
	}
	return answer{cmd.ProcessState.ExitCode(), stdout.String()}, nil
}

// lambkin builds the program as a user gets it, once for all tests.
func lambkin(t testing.TB) program {
	t.Helper()
	goCommand := testenv.Go(t)
	built, err := build(goCommand)
	if err != nil {
		t.Fatal(err)
	}
	return program{[]string{built}, lambkinLimit}
}

var binaries string // where TestMain wants what is built

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "peers")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binaries = dir
		return m.Run()
	}())
}

var built = struct {
	sync.Once
	err error
}{}

func build(goCommand string) (string, error) {
	file := filepath.Join(binaries, "lambkin")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	built.Do(func() {
		cmd := exec.Command(goCommand, "build", "-o", file, "../../cmd/lambkin")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = errors.New("building lambkin: " + string(out))
		}
	})
	return file, built.err
}

// searchPath is the PATH of all runs. What the tests use comes first, past the
// shims of version managers, which look for settings in the home folder.
func searchPath(t testing.TB) string {
	t.Helper()
	dirs := []string{filepath.Dir(testenv.Node(t)), filepath.Dir(testenv.Python(t))}
	return strings.Join(append(dirs, os.Getenv("PATH")), string(os.PathListSeparator))
}

// each calls f with the numbers from 0 to n-1, atOnce at a time.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}
