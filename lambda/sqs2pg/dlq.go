package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/deadletter"
	"sqs2pg/pkg/terminal"
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
	c, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	q, err := f.open(ctx)
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
	lines := []deadletter.Line{}
	if err := dead.Look(ctx, func(l *deadletter.Letter) bool {
		lines = append(lines, l.Line(set))
		return len(lines) < c.Limit
	}); err != nil {
		return err
	}
	slices.SortStableFunc(lines, func(a, b deadletter.Line) int { return a.SentAt.Compare(b.SentAt) })
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]any{
			"queue": dead.Queue.Name(), "depth": dead.Visible, "in_flight": dead.Hidden, "max_receive_count": dead.MaxReceiveCount, "messages": lines,
		})
	}
	printLetters(s, dead, lines)
	return nil
}

// printLetters shows no receive counts: each look at a letter raises them.
func printLetters(s *streams, dead *deadletter.Letters, lines []deadletter.Line) {
	inFlight := ""
	if dead.Hidden > 0 {
		inFlight = fmt.Sprintf(", and %d in flight: another program has received them", dead.Hidden)
	}
	fmt.Fprintf(s.out, "%s: %d%s\n", dead.Queue.Name(), dead.Visible, inFlight)
	fmt.Fprintf(s.out, "a message of %s is dead after %d receives\n", dead.Source.Name(), dead.MaxReceiveCount)
	if len(lines) > 0 {
		header, rows := deadletter.Table(lines)
		terminal.Table(s.out, header, rows)
	}
	terminal.More(s.out, len(lines), dead.Visible)
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
	var found *deadletter.Letter
	if err := dead.Look(ctx, func(l *deadletter.Letter) bool {
		if l.ID() == c.ID {
			found = l
		}
		return found == nil
	}); err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("no message %s is visible on %s now: see sqs2pg dlq list --queue %s", c.ID, dead.Queue.Name(), c.Queue)
	}
	rows := [][]string{{"message id", found.ID()}, {"contract", found.Contract(set)}, {"reason", found.Reason(set)}}
	for _, f := range found.Fields(c.Body) {
		rows = append(rows, []string{f.Name, f.Value})
	}
	if c.JSON {
		letter := map[string]string{}
		for _, row := range rows {
			letter[row[0]] = row[1]
		}
		if c.Body {
			letter["body"] = found.Body()
		}
		return encode(s, letter)
	}
	terminal.Table(s.out, []string{"field", "value"}, rows)
	if c.Body {
		fmt.Fprintf(s.out, "\n%s\n", found.Body())
	}
	return nil
}

type dlqRedrive struct {
	deadFlags `embed:""`
	jsonFlag  `embed:""`
	All       bool `help:"Move those too that the contract refuses."`
	Yes       bool `help:"With --all: do not ask."`
	DryRun    bool `help:"Only say what would be done."`
}

// Help is shown below the flags.
func (c *dlqRedrive) Help() string {
	return "Moves the messages that the contract accepts now. The others would only die again. Each message keeps its identity, in the attributes event-id and event-sent-at. A message that was written before it died is a duplicate and adds no row. You may stop a redrive at any moment, and run it again."
}

func (c *dlqRedrive) Run(ctx context.Context, s *streams) error {
	set, dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.preview(ctx, s, set, dead)
	}
	printWhere(s, dead.Queue)
	printWhere(s, dead.Source)
	if ok, err := c.confirmed(s, dead); !ok {
		return err
	}
	left := deadletter.Reasons{}
	moved, err := dead.Redrive(ctx, func(l *deadletter.Letter) bool { return c.All || !left.Add(l.Reason(set)) })
	fmt.Fprintf(s.err, "%d of %d messages redriven from %s to %s\n", moved, dead.Visible, dead.Queue.Name(), dead.Source.Name())
	if c.JSON {
		err = errors.Join(err, encode(s, map[string]any{"moved": moved, "left": left, "in_flight": dead.Hidden}))
	} else {
		printReasons(s, left)
	}
	if n := left.Total(); n > 0 {
		fmt.Fprintf(s.err, "%d left, which the contract refuses: mend the contract or its producer, or use --all\n", n)
	}
	if rest := dead.Visible - moved - left.Total(); rest > 0 && err == nil {
		fmt.Fprintf(s.err, "%d could not be received now: run this again in a minute\n", rest)
	}
	if dead.Hidden > 0 {
		fmt.Fprintf(s.err, "%d more in flight: another program has received them; run this again when they are visible\n", dead.Hidden)
	}
	return err
}

// confirmed asks before messages are moved that can only die again.
func (c *dlqRedrive) confirmed(s *streams, dead *deadletter.Letters) (bool, error) {
	if !c.All || c.Yes {
		return true, nil
	}
	ok, err := terminal.Confirm(s.in, s.err, fmt.Sprintf("Move all %d messages to %s, those that the contract refuses too?", dead.Visible, dead.Source.Name()))
	switch {
	case errors.Is(err, terminal.ErrNobodyToAsk):
		return false, misuse("--all: %v: add --yes", err)
	case err == nil && !ok:
		fmt.Fprintln(s.err, "nothing is moved")
	}
	return ok, err
}

// preview counts the dead letters by what the contract has against them.
func (c *dlqRedrive) preview(ctx context.Context, s *streams, set *routes.Set, dead *deadletter.Letters) error {
	move, leave := 0, deadletter.Reasons{}
	if err := dead.Look(ctx, func(l *deadletter.Letter) bool {
		if c.All || !leave.Add(l.Reason(set)) {
			move++
		}
		return true
	}); err != nil {
		return err
	}
	if c.JSON {
		return encode(s, map[string]any{"would_move": move, "left": leave, "in_flight": dead.Hidden})
	}
	fmt.Fprintf(s.out, "would redrive %d messages from %s to %s, and leave %d\n", move, dead.Queue.Name(), dead.Source.Name(), leave.Total())
	printReasons(s, leave)
	return nil
}

// printReasons prints how many letters the contract refuses for each reason.
func printReasons(s *streams, r deadletter.Reasons) {
	var rows [][]string
	for _, reason := range slices.Sorted(maps.Keys(r)) {
		rows = append(rows, []string{strconv.Itoa(r[reason]), reason})
	}
	if len(rows) > 0 {
		terminal.Table(s.out, []string{"messages", "reason"}, rows)
	}
}
