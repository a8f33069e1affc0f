package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/local/invoker"
)

// eventCommand captures a batch as the event that the function would get.
type eventCommand struct {
	queueFlags `embed:""`
	BatchSize  int           `default:"10" help:"Messages in the event at most: 1-10000, FIFO 1-10."`
	Wait       time.Duration `default:"10s" help:"Give up when no message has come for this long."`
}

// Help is shown below the flags.
func (c *eventCommand) Help() string {
	return "Prints a Lambda event, for `sam local invoke -e -`. The messages stay on the queue; each has been received once more."
}

func (c *eventCommand) Run(ctx context.Context, s *streams) error {
	if c.BatchSize == 0 { // to a Mapping it is the default
		return misuse("--batch-size is 0: it must be 1 or more")
	}
	q, err := c.Open(ctx)
	if err != nil {
		return err
	}
	flags.PrintWhere(s, q)
	ctx, stop := context.WithTimeout(ctx, c.Wait)
	defer stop()
	event, err := invoker.Capture(ctx, eventsource.Mapping{Queue: q, FunctionTimeout: time.Second, BatchSize: c.BatchSize, Concurrency: 1})
	if err != nil {
		return flags.AsMisuse(err)
	}
	if event == nil {
		return fmt.Errorf("queue %s gave no message in %s: fill it with sqs2pg send%s", c.Queue, c.Wait, c.Again(s))
	}
	var text bytes.Buffer
	if err := json.Indent(&text, event, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err = s.Out.Write(text.Bytes())
	return err
}
