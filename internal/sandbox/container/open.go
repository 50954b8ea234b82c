package container

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// What a container has at which place.
const (
	taskDir    = "/var/task"
	optDir     = "/opt"
	runtimeDir = "/var/runtime"
	tmpDir     = "/tmp"
	agentDir   = "/.lambkin"
	agentFile  = agentDir + "/lambkin"
)

// agentName is the agent's first argument. It is no option's or file's, so
// that nobody starts one by mistake.
const agentName = "lambkin: container"

const (
	// AWS's user, by its numbers: images need not have it by name.
	awsUser = "993:990"
	// defaultTmpMB is the size of /tmp on AWS when a function sets none.
	defaultTmpMB = 512
	// AWS's limits of processes and open files, and what the agent needs itself.
	maxProcesses = 1024
	maxFiles     = 1024
	ownThreads   = 64
	ownMemory    = 32 << 20
	// hostGateway is what engines put the host's own address for.
	hostGateway = "host-gateway"
	hostName    = "host.docker.internal"
)

// mount, limit and port are the engine's.
type mount struct {
	Type, Source, Target string
	ReadOnly             bool
	BindOptions          *bindOptions   `json:",omitempty"`
	VolumeOptions        *volumeOptions `json:",omitempty"`
}

type (
	bindOptions   struct{ Propagation string }
	volumeOptions struct{ NoCopy bool }
	limit         struct {
		Name       string
		Soft, Hard int
	}
	port struct{ HostIp, HostPort string }
)

// config is a container as an engine makes it.
type config struct {
	Image                                   string
	Entrypoint, Cmd                         []string
	User                                    string
	WorkingDir                              string
	Env                                     []string
	Labels                                  map[string]string
	OpenStdin, StdinOnce                    bool
	AttachStdin, AttachStdout, AttachStderr bool
	ExposedPorts                            map[string]struct{} `json:",omitempty"`
	Healthcheck                             struct{ Test []string }
	HostConfig                              hostConfig
}

type hostConfig struct {
	AutoRemove, ReadonlyRootfs bool
	NetworkMode                string `json:",omitempty"`
	Memory, MemorySwap         int64
	NanoCpus                   int64
	PidsLimit                  int64
	Ulimits                    []limit
	CapDrop, SecurityOpt       []string
	Mounts                     []mount
	Binds                      []string
	Tmpfs                      map[string]string
	ExtraHosts, Dns            []string
	PortBindings               map[string][]port `json:",omitempty"`
	LogConfig                  struct{ Type string }
}

// plan is what a container is to hold.
type plan struct {
	config config
	// copies are what is put into the container before it starts, by the place.
	copies map[string]func(archive) error
}

// Open implements [sandbox.Sandbox]. The image must be the engine's, and its
// own user and entry point do not matter: processes run as AWS's user, and what
// is started the caller says.
func (s Sandbox) Open(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	if spec.Image == nil || spec.Image.ID == "" {
		return nil, errors.New("a container needs an image that the container engine has")
	}
	about, err := s.Engine.know(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := s.Options.settings()
	if err != nil {
		return nil, err
	}
	program, err := s.program(about.architecture)
	if err != nil {
		return nil, err
	}
	me := self()
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.Engine.sweep(ctx, me)
	}()
	defer func() { <-swept }()
	e := &environment{
		engine: s.Engine, image: spec.Image.ID, platform: about.platform(), settings: settings,
		paths:  sandbox.Paths{Task: taskDir, Runtime: runtimeDir, Tmp: tmpDir},
		shared: settings.network == "host" && s.here(about), listeners: map[int]*listener{}, closing: make(chan struct{}),
	}
	if len(spec.Layers) > 0 {
		e.paths.Opt = optDir
	}
	way := way{program: program, here: s.here(about), gateway: true}
	for {
		err = s.try(ctx, e, spec, way, me)
		switch {
		case err == nil:
			return e, nil
		case way.here && absent(err): // the engine has another file system than this machine's
			way.here = false
		case way.gateway && strings.Contains(err.Error(), hostGateway): // it has no network of its own, and no address there
			way.gateway = false
		default:
			return nil, fmt.Errorf("starting a container of %s: %w", cmp.Or(spec.Image.Name, spec.Image.ID), err)
		}
	}
}

// way is how a container is made for an engine.
type way struct {
	program string // the agent's file
	here    bool   // the engine finds this machine's folders where they are
	gateway bool   // it knows an address of its host
}

