package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
)

// queueCommand makes queues.
type queueCommand struct {
	Create queueCreate `cmd:"" help:"Make a queue and its dead-letter queue."`
}

type queueCreate struct {
	endpointFlags     `embed:""`
	Name              string        `arg:"" help:"Name of the queue; its dead-letter queue is called NAME-dlq."`
	Fifo              bool          `help:"Make FIFO queues; their names end in .fifo."`
	VisibilityTimeout time.Duration `default:"3m" help:"Six times the time limit of the function, plus the batch window."`
	MaxReceiveCount   int           `default:"10" help:"Receives of a failing message before it is a dead letter: 1-1000; AWS advises 5 or more."`
	JSON              bool          `name:"json" help:"Print one JSON object instead."`
}

// Help is shown below the flags.
func (c *queueCreate) Help() string {
	return "Both queues are encrypted. Messages are kept for 4 days, dead letters for 14 days. A queue that exists is compared and stays as it is: exits with 1 if a setting differs."
}

func (c *queueCreate) check() error {
	if c.Fifo && !strings.HasSuffix(c.Name, ".fifo") {
		c.Name += ".fifo"
	}
	switch err := account.CheckQueueName(c.Name); {
	case err != nil:
		return exit.AsMisuse(err)
	case account.CheckQueueName(queue.DeadName(c.Name)) != nil:
		return misuse("the name is too long: that of its dead-letter queue, %s, may have 80 characters", queue.DeadName(c.Name))
	case c.MaxReceiveCount < 1 || c.MaxReceiveCount > 1000:
		return misuse("--max-receive-count is %d: it must be 1 to 1000", c.MaxReceiveCount)
	case c.VisibilityTimeout < time.Second || c.VisibilityTimeout > queue.MaxVisibility || c.VisibilityTimeout%time.Second != 0:
		return misuse("--visibility-timeout is %s: it must be whole seconds, 1s to 12h", c.VisibilityTimeout)
	}
	return nil
}

func (c *queueCreate) Run(ctx context.Context, s *streams) error {
	if err := c.check(); err != nil {
		return err
	}
	client, err := c.Place().SQS(ctx)
	if err != nil {
		return flags.AsMisuse(err)
	}
	fmt.Fprintf(s.Err, "queue %s at %s, region %s\n", c.Name, queue.Endpoint(client), client.Options().Region)
	created, err := queue.Create(ctx, client, c.Name, queue.Settings{VisibilityTimeout: c.VisibilityTimeout, MaxReceiveCount: c.MaxReceiveCount})
	if err != nil {
		return err
	}
	if !c.JSON {
		created.Print(s.Out)
	} else if err := encode(s, created.Report()); err != nil {
		return err
	}
	if n := len(created.Differences); n > 0 {
		return fmt.Errorf("%s not as wanted, and nothing there was changed: aws sqs set-queue-attributes changes it", terminal.Plural(n, "setting is", "settings are"))
	}
	return nil
}
