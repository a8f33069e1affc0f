// Sqs2pg is the command people run: the local invoker and the operator's tool.
//
//	sqs2pg run        everything on this machine: Postgres, SQS, the function, 100 logins
//	sqs2pg invoke     play the event source mapping on a queue
//
// Data goes to standard output and talk to standard error. It exits with 0 when done, 1 when something failed and 2 when it was misused.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// command is the whole command line.
type command struct {
	Run        runCommand        `cmd:"" help:"Start Postgres and SQS on this machine, send messages, load them: the product in one command."`
	Invoke     invokeCommand     `cmd:"" help:"Play the event source mapping: drain a queue through the function."`
	Replay     replayCommand     `cmd:"" help:"Feed recorded batches to the function again, without a queue."`
	Send       sendCommand       `cmd:"" help:"Send messages to a queue: generated logins, or the lines of a file."`
	Sqs        sqsCommand        `cmd:"" help:"Serve an in-memory SQS."`
	Migrate    migrateCommand    `cmd:"" help:"Make or update the contract's table and what all tables share."`
	Maintain   maintainCommand   `cmd:"" help:"Make partitions ahead, drop those past their retention."`
	Event      eventCommand      `cmd:"" help:"Capture a batch as a Lambda event, for sam local invoke."`
	Dlq        dlqCommand        `cmd:"" help:"List, show and redrive dead letters."`
	Doctor     doctorCommand     `cmd:"" help:"Check every setting: queue, database, function."`
	Contract   contractCommand   `cmd:"" help:"Check a contract, show its table, try messages against it."`
	Completion completionCommand `cmd:"" help:"Print a completion script for bash, zsh or fish."`
}

// groups are the headings of a long help.
var groups = []kong.Group{
	{Key: "function", Title: "The function behind the mapping:"},
	{Key: "mapping", Title: "The mapping:"},
}

// helpText is a flag's help, with its variable where that is not named like the flag.
func helpText(v *kong.Value) string {
	if len(v.Tag.Envs) == 0 || strings.HasPrefix(v.Tag.Envs[0], "SQS2PG_") {
		return v.Help
	}
	return kong.DefaultHelpValueFormatter(v)
}

// streams are the outside world as one value, so that tests can be it.
type streams struct {
	in       io.Reader
	out, err io.Writer
	dir      string // the local commands keep .sqs2pg in it
}

// errMisuse marks errors of the person, not of the work: they exit with 2.
var errMisuse = errors.New("")

// misuse is an error that says what to type instead.
func misuse(format string, args ...any) error {
	return fmt.Errorf("%w"+format, append([]any{errMisuse}, args...)...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], &streams{os.Stdin, os.Stdout, os.Stderr, "."}))
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, s *streams) int {
	exited := -1
	var c command
	parser := kong.Must(&c,
		kong.Name("sqs2pg"),
		kong.Description("Loads JSON events from SQS into Postgres: validated, masked, each message once. Every flag can be set by a variable, too: --batch-size by SQS2PG_BATCH_SIZE; some have another, which their help names."),
		kong.DefaultEnvars("SQS2PG"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}),
		kong.ValueFormatter(helpText),
		kong.ExplicitGroups(groups),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // help was asked for
		return exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "sqs2pg: %v; try sqs2pg%s --help\n", err, subcommand(err))
		return 2
	}
	switch err := k.Run(); {
	case err == nil:
		return 0
	case errors.Is(err, errMisuse):
		fmt.Fprintf(s.err, "sqs2pg: %v\n", err)
		return 2
	default:
		fmt.Fprintf(s.err, "sqs2pg: %v\n", err)
		return 1
	}
}

// subcommand names the command that a parse error happened in, for the hint.
func subcommand(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil && p.Context.Selected() != nil {
		return " " + p.Context.Selected().Path()
	}
	return ""
}
