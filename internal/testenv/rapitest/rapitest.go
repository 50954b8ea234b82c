// Package rapitest plays the platform for tests of language runtimes: it runs
// a runtime process against a small Runtime API, feeds it events and records
// all that it posts, prints and exits with.
package rapitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Event is one invocation to hand out.
type Event struct {
	Body string
	// Headers are added to those of every invocation.
	Headers map[string]string
}

// Post is what the process sent.
type Post struct {
	Path    string // below /2018-06-01/runtime/, with {id} in place of the request's id
	Header  http.Header
	Trailer http.Header
	Body    string
}

// Outcome is all that was seen of a process.
type Outcome struct {
	Posts          []Post
	Stdout, Stderr string
	// Exited tells that the process ended by itself; else it was waiting for
	// an event that does not come, and was killed.
	Exited   bool
	ExitCode int
	// FirstNext is the time from the start to the first request for an event,
	// Events the times from handing out an event to its answer.
	FirstNext time.Duration
	Events    []time.Duration
}

// First is the process's first post, empty when there is none, and its exit
// status, 0 for a process that waits for more.
func (o Outcome) First() (path, body string, exit int) {
	if o.Exited {
		exit = o.ExitCode
	}
	if len(o.Posts) > 0 {
		path, body = o.Posts[0].Path, o.Posts[0].Body
	}
	return path, body, exit
}

// Bare measures a program from its start to its exit, as "exit-ms".
func Bare(b *testing.B, path string, args ...string) {
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := exec.Command(path, args...).Run(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	Median(b, times, "exit-ms")
}

// Median reports the middle one of the times, in milliseconds.
func Median(b *testing.B, times []time.Duration, unit string) {
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds()*1000, unit)
}

// ID is the request id of the event with this number, counted from 0.
func ID(n int) string { return fmt.Sprintf("8f5a1c3e-0000-4000-8000-%012d", n) }

// ARN is the function that is invoked.
const ARN = "arn:aws:lambda:us-east-1:123456789012:function:fn"

// Trace is the trace header of every invocation.
const Trace = "Root=1-65f0c0de-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"

// limit is how long a process may take over all of its events.
const limit = 30 * time.Second

// platform is the Runtime API's state.
type platform struct {
	events []Event
	idle   chan struct{} // closed when an event is asked for and none is left
	end    chan struct{} // closed when the test is over

	mu      sync.Mutex // guards what follows
	started time.Time
	next    int
	handed  time.Time
	outcome Outcome
}

// Run starts the program with AWS_LAMBDA_RUNTIME_API added to its environment
// and returns when it has ended or has answered all events.
func Run(t testing.TB, path string, args []string, dir string, env []string, events ...Event) Outcome {
	t.Helper()
	p := &platform{events: events, idle: make(chan struct{}), end: make(chan struct{})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p.handler()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		close(p.end)
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, env...)
	p.mu.Lock()
	p.started = time.Now()
	p.mu.Unlock()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := p.wait(cmd)
	if ctx.Err() != nil {
		t.Errorf("the process did not finish in %v; standard error: %s", limit, stderr.String())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.outcome
	out.Posts, out.Events = slices.Clone(out.Posts), slices.Clone(out.Events)
	out.Stdout, out.Stderr = stdout.String(), stderr.String()
	out.Exited, out.ExitCode = exited, cmd.ProcessState.ExitCode()
	return out
}

// wait waits until the process has ended, or has nothing left to do and is
// killed; it reports whether it ended by itself.
func (p *platform) wait(cmd *exec.Cmd) bool {
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-p.idle:
		_ = cmd.Process.Kill()
		<-done
		return false
	}
}

func (p *platform) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/", p.servePost)
	return mux
}

func (p *platform) serveNext(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	n := p.next
	p.next++
	if n == 0 {
		p.outcome.FirstNext = time.Since(p.started)
	}
	p.handed = time.Now()
	p.mu.Unlock()
	if n >= len(p.events) {
		if n == len(p.events) {
			close(p.idle)
		}
		<-p.end
		return
	}
	e := p.events[n]
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(e.Body)))
	h.Set("Lambda-Runtime-Aws-Request-Id", ID(n))
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", ARN)
	h.Set("Lambda-Runtime-Trace-Id", Trace)
	for name, value := range e.Headers {
		if value == "" {
			h.Del(name)
			continue
		}
		h.Set(name, value)
	}
	_, _ = io.WriteString(w, e.Body)
}

func (p *platform) servePost(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/")
	path = strings.Replace(path, ID(p.next-1), "{id}", 1)
	p.outcome.Posts = append(p.outcome.Posts, Post{Path: path, Header: r.Header.Clone(), Trailer: r.Trailer.Clone(), Body: string(body)})
	if p.next > 0 {
		p.outcome.Events = append(p.outcome.Events, time.Since(p.handed))
	}
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}
