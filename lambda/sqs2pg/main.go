// Sqs2pg is the command people run: the local invoker and the operator's tool.
//
//	sqs2pg run        everything on this machine: Postgres, SQS, the function, 100 logins
//	sqs2pg invoke     play the event source mapping on a queue
//
// It has flags, calls and printing only; what can be reused is in packages below it. It prints data
// to standard output and everything else to standard error. It exits with 0 when done, 1 when
// something failed and 2 when it was used wrongly.
//
// It can be the function, too: invoke and run start it once more, as a bootstrap. So one file is the
// whole product.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/ingest"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/terminal/usage"
	"sqs2pg/pkg/terminal/variables"
)

// command is the whole command line.
type command struct {
	Run        runCommand        `cmd:"" help:"Load messages on this machine: all in one command."`
	Invoke     invokeCommand     `cmd:"" help:"Play the event source mapping: drain a queue."`
	Replay     replayCommand     `cmd:"" help:"Invoke the function with recorded batches."`
	Send       sendCommand       `cmd:"" help:"Send messages to a queue: generated, or from a file."`
	Sqs        sqsCommand        `cmd:"" help:"Serve an in-memory SQS."`
	Queue      queueCommand      `cmd:"" help:"Make a queue with its dead-letter queue."`
	Migrate    migrateCommand    `cmd:"" help:"Create or update the contract's table and what all tables share."`
	Maintain   maintainCommand   `cmd:"" help:"Create partitions ahead, drop those past retention."`
	Event      eventCommand      `cmd:"" help:"Capture a batch as a Lambda event, for sam local invoke."`
	Dlq        dlqCommand        `cmd:"" help:"List, show and redrive dead letters."`
	Doctor     doctorCommand     `cmd:"" help:"Check every setting: queue, database, function."`
	Contract   contractCommand   `cmd:"" help:"Check a contract, show its table, try messages against it."`
	Vault      vaultCommand      `cmd:"" help:"Reveal what was masked, and see who did."`
	Completion completionCommand `cmd:"" help:"Print a completion script for bash, zsh or fish."`
	Version    versionCommand    `cmd:"" help:"Print the version."`

	Env string `placeholder:"NAME" help:"Environment of the project file, sqs2pg.toml."`
}

// What the commands embed. The names are short here, because flags are what this program is made of.
type (
	streams       = flags.Streams
	jsonFlag      = flags.JSONFlag
	endpointFlags = flags.EndpointFlags
	queueFlags    = flags.QueueFlags
	databaseFlag  = flags.DatabaseFlag
	keptFlag      = flags.KeptFlag
	keyringFlag   = flags.KeyringFlag
	vaultFlag     = flags.VaultFlag
	contractFlag  = flags.ContractFlag
	functionFlags = flags.FunctionFlags
	settingsFlags = flags.SettingsFlags
	mappingFlags  = flags.MappingFlags
)

// encode prints a report to standard output.
func encode(s *streams, report any) error { return flags.Encode(s, report) }

// groups are the headings of a long help.
var groups = []kong.Group{
	{Key: "function", Title: "The function behind the mapping:"},
	{Key: "mapping", Title: "The mapping:"},
}

// misuse is an error that says what is wrong with the command line and what to type instead.
func misuse(format string, args ...any) error { return exit.Misuse(format, args...) }

func main() {
	if len(os.Args) == 1 && os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" { // as Lambda starts a bootstrap
		if err := ingest.Run(context.Background(), contracts.Folder(), os.Getenv, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(execute(exit.UntilInterrupted(), os.Args[1:], &streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Dir: "."}))
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, s *streams) int {
	out := terminal.NewOutput(s.Out)
	s = &streams{In: s.In, Out: out, Err: s.Err, Dir: s.Dir}
	helped := -1
	var c command
	parser := kong.Must(&c,
		kong.Name("sqs2pg"),
		kong.Description("Loads JSON events from SQS into Postgres: validated, masked, each message once. A variable can set every flag: SQS2PG_BATCH_SIZE sets --batch-size. Where a flag has another variable, its help names it."),
		variables.Own,
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}),
		kong.ValueFormatter(variables.Help),
		kong.ExplicitGroups(groups),
		kong.Writers(s.Out, s.Err),
		kong.Exit(func(code int) { helped = code }),
		kong.WithBeforeReset(readProject(s)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	args = usage.Args(args)
	k, err := parser.Parse(args)
	switch lost := out.Err(); {
	case lost != nil: // it could not print the help
		err = lost
	case helped >= 0:
		return helped
	case err != nil && !exit.IsMisuse(err):
		err = misuse("%s", usage.Explain(parser.Model, err, args))
	}
	if err == nil {
		err = k.Run()
	}
	if lost := out.Err(); lost != nil && (err == nil || errors.Is(err, lost)) {
		err = fmt.Errorf("the output is not complete: %w", lost)
	}
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*postgres.Unavailable](err); ctx.Err() != nil && (ok || errors.Is(err, context.Canceled)) {
		err = errors.New("stopped") // by Ctrl-C; nothing is wrong with the database
	}
	fmt.Fprintf(s.Err, "%s %s\n", terminal.StyleOf(s.Err).Bad("sqs2pg:"), variables.Explain(err.Error()))
	return exit.Code(err)
}
