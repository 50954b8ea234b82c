package lambdaapi

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// chunkBytes is how much of a result goes into one event.
const chunkBytes = 64 << 10

// stream writes a result as InvokeWithResponseStream answers: chunks of the
// payload, then one event that ends it and carries what went wrong. The engine
// has the whole result before the first chunk goes out.
func stream(w http.ResponseWriter, res *lambda.Result) {
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.Header().Set("X-Amz-Executed-Version", res.ExecutedVersion)
	w.WriteHeader(http.StatusOK)
	var end struct {
		ErrorCode    string `json:"ErrorCode,omitempty"`
		ErrorDetails string `json:"ErrorDetails,omitempty"`
		LogResult    string `json:"LogResult,omitempty"`
	}
	end.LogResult = base64.StdEncoding.EncodeToString(res.LogTail)
	payload := res.Payload
	if res.FunctionError != "" {
		end.ErrorCode, end.ErrorDetails, payload = res.FunctionError, string(payload), nil
	}
	for len(payload) > 0 {
		n := min(len(payload), chunkBytes)
		if _, err := w.Write(message("PayloadChunk", "application/octet-stream", payload[:n])); err != nil {
			return // the client has gone
		}
		payload = payload[n:]
	}
	body, _ := json.Marshal(end) // texts always encode
	_, _ = w.Write(message("InvokeComplete", "application/json", body))
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
