package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// ReadEventFile reads a file named on the command line; "-" is standard input,
// read to its end.
func (s *Streams) ReadEventFile(name string) ([]byte, error) {
	if name == "-" {
		data, err := fsx.ReadLimited(s.In, lambda.MaxRequestBytes)
		if err != nil {
			return nil, app.BadCall("", "reading the event from standard input: %v", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, app.BadCall("", "reading the event: %v", err)
	}
	return data, nil
}

// JSONEvent checks that an event is JSON, which is all that Lambda takes. No
// event at all is {}. where names the event in messages.
func JSONEvent(data []byte, where string) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return []byte("{}"), nil
	}
	if json.Valid(data) {
		return data, nil
	}
	_, diags := doc.ParseJSON(data, where)
	for i := range diags {
		diags[i].Summary = "the event is not JSON: " + diags[i].Summary
	}
	if !diags.HasErrors() { // the two readers disagree
		diags.Errorf(diag.Range{File: where}, "json-syntax", "the event is not JSON")
	}
	return nil, &app.Problem{Kind: app.InCall, List: diags}
}

// Piped returns what is piped or redirected to standard input, nil when there
// is nothing. It waits for the end of what another program of the same
// pipeline writes, but not on terminals nor on pipes that an editor, a CI
// system or a container engine merely holds open.
func (s *Streams) Piped(ctx context.Context) ([]byte, error) {
	f, ok := s.In.(*os.File)
	if !ok {
		return fsx.ReadLimited(s.In, lambda.MaxRequestBytes)
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice != 0 {
		return nil, nil
	}
	first := make(chan struct{})
	r := &signalReader{Reader: f, first: first}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	// The goroutine stays behind when nothing comes; the read ends with the process.
	go func() {
		data, err := fsx.ReadLimited(r, lambda.MaxRequestBytes)
		done <- result{data, err}
	}()
	if !st.Mode().IsRegular() {
		select {
		case <-first:
		case <-time.After(patience):
			if !inPipeline(f) {
				s.Notice("nothing came from standard input, so the event is empty; give one with --data or --event")
				return nil, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case r := <-done:
		if r.err != nil {
			return nil, app.BadCall("", "reading the event from standard input: %v", r.err)
		}
		return r.data, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// signalReader closes first when the first Read has returned.
type signalReader struct {
	io.Reader
	first chan struct{}
	began bool
}

func (r *signalReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if !r.began {
		r.began = true
		close(r.first)
	}
	return n, err
}
