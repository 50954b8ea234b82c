package container

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The versions of the engine's interface that lambkin speaks: Podman offers
// 1.40 to 1.41 for the most part, Docker of late 1.44 and up. An engine that
// is newer still is asked for what it names as its own.
const (
	oldest = "1.24"
	newest = "1.51"
)

// Engine is a container engine that speaks Docker's HTTP interface: Docker
// itself, Podman, Finch, Colima, Rancher Desktop. [Find] makes one.
type Engine struct {
	// Host is where it answers, as DOCKER_HOST has it: "unix:///var/run/docker.sock".
	Host string

	binary string // what Find was told of a lambkin for the containers
	dial   func(context.Context) (net.Conn, error)
	client *http.Client
	scheme string // "http" or "https"
	name   string // of the host, for requests

	mu    sync.Mutex
	about *about // once it has been asked
}

// about is what an engine says of itself.
type about struct {
	version      string // of its interface, as spoken with it
	system       string // "linux"
	architecture string // in Go's words: "amd64"
	kernel       string // release
}

// Error is an engine's refusal, in its words.
type Error struct {
	Status  int // of HTTP
	Message string
}

func (e *Error) Error() string { return e.Message }

// NotFound reports whether err is an engine's, that there is no such thing.
func NotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound
}

// newEngine makes one whose connections dial makes. Connections are kept only
// where making one is dear.
func newEngine(host, scheme, name string, keep bool, dial func(context.Context) (net.Conn, error)) *Engine {
	return &Engine{
		Host: host, scheme: scheme, name: name, dial: dial,
		client: &http.Client{
			Transport: &http.Transport{
				DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
				DialTLSContext:    func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
				DisableKeepAlives: !keep, IdleConnTimeout: 10 * time.Second, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// know asks the engine what it is, the first time.
func (e *Engine) know(ctx context.Context) (*about, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.about != nil {
		return e.about, nil
	}
	var version struct{ ApiVersion, MinAPIVersion, Os, Arch, KernelVersion string }
	if err := e.get(ctx, "", "/version", nil, &version); err != nil {
		return nil, err
	}
	a := &about{version: version.ApiVersion, system: version.Os, architecture: architecture(version.Arch), kernel: version.KernelVersion}
	switch {
	case a.version == "":
		return nil, fmt.Errorf("what answers at %s is no container engine: it does not say which version of the interface it has", e.Host)
	case older(a.version, oldest):
		return nil, fmt.Errorf("the container engine at %s has version %s of the interface, and lambkin needs %s or newer: bring it up to date", e.Host, a.version, oldest)
	case older(newest, a.version):
		a.version = newest
		if older(newest, version.MinAPIVersion) {
			a.version = version.MinAPIVersion
		}
	}
	if a.system != "" && a.system != "linux" {
		return nil, fmt.Errorf("the container engine at %s runs containers of %s, and functions need those of Linux: switch it to Linux containers", e.Host, a.system)
	}
	e.about = a
	return a, nil
}

// Platform is what the engine's containers run on, "linux/amd64".
func (e *Engine) Platform(ctx context.Context) (string, error) {
	a, err := e.know(ctx)
	if err != nil {
		return "", err
	}
	return a.platform(), nil
}

func (a *about) platform() string { return "linux/" + a.architecture }

// older compares versions such as "1.41".
func older(a, b string) bool {
	number := func(v string) int {
		major, minor, _ := strings.Cut(v, ".")
		x, errMajor := strconv.Atoi(major)
		y, errMinor := strconv.Atoi(minor)
		if errMajor != nil || errMinor != nil {
			return 0
		}
		return x*1000 + y
	}
	return number(a) < number(b)
}

// architecture is Go's name of an architecture that may go by the kernel's.
func architecture(name string) string {
	switch name {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return name
}

// request is one to the engine.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         io.Reader
	json         any // the body, unless there is one
}

// do sends a request. The caller closes the answer's body; an answer that is
// a refusal is an [*Error].
func (e *Engine) do(ctx context.Context, r request) (*http.Response, error) {
	a, err := e.know(ctx)
	if err != nil {
		return nil, err
	}
	return e.send(ctx, a.version, r)
}

func (e *Engine) send(ctx context.Context, version string, r request) (*http.Response, error) {
	req, err := e.newRequest(ctx, version, r)
	if err != nil {
		return nil, err
	}
	res, err := e.client.Do(req)
	if err != nil {
		return nil, e.unreachable(ctx, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		defer res.Body.Close()
		return nil, refusal(res)
	}
	return res, nil
}

func (e *Engine) newRequest(ctx context.Context, version string, r request) (*http.Request, error) {
	body := r.body
	if body == nil && r.json != nil {
		data, err := json.Marshal(r.json)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	path := r.path
	if version != "" {
		path = "/v" + version + path
	}
	target := url.URL{Scheme: e.scheme, Host: e.name, Path: path, RawQuery: r.query.Encode()}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if r.header != nil {
		req.Header = r.header
	}
	if r.json != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "lambkin")
	return req, nil
}

// unreachable is the error of an engine that does not answer.
func (e *Engine) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &Unreachable{Host: e.Host, Err: err}
}

// Unreachable is the error of an engine that does not answer, or no more.
type Unreachable struct {
	Host string // as [Engine] has it
	Err  error
}

func (u *Unreachable) Error() string {
	return fmt.Sprintf("the container engine at %s does not answer: %v", u.Host, u.Err)
}

// Unwrap returns what failed.
func (u *Unreachable) Unwrap() error { return u.Err }

// refusal is the error in an answer.
func refusal(res *http.Response) error {
	var said struct{ Message string }
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	if json.Unmarshal(data, &said) != nil || said.Message == "" {
		said.Message = strings.TrimSpace(string(data))
	}
	return &Error{Status: res.StatusCode, Message: cmp.Or(said.Message, "the container engine answers "+res.Status)}
}

// get asks for something and decodes it into out.
func (e *Engine) get(ctx context.Context, version, path string, query url.Values, out any) error {
	res, err := e.send(ctx, version, request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	return decode(res, out)
}

// ask sends a request and decodes the answer into out, unless that is nil.
func (e *Engine) ask(ctx context.Context, r request, out any) error {
	res, err := e.do(ctx, r)
	if err != nil {
		return err
	}
	return decode(res, out)
}

func decode(res *http.Response, out any) error {
	defer res.Body.Close()
	if out == nil {
		_, err := io.Copy(io.Discard, res.Body)
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the container engine's answer: %w", err)
	}
	return nil
}

// hijack sends a request whose connection serves something else from then on.
func (e *Engine) hijack(ctx context.Context, r request) (net.Conn, io.Reader, error) {
	a, err := e.know(ctx)
	if err != nil {
		return nil, nil, err
	}
	// The client of the standard library hands a connection over when the
	// answer is 101, which engines give to those who ask to upgrade; it then
	// has a body that can be written to.
	r.header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"tcp"}}
	req, err := e.newRequest(context.WithoutCancel(ctx), a.version, r)
	if err != nil {
		return nil, nil, err
	}
	conn, err := e.dial(ctx)
	if err != nil {
		return nil, nil, e.unreachable(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	in, err := upgrade(conn, req)
	if err != nil {
		_ = conn.Close()
		if _, refused := errors.AsType[*Error](err); refused {
			return nil, nil, err
		}
		return nil, nil, e.unreachable(ctx, err)
	}
	return conn, in, nil
}
