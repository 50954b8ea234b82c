package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/spf13/cobra"
)

// toy is a dialect with one command, which returns err.
func toy(err error) Dialect {
	return Dialect{
		Links: []string{"toy"},
		Attach: func(root *cobra.Command, _ *Streams) []*cobra.Command {
			cmd := &cobra.Command{Use: "play", RunE: func(*cobra.Command, []string) error { return err }}
			root.AddCommand(cmd)
			return []*cobra.Command{cmd}
		},
		Fail: func(s *Streams, _ *cobra.Command, err error) int {
			fmt.Fprintf(s.Err, "toy says: %v\n", err)
			return 42
		},
	}
}

func run(err error, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	s := &Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Env: map[string]string{}}
	status = Main(context.Background(), args, s, toy(err))
	return status, out.String(), errs.String()
}

func TestExitStatuses(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		stderr string
	}{
		{"a dialect's error is printed by the dialect", errors.New("boom"), 42, "toy says: boom\n"},
		{"an exit without a word", Exit(7), 7, ""},
		{"no error", nil, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, stderr := run(tt.err, "lambkin", "play")
			if status != tt.status || stderr != tt.stderr {
				t.Errorf("status %d, %q; want %d, %q", status, stderr, tt.status, tt.stderr)
			}
		})
	}
}

func TestNativeFailures(t *testing.T) {
	list := diag.List{{Summary: "it is wrong", Hint: "mend it"}}
	tests := []struct {
		name   string
		err    error
		status int
		stderr string
	}{
		{"call", &app.Problem{Kind: app.InCall, List: list}, ExitUsage, "lambkin: error: it is wrong\nhint: mend it\n"},
		{"project", &app.Problem{Kind: app.InProject, List: list}, ExitProject, "lambkin: error: it is wrong\nhint: mend it\n"},
		{"machine", &app.Problem{Kind: app.InMachine, List: list}, ExitMachine, "lambkin: error: it is wrong\nhint: mend it\n"},
		{"wrapped", fmt.Errorf("wrapped: %w", &app.Problem{Kind: app.InMachine, List: list}), ExitMachine, "lambkin: error: it is wrong\nhint: mend it\n"},
		{"usage", &UsageError{errors.New("no such thing")}, ExitUsage, "lambkin: error: no such thing\nhint: run \"x --help\" for the options there are\n"},
		{"interrupted", fmt.Errorf("loading: %w", context.Canceled), ExitInterrupted, ""},
		{"reader gone", fmt.Errorf("writing: %w", syscall.EPIPE), ExitPipe, ""},
		{"anything else", errors.New("odd"), ExitInternal, "lambkin: error: odd\nhint: this should not happen; please report it with the command and its output\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var errs bytes.Buffer
			s := &Streams{Err: &errs}
			if status := s.Fail(&cobra.Command{Use: "x"}, tt.err); status != tt.status || errs.String() != tt.stderr {
				t.Errorf("status %d, %q; want %d, %q", status, errs.String(), tt.status, tt.stderr)
			}
		})
	}
}

func TestLinksSpeakOneDialect(t *testing.T) {
	if status, _, stderr := run(nil, "/usr/bin/toy", "play"); status != 0 {
		t.Errorf("status %d: %s", status, stderr)
	}
	status, _, stderr := run(nil, "toy", "invoke")
	if status != 42 || !strings.Contains(stderr, `toy has no command "invoke"`) {
		t.Errorf("status %d: %s", status, stderr)
	}
	if _, out, _ := run(nil, "toy.exe", "--version"); !strings.HasPrefix(out, "toy ") {
		t.Errorf("version: %q", out)
	}
}

func TestNearestNamesAreOffered(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"lambkin", "invok"}, `hint: did you mean "lambkin invoke"?`},
		{[]string{"lambkin", "zzzzzz"}, `hint: run "lambkin --help" for the commands there are`},
		{[]string{"lambkin", "invoke", "--regoin", "x"}, "hint: did you mean --region?"},
		{[]string{"lambkin", "list", "-z"}, `hint: run "lambkin list --help" for the options there are`},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			status, out, stderr := run(nil, tt.args...)
			if status != ExitUsage || out != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("status %d, %q; want %q", status, stderr, tt.want)
			}
		})
	}
}
