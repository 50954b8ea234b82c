package java

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

func TestTheMachineIsAskedToWait(t *testing.T) {
	const agent = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,quiet=y,address=127.0.0.1:5858"
	tests := []struct {
		name  string
		debug runtimes.Debug
		want  []string
		says  string
	}{
		{"as usual", runtimes.Debug{Ports: []int{5858, 5859}}, []string{agent, "-Xshare:off"}, "the function waits for a debugger at 127.0.0.1:5858: attach "},
		{"with arguments", runtimes.Debug{Ports: []int{5858}, Args: []string{"-Da=b"}}, []string{agent, "-Da=b", "-Xshare:off"}, "waits for a debugger at 127.0.0.1:5858"},
		{"another agent", runtimes.Debug{Ports: []int{9}, Args: []string{"-agentlib:jdwp=transport=dt_socket,server=y,address=*:7"}}, []string{"-agentlib:jdwp=transport=dt_socket,server=y,address=*:7", "-Xshare:off"}, "attach where that listens"},
		{"a folder for nothing", runtimes.Debug{Ports: []int{5858}, Path: "/d"}, []string{agent, "-Xshare:off"}, "the debugger's folder is not used"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options, notices := debugger(&tt.debug)
			if diff := cmp.Diff(tt.want, options); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			if !strings.Contains(strings.Join(notices, "\n"), tt.says) {
				t.Errorf("notices %q, want %q", notices, tt.says)
			}
		})
	}
}

func TestTheFunctionRunsWhenTheDebuggerLetsIt(t *testing.T) {
	host := *machine(t)
	for _, identifier := range installed(t) {
		t.Run(identifier, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := l.Addr().(*net.TCPAddr).Port
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			host.Debug = &runtimes.Debug{Ports: []int{port}}
			fn := &lambda.Function{Runtime: identifier, Handler: "demo.Plain::text"}
			launch, err := Runtime{}.Launch(fn, runtimes.Paths{Task: classes()}, &host)
			if err != nil {
				t.Fatal(err)
			}
			attached := make(chan error, 1)
			go func() { attached <- attach(host.Debug.Addr()) }()
			out := rapitest.Run(t, launch.Path, launch.Args, classes(), append(launch.Env, "_HANDLER="+fn.Handler), rapitest.Event{Body: `"a"`})
			if err := <-attached; err != nil {
				t.Error(err)
			}
			if _, body, _ := out.First(); body != `"A"` {
				t.Errorf("answer %s; output %s%s", body, out.Stdout, out.Stderr)
			}
		})
	}
}

// attach attaches a debugger, once the machine listens, and lets the program
// run until it ends
// (https://docs.oracle.com/en/java/javase/17/docs/specs/jdwp/jdwp-spec.html).
func attach(addr string) error {
	conn, err := net.Dial("tcp", addr)
	for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); conn, err = net.Dial("tcp", addr) {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	const greeting = "JDWP-Handshake"
	answer := make([]byte, len(greeting))
	if _, err = io.WriteString(conn, greeting); err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err != nil || string(answer) != greeting {
		return fmt.Errorf("the machine says %q: %v", answer, err)
	}
	// The machine tells that it has started, and waits for the command to resume.
	head := make([]byte, 11)
	if _, err := io.ReadFull(conn, head); err != nil || head[9] != 64 || head[10] != 100 {
		return fmt.Errorf("the machine sends %v: %v", head, err)
	}
	if _, err := conn.Write([]byte{0, 0, 0, 11, 0, 0, 0, 1, 0, 1, 9}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, conn) // until the program is killed
	return nil
}
