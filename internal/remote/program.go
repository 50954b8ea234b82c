package remote

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

// program gets credentials from a profile's credential_process. Unlike the
// SDK's own way of running it, it leaves standard input alone, which is the
// function's event, and keeps what the program says for the error.
type program struct {
	command string
	env     map[string]string
}

func programOf(command string, env map[string]string) *program { return &program{command, env} }

// Retrieve implements [aws.CredentialsProvider].
func (p *program) Retrieve(ctx context.Context) (aws.Credentials, error) {
	var said bytes.Buffer
	build := processcreds.NewCommandBuilderFunc(func(ctx context.Context) (*exec.Cmd, error) {
		shell := []string{"sh", "-c"}
		if runtime.GOOS == "windows" {
			shell = []string{"cmd.exe", "/C"}
		}
		cmd := exec.CommandContext(ctx, shell[0], shell[1], p.command)
		for name, value := range p.env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Stderr = &said
		cmd.WaitDelay = time.Second // what it leaves behind may keep its output open
		return cmd, nil
	})
	value, err := processcreds.NewProviderCommand(build).Retrieve(ctx)
	if text, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); err != nil && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return value, err
}
