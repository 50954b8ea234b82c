package provided

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

func TestTheDebuggerStartsTheBootstrap(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of the test are shell scripts")
	}
	task, onPath, folder := t.TempDir(), t.TempDir(), t.TempDir()
	for _, file := range []string{
		filepath.Join(task, "bootstrap"), filepath.Join(onPath, "dlv"), filepath.Join(onPath, "gdbserver"), filepath.Join(folder, "dlv"),
	} {
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, folder, args string
		want               string // the command line
		missing            string
	}{
		{"delve of PATH", "", "", "PATH/dlv exec --headless --listen=127.0.0.1:5858 --api-version=2 TASK/bootstrap", ""},
		{"delve of its folder", folder, "", "FOLDER/dlv exec --headless --listen=127.0.0.1:5858 --api-version=2 TASK/bootstrap", ""},
		{"delve as SAM CLI has it", folder, "-delveAPI=1 --log", "FOLDER/dlv exec --headless --listen=127.0.0.1:5858 --log --api-version=1 TASK/bootstrap", ""},
		{"another one", folder, "gdbserver :5858", "PATH/gdbserver :5858 TASK/bootstrap", ""},
		{"with its path", "", folder + "/dlv exec", "FOLDER/dlv exec TASK/bootstrap", ""},
		{"as it is in SAM CLI's container", folder, "/tmp/lambci_debug_files/dlv exec", "FOLDER/dlv exec TASK/bootstrap", ""},
		{"missing", "", "lldb-server", "", "the debugger lldb-server is not on this machine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &runtimes.Debug{Ports: []int{5858}, Args: strings.Fields(tt.args), Path: tt.folder}
			host := &runtimes.Host{Env: map[string]string{"PATH": onPath}, Debug: d}
			l, err := Runtime{}.Launch(&lambda.Function{Runtime: "provided.al2023"}, runtimes.Paths{Task: task, Runtime: "/r"}, host)
			if tt.missing != "" {
				var missing *runtimes.Missing
				if !errors.As(err, &missing) || missing.Error() != tt.missing || missing.Hint == "" {
					t.Fatalf("got %v, want %s", err, tt.missing)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(task, "TASK", onPath, "PATH", folder, "FOLDER").Replace(l.Path + " " + strings.Join(l.Args, " "))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
			if len(l.Notices) != 1 || len(l.Uses) == 0 {
				t.Errorf("notices %q, uses %q", l.Notices, l.Uses)
			}
		})
	}
}
