package node

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

func TestTheInspectorIsAsked(t *testing.T) {
	tests := []struct {
		name  string
		debug runtimes.Debug
		want  []string
		says  string
	}{
		{"as usual", runtimes.Debug{Ports: []int{5858, 5859}}, []string{"--inspect-brk=127.0.0.1:5858"}, "waits for a debugger at 127.0.0.1:5858"},
		{"with arguments", runtimes.Debug{Ports: []int{5858}, Args: []string{"--no-lazy"}}, []string{"--inspect-brk=127.0.0.1:5858", "--no-lazy"}, "started with --no-lazy"},
		{"another inspector", runtimes.Debug{Ports: []int{9}, Args: []string{"--inspect=0.0.0.0:9"}}, []string{"--inspect=0.0.0.0:9"}, "at 127.0.0.1:9"},
		{"in a folder", runtimes.Debug{Ports: []int{9}, Args: []string{"-r", "/tmp/lambci_debug_files/x.js"}, Path: "/d/"}, []string{"--inspect-brk=127.0.0.1:9", "-r", "/d/x.js"}, "started with -r"},
		{"a folder for nothing", runtimes.Debug{Ports: []int{9}, Path: "/d"}, []string{"--inspect-brk=127.0.0.1:9"}, "the debugger's folder is not used"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, _ := fake(t, "v22.1.0")
			host.Debug = &tt.debug
			l, err := Runtime{}.Launch(&lambda.Function{Runtime: "nodejs22.x"}, runtimes.Paths{Runtime: "/var/runtime"}, host)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append(tt.want, filepath.Join("/var/runtime", "node", "bootstrap.js")), l.Args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if len(l.Notices) == 0 || !strings.Contains(strings.Join(l.Notices, "\n"), tt.says) {
				t.Errorf("notices %q, want %q", l.Notices, tt.says)
			}
		})
	}
}

func TestTheFunctionRunsWhenTheDebuggerLetsIt(t *testing.T) {
	testenv.Node(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	debug := &runtimes.Debug{Ports: []int{port}}
	attached := make(chan error, 1)
	go func() { attached <- letRun(debug.Addr()) }()
	out := run(t, setup{runtime: "nodejs20.x", files: index("exports.handler = async () => process.execArgv;"), debug: debug}, rapitest.Event{Body: "{}"})
	if err := <-attached; err != nil {
		t.Fatalf("attaching: %v; standard error: %s", err, out.Stderr)
	}
	want := answer{Path: "invocation/{id}/response", Body: fmt.Sprintf("[\"--inspect-brk=127.0.0.1:%d\"]", port)}
	if diff := cmp.Diff(want, summary(t, out)); diff != "" {
		t.Errorf("answer (-want +got):\n%s\n%s", diff, out.Stderr)
	}
}

// letRun attaches to an inspector as an editor does, and lets the program run.
func letRun(addr string) error {
	var targets []struct{ WebSocketDebuggerURL string }
	for end := time.Now().Add(20 * time.Second); len(targets) == 0; time.Sleep(20 * time.Millisecond) {
		res, err := http.Get("http://" + addr + "/json/list")
		switch {
		case err == nil:
			err = errors.Join(json.NewDecoder(res.Body).Decode(&targets), res.Body.Close())
			if err != nil {
				return err
			}
		case time.Now().After(end):
			return err
		}
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, path, _ := strings.Cut(strings.TrimPrefix(targets[0].WebSocketDebuggerURL, "ws://"), "/")
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, addr)
	r := bufio.NewReader(conn)
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("no web socket: %v, %v", res, err)
	}
	const run = `{"id":1,"method":"Runtime.runIfWaitingForDebugger"}`
	// A text frame whose mask is zero; its length fits into one byte.
	if _, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(run)), 0, 0, 0, 0}, run...)); err != nil {
		return err
	}
	_, err = r.ReadByte() // the answer
	return err
}
