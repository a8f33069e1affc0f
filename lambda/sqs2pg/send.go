package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract/generate"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/queue/bodies"
	"sqs2pg/pkg/queue/sending"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/terminal/variables"
)

// sendCommand fills a queue.
type sendCommand struct {
	queueFlags `embed:""`
	Contract   string  `env:"CONTRACT" placeholder:"NAME|FILE,..." help:"Generate messages of these contracts in turn; without one, logins."`
	Count      int     `default:"100" help:"How many messages to generate."`
	Bad        float64 `default:"1" help:"How many of every hundred generated messages the contract refuses: 0-100."`
	Group      string  `default:"1" help:"Message group of the messages on a FIFO queue."`
	Seed       uint64  `help:"Seed for generated messages; the default is random."`
	jsonFlag   `embed:""`
	Raw        bool   `help:"Send each line of the file as it is, JSON or not."`
	File       string `arg:"" optional:"" help:"Send the messages of this file instead, - for standard input: one a line, a JSON array, or one JSON document."`
}

// Help is shown below the flags.
func (c *sendCommand) Help() string {
	return "Generated messages have the wrapper and the attributes that the contract asks for (x-envelope, x-attribute). " +
		"A file is checked as a whole before the first message is sent."
}

func (c *sendCommand) Run(ctx context.Context, s *streams, k *kong.Context) error {
	if c.File == "" && terminal.Unread(s.In) && variables.Typed(k, "count") == nil {
		return misuse("there are messages on standard input, which is not read: type - to send them, or --count %d to generate some", c.Count)
	}
	job := &sending.Job{Group: c.Group, Screen: s.Err}
	if c.File == "" {
		if err := c.generate(job); err != nil {
			return err
		}
	} else {
		text, err := bodies.OpenFile(ctx, c.File, s.Input(c.File), bodies.Options{Raw: c.Raw})
		if err != nil {
			return unreadable(ctx, err)
		}
		defer text.Close()
		if text.Count == 0 && c.File != "-" { // a pipe may well be empty
			return fmt.Errorf("nothing to send: %s is empty", c.File)
		}
		fmt.Fprintln(s.Err, text)
		job.Bodies, job.Total = text.Strings(), text.Count
	}
	q, err := c.Open(ctx)
	if err != nil {
		return err
	}
	flags.PrintWhere(s, q)
	job.Queue = q
	sent, err := job.Run(ctx)
	fmt.Fprintf(s.Err, "sent %s to %s\n", sent, q.Name())
	if c.JSON {
		err = errors.Join(err, encode(s, map[string]any{"queue": q.Name(), "messages": job.Total, "sent": sent.Messages, "perhaps_twice": sent.Unsure}))
	}
	return err
}

// generate makes the messages of contracts while they are sent. Without a contract it makes the
// logins of the demonstration.
func (c *sendCommand) generate(job *sending.Job) error {
	job.Total = c.Count
	switch {
	case c.Count < 1:
		return misuse("--count is %d: it must be 1 or more", c.Count)
	case !(c.Bad >= 0 && c.Bad <= 100):
		return misuse("--bad is %v: it must be 0 to 100", c.Bad)
	case c.Contract == "" && c.Bad != 1:
		return misuse("--bad needs a contract: set --contract or CONTRACT")
	case c.Contract == "":
		job.Bodies = sending.Slice(sample.Messages(c.Count, c.seed()))
		return nil
	}
	loaded, err := routes.Load(contracts.Files, c.Contract)
	if err != nil {
		return misuse("%s: %w", variables.Source("--contract", c.Contract, "CONTRACT"), err)
	}
	var last generate.Message
	job.Attributes = func() map[string]string { return last.Attributes }
	job.Bodies = func(yield func(string, error) bool) {
		for m, err := range generate.Messages(loaded.Contracts(), c.Count, c.Bad, c.seed()) {
			if last = m; !yield(string(m.Body), err) {
				return
			}
		}
	}
	return nil
}

// unreadable makes what is wrong with a file of messages a misuse.
func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return exit.AsMisuse(err)
}

func (c *sendCommand) seed() uint64 {
	if c.Seed == 0 {
		return uint64(time.Now().UnixNano())
	}
	return c.Seed
}
