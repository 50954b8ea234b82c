package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// OwnError is an error type of the function's own.
type OwnError struct{ Text string }

func (e *OwnError) Error() string { return e.Text }

// Refused is one that is no pointer.
type Refused int

func (r Refused) Error() string { return fmt.Sprintf("refused with %d", int(r)) }

func deep() error    { return deeper() }
func deeper() error  { return deepest() }
func deepest() error { return errors.New("deep down") }

func failures() map[string]any {
	return map[string]any{
		"fails":                   fails(errors.New("boom")),
		"fails_with_own_type":     fails(&OwnError{"own"}),
		"fails_with_unicode":      fails(errors.New("über 日本 😀")),
		"fails_with_lines":        fails(errors.New("first\nsecond")),
		"fails_with_cause":        fails(fmt.Errorf("outer: %w", errors.New("inner"))),
		"fails_with_long_message": fails(errors.New(strings.Repeat("m", 100_000))),
		"fails_deep":              func() error { return deep() },
		"fails_once": func(event struct{ Fail bool }) (string, error) {
			if event.Fail {
				return "", errors.New("once")
			}
			return "fine", nil
		},
		"fails_after_output": func() error { fmt.Println("before"); return errors.New("after") },

		"fails_with_value_type": fails(Refused(7)),
		"fails_with_several":    fails(errors.Join(errors.New("one"), errors.New("two"))),
		"fails_with_nothing":    fails(errors.New("")),
		"fails_with_html":       fails(errors.New(`<a href="x">&`)),
		"fails_with_no_text":    fails(errors.New("bytes \xff\xfe")),
		// The cause for X-Ray, which is a header, has nearly 1 MiB; with the
		// other message it would have more, and is left out.
		"fails_with_long_header":    fails(errors.New(strings.Repeat("h", 1<<20-400))),
		"fails_without_header":      fails(errors.New(strings.Repeat("h", 1<<20+200))),
		"fails_with_value_and_text": func() (string, error) { return "value", errors.New("both") },
		"fails_in_lambdas_words":    fails(messages.InvokeResponse_Error{Type: "Orders.Refused", Message: "sold out"}),
		"fails_with_trace": fails(messages.InvokeResponse_Error{
			Type: "Traced", Message: "traced", StackTrace: []*messages.InvokeResponse_Error_StackFrame{{Path: "a.go", Line: 3, Label: "f"}},
		}),
		"fails_and_exits": fails(messages.InvokeResponse_Error{Type: "Last", Message: "the last one", ShouldExit: true}),
	}
}

// panics are handlers that panic.
func panics() map[string]any {
	with := func(value any) any { return func() { panic(value) } }
	var none map[string]int
	var nobody *OwnError
	list := []int{1, 2, 3}
	return map[string]any{
		"panics":                  with("boom"),
		"panics_with_error":       with(errors.New("an error")),
		"panics_with_wrapped":     with(fmt.Errorf("outer: %w", errors.New("inner"))),
		"panics_with_own_type":    with(&OwnError{"own"}),
		"panics_with_number":      with(7),
		"panics_with_struct":      with(struct{ A, B int }{1, 2}),
		"panics_with_nil":         with(nil),
		"panics_at_index":         func(n int) (int, error) { return list[n], nil },
		"panics_at_nil_map":       func() error { none["a"] = 1; return nil },
		"panics_at_nil":           func() (string, error) { return nobody.Text, nil },
		"panics_at_division":      func(n int) (int, error) { return 1 / n, nil },
		"panics_at_conversion":    func(event any) (int, error) { return event.(int), nil },
		"panics_deep":             func() error { return panicsDeep(40) },
		"panics_in_lambdas_words": with(messages.InvokeResponse_Error{Type: "Orders.Panic", Message: "in order"}),
		"panics_after_recovery": func() (answer string, err error) {
			defer func() { answer = fmt.Sprint("recovered from ", recover()) }()
			panic("inside")
		},
		"panics_once": func(event struct{ Fail bool }) (string, error) {
			if event.Fail {
				panic("once")
			}
			return "fine", nil
		},
	}
}

func panicsDeep(n int) error {
	if n > 0 {
		return panicsDeep(n - 1)
	}
	panic("deep down")
}
