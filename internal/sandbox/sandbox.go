// Package sandbox is the contract between the engine and the places that
// functions run in: a plain process group, Linux namespaces, a container. Each
// place is a package below and passes the suite in sandboxtest.
package sandbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Sandbox makes execution environments.
type Sandbox interface {
	// Name is what --isolation calls it.
	Name() string
	// Open makes an environment, without a process in it. The caller closes it.
	Open(ctx context.Context, spec Spec) (Environment, error)
}

// Spec says what an environment holds. Folders are absolute paths on the host.
type Spec struct {
	Code    string   // shown as the task folder, "" when the image has it
	Layers  []string // merged in this order at the opt folder: later ones win
	Runtime string   // lambkin's bootstraps; an image has its own
	Memory  int64    // limit in bytes, 0 for none; a sandbox that cannot limit ignores it
	// Tree finds the folder of the project, "" when there is none; nil when nobody knows: what the code
	// links to in it belongs to the code. A sandbox that shows the host's
	// folders ignores it.
	Tree func() string
	// Tell takes remarks for the user; nil for nobody.
	Tell func(string)
	// EphemeralMB is the size of the scratch folder, 0 for AWS's default; a
	// sandbox that shows the host's ignores it.
	EphemeralMB int
	// Image is the file system that processes see, nil for the host's programs.
	// A sandbox that shows the host's folders has no use for one, and refuses it.
	Image *Image
}

// Image is a container image, made ready for the sandbox that gets it.
type Image struct {
	Name   string // as the user knows it: "public.ecr.aws/lambda/nodejs:22"
	Digest string // of its manifest: "sha256:…"; "" when it has none yet
	// ID is the name by which a container engine knows it, "" when none does.
	ID string
	// Root is the folder with its file system, "" when an engine has that.
	Root string

	// What it says of the program to start, as it stands in the image.
	Entrypoint, Command []string
	Env                 []string // NAME=value
	Dir                 string   // working folder, "" for none
	User                string   // "" for none
}

// Paths are an environment's folders as the processes in it see them. Opt is
// "" when there are no layers.
type Paths struct{ Task, Opt, Runtime, Tmp string }

// AWS are the folders of AWS's own environments.
func AWS() Paths {
	return Paths{Task: "/var/task", Opt: "/opt", Runtime: "/var/runtime", Tmp: "/tmp"}
}

// Environment is a place for the processes of one execution environment. Its
// methods may be called from several goroutines.
type Environment interface {
	Paths() Paths
	// Start starts a process. When ctx ends before it has started, it is not started;
	// later ctx has no effect.
	Start(ctx context.Context, cmd Command) (Proc, error)
	// Files lists the names of the files in a folder as the processes see it, in
	// any order; none when there is no such folder.
	Files(ctx context.Context, dir string) ([]string, error)
	// Listen opens a port of the loopback interface that the processes see. The
	// listener's address is theirs. Close does not end it.
	Listen(ctx context.Context) (net.Listener, error)
	// Dial connects to a port of the loopback interface that the processes see.
	Dial(ctx context.Context, port int) (net.Conn, error)
	// Close ends every process that was started here, and all that they
	// started, whether or not it wants to end, and removes what the
	// environment kept on disk. It returns when they are gone; a second call
	// does nothing.
	Close() error
}

// Ahead is a [Sandbox] that can begin with an environment before it is known
// what that is for. The sandbox that it returns is the same one, but for its
// next environment, which is there sooner. The caller calls stop, which ends
// what nobody has opened; it may open environments all the same after that.
type Ahead interface {
	Ahead() (s Sandbox, stop func() error)
}

// Throttled is an [Environment] that can hold its processes to the share of a
// processor that AWS gives for their memory. Its error is
// [errors.ErrUnsupported] where that was asked for and cannot be had.
type Throttled interface{ Throttle(on bool) error }

// Apart is an [Environment] whose loopback interface may be its own: what
// listens there Dial alone reaches, and no other program of the machine.
type Apart interface{ Apart() bool }

