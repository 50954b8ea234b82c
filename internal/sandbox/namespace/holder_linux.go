package namespace

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/limits"
)

// holderSocket is the descriptor of its connection.
const holderSocket = 3

// needed are the capabilities that a holder has, in its own namespaces:
// mounting; giving capabilities up; forbidding further namespaces; and bringing
// a network up.
var needed = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP, unix.CAP_SYS_RESOURCE, unix.CAP_NET_ADMIN}

// hold is the whole of a holder's life. It ends with the exit status.
func hold() int {
	// This thread is the one that enters the environment and forks.
	runtime.LockOSThread()
	// What lambkin was started with is not a function's.
	if err := unix.CloseRange(holderSocket, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return 1
	}
	h := &holder{link: link{os.NewFile(holderSocket, "lambkin")}, processes: map[int]*held{}}
	h.run()
	return 0 // and the kernel ends all that is left
}

// holder is process 1 of an environment.
type holder struct {
	link  link
	null  *os.File
	shown []string // folders, besides those that the plan has

	mu        sync.Mutex    // held while something is done and told of; guards what follows
	processes map[int]*held // that have not ended, by their process ids
}

// held is a process that was started on request.
type held struct {
	id     int // the request's
	killed bool
}

func (h *holder) run() {
	// Asking for signals takes as long as half of the set-up.
	heeding := make(chan struct{})
	go func() {
		ended := sandbox.FirstSignals()
		close(heeding)
		for range ended {
			if h.reap() != nil {
				return // lambkin has gone, and there is nothing more to receive
			}
		}
	}()
	for {
		f, err := h.link.receive()
		if err != nil {
			return // lambkin has gone, or wants this to end
		}
		h.mu.Lock() // an exit is told of behind the start
		err = h.serve(f)
		h.mu.Unlock()
		if err != nil {
			return
		}
		<-heeding
	}
}

// serve does what is asked. Its error is the connection's.
func (h *holder) serve(f frame) error {
	defer f.close()
	answer, err := frame{op: opOK, id: f.id}, error(nil)
	switch f.op {
	case opSetUp:
		if err = h.setUp(planOf(f)); err == nil {
			if limits.Enter(f.files) != nil {
				answer.words = [][]string{{outsideGroup}}
			}
			answer.files, err = limits.Views()
			defer closeAll(answer.files)
		}
	case opStart:
		var process *os.File
		if process, err = h.start(f); err == nil {
			defer process.Close()
			answer.files = []*os.File{process}
		}
	case opFiles:
		var names []string // as this thread sees them
		names, err = sandbox.Files(f.word(0, 0))
		answer.words = [][]string{names}
	case opSocket:
		var socket *os.File
		if socket, err = newSocket(); err == nil {
			defer socket.Close()
			answer.files = []*os.File{socket}
		}
	case opSignal:
		err = h.signal(f.number(0, 0), syscall.Signal(f.number(0, 1)))
	case opKill:
		h.kill(f.number(0, 0))
		return nil
	default:
		err = fmt.Errorf("there is no request %q", f.op)
	}
	if err != nil {
		answer = failed(f.id, err)
	}
	return h.link.send(answer)
}

func (h *holder) setUp(p plan) error {
	unix.Umask(0o022)
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("naming the machine: %w", err)
	}
	if p.alone {
		if err := loopbackUp(); err != nil {
			return fmt.Errorf("bringing the network up: %w", err)
		}
	}
	if err := p.setUp(); err != nil {
		return err
	}
	if err := enter(); err != nil {
		return err
	}
	if err := drop(); err != nil {
		return fmt.Errorf("giving up capabilities: %w", err)
	}
	if err := limits.Resources(); err != nil {
		return fmt.Errorf("limiting what processes may use: %w", err)
	}
	var err error
	h.null, err = os.OpenFile("/dev/null", os.O_RDWR, 0)
	return err
}

