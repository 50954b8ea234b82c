package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Main does an agent's work in a process that was started as one; ok is false
// in all others. It is called with the process's arguments before anything
// else, and the process ends with the status.
func Main(args []string) (status int, ok bool) {
	if !isAgent(args) {
		return 0, false
	}
	limit, err := limitOf(args, os.Getpid())
	if err != nil {
		_, _ = fmt.Fprintln(os.NewFile(2, "stderr"), err)
		return 2, true
	}
	// The connection is not for what this starts; nor may that look into this.
	unix.CloseOnExec(0)
	unix.CloseOnExec(1)
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return 1, true
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 1, true
	}
	unix.Umask(0o022)
	a := &agent{processes: map[int]*held{}, listeners: map[int]net.Listener{}, memory: newMemory(limit)}
	if a.null, err = os.OpenFile("/dev/null", os.O_RDWR, 0); err != nil {
		return 1, true
	}
	a.mux = newMux(stdio{os.NewFile(0, "in"), os.NewFile(1, "out")}, 2, a.serve)
	a.run()
	return 0, true
}

func isAgent(args []string) bool { return len(args) == 3 && args[1] == agentName }

// limitOf is the memory, in bytes, that an agent's processes may use. Only a
// container's process 1 is an agent: one ends all processes that it sees.
func limitOf(args []string, pid int) (int64, error) {
	if pid != 1 {
		return 0, errors.New("this is for process 1 of a container alone")
	}
	megabytes, err := strconv.Atoi(args[2])
	return int64(megabytes) << 20, err
}

// stdio is the connection to lambkin.
type stdio struct{ in, out *os.File }

func (s stdio) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s stdio) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s stdio) Close() error                { return errors.Join(s.in.Close(), s.out.Close()) }

// agent is process 1 of a container.
type agent struct {
	mux    *mux
	null   *os.File
	memory *memory

	mu        sync.Mutex // guards what follows; held while a process is started, and while ended ones are waited for
	ending    bool
	processes map[int]*held // that have not ended, by their process ids
	last      int           // number of a process or listener
	listeners map[int]net.Listener
	exits     sync.WaitGroup // those that are being told
}

// held is a process that was started on request.
type held struct {
	id, pid int
	stream  *stream
	sending sync.Mutex // one message at a time
	pipes   []*sandbox.Pipe
	killed  bool
}

func (a *agent) run() {
	ended := sandbox.FirstSignals()
	go a.mux.run()
	go a.memory.watch(a)
	for {
		select {
		case <-ended:
			a.reap()
		case <-a.mux.ended: // lambkin has gone, or wants this to end
			a.end()
			return
		}
	}
}

// serve does what a stream asks for.
func (a *agent) serve(s *stream) {
	defer s.Close()
	w, err := hearWords(s, sayWords)
	if err != nil {
		return // lambkin has gone
	}
	var answer []string
	switch w.at(0) {
	case opStart:
		a.start(s, w)
		return
	case opListen:
		a.listen(s)
		return
	case opDial:
		a.dial(s, w.number(1))
		return
	case opSignal:
		err = a.signal(w.number(1), syscall.Signal(w.number(2)))
	case opKill:
		a.kill(w.number(1))
		return
	case opPeak:
		if p := a.find(w.number(1)); p != nil {
			answer = []string{strconv.FormatInt(sandbox.PeakMemory(p.pid), 10)}
		}
	case opFiles:
		answer, err = sandbox.Files(w.at(1))
	case opEnd:
		a.end()
	default:
		err = fmt.Errorf("there is no request %q", w.at(0))
	}
	if err != nil {
		_ = sayError(s, err) // an answer that nobody waits for, as are the following
		return
	}
	_ = sayAll(s, sayOK, answer...)
}

// start starts a process and stays until lambkin wants to hear no more of it.
func (a *agent) start(s *stream, w words) {
	p, err := a.launch(s, w)
	if err != nil {
		_ = sayError(s, err)
		return
	}
	if sayAll(s, sayOK, strconv.Itoa(p.id)) != nil {
		a.kill(p.id)
	}
	p.sending.Unlock()
	for {
		kind, data, err := hear(s)
		if err != nil {
			return
		}
		if kind != saySync {
			continue
		}
		for _, pipe := range p.pipes {
			pipe.Sync()
		}
		p.say(saySync, data)
	}
}

