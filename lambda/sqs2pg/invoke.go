package main

import (
	"context"
	"encoding/json"
	"fmt"

	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/queue"
	"sqs2pg/pkg/terminal"
)

// invokeCommand is the local invoker.
type invokeCommand struct {
	queueFlags    `embed:""`
	functionFlags `embed:""`
	mappingFlags  `embed:""`
	settingsFlags `embed:""`
	Record        string `placeholder:"DIR" type:"path" help:"Keep each batch, bodies too, as a file in DIR."`
	JSON          bool   `name:"json" help:"End with one JSON object on standard output."`
}

// Help is shown below the flags.
func (c *invokeCommand) Help() string {
	return "The function gets the settings DATABASE_*, MASK_* and CONTRACT from this environment. Messages are deleted only when the function has committed them."
}

func (c *invokeCommand) Run(ctx context.Context, s *streams) error {
	recorder, err := c.recorder(s)
	if err != nil {
		return err
	}
	q, err := c.Open(ctx)
	if err != nil {
		return err
	}
	m, err := c.Mapping(q)
	if err != nil {
		return err
	}
	environ, err := c.Environ(ctx, s, c.Remote())
	if err != nil {
		return err
	}
	function, err := c.FunctionAt(ctx, c.Place().Beside(c.Queue), environ)
	if err != nil {
		return err
	}
	flags.PrintWhere(s, q)
	d := invoker.Drain{Mapping: m, Function: function, Recorder: recorder, Screen: s.Err}
	result, err := d.Run(ctx)
	if err != nil {
		return flags.AsMisuse(err)
	}
	return c.conclude(ctx, s, q, result)
}

// recorder returns nil without --record.
func (c *invokeCommand) recorder(s *streams) (*invoker.Recorder, error) {
	if c.Record == "" {
		return nil, nil
	}
	r, err := invoker.NewRecorder(c.Record)
	if err != nil {
		return nil, misuse("--record: %v", err)
	}
	fmt.Fprintf(s.Err, "recording to %s, which only you can read (0700): the files hold whole messages, unmasked; delete them when done\n", c.Record)
	return r, nil
}

// conclude says what became of the messages. It is an error if a message failed and did not succeed
// later.
func (c *invokeCommand) conclude(ctx context.Context, s *streams, q *queue.Queue, r invoker.Result) error {
	for _, w := range r.Warnings {
		fmt.Fprintf(s.Err, "warning: %s\n", w)
	}
	if c.JSON {
		if err := json.NewEncoder(s.Out).Encode(r.Report()); err != nil {
			return err
		}
	} else {
		terminal.Table(s.Out, []string{"messages", "count"}, r.Rows())
	}
	if r.Received == 0 {
		fmt.Fprintln(s.Err, c.nothing(ctx, s, q))
	}
	if stopped := r.Stopped(c.Queue); stopped != "" {
		fmt.Fprintln(s.Err, stopped)
	}
	return r.Failure(flags.ListLetters(s, c.queueFlags, c.ContractFlag))
}

// nothing says why no message came. Messages that somebody has received, or that failed a moment ago,
// are on the queue and invisible.
func (c *invokeCommand) nothing(ctx context.Context, s *streams, q *queue.Queue) string {
	if a, err := q.Attributes(ctx); err == nil && a.InFlight > 0 {
		return fmt.Sprintf("no message came: %d in flight, visible again within %.0f s", a.InFlight, a.VisibilityTimeout.Seconds())
	}
	return fmt.Sprintf("no message came: see sqs2pg doctor%s%s, or fill it with sqs2pg send%[1]s", c.queueFlags.Again(s), c.ContractFlag.Again())
}
