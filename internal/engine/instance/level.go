package instance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// leveled leaves out what a function that logs in JSON prints below its log
// level, as AWS does: lines that are objects with a "level". AWS counts all
// other lines as INFO; here they stay whatever the level is, since one of them
// may be the only word about a failure.
type leveled struct {
	next io.Writer
	min  int // index in lambda.LogLevels

	mu   sync.Mutex // guards what follows
	line []byte     // the beginning of a line that may be an object
	open bool       // in the middle of a line that has been passed on
}

// maxLeveled is how long a line may be to be looked at, in bytes.
const maxLeveled = 256 << 10

// levels puts a filter in front of w where fn's configuration wants one.
func levels(fn *lambda.Function, w io.Writer) io.Writer {
	if fn.LogFormat != lambda.JSONLogs {
		return w
	}
	return &leveled{next: w, min: slices.Index(lambda.LogLevels(), cmp.Or(fn.LogLevel, "INFO"))}
}

// Write passes on what is not left out, and keeps what may be.
func (l *leveled) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []byte
	for rest := data; len(rest) > 0; {
		piece := rest
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			piece = rest[:n+1]
		}
		rest = rest[len(piece):]
		whole := piece[len(piece)-1] == '\n'
		switch {
		case l.open || len(l.line) == 0 && piece[0] != '{':
			out, l.open = append(out, piece...), !whole
			continue
		case len(l.line)+len(piece) > maxLeveled:
			out, l.line, l.open = append(append(out, l.line...), piece...), nil, !whole
			continue
		}
		if l.line = append(l.line, piece...); !whole {
			continue
		}
		if l.wanted() {
			out = append(out, l.line...)
		}
		l.line = l.line[:0]
	}
	if len(out) == 0 {
		return len(data), nil
	}
	_, err := l.next.Write(out)
	return len(data), err
}

// wanted reports whether the line is to be logged.
func (l *leveled) wanted() bool {
	var record struct{ Level string }
	if json.Unmarshal(l.line, &record) != nil {
		return true
	}
	level := slices.Index(lambda.LogLevels(), strings.ToUpper(record.Level))
	return level < 0 || level >= l.min
}

// flush passes on the beginning of a line that may not end any more.
func (l *leveled) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		_, _ = l.next.Write(l.line)
		l.line, l.open = l.line[:0], true
	}
}