func (p *held) say(kind byte, data []byte) {
	p.sending.Lock()
	defer p.sending.Unlock()
	_ = say(p.stream, kind, data) // the process goes on when nobody listens
}

// output is one of a process's two.
type output struct {
	p    *held
	kind byte
}

func (o output) Write(data []byte) (int, error) {
	o.p.say(o.kind, data)
	return len(data), nil
}

// launch starts a process, whose sending lock is held then: the answer comes
// before its output.
func (a *agent) launch(s *stream, w words) (*held, error) {
	path, dir := w.at(1), w.at(2)
	rest := w[min(len(w), 5):]
	args := min(w.number(4), len(rest))
	p := &held{stream: s}
	outputs := []byte{sayOut, sayErr}
	if w.at(3) == "1" {
		outputs = outputs[:1]
	}
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close() // the process has its own
		}
	}()
	p.sending.Lock()
	fail := func(err error) (*held, error) {
		p.sending.Unlock()
		for _, pipe := range p.pipes {
			pipe.Close()
		}
		return nil, err
	}
	for _, kind := range outputs {
		pipe, file, err := sandbox.NewPipe(output{p, kind})
		if err != nil {
			return fail(err)
		}
		p.pipes, files = append(p.pipes, pipe), append(files, file)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending {
		return fail(sandbox.ErrClosed)
	}
	path, err := sandbox.LookPath(path, dir, rest[args:])
	if err != nil {
		return fail(err)
	}
	pid, err := syscall.ForkExec(path, append([]string{path}, rest[:args]...), &syscall.ProcAttr{
		Dir: dir, Env: rest[args:], Files: []uintptr{a.null.Fd(), files[0].Fd(), files[len(files)-1].Fd()},
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return fail(sandbox.StartError(path, dir, err))
	}
	// Where memory is short, this is not what the kernel ends.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0o644)
	a.last++
	p.id, p.pid = a.last, pid
	a.processes[pid] = p
	return p, nil
}

// find is the process of a number, nil when it has ended.
func (a *agent) find(id int) *held {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.processes {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (a *agent) signal(id int, s syscall.Signal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for pid, p := range a.processes {
		if p.id == id {
			return syscall.Kill(-pid, s)
		}
	}
	return syscall.ESRCH
}

func (a *agent) kill(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for pid, p := range a.processes {
		if p.id == id {
			p.killed = true
			_ = syscall.Kill(-pid, syscall.SIGKILL)
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have moved to another group
		}
	}
}

// reap waits for all processes that have ended, tells of those that were
// started on request, and ends what they have left of their groups; of one that
// was killed, what has left its group too.
func (a *agent) reap() {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := func(pid int) bool { return a.processes[pid] != nil }
	sandbox.Reap(known, func(pid int, status syscall.WaitStatus, peak int64) bool {
		p := a.processes[pid]
		delete(a.processes, pid)
		short := status.Signaled() && status.Signal() == syscall.SIGKILL && !p.killed && a.memory.short()
		a.exits.Add(1)
		go func() {
			defer a.exits.Done()
			p.tell(status, peak, short)
		}()
		return p.killed
	})
}

// tell says that the process has ended, after the output that it has left.
func (p *held) tell(status syscall.WaitStatus, kib int64, short bool) {
	for _, pipe := range p.pipes {
		pipe.Sync() // and it goes on: what it has started apart may write yet
	}
	outOfMemory := ""
	if short {
		outOfMemory = "1"
	}
	p.sending.Lock()
	defer p.sending.Unlock()
	_ = sayAll(p.stream, sayExit, strconv.Itoa(int(status)), strconv.FormatInt(kib, 10), outOfMemory)
}

// telling is how long lambkin may take to hear of ends when this ends too.
const telling = 2 * time.Second

// end ends all processes, whether or not they want to, and returns when they
// are gone.
func (a *agent) end() {
	a.mu.Lock()
	a.ending = true
	for _, p := range a.processes {
		p.killed = true
	}
	a.mu.Unlock()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		_ = syscall.Kill(-1, syscall.SIGKILL) // all but this one
		a.reap()
		if len(sandbox.Children(os.Getpid())) == 0 {
			break
		}
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		a.exits.Wait()
	}()
	select {
	case <-told:
	case <-a.mux.ended:
	case <-time.After(telling):
	}
}

// listen opens a port and hands its connections over until the stream ends.
func (a *agent) listen(s *stream) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		_ = sayError(s, err)
		return
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	go func() {
		_, _ = io.Copy(io.Discard, s) // ends with the listener on the other side
		_ = l.Close()
	}()
	if sayAll(s, sayOK, strconv.Itoa(port)) != nil {
		return
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			to, err := a.mux.open()
			if err == nil {
				err = sayAll(to, sayWords, opAccepted, strconv.Itoa(port), conn.RemoteAddr().String())
			}
			if err != nil {
				_ = conn.Close()
				return
			}
			join(conn.(*net.TCPConn), to)
		}()
	}
}

