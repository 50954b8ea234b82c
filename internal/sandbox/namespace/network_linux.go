package namespace

import (
	"context"
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// loopbackUp brings up the one interface that a new network has.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// newSocket makes a TCP socket in the network that the caller sees.
func newSocket() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}

// Apart implements [sandbox.Apart].
func (e *environment) Apart() bool { return e.alone }

// Listen implements [sandbox.Environment].
func (e *environment) Listen(ctx context.Context) (l net.Listener, err error) {
	if !e.alone {
		return sandbox.Loopback{}.Listen(ctx)
	}
	f, err := e.socket(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fd := int(f.Fd())
	if err := unix.Bind(fd, loopback(0)); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return net.FileListener(f)
}

// Dial implements [sandbox.Environment].
func (e *environment) Dial(ctx context.Context, port int) (conn net.Conn, err error) {
	if !e.alone {
		return sandbox.Loopback{}.Dial(ctx, port)
	}
	f, err := e.socket(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := connect(ctx, int(f.Fd()), port); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	return net.FileConn(f)
}

func loopback(port int) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
}

// connect waits until a socket is connected, or ctx has ended.
func connect(ctx context.Context, fd, port int) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	err := unix.Connect(fd, loopback(port))
	for errors.Is(err, unix.EINPROGRESS) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// On this interface it takes no time, unless the other side's queue is full.
		const moment = 10 // ms
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, moment)
		if n == 0 {
			continue
		}
		var code int
		if code, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code != 0 {
			err = unix.Errno(code)
		}
	}
	return err
}

// socket asks for a socket that is made in the environment's own network. It
// stays there, whoever uses it.
func (e *environment) socket(ctx context.Context) (*os.File, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	answer, err := e.ask(ctx, frame{op: opSocket})
	if err == nil {
		err = answer.err()
	}
	if err != nil {
		return nil, err
	}
	if len(answer.files) != 1 {
		answer.close()
		return nil, errors.New("an answer without a socket")
	}
	return answer.files[0], nil
}