// Command is a process to start.
type Command struct {
	Path string   // as seen inside: absolute, or a name that [LookPath] finds
	Args []string // without the program's name
	Dir  string   // working folder, as seen inside
	Env  []string // the whole environment, NAME=value
	// Uses are folders of the host that the process needs besides those of
	// the Spec; a sandbox that hides the host shows them.
	Uses []string
	// Keeps are such folders that the process may write to, and that are made
	// when they are missing: caches.
	Keeps []string
	// Mark is an entry of Env that no other environment's processes have. By
	// it a process is recognised that has left its parents and its group.
	Mark string
	// Stdout and Stderr take the output as it comes, from one goroutine at a
	// time. When they are the same value both streams share one pipe, so that
	// what the process writes keeps its order. Standard input is empty.
	Stdout, Stderr io.Writer
}

// Proc is a started process.
type Proc interface {
	// PID is the process's id on the host.
	PID() int
	// Done is closed when the process has ended and all of its output that was
	// written until then has been delivered.
	Done() <-chan struct{}
	// Exit says how it ended; valid after Done.
	Exit() Exit
	// Kill ends the process and all that it started, at once.
	Kill()
	// Signal sends a signal to the process and, as AWS does, to what it has
	// started beside itself: all of its process group.
	Signal(os.Signal) error
	// Freeze stops the process and those of its group where they stand, and
	// Thaw lets them go on. A system that has nothing of the kind returns
	// [errors.ErrUnsupported].
	Freeze() error
	Thaw() error
	// Sync returns when all output that was written before the call has been delivered.
	Sync()
	// PeakMemory is the most memory, in bytes, that the process and its
	// living descendants have used; 0 when the system does not tell.
	PeakMemory() int64
}

// Exit is how a process ended.
type Exit struct {
	// Code is the exit status, -1 when a signal ended it.
	Code int
	// Text is Go's description, which is also AWS's: "exit status 3", "signal: killed".
	Text string
	// Time is when it ended.
	Time time.Time
	// PeakMemory is the most memory it used, in bytes, 0 when not known.
	PeakMemory int64
	// OutOfMemory is set when it was ended because the environment had used
	// more memory than [Spec.Memory].
	OutOfMemory bool
}

// Unavailable is the error of a sandbox that the machine does not let be. What it
// was asked for has not happened.
type Unavailable struct {
	Sandbox string // its name
	Reason  string // "user namespaces are switched off"
	Hint    string // what to change
	Err     error  // what failed
}

func (u *Unavailable) Error() string { return u.Sandbox + ": " + u.Reason + ": " + u.Err.Error() }

// Unwrap returns what failed.
func (u *Unavailable) Unwrap() error { return u.Err }

// LookPath finds a program as a shell would that stands in dir and has the
// variables env; without a PATH there, as execvp does. A name with a slash in
// it is the program's path already.
func LookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	places := "/bin:/usr/bin"
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			places = value
		}
	}
	for _, place := range strings.Split(places, ":") {
		path := filepath.Join(place, name)
		if !strings.HasPrefix(path, "/") {
			path = filepath.Join(dir, path)
		}
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", &os.PathError{Op: "fork/exec", Path: name, Err: errors.New("no such program in PATH")}
}

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("environment is closed")

// Files lists the names of the files in a folder, links to files among them;
// none when there is no such folder.
func Files(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if st, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && !st.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Gone is the error of an environment that has ended before Close, because
// somebody has ended what holds it. It is [ErrClosed], too: nothing can be
// started in it any more.
type Gone struct {
	Why string // "the environment's first process has ended: signal: killed"
}

func (g *Gone) Error() string { return g.Why }

// Is implements what [errors.Is] looks for.
func (*Gone) Is(target error) bool { return target == ErrClosed }

// Loopback is the network of processes that share the host's: what Listen and
// Dial of such an [Environment] do.
type Loopback struct{}

// Listen opens a free port.
func (Loopback) Listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", "127.0.0.1:0")
}

// Dial connects to a port.
func (Loopback) Dial(ctx context.Context, port int) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
