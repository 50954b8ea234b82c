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
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return cli.Main(ctx, os.Args, cli.OSStreams(), samcli.Dialect(), slscli.Dialect())
}
