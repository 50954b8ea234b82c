package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/event"
	"github.com/spf13/cobra"
)

func TestEventCommandsAreMadeWhenTheyAreWanted(t *testing.T) {
	root := newRoot(&Streams{})
	addNative(root, &Streams{})
	cmd, _, err := root.Find([]string{"event"})
	if err != nil {
		t.Fatal(err)
	}
	if cmd.HasSubCommands() {
		t.Error("all commands wait for those of the events")
	}
	if _, _, status := runEvent(t); status != ExitOK {
		t.Errorf("status %d", status)
	}
}

func TestEveryEventIsACommand(t *testing.T) {
	for _, service := range event.Services() {
		for _, e := range service.Events {
			out, messages, status := runEvent(t, service.Name, e.Name)
			if status != ExitOK || messages != "" || !json.Valid([]byte(out)) {
				t.Errorf("%s %s: status %d, output %q, messages %q", service.Name, e.Name, status, out, messages)
			}
		}
	}
}

func TestEveryOptionOfAnEventIsOneOfItsCommand(t *testing.T) {
	top := &cobra.Command{Use: "event"}
	(&eventCommands{streams: &Streams{}, top: top}).grow()
	for _, service := range event.Services() {
		for _, e := range service.Events {
			cmd, _, err := top.Find([]string{service.Name, e.Name})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range e.Options {
				if f := cmd.Flags().Lookup(o.Name); f == nil || f.DefValue != o.Default || f.Usage != o.About {
					t.Errorf("%s %s: --%s is %+v", service.Name, e.Name, o.Name, f)
				}
			}
		}
	}
}

func TestEventsAreCompleted(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		begun string
		want  []string
	}{
		{"services", nil, "lex", []string{"lex\tAmazon Lex V1", "lex-v2\tAmazon Lex V2"}},
		{"events", []string{"batch"}, "", []string{"get-job\ta job of AWS Batch is to be looked at", "submit-job\ta job is to be handed to AWS Batch"}},
		{"options", []string{"stepfunctions", "error"}, "", []string{"--error\tname of the error", "--cause\twhat has caused it"}},
		{"options that begin so", []string{"stepfunctions", "error"}, "--c", []string{"--cause\twhat has caused it"}},
		{"options that are not given yet", []string{"stepfunctions", "error", "--error", "x"}, "", []string{"--cause\twhat has caused it"}},
		{"with an equals sign", []string{"stepfunctions", "error", "--error=x"}, "", []string{"--cause\twhat has caused it"}},
		{"the value of an option", []string{"stepfunctions", "error", "--error"}, "", nil},
		{"an event without options", []string{"batch", "get-job"}, "", nil},
		{"an unknown service", []string{"nothing"}, "", nil},
		{"an unknown event", []string{"batch", "nothing"}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := newEventCmd(&Streams{})
			got, directive := cmd.ValidArgsFunction(cmd, tt.args, tt.begun)
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if directive != cobra.ShellCompDirectiveNoFileComp {
				t.Errorf("directive %d: files are offered, too", directive)
			}
		})
	}
}

func TestWrongEventCommandsSayWhatIsMeant(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"service", []string{"kineses"}, "lambkin: error: lambkin event has no command \"kineses\"\nhint: did you mean \"lambkin event kinesis\"?\n"},
		{"event", []string{"sqs", "recieve-message"}, "lambkin: error: lambkin event sqs has no command \"recieve-message\"\nhint: did you mean \"lambkin event sqs receive-message\"?\n"},
		{"option", []string{"sqs", "receive-message", "--boddy", "x"}, "lambkin: error: lambkin event sqs receive-message has no option --boddy\nhint: did you mean --body?\n"},
		{"argument", []string{"sqs", "receive-message", "x"}, "lambkin: error: sqs receive-message takes options only, not \"x\"\nhint: values stand behind their options: --option value\n"},
		{"value", []string{"iot", "rule", "--payload", "[]"}, "lambkin: error: --payload must be a JSON object, not []\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, messages, status := runEvent(t, tt.args...)
			if status != ExitUsage || out != "" {
				t.Errorf("status %d, output %q", status, out)
			}
			if diff := cmp.Diff(tt.want, messages); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAnEventThatCannotBeWrittenIsAFailure(t *testing.T) {
	var messages bytes.Buffer
	s := &Streams{Out: brokenWriter{}, Err: &messages}
	if status := Main(t.Context(), []string{"lambkin", "event", "s3", "put"}, s); status != ExitInternal {
		t.Errorf("status %d, messages %q", status, &messages)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }

func runEvent(t *testing.T, args ...string) (out, messages string, status int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	s := &Streams{Out: &stdout, Err: &stderr, Env: map[string]string{}}
	status = Main(t.Context(), append([]string{"lambkin", "event"}, args...), s)
	return stdout.String(), stderr.String(), status
}