// try makes a container and starts it; what it has made it removes when that fails.
func (s Sandbox) try(ctx context.Context, e *environment, spec sandbox.Spec, way way, me owner) error {
	p, err := s.plan(spec, e.settings, way)
	if err != nil {
		return err
	}
	p.config.Labels = map[string]string{labelName: me.String()}
	if e.id, err = s.Engine.create(ctx, p); err != nil {
		return err
	}
	if err = e.begin(ctx, p); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	if e.mux != nil {
		e.mux.fail(io.EOF)
	}
	return errors.Join(err, s.Engine.remove(ctx, e.id))
}

// absent reports whether an engine does not find what it is to mount.
func absent(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "bind source path does not exist") || strings.Contains(err.Error(), "Mounts denied") || strings.Contains(err.Error(), "statfs "))
}

// begin fills the container that was made, and starts it.
func (e *environment) begin(ctx context.Context, p plan) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for place, fill := range p.copies {
		if err := e.engine.put(ctx, e.id, place, fill); err != nil {
			return err
		}
	}
	var err error
	if e.conn, err = e.engine.attach(ctx, e.id); err != nil {
		return err
	}
	e.lacking = sync.OnceValue(func() bool { return e.engine.ranOut(e.id) })
	e.mux = newMux(e.conn, 1, e.accepted)
	go e.mux.run()
	return e.engine.ask(ctx, request{method: http.MethodPost, path: "/containers/" + e.id + "/start"}, nil)
}

// create makes a container and returns its id. An engine finishes what it has
// begun, so this does not end with ctx: what it makes is to be removed.
func (e *Engine) create(ctx context.Context, p plan) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	var made struct{ ID string }
	err := e.ask(ctx, request{method: http.MethodPost, path: "/containers/create", json: p.config}, &made)
	return made.ID, err
}

// put unpacks an archive in a container's folder.
func (e *Engine) put(ctx context.Context, id, place string, fill func(archive) error) error {
	read, write := io.Pipe()
	filled := make(chan error, 1)
	go func() {
		a := newArchive(write)
		err := fill(a)
		if err == nil {
			err = a.Close()
		}
		write.CloseWithError(err)
		filled <- err
	}()
	err := e.ask(ctx, request{
		method: http.MethodPut, path: "/containers/" + id + "/archive", query: url.Values{"path": {place}},
		body: read, header: http.Header{"Content-Type": {"application/x-tar"}},
	}, nil)
	_ = read.Close() // an engine that has said no reads no more
	if mine := <-filled; mine != nil && !errors.Is(mine, io.ErrClosedPipe) {
		err = mine
	}
	if err != nil {
		return fmt.Errorf("copying %s into the container: %w", place, err)
	}
	return nil
}

// ranOut reports whether an ended container has used more memory than it may.
func (e *Engine) ranOut(id string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var said struct{ State struct{ OOMKilled bool } }
	return e.ask(ctx, request{method: http.MethodGet, path: "/containers/" + id + "/json"}, &said) == nil && said.State.OOMKilled
}

// sweep removes the containers whose owners are gone. What cannot be removed
// is the next one's.
func (e *Engine) sweep(ctx context.Context, me owner) {
	filters, err := json.Marshal(map[string][]string{"label": {labelName}})
	if err != nil {
		return
	}
	var list []struct {
		ID     string
		Labels map[string]string
	}
	query := url.Values{"all": {"1"}, "filters": {string(filters)}}
	if e.ask(ctx, request{method: http.MethodGet, path: "/containers/json", query: query}, &list) != nil {
		return
	}
	for _, c := range list {
		if me.gone(c.Labels[labelName]) {
			ctx, cancel := context.WithTimeout(ctx, patience)
			_ = e.remove(ctx, c.ID)
			cancel()
		}
	}
}

// here reports whether the engine has this machine's file system: it runs on
// the same kernel and is not spoken with over a network.
func (s Sandbox) here(a *about) bool {
	return runtime.GOOS == "linux" && strings.HasPrefix(s.Engine.Host, "unix:") && a.kernel == line("/proc/sys/kernel/osrelease")
}

