package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sqs2pg/pkg/doctor"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/project"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/stack"
	"sqs2pg/pkg/terminal/variables"
)

// doctorCommand looks at everything that invoke needs and changes nothing.
type doctorCommand struct {
	Queue         string `placeholder:"NAME|URL" help:"Queue name or URL."`
	Stack         string `placeholder:"NAME" help:"A deployed stack instead: its mapping, queue, keys, secrets, database and alarms."`
	endpointFlags `embed:""`
	databaseFlag  `embed:""`
	contractFlag  `embed:""`
	keyringFlag   `embed:""`
	vaultFlag     `embed:""`
	Function      string        `placeholder:"FILE" help:"The function's bootstrap; default: this program."`
	Timeout       time.Duration `default:"30s" help:"Time limit of one invocation, which the queue's visibility timeout must allow for."`
	Window        time.Duration `default:"0s" help:"Batch window of the mapping, which the visibility timeout must allow for too."`
	JSON          bool          `name:"json" help:"Print one JSON object instead."`
}

// Help is shown below the flags.
func (c *doctorCommand) Help() string {
	return "Prints a line for each thing: ok, or fix and what to do. Exits with 1 if there is something to fix."
}

func (c *doctorCommand) Run(ctx context.Context, s *streams) error {
	found, err := c.examine(ctx, s)
	if err != nil {
		return err
	}
	for i, f := range found {
		found[i].Text = variables.Explain(f.Text)
	}
	report := doctor.NewReport(found)
	if c.JSON {
		if err := encode(s, report); err != nil {
			return err
		}
	} else {
		report.Print(s.Out)
	}
	if report.Fixes > 0 {
		return fmt.Errorf("%d to fix", report.Fixes)
	}
	return nil
}

func (c *doctorCommand) examine(ctx context.Context, s *streams) ([]doctor.Finding, error) {
	if c.Stack != "" {
		cfg, err := c.Place().Config(ctx)
		if err != nil {
			return nil, flags.AsMisuse(err)
		}
		return stack.Examine(ctx, cfg, c.Stack), nil
	}
	given := c.Given()
	given.Keyrings, given.Vault = c.Keyrings(s), c.Keys(s)
	setup := doctor.Setup{
		Contracts: c.Load, Given: given, Queue: c.openQueue, Timeout: c.Timeout, Window: c.Window,
		List:     flags.ListLetters(s, queueFlags{Queue: c.Queue, EndpointFlags: c.endpointFlags}, c.contractFlag),
		Function: func() (string, error) { return flags.BootstrapPath(c.Function) },
	}
	return setup.Examine(ctx), nil
}

func (c *doctorCommand) openQueue(ctx context.Context) (*queue.Queue, error) {
	if c.Queue == "" {
		return nil, errors.New("no queue: set --queue or SQS2PG_QUEUE, or queue in " + project.FileName)
	}
	return (&queueFlags{Queue: c.Queue, EndpointFlags: c.endpointFlags}).Open(ctx)
}
