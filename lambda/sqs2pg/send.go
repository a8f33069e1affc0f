package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/queue"
)

// sendCommand fills a queue.
type sendCommand struct {
	queueFlags `embed:""`
	Count      int    `default:"100" help:"How many logins to generate; one in a hundred is a message of another kind."`
	Group      string `default:"1" help:"Message group of the messages on a FIFO queue."`
	Seed       uint64 `help:"Seed for generated messages; the default is random."`
	File       string `arg:"" optional:"" help:"Send the lines of this file instead, - for standard input; one message per line."`
}

func (c *sendCommand) Run(ctx context.Context, s *streams) error {
	bodies, err := c.bodies(s.in)
	if err != nil {
		return err
	}
	bodies = slices.DeleteFunc(bodies, func(b string) bool { return b == "" }) // SQS takes no empty message
	q, err := c.open(ctx)
	if err != nil {
		return err
	}
	printWhere(s, q)
	sent, err := q.SendBodies(ctx, c.Group, bodies)
	fmt.Fprintf(s.err, "sent %d messages to %s\n", sent, c.Queue)
	return err
}

func (c *sendCommand) bodies(in io.Reader) ([]string, error) {
	if c.File == "" {
		if c.Count < 1 {
			return nil, misuse("--count is %d: it must be 1 or more", c.Count)
		}
		return sample.Messages(c.Count, c.seed()), nil
	}
	return readLines(c.File, in)
}

// readLines reads the messages of a file, one per line; - is in.
func readLines(file string, in io.Reader) ([]string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, misuse("%v", err)
		}
		defer f.Close()
		in = f
	}
	lines, err := queue.ReadLines(in)
	if err != nil {
		return nil, misuse("%w", err)
	}
	return lines, nil
}

func (c *sendCommand) seed() uint64 {
	if c.Seed == 0 {
		return uint64(time.Now().UnixNano())
	}
	return c.Seed
}
