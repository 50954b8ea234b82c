// Command lambkin runs AWS Lambda functions locally, straight from the project
// that deploys them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/cli/samcli"
	"github.com/lambkin-dev/lambkin/internal/cli/slscli"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
)

func main() {
	if status, ok := container.Main(os.Args); ok {
		os.Exit(status)
	}
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A reader of the output that has gone is an error of that write, not the
	// end of the process, which has functions to end. Handled and not ignored,
	// since functions would inherit the latter.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return cli.Main(ctx, os.Args, cli.OSStreams(), samcli.Dialect(), slscli.Dialect())
}
