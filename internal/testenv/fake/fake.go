// Package fake is a runtime for tests that need no interpreter: the test
// binary itself, speaking the Runtime API. The function's handler says what it
// does. A test that uses it calls [Main] first in TestMain.
package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

const variable = "LAMBKIN_FAKE_RUNTIME"

// lifetime bounds every process of the fake, should it be left behind.
const lifetime = 60 * time.Second

// Runtime implements [runtimes.Runtime] for the identifier "fake".
type Runtime struct{}

// Name implements [runtimes.Runtime].
func (Runtime) Name() string { return "fake" }

// Identifiers implements [runtimes.Runtime].
func (Runtime) Identifiers() []string { return []string{"fake"} }

// Launch implements [runtimes.Runtime].
func (Runtime) Launch(*lambda.Function, runtimes.Paths, *runtimes.Host) (*runtimes.Launch, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &runtimes.Launch{
		Path: exe, Env: []string{variable + "=1", "AWS_EXECUTION_ENV=AWS_Lambda_fake"}, Uses: []string{filepath.Dir(exe)}, Notices: []string{"a fake runtime"},
	}, nil
}

// Survey implements [runtimes.Runtime].
func (Runtime) Survey(*runtimes.Host) []runtimes.Finding { return nil }

// Main is the runtime, in a process that Launch has started, or an extension in
// one of a layer that [Extensions] has made; elsewhere it returns.
func Main() {
	if os.Getenv(variable) == "" {
		if os.Getenv(extensionVariable) != "" {
			extension()
		}
		return
	}
	r := &process{api: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"}
	handler, argument, _ := strings.Cut(os.Getenv("_HANDLER"), ":")
	r.init(handler, argument)
	// On a capacity provider there are several loops, as in AWS's clients.
	if n, _ := strconv.Atoi(os.Getenv("AWS_LAMBDA_MAX_CONCURRENCY")); n > 1 {
		for range n - 1 {
			other := &process{api: r.api}
			go other.loop(handler, argument)
		}
	}
	r.loop(handler, argument)
}

func (r *process) loop(handler, argument string) {
	for {
		r.serve(handler, argument)
	}
}

// met pairs the invocations of a handler that wants two at once.
var met = make(chan struct{})

type process struct {
	api   string
	count int // invocations so far
}

// init does what a handler wants done before it is ready.
func (r *process) init(handler, argument string) {
	switch handler {
	case "init-error":
		r.post("init/error", []byte(`{"errorMessage":"no such module","errorType":"Runtime.ImportModuleError"}`), "Lambda-Runtime-Function-Error-Type", "Runtime.ImportModuleError")
		fmt.Println("it went wrong")
		os.Exit(1)
	case "init-exit":
		code, _ := strconv.Atoi(argument)
		os.Exit(code)
	case "init-exit-once", "init-exit-then-sleep":
		// The function's folder tells the first process from the later ones.
		if f, err := os.OpenFile("first", os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			os.Exit(1)
		}
		d, _ := time.ParseDuration(argument)
		time.Sleep(d)
	case "never-asks":
		time.Sleep(lifetime)
	case "internal":
		internal(argument)
	case "restore":
		_, _ = http.Get(r.api + "restore/next")
		fmt.Println("restored")
	case "restore-error":
		_, _ = http.Get(r.api + "restore/next")
		r.post("restore/error", []byte(`{"errorMessage":"no hook","errorType":"Hook"}`), "Lambda-Runtime-Function-Error-Type", "Runtime.AfterRestoreError")
		os.Exit(65)
	case "restore-sleep":
		_, _ = http.Get(r.api + "restore/next")
		time.Sleep(lifetime)
	case "ticks":
		go func() {
			for end := time.Now().Add(lifetime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				fmt.Println("tick")
			}
		}()
	case "starts-slowly":
		time.Sleep(time.Second)
	case "init-sleep":
		d, _ := time.ParseDuration(argument)
		time.Sleep(d)
	}
}

func (r *process) serve(handler, argument string) {
	res, err := http.Get(r.api + "invocation/next")
	if err != nil {
		os.Exit(90)
	}
	event, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		os.Exit(91)
	}
	r.count++
	id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
	respond := func(body []byte) { r.post("invocation/"+id+"/response", body) }
	switch handler {
	case "log":
		fmt.Println("one\ntwo")
		fmt.Print("no end")
		respond([]byte("null"))
	case "print":
		fmt.Fprintln(os.Stdout, "to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		respond([]byte("null"))
	case "error":
		r.post("invocation/"+id+"/error", []byte(`{"errorMessage":"boom","errorType":"Error"}`), "Lambda-Runtime-Function-Error-Type", "Function.Boom")
	case "exit":
		code, _ := strconv.Atoi(argument)
		os.Exit(code)
	case "sleep":
		d, _ := time.ParseDuration(argument)
		time.Sleep(d)
		respond(event)
	case "meet":
		select {
		case met <- struct{}{}:
		case <-met:
		case <-time.After(lifetime):
		}
		respond([]byte(strconv.Itoa(os.Getpid())))
	case "as-told":
		switch string(event) {
		case `"sleep"`:
			time.Sleep(2 * time.Second)
		case `"exit"`:
			os.Exit(3)
		}
		respond([]byte(strconv.Itoa(os.Getpid())))
	case "answer-then-sleep":
		respond(event)
		d, _ := time.ParseDuration(argument)
		time.Sleep(d)
		fmt.Println("after the answer")
	case "answer-then-exit":
		respond(event)
		os.Exit(7)
	case "grandchildren":
		grandchildren()
		time.Sleep(lifetime)
	case "big":
		n, _ := strconv.Atoi(argument)
		respond(bytes.Repeat([]byte("x"), n))
	case "headers":
		headers, _ := json.Marshal(res.Header)
		respond(headers)
	case "credentials":
		req, _ := http.NewRequest(http.MethodGet, os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), nil)
		req.Header.Set("Authorization", os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			os.Exit(94)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		respond(body)
	case "env":
		body, _ := json.Marshal(os.Environ())
		respond(body)
	case "count":
		respond([]byte(strconv.Itoa(r.count)))
	case "starts-slowly": // and is busy for a while when it has answered
		respond([]byte(strconv.Itoa(r.count)))
		d, _ := time.ParseDuration(argument)
		time.Sleep(d)
	case "count-then-exit":
		if limit, _ := strconv.Atoi(argument); r.count >= limit {
			os.Exit(0)
		}
		respond([]byte(strconv.Itoa(r.count)))
	case "pid":
		respond([]byte(strconv.Itoa(os.Getpid())))
	case "bad-mode":
		r.post("invocation/"+id+"/response", event, "Lambda-Runtime-Function-Response-Mode", "nonsense")
	default: // "echo", and those that are special only in their init
		respond(event)
	}
}

// grandchildren starts two processes that end neither by themselves nor by
// SIGTERM, one of them in a session of its own, and prints their ids.
func grandchildren() {
	signal.Ignore(syscall.SIGTERM)
	for _, apart := range []bool{false, true} {
		cmd := exec.Command("sh", "-c", "trap '' TERM; while :; do sleep 1; done")
		if apart {
			cmd.SysProcAttr = ownSession()
		}
		if err := cmd.Start(); err == nil {
			fmt.Printf("pid %d\n", cmd.Process.Pid)
		}
	}
}

func (r *process) post(path string, body []byte, header ...string) {
	req, err := http.NewRequest(http.MethodPost, r.api+path, bytes.NewReader(body))
	if err != nil {
		os.Exit(92)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(93)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
}
