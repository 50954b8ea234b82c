package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

const (
	// extensionVariable makes the test binary an extension; its value is the
	// file that subscribers write telemetry to.
	extensionVariable = "LAMBKIN_FAKE_EXTENSION"
	extensionAPI      = "/2020-01-01/extension/"
)

// Extensions makes a layer in which the test binary stands as an external
// extension under each of the names, and says so to the function's processes.
// What an extension does is what its name says; see extension. telemetry is
// the file that subscribers write to.
func Extensions(t testing.TB, fn *lambda.Function, names ...string) (layer, telemetry string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	layer = t.TempDir()
	if err := os.Mkdir(filepath.Join(layer, "extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(exe, filepath.Join(layer, "extensions", name)); err != nil {
			t.Skipf("this system makes no links: %v", err)
		}
	}
	telemetry = filepath.Join(t.TempDir(), "telemetry")
	fn.Environment = append(fn.Environment, lambda.Variable{Name: extensionVariable, Value: telemetry})
	return layer, telemetry
}

// agent is an extension in its own process.
type agent struct {
	api, name, id string
	file          string
}

// extension is the main function of an external extension.
func extension() {
	a := &agent{api: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API"), name: filepath.Base(os.Args[0]), file: os.Getenv(extensionVariable)}
	time.AfterFunc(lifetime, func() { os.Exit(94) })
	what, _, _ := strings.Cut(a.name, ".") // a name may go on, so that two can do the same
	switch what {
	case "exit-at-once":
		os.Exit(3)
	case "never-registers":
		select {}
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	}
	events := `["INVOKE","SHUTDOWN"]`
	if what == "wants-nothing" || what == "adapter" {
		events = `[]`
	}
	a.must("POST", extensionAPI+"register", `{"events":`+events+`}`, http.StatusOK, "Lambda-Extension-Name", a.name, "Lambda-Extension-Accept-Feature", "accountId")
	switch what {
	case "init-error":
		a.must("POST", extensionAPI+"init/error", `{}`, http.StatusAccepted, "Lambda-Extension-Function-Error-Type", "Extension.NoConfig")
		os.Exit(1)
	case "never-asks":
		select {}
	case "slow-init":
		time.Sleep(300 * time.Millisecond)
	case "env":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	}
	a.subscribe(what)
	if what == "adapter" { // it takes the runtime's place, as AWS's Lambda Web Adapter does
		go func() {
			r := &process{api: a.api + "/2018-06-01/runtime/"}
			for {
				r.serve("echo", "")
			}
		}()
	}
	for {
		body := a.must("GET", extensionAPI+"event/next", "", http.StatusOK)
		var event struct {
			EventType      string
			RequestID      string
			ShutdownReason string
		}
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			os.Exit(95)
		}
		if what != "listener" && what != "tcp" && what != "logs" {
			fmt.Printf("%s got %s", a.name, body)
			fmt.Println()
		}
		switch {
		case event.EventType == "SHUTDOWN" && what == "deaf":
			select {}
		case event.EventType == "SHUTDOWN":
			time.Sleep(20 * time.Millisecond) // for the telemetry of its own last words
			os.Exit(0)
		case what == "slow":
			time.Sleep(300 * time.Millisecond)
		case what == "hangs":
			time.Sleep(lifetime)
		case what == "leaves":
			time.AfterFunc(50*time.Millisecond, func() { os.Exit(6) })
		case what == "crashes":
			os.Exit(5)
		case what == "gives-up":
			a.must("POST", extensionAPI+"exit/error", `{}`, http.StatusAccepted, "Lambda-Extension-Function-Error-Type", "Extension.NoMore")
			select {}
		}
	}
}

// subscribe asks for telemetry in one of three ways and writes what comes.
func (a *agent) subscribe(what string) {
	path, schema, protocol := "/2022-07-01/telemetry", "2022-12-13", "HTTP"
	switch what {
	case "listener":
	case "tcp":
		protocol = "TCP"
	case "logs":
		path, schema = "/2020-08-15/logs", "2021-03-18"
	default:
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(96)
	}
	out, err := os.OpenFile(a.file+"."+what, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		os.Exit(97)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	destination := fmt.Sprintf(`{"protocol":"TCP","port":%d}`, port)
	if protocol == "HTTP" {
		destination = fmt.Sprintf(`{"protocol":"HTTP","URI":"http://sandbox.localdomain:%d/in"}`, port)
		go func() { _ = http.Serve(listener, batches(out)) }()
	} else {
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				_, _ = io.Copy(out, conn)
			}
		}()
	}
	a.must("PUT", path, fmt.Sprintf(`{"schemaVersion":%q,"types":["platform","function","extension"],"buffering":{"timeoutMs":25},"destination":%s}`, schema, destination), http.StatusOK)
}

// batches writes the events of the arrays that it gets, one a line.
func batches(out io.Writer) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		var batch []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
			os.Exit(98)
		}
		var lines bytes.Buffer
		for _, event := range batch {
			lines.Write(event)
			lines.WriteByte('\n')
		}
		_, _ = out.Write(lines.Bytes())
	}
}

// must sends a request and ends the process when the answer is not as it
// should be.
func (a *agent) must(method, path, body string, status int, header ...string) string {
	req, err := http.NewRequest(method, a.api+path, strings.NewReader(body))
	if err != nil {
		os.Exit(92)
	}
	if a.id != "" {
		req.Header.Set("Lambda-Extension-Identifier", a.id)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(93)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		fmt.Printf("%s %s answered %s: %s", method, path, res.Status, text)
		os.Exit(99)
	}
	if id := res.Header.Get("Lambda-Extension-Identifier"); id != "" {
		a.id = id
	}
	return string(text)
}

// internal is an extension inside the runtime's process. It asks for events as
// long as there are some, and prints them.
func internal(events string) {
	a := &agent{api: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API"), name: "inside"}
	a.must("POST", extensionAPI+"register", `{"events":[`+events+`]}`, http.StatusOK, "Lambda-Extension-Name", a.name)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		fmt.Println("the runtime was told to end")
		os.Exit(0)
	}()
	go func() {
		for {
			body := a.must("GET", extensionAPI+"event/next", "", http.StatusOK)
			fmt.Println("inside got " + body)
		}
	}()
}
