package main

import "testing"

func TestGreetsWhomTheEventNames(t *testing.T) {
	t.Setenv("GREETING", "Hello")
	tests := []struct {
		name, to, want string
	}{
		{"a name", "Ada", "Hello, Ada!"},
		{"no name", "", "Hello, world!"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := handle(t.Context(), request{Name: tt.to})
			if err != nil || got.Message != tt.want {
				t.Errorf("handle = %q, %v, want %q", got.Message, err, tt.want)
			}
		})
	}
}
