package lambdaapi

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// chunkBytes is how much of a result goes into one event.
const chunkBytes = 64 << 10

// stream is an answer of InvokeWithResponseStream: chunks of the payload, while
// the function sends them where it streams its response, then one event that
// ends it and carries what went wrong.
type stream struct {
	mu    sync.Mutex          // guards what follows: a function that is broken off may still be sending
	w     http.ResponseWriter // nil when no more may be written
	begun bool                // the headers are out
}

// open is the invocation's Stream.
func (s *stream) open(string) io.Writer { return s }

var errOver = errors.New("the answer is over")

// Write sends a piece of the payload.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return 0, errOver
	}
	for rest := p; len(rest) > 0; {
		n := min(len(rest), chunkBytes)
		if err := s.send("PayloadChunk", "application/octet-stream", rest[:n]); err != nil {
			return len(p) - len(rest), err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// send writes one event, behind the headers; the caller has the lock.
func (s *stream) send(eventType, contentType string, payload []byte) error {
	w := s.w
	if !s.begun {
		s.begun = true
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		w.Header().Set("X-Amz-Executed-Version", lambda.LatestVersion)
		w.WriteHeader(http.StatusOK)
	}
	if _, err := w.Write(message(eventType, contentType, payload)); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// end writes what is left of a result, and the last event.
func (s *stream) end(res *lambda.Result) {
	var end struct {
		ErrorCode    string `json:"ErrorCode,omitempty"`
		ErrorDetails string `json:"ErrorDetails,omitempty"`
		LogResult    string `json:"LogResult,omitempty"`
	}
	end.LogResult = base64.StdEncoding.EncodeToString(res.LogTail)
	if res.FunctionError != "" {
		end.ErrorCode, end.ErrorDetails = res.FunctionError, string(res.Payload)
	} else if _, err := s.Write(res.Payload); err != nil {
		return // the client has gone
	}
	body, _ := json.Marshal(end) // texts always encode
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.send("InvokeComplete", "application/json", body)
	s.w = nil
}

// abandon ends an answer that was broken off, and reports whether the client
// has got a part of it already.
func (s *stream) abandon() (begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = nil
	return s.begun
}

// message encodes one event of AWS's event stream
// (https://smithy.io/2.0/aws/amazon-eventstream.html): lengths and checksum,
// headers, payload, checksum of it all.
func message(eventType, contentType string, payload []byte) []byte {
	var headers bytes.Buffer
	for _, h := range [][2]string{{":message-type", "event"}, {":event-type", eventType}, {":content-type", contentType}} {
		const text = 7 // the type of the value
		headers.WriteByte(byte(len(h[0])))
		headers.WriteString(h[0])
		headers.WriteByte(text)
		headers.Write(binary.BigEndian.AppendUint16(nil, uint16(len(h[1]))))
		headers.WriteString(h[1])
	}
	const around = 16 // two lengths, two checksums
	out := binary.BigEndian.AppendUint32(nil, uint32(around+headers.Len()+len(payload)))
	out = binary.BigEndian.AppendUint32(out, uint32(headers.Len()))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, headers.Bytes()...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}
