package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing/iotest"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// writes makes a handler whose result is what write writes.
func writes(write func(io.Writer) error) any {
	return func() (io.Reader, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(write(w)) }()
		return r, nil
	}
}

// reads makes a handler whose result is what the reader has.
func reads(make func() io.Reader) any {
	return func() (io.Reader, error) { return make(), nil }
}

// web makes a handler that answers as a function URL's does.
func web(make func() *events.LambdaFunctionURLStreamingResponse) any {
	return func() (*events.LambdaFunctionURLStreamingResponse, error) { return make(), nil }
}

// closing says when it is closed.
type closing struct{ text io.Reader }

func (c closing) Read(p []byte) (int, error) { return c.text.Read(p) }

func (closing) Close() error {
	fmt.Println("closed")
	return nil
}

// counted is a reader with a field, which the client encodes.
type counted struct {
	*strings.Reader `json:"-"`
	Count           int
}

// typed names its own type.
type typed struct{ text io.Reader }

func (t typed) Read(p []byte) (int, error) { return t.text.Read(p) }

func (typed) ContentType() string { return "text/plain" }

func readers() map[string]any {
	broken := errors.New("broken")
	return map[string]any{
		"streams": writes(func(w io.Writer) error {
			for _, part := range []string{"one,", "two,", "three"} {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				time.Sleep(20 * time.Millisecond)
			}
			return nil
		}),
		"streams_nothing": writes(func(io.Writer) error { return nil }),
		"streams_much": writes(func(w io.Writer) error {
			for range 1000 {
				if _, err := io.WriteString(w, strings.Repeat("s", 1000)); err != nil {
					return err
				}
			}
			return nil
		}),
		"streams_bytes": reads(func() io.Reader { return bytes.NewReader([]byte{0, 0xff, 0xfe}) }),
		"streams_http": web(func() *events.LambdaFunctionURLStreamingResponse {
			return &events.LambdaFunctionURLStreamingResponse{
				StatusCode: 201, Headers: map[string]string{"x-a": "b"}, Cookies: []string{"c=d"}, Body: strings.NewReader("body"),
			}
		}),
		"streams_and_fails": reads(func() io.Reader { return io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)) }),

		"reads_buffer":     reads(func() io.Reader { return bytes.NewBufferString("in a buffer") }),
		"reads_file":       func() (*os.File, error) { return os.Open("/proc/self/comm") },
		"reads_and_closes": reads(func() io.Reader { return closing{strings.NewReader("for once")} }),
		"reads_encoded":    reads(func() io.Reader { return &counted{strings.NewReader("not read"), 3} }),
		"reads_typed":      reads(func() io.Reader { return typed{strings.NewReader("plain")} }),
		"reads_and_fails_at_once": reads(func() io.Reader {
			return iotest.ErrReader(&OwnError{"at once"})
		}),
		"reads_and_fails_on_its_way": reads(func() io.Reader { return iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("ab"))) }),
		"reads_slowly":               reads(func() io.Reader { return iotest.OneByteReader(strings.NewReader(strings.Repeat("b", 5000))) }),
		"reads_too_much":             reads(func() io.Reader { return strings.NewReader(strings.Repeat("x", maxResponse+1)) }),
		"reads_and_exits": writes(func(w io.Writer) error {
			_, err := io.WriteString(w, "half")
			time.Sleep(20 * time.Millisecond)
			os.Exit(7)
			return err
		}),
		"reads_until_timeout": writes(func(w io.Writer) error {
			_, err := io.WriteString(w, "half")
			time.Sleep(5 * time.Second)
			return err
		}),
		"web_defaults": web(func() *events.LambdaFunctionURLStreamingResponse { return &events.LambdaFunctionURLStreamingResponse{} }),
		"web_with_closing": web(func() *events.LambdaFunctionURLStreamingResponse {
			return &events.LambdaFunctionURLStreamingResponse{Body: closing{strings.NewReader("b")}}
		}),
		"web_and_fails": web(func() *events.LambdaFunctionURLStreamingResponse {
			return &events.LambdaFunctionURLStreamingResponse{StatusCode: 200, Body: iotest.ErrReader(broken)}
		}),
		"web_buffered": func(_ context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: r.RawPath + "?" + r.RawQueryString, Cookies: r.Cookies}, nil
		},
	}
}