// drop sees to it that what the calling thread starts has no capability and
// gets none, by no program.
func drop() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	for capability := uintptr(0); ; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // the kernel has no more
		} else if err != nil {
			return err
		}
	}
	const keep = 1 << unix.CAP_SYS_ADMIN // to show more folders
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: keep, Permitted: keep}}
	return unix.Capset(&header, &data[0])
}

func (h *holder) start(f frame) (process *os.File, err error) {
	path, dir := f.word(0, 0), f.word(0, 1)
	for i, attributes := range []uint64{readOnly, readOnly &^ unix.MOUNT_ATTR_RDONLY} {
		for _, dir := range f.list(3 + i) {
			if err := h.show(dir, attributes); err != nil {
				return nil, fmt.Errorf("showing %s: %w", dir, err)
			}
		}
	}
	if len(f.files) == 0 {
		return nil, errors.New("a start without a place for its output")
	}
	// This thread sees what the process will see.
	if path, err = sandbox.LookPath(path, dir, f.list(2)); err != nil {
		return nil, err
	}
	out, errs := f.files[0], f.files[len(f.files)-1]
	fd := -1
	pid, err := syscall.ForkExec(path, append([]string{path}, f.list(1)...), &syscall.ProcAttr{
		Dir: dir, Env: f.list(2), Files: []uintptr{h.null.Fd(), out.Fd(), errs.Fd()},
		Sys: &syscall.SysProcAttr{Setpgid: true, PidFD: &fd},
	})
	if err != nil {
		return nil, sandbox.StartError(path, dir, err)
	}
	h.processes[pid] = &held{id: f.id}
	return os.NewFile(uintptr(fd), "process"), nil
}

// show shows a folder of the host at its own path.
func (h *holder) show(dir string, attributes uint64) error {
	if covered(dir, slices.Concat(h.shown, system)) {
		return nil
	}
	// Only the other threads see the host.
	type opened struct {
		fd  int
		err error
	}
	done := make(chan opened)
	go func() {
		fd, err := tree(dir, attributes)
		if err == nil {
			err = makeFolder(newRoot, dir)
		}
		done <- opened{fd, err}
	}()
	host := <-done
	if host.fd >= 0 {
		defer unix.Close(host.fd)
	}
	if errors.Is(host.err, fs.ErrNotExist) {
		return nil // a process that misses it will say so
	} else if host.err != nil {
		return host.err
	}
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	at, err := folder(root, dir)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	if err := unix.MoveMount(host.fd, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	h.shown = append(h.shown, dir)
	return nil
}

func makeFolder(root, dir string) error {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	made, err := folder(fd, dir)
	if err != nil {
		return err
	}
	return unix.Close(made)
}

// find is the process of a request, 0 when it has ended.
func (h *holder) find(id int) (pid int, p *held) {
	for pid, p := range h.processes {
		if p.id == id {
			return pid, p
		}
	}
	return 0, nil
}

func (h *holder) signal(id int, s syscall.Signal) error {
	pid, p := h.find(id)
	if p == nil {
		return syscall.ESRCH
	}
	return syscall.Kill(-pid, s)
}

func (h *holder) kill(id int) {
	if pid, p := h.find(id); p != nil {
		p.killed = true
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have moved to another group
	}
}

// reap waits for all processes that have ended, tells of those that were
// started on request, and ends what they have left of their groups; of one that
// was killed, what has left its group too.
func (h *holder) reap() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var exits []frame
	known := func(pid int) bool { return h.processes[pid] != nil }
	sandbox.Reap(known, func(pid int, status syscall.WaitStatus, peak int64) bool {
		p := h.processes[pid]
		delete(h.processes, pid)
		exits = append(exits, frame{op: opExit, id: p.id, words: [][]string{{strconv.Itoa(int(status)), strconv.FormatInt(peak, 10)}}})
		return p.killed
	})
	for _, f := range exits {
		if err := h.link.send(f); err != nil {
			return err
		}
	}
	return nil
}
