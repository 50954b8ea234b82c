package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// lambkin and the agent send each other messages in streams, each a kind and
// bytes. The first one of a stream says what it is for; its words are
//
//	start    path, folder, streams ("1" when both outputs are one), number of arguments, arguments, variables:
//	         answered with the process's number; then output and exit come, and syncs are answered, in this stream
//	signal   process, number                    answered
//	kill     process                            not answered
//	peak     process                            answered with bytes
//	listen   –                                  answered with the port; the listener is closed with the stream
//	dial     port                               answered; then the stream is the connection
//	files    folder                             answered with names
//	accepted listener                           from the agent: the stream is the connection
//	end      –                                  answered when no process is left; then the agent ends
const (
	opStart    = "start"
	opSignal   = "signal"
	opKill     = "kill"
	opPeak     = "peak"
	opListen   = "listen"
	opDial     = "dial"
	opFiles    = "files"
	opAccepted = "accepted"
	opEnd      = "end"
)

// Kinds of messages.
const (
	sayWords  = 'w' // a request
	sayOK     = 'k' // its answer
	sayFailed = 'f' // its answer: operation, path, error number, text
	sayOut    = 'o' // output, not in words
	sayErr    = 'e'
	saySync   = 's' // number: output that was written before it was asked for has come
	sayExit   = 'x' // status, most memory in KiB, "1" when it had used more than there is
)

// maxMessage bounds a message. What a process can be given is far less.
const maxMessage = 64 << 20

// say sends a message.
func say(out io.Writer, kind byte, data []byte) error {
	message := make([]byte, 0, 5+len(data))
	message = append(message, kind)
	message = binary.BigEndian.AppendUint32(message, uint32(len(data)))
	_, err := out.Write(append(message, data...))
	return err
}

// sayAll sends a message of words.
func sayAll(out io.Writer, kind byte, words ...string) error {
	var data []byte
	for _, word := range words {
		data = binary.BigEndian.AppendUint32(data, uint32(len(word)))
		data = append(data, word...)
	}
	return say(out, kind, data)
}

// hear receives a message.
func hear(in io.Reader) (kind byte, data []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxMessage {
		return 0, nil, fmt.Errorf("%w: a message of %d bytes", errProtocol, size)
	}
	data = make([]byte, size)
	_, err = io.ReadFull(in, data)
	return head[0], data, err
}

// words are those of a message, and none when it has others.
type words []string

func wordsOf(data []byte) (list words) {
	for len(data) >= 4 {
		n := binary.BigEndian.Uint32(data)
		data = data[4:]
		if uint64(n) > uint64(len(data)) {
			return nil
		}
		list, data = append(list, string(data[:n])), data[n:]
	}
	return list
}

// at is a word, "" when there is none.
func (w words) at(i int) string {
	if i < len(w) {
		return w[i]
	}
	return ""
}

// number is a word that is one, 0 otherwise.
func (w words) number(i int) int {
	n, err := strconv.Atoi(w.at(i))
	if err != nil {
		return 0
	}
	return n
}

// hearWords receives a message of words of the kind that is wanted, or the
// error that came in its place.
func hearWords(in io.Reader, want byte) (words, error) {
	kind, data, err := hear(in)
	switch {
	case err != nil:
		return nil, err
	case kind == sayFailed:
		return nil, failure(wordsOf(data))
	case kind != want:
		return nil, fmt.Errorf("%w: a message of kind %q", errProtocol, kind)
	}
	return wordsOf(data), nil
}

// sayError sends an error as an answer.
func sayError(out io.Writer, err error) error {
	op, path := "", ""
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		op, path, err = e.Op, e.Path, e.Err
	}
	number := 0
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		number = int(errno)
	}
	return sayAll(out, sayFailed, op, path, strconv.Itoa(number), err.Error())
}

// failure is the error that an answer brings.
func failure(w words) error {
	var err error = &agentError{text: w.at(3), errno: w.number(2)}
	if w.at(0) != "" {
		err = &fs.PathError{Op: w.at(0), Path: w.at(1), Err: err}
	}
	return err
}

// agentError is an error of the agent's, in its words. Its number is Linux's,
// whatever this system's numbers are.
type agentError struct {
	text  string
	errno int
}

func (e *agentError) Error() string { return e.text }

// Numbers of errors on Linux.
const (
	linuxEPERM   = 1
	linuxENOENT  = 2
	linuxESRCH   = 3
	linuxENOEXEC = 8
	linuxEACCES  = 13
)

// Is makes the usual comparisons hold.
func (e *agentError) Is(target error) bool {
	switch e.errno {
	case linuxENOENT:
		return target == fs.ErrNotExist || target == syscall.ENOENT
	case linuxEACCES, linuxEPERM:
		return target == fs.ErrPermission || target == syscall.EACCES && e.errno == linuxEACCES
	case linuxESRCH:
		return target == os.ErrProcessDone
	case linuxENOEXEC:
		return target == syscall.ENOEXEC
	}
	return false
}
