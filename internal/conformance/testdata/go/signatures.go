package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"time"
)

// signatures are handlers of kinds that the client takes, and of some that it
// does not.
func signatures() map[string]any {
	return map[string]any{
		"takes_nothing":          func() {},
		"takes_context":          func(ctx context.Context) error { return ctx.Err() },
		"takes_event":            func(event map[string]int) error { return errors.New(string(rune('a' + event["n"]))) },
		"takes_both":             func(_ context.Context, event struct{ N *int }) (int, error) { return *event.N + 1, nil },
		"takes_bytes":            bytesHandler{},
		"takes_raw":              func(event json.RawMessage) (json.RawMessage, error) { return event, nil },
		"takes_time":             func(at time.Time) (int, error) { return at.Year(), nil },
		"is_no_function":         "a text",
		"is_nil":                 nil,
		"takes_three":            func(context.Context, int, int) error { return nil },
		"takes_two_events":       func(int, int) error { return nil },
		"takes_another_context":  func(io.Reader) error { return nil },
		"returns_three":          func() (int, int, error) { return 1, 2, nil },
		"returns_no_error":       func() (int, int) { return 1, 2 },
		"returns_only_value":     func() int { return 1 },
		"returns_own_error_type": func() *OwnError { return nil },
	}
}

// bytesHandler answers with bytes that need not be JSON.
type bytesHandler struct{}

func (bytesHandler) Invoke(_ context.Context, event []byte) ([]byte, error) {
	return append([]byte("got "), event...), nil
}

// broken cannot be encoded.
type broken struct{}

func (broken) MarshalJSON() ([]byte, error) { return nil, errors.New("not today") }

// invalid says that it is JSON, and is not.
type invalid struct{}

func (invalid) MarshalJSON() ([]byte, error) { return []byte(`{"open":`), nil }

// ring holds itself.
type ring struct{ Next *ring }

// encodings are results and events that have something to say about JSON.
func encodings() map[string]any {
	round := &ring{}
	round.Next = round
	return map[string]any{
		"encodes_html":           returns("<a>&</a>"),
		"encodes_nil_list":       returns([]string(nil)),
		"encodes_bytes":          returns([]byte("bytes")),
		"encodes_no_text":        returns("a\xffb"),
		"encodes_pointer":        returns(&OwnError{"field"}),
		"encodes_in_order":       returns(struct{ Z, A, M int }{1, 2, 3}),
		"encodes_by_itself":      returns(json.Number("12345678901234567890")),
		"fails_to_encode":        returns(broken{}),
		"encodes_invalid":        returns(invalid{}),
		"encodes_channel":        returns(make(chan int)),
		"encodes_not_a_number":   returns(math.NaN()),
		"encodes_ring":           returns(round),
		"decodes_number_as_text": func(event struct{ N int }) (int, error) { return event.N, nil },
		"decodes_too_large":      func(event struct{ N int8 }) (int8, error) { return event.N, nil },
		"decodes_any_case":       func(event struct{ UserName string }) (string, error) { return event.UserName, nil },
		"decodes_unknown_fields": func(event struct{ A int }) (int, error) { return event.A, nil },
	}
}
