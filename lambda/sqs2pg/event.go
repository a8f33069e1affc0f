package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sqs2pg/pkg/local/eventsource"
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
	q, err := c.open(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, c.Wait)
	defer stop()
	captured := &capture{stop: stop}
	m := eventsource.Mapping{
		Queue: q, Function: captured, FunctionTimeout: time.Second,
		BatchSize: c.BatchSize, Concurrency: 1,
	}
	if _, err := m.Run(ctx); err != nil {
		return asMisuse(err)
	}
	if captured.event == nil {
		return fmt.Errorf("queue %s gave no message in %s: fill it with sqs2pg send --queue %[1]s", c.Queue, c.Wait)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, captured.event, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err = s.out.Write(text.Bytes())
	return err
}

// capture is a function that keeps its first event and fails. The mapping then gives all messages
// back at once.
type capture struct {
	event []byte
	stop  func()
}

var errCaptured = errors.New("captured")

// Invoke is called once, or twice if the next batch was ready by then, and never concurrently.
func (c *capture) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	if c.event == nil {
		c.event = bytes.Clone(payload)
	}
	c.stop()
	return nil, errCaptured
}