// plan says what a container is to be.
func (s Sandbox) plan(spec sandbox.Spec, set settings, way way) (plan, error) {
	memory := cmp.Or(set.memory, spec.Memory)
	if s.Options.NoMemoryLimit {
		memory = 0
	}
	tmp := int64(cmp.Or(spec.EphemeralMB, defaultTmpMB)) << 20
	p := plan{copies: map[string]func(archive) error{}, config: config{
		Image: spec.Image.ID, Entrypoint: []string{agentFile, agentName, strconv.FormatInt(memory>>20, 10)}, Cmd: []string{},
		User: cmp.Or(set.user, awsUser), WorkingDir: "/",
		OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		HostConfig: hostConfig{
			AutoRemove: true, ReadonlyRootfs: true, NetworkMode: set.network, NanoCpus: set.nanoCPUs,
			PidsLimit: maxProcesses + ownThreads, Ulimits: []limit{{"nofile", maxFiles, maxFiles}},
			// Where SELinux is in force it would keep the user's files from
			// containers, unless they were labelled anew.
			CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges", "label=disable"},
			Tmpfs: map[string]string{tmpDir: fmt.Sprintf("rw,exec,nosuid,nodev,mode=1777,size=%d", tmp)},
			Binds: set.volumes, ExtraHosts: set.hosts, Dns: set.dns,
		},
	}}
	p.config.Healthcheck.Test = []string{"NONE"}
	host := &p.config.HostConfig
	host.LogConfig.Type = "none" // what comes from the agent is no log
	if memory > 0 {
		host.Memory = memory + tmp + ownMemory
		host.MemorySwap = host.Memory // no other
	}
	if way.gateway && set.network != "none" && !strings.HasPrefix(set.network, "container:") && !named(set.hosts, hostName) {
		host.ExtraHosts = append(slices.Clone(set.hosts), hostName+":"+hostGateway)
	}
	for _, published := range set.published {
		if p.config.ExposedPorts == nil {
			p.config.ExposedPorts, host.PortBindings = map[string]struct{}{}, map[string][]port{}
		}
		p.config.ExposedPorts[published.inside] = struct{}{}
		host.PortBindings[published.inside] = append(host.PortBindings[published.inside], port{published.address, published.outside})
	}
	if err := p.show(agentDir, []string{way.program}, way.here, s.Options.Volumes); err != nil {
		return plan{}, err
	}
	if spec.Code != "" {
		if err := p.show(taskDir, []string{spec.Code}, way.here, s.Options.Volumes); err != nil {
			return plan{}, err
		}
	}
	return p, p.show(optDir, spec.Layers, way.here, s.Options.Volumes)
}

// named reports whether a name is among hosts.
func named(hosts []string, name string) bool {
	for _, host := range hosts {
		if strings.HasPrefix(host, name+":") {
			return true
		}
	}
	return false
}

// show shows folders at a place, merged, or in it a file under the agent's
// name: mounted where there is one that the engine has, and else copied, into
// a volume that goes with the container.
func (p *plan) show(place string, sources []string, here bool, volumes Volumes) error {
	if len(sources) == 0 {
		return nil
	}
	sources = slices.Clone(sources)
	for i, source := range sources {
		var err error
		if sources[i], err = filepath.EvalSymlinks(source); err != nil {
			return err
		}
	}
	only := sources[0]
	isDir := isDir(only)
	if mapped, ok := volumes.engine(only); len(sources) == 1 && (ok || here && readable(only)) {
		m := mount{Type: "bind", Source: mapped, Target: place, ReadOnly: true, BindOptions: &bindOptions{"rprivate"}}
		if !isDir {
			m.Target = agentFile
		}
		p.config.HostConfig.Mounts = append(p.config.HostConfig.Mounts, m)
		return nil
	}
	p.config.HostConfig.Mounts = append(p.config.HostConfig.Mounts, mount{Type: "volume", Target: place, VolumeOptions: &volumeOptions{NoCopy: true}})
	if isDir {
		p.copies[place] = func(a archive) error { return a.merged(".", sources) }
	} else {
		p.copies[place] = func(a archive) error { return a.add(only, path.Base(agentFile), true) }
	}
	return nil
}

// engine is a path of this machine as the engine has it. Without a folder that
// both have it is the same.
func (v Volumes) engine(file string) (mapped string, ok bool) {
	if v.Host == "" || v.Engine == "" {
		return file, false
	}
	host, err := filepath.EvalSymlinks(v.Host)
	if err != nil {
		return file, false
	}
	rel, err := filepath.Rel(host, file)
	if err != nil || !filepath.IsLocal(rel) {
		return file, false
	}
	return path.Join(v.Engine, filepath.ToSlash(rel)), true
}

// readable reports whether everybody may read a file, or a folder and what lies
// directly in it. What a developer keeps for themselves AWS's user could not
// read where it is.
func readable(file string) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false
	}
	if !info.IsDir() || !open(info) {
		return open(info) && info.Mode().Perm()&0o001 != 0
	}
	entries, err := os.ReadDir(file)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode()&fs.ModeSymlink == 0 && !open(info) {
			return false
		}
	}
	return true
}

func open(info fs.FileInfo) bool {
	if info.IsDir() {
		return info.Mode().Perm()&0o005 == 0o005
	}
	return info.Mode().Perm()&0o004 != 0
}
