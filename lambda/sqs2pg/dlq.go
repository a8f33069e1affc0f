package main

import (
	"context"
	"errors"
	"fmt"

	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/terminal"
	"sqs2pg/pkg/terminal/exit"
)

// dlqCommand works with the dead-letter queue of a queue.
type dlqCommand struct {
	List    dlqList    `cmd:"" help:"List dead letters with their reasons."`
	Show    dlqShow    `cmd:"" help:"Show one dead letter."`
	Redrive dlqRedrive `cmd:"" help:"Put dead letters back on the queue, with the identity that they had."`
}

// deadFlags name the queue whose dead letters are meant, and the contract that says what is wrong
// with them.
type deadFlags struct {
	queueFlags   `embed:""`
	contractFlag `embed:""`
}

func (f *deadFlags) openDead(ctx context.Context) (*routes.Set, *deadletter.Letters, error) {
	c, err := f.Load()
	if err != nil {
		return nil, nil, err
	}
	q, err := f.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	dead, err := deadletter.Open(ctx, q)
	return c, dead, err
}

type dlqList struct {
	deadFlags `embed:""`
	Limit     int  `default:"100" help:"List this many at most."`
	JSON      bool `name:"json" help:"Print one JSON object instead."`
}

func (c *dlqList) Run(ctx context.Context, s *streams) error {
	set, dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	list, err := dead.List(ctx, set, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(s, list)
	}
	list.Print(s.Out)
	return nil
}

type dlqShow struct {
	deadFlags `embed:""`
	jsonFlag  `embed:""`
	Body      bool   `help:"Show body and the producer's ids too: personal data."`
	ID        string `arg:"" name:"message-id" help:"Message id, as list prints it."`
}

func (c *dlqShow) Run(ctx context.Context, s *streams) error {
	set, dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	found, err := dead.Find(ctx, c.ID)
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("no message %s is visible on %s now: see %s", c.ID, dead.Queue.Name(), flags.ListLetters(s, c.queueFlags, c.contractFlag))
	}
	letter, rows := map[string]string{}, [][]string{}
	for _, f := range found.Details(set, c.Body) {
		letter[f.Name] = f.Value
		rows = append(rows, []string{f.Name, f.Value})
	}
	if c.JSON {
		if c.Body {
			letter["body"] = found.Body()
		}
		return encode(s, letter)
	}
	terminal.Table(s.Out, []string{"field", "value"}, rows)
	if c.Body {
		fmt.Fprintf(s.Out, "\n%s\n", found.Body())
	}
	return nil
}

type dlqRedrive struct {
	deadFlags    `embed:""`
	databaseFlag `embed:""`
	jsonFlag     `embed:""`
	All          bool `help:"Move those too that the contract refuses."`
	Yes          bool `help:"With --all: do not ask."`
	DryRun       bool `help:"Only say what would be done."`
}

// Help is shown below the flags.
func (c *dlqRedrive) Help() string {
	return "Moves the messages that the contract accepts now. The others would only die again. Each message keeps its identity, in the attributes event-id and event-sent-at. A message that was written before it died is a duplicate and adds no row. You may stop a redrive at any moment, and run it again. Where a database is named, messages that are too old for its table stay, too."
}

func (c *dlqRedrive) Run(ctx context.Context, s *streams) error {
	set, dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	if err := c.askDatabase(ctx, s, set, dead); err != nil {
		return err
	}
	if c.DryRun {
		return c.preview(ctx, s, set, dead)
	}
	flags.PrintWhere(s, dead.Queue)
	flags.PrintWhere(s, dead.Source)
	if ok, err := c.confirmed(s, dead); !ok {
		return err
	}
	redriven, err := dead.RedriveAccepted(ctx, set, c.All)
	fmt.Fprintln(s.Err, redriven)
	if c.JSON {
		err = errors.Join(err, encode(s, map[string]any{"moved": redriven.Moved, "left": redriven.Left, "in_flight": redriven.Hidden}))
	} else {
		redriven.Left.Print(s.Out)
	}
	for _, line := range redriven.Advice() {
		fmt.Fprintln(s.Err, line)
	}
	if err == nil && redriven.MovedNone() {
		err = errors.New("no message was moved")
	}
	return err
}

// askDatabase asks which messages are too old for the table. Without an answer a redrive may still
// help.
func (c *dlqRedrive) askDatabase(ctx context.Context, s *streams, set *routes.Set, dead *deadletter.Letters) error {
	if c.All || !c.Given().NamesDatabase() {
		return nil
	}
	pool, err := c.OpenDatabase(ctx)
	if err == nil {
		defer pool.Close()
		err = dead.AskWindows(ctx, pool, set)
	}
	if exit.IsMisuse(err) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		fmt.Fprintf(s.Err, "note: %v: messages that are too old for the table are moved, too\n", err)
	}
	return nil
}

// confirmed asks before messages are moved that can only die again.
func (c *dlqRedrive) confirmed(s *streams, dead *deadletter.Letters) (bool, error) {
	if !c.All || c.Yes {
		return true, nil
	}
	ok, err := terminal.Confirm(s.In, s.Err, fmt.Sprintf("Move all %d messages to %s, those that the contract refuses too?", dead.Visible, dead.Source.Name()))
	switch {
	case errors.Is(err, terminal.ErrNobodyToAsk):
		return false, misuse("--all: %v: add --yes", err)
	case err == nil && !ok:
		fmt.Fprintln(s.Err, "nothing is moved")
	}
	return ok, err
}

// preview prints what would be done.
func (c *dlqRedrive) preview(ctx context.Context, s *streams, set *routes.Set, dead *deadletter.Letters) error {
	redriven, err := dead.Preview(ctx, set, c.All)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(s, map[string]any{"would_move": redriven.Moved, "left": redriven.Left, "in_flight": redriven.Hidden})
	}
	fmt.Fprintln(s.Out, redriven.Planned())
	redriven.Left.Print(s.Out)
	return nil
}
