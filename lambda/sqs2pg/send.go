package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/queue/bodies"
	"sqs2pg/pkg/queue/sending"
	"sqs2pg/pkg/terminal"
)

// sendCommand fills a queue.
type sendCommand struct {
	queueFlags `embed:""`
	Count      int    `default:"100" help:"How many logins to generate; one in a hundred is a message of another kind."`
	Group      string `default:"1" help:"Message group of the messages on a FIFO queue."`
	Seed       uint64 `help:"Seed for generated messages; the default is random."`
	Raw        bool   `help:"Send each line of the file as it is, JSON or not."`
	File       string `arg:"" optional:"" help:"Send the messages of this file instead, - for standard input: one a line, a JSON array, or one JSON document."`
}

// Help is shown below the flags.
func (c *sendCommand) Help() string {
	return "The whole file is checked before the first message is sent."
}

func (c *sendCommand) Run(ctx context.Context, s *streams, k *kong.Context) error {
	if c.File == "" && terminal.Unread(s.in) && typed(k, "count") == nil {
		return misuse("there are messages on standard input, which is not read: type - to send them, or --count %d to generate some", c.Count)
	}
	job := &sending.Job{Group: c.Group, Screen: s.err}
	if c.File == "" {
		if c.Count < 1 {
			return misuse("--count is %d: it must be 1 or more", c.Count)
		}
		job.Bodies, job.Total = sending.Slice(sample.Messages(c.Count, c.seed())), c.Count
	} else {
		text, err := bodies.OpenFile(ctx, c.File, s.input(c.File), bodies.Options{Raw: c.Raw})
		if err != nil {
			return unreadable(ctx, err)
		}
		defer text.Close()
		fmt.Fprintln(s.err, text)
		job.Bodies, job.Total = text.Strings(), text.Count
	}
	q, err := c.open(ctx)
	if err != nil {
		return err
	}
	printWhere(s, q)
	job.Queue = q
	sent, err := job.Run(ctx)
	fmt.Fprintf(s.err, "sent %s to %s\n", sent, q.Name())
	return err
}

// unreadable makes what is wrong with a file of messages a misuse.
func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return misuseError{err}
}

func (c *sendCommand) seed() uint64 {
	if c.Seed == 0 {
		return uint64(time.Now().UnixNano())
	}
	return c.Seed
}
