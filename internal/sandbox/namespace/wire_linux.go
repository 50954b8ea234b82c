package namespace

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// frame is what lambkin and a holder send each other. Requests are answered in
// any order; an answer has its request's id.
type frame struct {
	op    string
	id    int
	words [][]string // without NUL, as paths, arguments and variables are
	files []*os.File // the receiver's to close
}

// Requests, with their words, and what comes back.
const (
	opSetUp  = "set-up" // see plan; and the doors of a control group: ok, perhaps outsideGroup, with what a watcher needs to see
	opStart  = "start"  // path and folder; arguments; variables; folders to show, and to show writable; and one file or two: ok with a file of the process, its pidfd
	opSignal = "signal" // process, number: ok
	opKill   = "kill"   // process: nothing
	opSocket = "socket" // ok with a file, a TCP socket of the environment's network
	opFiles  = "files"  // folder: ok with names
	opOK     = "ok"
	opFailed = "failed" // operation, path, error number or text
	opExit   = "exit"   // without a request; id is the process's: status, most memory in KiB
)

// outsideGroup is the answer of a holder that could not enter its control group.
const outsideGroup = "outside"

// maxFrame bounds a frame. What a process can be given is far less.
const maxFrame = 64 << 20

// link is one side's end of the connection. One goroutine at a time may send,
// one receive. The holder's end blocks the thread that uses it, which is the
// sooner back for it.
type link struct{ f *os.File }

// newPair makes a connection: lambkin's end, and the one that a holder gets.
func newPair() (ours, theirs link, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return link{}, link{}, os.NewSyscallError("socketpair", err)
	}
	err = unix.SetNonblock(pair[0], true)
	return link{os.NewFile(uintptr(pair[0]), "environment")}, link{os.NewFile(uintptr(pair[1]), "lambkin")}, err
}

func (l link) send(f frame) error {
	var b bytes.Buffer
	b.Write(make([]byte, 4)) // for the length
	b.WriteString(f.op + "\x00" + strconv.Itoa(f.id))
	for _, list := range f.words {
		b.WriteString("\x00" + strconv.Itoa(len(list)))
		for _, word := range list {
			b.WriteByte(0)
			b.WriteString(word)
		}
	}
	binary.BigEndian.PutUint32(b.Bytes(), uint32(b.Len()-4))
	var fds []int
	for _, file := range f.files {
		fds = append(fds, int(file.Fd()))
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	conn, err := l.f.SyscallConn()
	if err != nil {
		return err
	}
	// Descriptors travel with the first byte.
	var n int
	var failed error
	err = conn.Write(func(fd uintptr) (done bool) {
		failed = uninterrupted(func() (err error) {
			n, err = unix.SendmsgN(int(fd), b.Bytes(), oob, nil, unix.MSG_NOSIGNAL)
			return err
		})
		return failed != unix.EAGAIN
	})
	if err = cmp.Or(err, failed); err != nil {
		return os.NewSyscallError("sendmsg", err)
	}
	if n < b.Len() {
		_, err = l.f.Write(b.Bytes()[n:])
	}
	return err
}

// cut reports whether an error of send is that of an end whose other is gone.
func cut(err error) bool { return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) }

// uninterrupted makes a system call again that a signal has interrupted. The
// holder's end has nothing else to wait for it.
func uninterrupted(call func() error) (err error) {
	for err = call(); err == unix.EINTR; err = call() {
	}
	return err
}

func (l link) receive() (frame, error) {
	conn, err := l.f.SyscallConn()
	if err != nil {
		return frame{}, err
	}
	length, oob := make([]byte, 4), make([]byte, 128)
	var n, oobn int
	var failed error
	err = conn.Read(func(fd uintptr) (done bool) {
		failed = uninterrupted(func() (err error) {
			n, oobn, _, _, err = unix.Recvmsg(int(fd), length, oob, unix.MSG_CMSG_CLOEXEC)
			return err
		})
		return failed != unix.EAGAIN
	})
	switch err = cmp.Or(err, failed); {
	case err != nil:
		return frame{}, os.NewSyscallError("recvmsg", err)
	case n == 0:
		return frame{}, io.EOF
	}
	files, err := descriptors(oob[:oobn])
	if err != nil {
		return frame{}, err
	}
	if _, err := io.ReadFull(l.f, length[n:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(length)
	if size > maxFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(l.f, body); err != nil {
		return frame{}, err
	}
	f, err := parse(string(body))
	f.files = files
	return f, err
}

func descriptors(oob []byte) ([]*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func parse(body string) (frame, error) {
	fields := strings.Split(body, "\x00")
	if len(fields) < 2 {
		return frame{}, fmt.Errorf("a frame without an id: %q", body)
	}
	f := frame{op: fields[0]}
	var err error
	if f.id, err = strconv.Atoi(fields[1]); err != nil {
		return frame{}, err
	}
	for rest := fields[2:]; len(rest) > 0; {
		n, err := strconv.Atoi(rest[0])
		if err != nil || n < 0 || n >= len(rest) {
			return frame{}, fmt.Errorf("a frame with a list of %q words", rest[0])
		}
		f.words = append(f.words, rest[1:1+n])
		rest = rest[1+n:]
	}
	return f, nil
}

// list is the n-th list of words, empty when there is none.
func (f frame) list(n int) []string {
	if n >= len(f.words) {
		return nil
	}
	return f.words[n]
}

// word is the i-th word of the n-th list, "" when there is none.
func (f frame) word(n, i int) string {
	if list := f.list(n); i < len(list) {
		return list[i]
	}
	return ""
}

// number is a word that is one, 0 otherwise.
func (f frame) number(n, i int) int {
	number, err := strconv.Atoi(f.word(n, i))
	if err != nil {
		return 0
	}
	return number
}

func (f frame) close() {
	for _, file := range f.files {
		_ = file.Close()
	}
}

// failed is the answer that brings an error over.
func failed(id int, err error) frame {
	op, path := "", ""
	if e, ok := errors.AsType[*os.PathError](err); ok {
		op, path, err = e.Op, e.Path, e.Err
	}
	number := ""
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		number = strconv.Itoa(int(errno))
	}
	return frame{op: opFailed, id: id, words: [][]string{{op, path, number, err.Error()}}}
}

// err is the error that an answer brings, nil for a good one.
func (f frame) err() error {
	if f.op != opFailed {
		return nil
	}
	var err error = errors.New(f.word(0, 3))
	if number := f.number(0, 2); number != 0 {
		err = &stepError{text: f.word(0, 3), errno: syscall.Errno(number)}
	}
	if f.word(0, 0) != "" {
		if step, ok := err.(*stepError); ok {
			err = step.errno
		}
		return &os.PathError{Op: f.word(0, 0), Path: f.word(0, 1), Err: err}
	}
	return err
}

// stepError is an error of the holder's, in its words.
type stepError struct {
	text  string
	errno syscall.Errno
}

func (e *stepError) Error() string { return e.text }
func (e *stepError) Unwrap() error { return e.errno }
