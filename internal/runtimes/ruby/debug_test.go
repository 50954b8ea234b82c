package ruby

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// attach has the gem's own client type commands into the process that waits at
// port, as soon as there is one, and returns what the client shows.
func attach(ctx context.Context, ruby string, port int, commands string) (string, error) {
	for {
		cmd := exec.CommandContext(ctx, ruby, "-e", "load Gem.bin_path('debug', 'rdbg')", "--", "--attach", "127.0.0.1", strconv.Itoa(port))
		cmd.Stdin = strings.NewReader(commands)
		cmd.Env = append(cmd.Environ(), "NO_COLOR=1", "RUBY_DEBUG_NO_COLOR=true", "RUBY_DEBUG_NO_RELINE=true", "TERM=dumb")
		out, err := cmd.CombinedOutput()
		if err == nil || ctx.Err() != nil || strings.Contains(string(out), "(rdbg") {
			return string(out), err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestTheFunctionWaitsForTheDebugger(t *testing.T) {
	testenv.Leaks(t)
	ruby := testenv.Ruby(t)
	if err := exec.CommandContext(t.Context(), ruby, "-e", "gem 'debug'").Run(); err != nil {
		t.Skip("this Ruby has no gem debug: it comes with Ruby 3.1 and later")
	}
	// Debuggers up to 1.4 may fall over a client that comes while they start,
	// which people are too slow for.
	for attempt := 1; ; attempt++ {
		out, shown, err := debugged(t, ruby)
		if attempt < 5 && strings.Contains(out.Stderr, "uninitialized constant DEBUGGER__::ThreadClient::SESSION") {
			continue
		}
		if diff := cmp.Diff(answer{response, `["hello",false]`, 0}, summary(t, out)); diff != "" {
			t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
		}
		if !strings.Contains(shown, `=> "HELLO"`) {
			t.Errorf("the debugger shows %s, %v", shown, err)
		}
		return
	}
}

// debugged runs a function that waits for the debugger, and tells what a client
// that stops in it shows.
func debugged(t *testing.T, ruby string) (out rapitest.Outcome, shown string, err error) {
	port := freePort(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	attached := make(chan struct{})
	// Debuggers up to 1.4 may stop once more for a client that comes while they
	// start, so that the commands must not count their stops.
	go func() {
		defer close(attached)
		shown, err = attach(ctx, ruby, port, "break app.rb:2 do: p event.upcase\nc\nc\nc\n")
	}()
	out = run(t, setup{
		files: app("def handler(event:, context:)\n  [event, ENV.key?('RUBYOPT')]\nend\n"),
		debug: &runtimes.Debug{Ports: []int{port}},
	}, rapitest.Event{Body: `"hello"`})
	if out.Exited {
		cancel() // nobody will listen any more
	}
	<-attached
	cancel()
	return out, shown, err
}

func TestTheUsersArgumentsComeBeforeTheProgram(t *testing.T) {
	dir := t.TempDir()
	testenv.WriteFiles(t, dir, map[string]string{"mydebugger.rb": "puts \"debugger #{File.basename($0)}\"\n"})
	gem(t, dir, "helper")
	out := run(t, setup{
		files: app("def handler(event:, context:) [event, HELPER] end"),
		debug: &runtimes.Debug{Ports: []int{5890}, Args: []string{"-I", "/tmp/lambci_debug_files", "-r", "mydebugger", "-r", "helper"}, Path: dir},
	}, rapitest.Event{Body: `"hello"`})
	if diff := cmp.Diff(answer{response, `["hello","from helper"]`, 0}, summary(t, out)); diff != "" || out.Stdout != "debugger main.rb\n" {
		t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
	}
}

func TestTheDebuggerIsAnnounced(t *testing.T) {
	ruby := testenv.Ruby(t)
	host := &runtimes.Host{Env: testenv.Environ(), Cache: t.TempDir(), Debug: &runtimes.Debug{Ports: []int{5890}, Args: []string{"-r", "debug/open"}}}
	got, err := Runtime{}.Launch(&lambda.Function{Runtime: "ruby3.3"}, runtimes.Paths{Task: t.TempDir(), Runtime: "/var/runtime"}, host)
	if err != nil {
		t.Fatal(err)
	}
	want := "the function is started with -r debug/open: attach where that listens"
	if !strings.HasSuffix(strings.Join(got.Notices, "\n"), want) || strings.Contains(fmt.Sprint(got.Args), "--disable-gems") {
		t.Errorf("%s is launched with %v and %q", ruby, got.Args, got.Notices)
	}
}

func TestAMissingDebuggerIsSaid(t *testing.T) {
	host, _ := machine(t, "lang/bin/ruby")
	host.Debug = &runtimes.Debug{Ports: []int{5890}}
	_, err := Runtime{}.Launch(&lambda.Function{Runtime: "ruby3.3"}, runtimes.Paths{Task: t.TempDir()}, host)
	var missing *runtimes.Missing
	if !errors.As(err, &missing) || missing.What != "the debugger debug for Ruby 3.3.5" || !strings.Contains(missing.Hint, "-S gem install debug;") {
		t.Errorf("got %+v", err)
	}
}
