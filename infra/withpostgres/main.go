// Withpostgres runs a command with DATABASE_URL set to a Postgres that is there for this command
// only; see usage.
//
// Each test binary that needs a Postgres starts one of its own unless DATABASE_URL names one. A
// command that runs the tests hundreds of times saves most of its time with one server for all.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"sqs2pg/pkg/local/localpg"
)

const usage = `Usage: go run ./infra/withpostgres COMMAND [ARGUMENTS]

Starts a Postgres that is not durable, runs COMMAND with DATABASE_URL set to it, and removes it again.
The exit code is 0 if COMMAND succeeds, 1 if it fails, 2 without a COMMAND.
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command string, args ...string) (err error) {
	server, err := localpg.Start(ctx, localpg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), "DATABASE_URL="+server.URL("postgres"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}
