package main

import (
	"strings"
	"time"
)

// maxResponse is the longest answer that Lambda takes, in bytes.
const maxResponse = 6*1024*1024 + 100

func values() map[string]any {
	echo := func(event any) (any, error) { return event, nil }
	count := 0
	return map[string]any{
		"echo":                 echo,
		"echo_null":            echo,
		"echo_text":            echo,
		"echo_number":          echo,
		"echo_list":            echo,
		"echo_unicode":         echo,
		"echo_long":            echo,
		"returns_null":         returns(nil),
		"returns_true":         returns(true),
		"returns_integer":      returns(42),
		"returns_negative":     returns(-7),
		"returns_fraction":     returns(0.1),
		"returns_text":         returns("text"),
		"returns_empty_text":   returns(""),
		"returns_unicode":      returns("ü 日 😀\n"),
		"returns_empty_list":   returns([]string{}),
		"returns_list":         returns([]any{1, "two", nil, true}),
		"returns_empty_object": returns(struct{}{}),
		"returns_nested":       returns(map[string]any{"a": map[string]any{"b": map[string]any{"c": []any{map[string]any{"d": 1}}}}}),
		"returns_long":         func() (string, error) { return strings.Repeat("x", 1_000_000), nil },
		"returns_largest":      func() (string, error) { return strings.Repeat("x", maxResponse-2), nil },
		"returns_too_much":     func() (string, error) { return strings.Repeat("x", maxResponse-1), nil },
		"counts":               func() (int, error) { count++; return count, nil },
		"returns_big_integer":  func(event struct{ N int64 }) (int64, error) { return event.N, nil },
		"sleeps":               func() (string, error) { time.Sleep(50 * time.Millisecond); return "slept", nil },
	}
}