func (a *agent) dial(s *stream, port int) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		_ = sayError(s, err)
		return
	}
	if sayAll(s, sayOK) != nil {
		_ = conn.Close()
		return
	}
	join(conn.(*net.TCPConn), s)
}

// join passes on what comes from either side, until both have ended or one
// has failed.
func join(conn *net.TCPConn, s *stream) {
	defer conn.Close()
	defer s.Close()
	there := make(chan struct{})
	go func() {
		defer close(there)
		if _, err := io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{s}); err != nil {
			_ = conn.SetLinger(0) // what reads there is told that it was cut off
			_ = conn.Close()
			_ = s.Reset()
			return
		}
		_ = conn.CloseWrite()
	}()
	if _, err := io.Copy(struct{ io.Writer }{s}, struct{ io.Reader }{conn}); err != nil {
		_ = conn.Close()
		_ = s.Reset()
	}
	_ = s.CloseWrite()
	<-there
}

// memory sees to it that processes keep to their limit. The kernel counts what
// lies in /tmp among a container's memory, which on AWS is on disk. So the
// kernel's limit has room for a full /tmp, and this one looks at what
// processes have allocated.
type memory struct {
	limit  int64 // bytes, 0 for none
	mu     sync.Mutex
	events int64 // of the kernel's, known
	over   bool  // this one has ended a process
}

// lookEvery is the time between two looks: a function that allocates faster
// than this is ended by the kernel's limit.
const lookEvery = 50 * time.Millisecond

func newMemory(limit int64) *memory { return &memory{limit: limit, events: kills()} }

func (m *memory) watch(a *agent) {
	if m.limit == 0 {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-a.mux.ended:
			return
		}
		if anonymous()-own() <= m.limit {
			continue
		}
		m.mu.Lock()
		m.over = true
		m.mu.Unlock()
		a.endLargest()
	}
}

// endLargest ends the process that uses most.
func (a *agent) endLargest() {
	largest, most := 0, int64(-1)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if used := statusKiB("/proc/"+entry.Name()+"/status", "RssAnon:"); used > most {
			largest, most = pid, used
		}
	}
	if largest > 0 {
		_ = syscall.Kill(largest, syscall.SIGKILL)
	}
}

// short reports whether a process that was ended by SIGKILL was so for want of
// memory.
func (m *memory) short() bool {
	if m.limit == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := kills()
	was := m.over || now > m.events
	m.events, m.over = now, false
	return was
}

// kills is how often the kernel has ended a process of this container for want
// of memory: control groups of version 2, or else 1.
func kills() int64 {
	for _, file := range []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"} {
		if n := counter(file, "oom_kill"); n >= 0 {
			return n
		}
	}
	return 0
}

// anonymous is the memory, in bytes, that is no file's.
func anonymous() int64 {
	if n := counter("/sys/fs/cgroup/memory.stat", "anon"); n >= 0 {
		return n
	}
	return max(counter("/sys/fs/cgroup/memory/memory.stat", "total_rss"), 0)
}

// own is the agent's part of it.
func own() int64 { return statusKiB("/proc/self/status", "RssAnon:") << 10 }

// counter is a number in a file of names and numbers, -1 when it is not there.
func counter(file, name string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) == 2 && string(fields[0]) == name {
			if n, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

// statusKiB is a size of a process in KiB, 0 when it is not known.
func statusKiB(file, name string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) > 1 && string(fields[0]) == name {
			if n, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}
