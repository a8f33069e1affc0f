package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/terminal"
)

// dlqCommand works with the dead-letter queue of a queue.
type dlqCommand struct {
	List    dlqList    `cmd:"" help:"List dead letters, and why each is one."`
	Show    dlqShow    `cmd:"" help:"Show one dead letter."`
	Redrive dlqRedrive `cmd:"" help:"Put dead letters back on the queue, as the events that they were."`
}

// deadFlags name the queue whose dead letters are meant, and the contract that they were against.
type deadFlags struct {
	queueFlags   `embed:""`
	contractFlag `embed:""`
}

// soundLetter is the reason of a message that the contract has nothing against.
const soundLetter = "none by the contract: rejected by Postgres, or failed with its batch"

// reason says what the contract has against the message, in the words of the function's log.
func reason(c *contract.Contract, m types.Message) string {
	_, err := c.Decode([]byte(*m.Body))
	var v *contract.Violation
	switch {
	case err == nil:
		return soundLetter
	case !errors.As(err, &v):
		return "invalid"
	case v.Malformed:
		return invoker.Reason("malformed", v.Field, v.Rule)
	}
	return invoker.Reason("invalid", v.Field, v.Rule)
}

type dlqList struct {
	deadFlags `embed:""`
	Limit     int  `default:"100" help:"List so many at most."`
	JSON      bool `name:"json" help:"Print one JSON object instead."`
}

// letter is a line of the list.
type letter struct {
	ID       string    `json:"message_id"`
	SentAt   time.Time `json:"sent_at"`
	Receives int       `json:"receives"`
	Reason   string    `json:"reason"`
}

func (c *dlqList) Run(ctx context.Context, s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	letters := []letter{}
	if err := dead.look(ctx, func(m types.Message) bool {
		letters = append(letters, letter{*m.MessageId, sent(m), atoi(m.Attributes["ApproximateReceiveCount"]), reason(loaded, m)})
		return len(letters) < c.Limit
	}); err != nil {
		return err
	}
	slices.SortStableFunc(letters, func(a, b letter) int { return a.SentAt.Compare(b.SentAt) })
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]any{"queue": dead.name, "depth": dead.depth, "in_flight": dead.hidden, "messages": letters})
	}
	printLetters(s, dead, letters)
	return nil
}

func printLetters(s *streams, dead *deadLetters, letters []letter) {
	inFlight := ""
	if dead.hidden > 0 {
		inFlight = fmt.Sprintf(", %d in flight", dead.hidden)
	}
	fmt.Fprintf(s.out, "%s: %d%s\n", dead.name, dead.depth, inFlight)
	if len(letters) == 0 {
		return
	}
	rows := make([][]string, len(letters))
	for i, l := range letters {
		rows[i] = []string{l.ID, l.SentAt.Format(time.DateTime), strconv.Itoa(l.Receives), l.Reason}
	}
	terminal.Table(s.out, []string{"message id", "sent (utc)", "receives", "reason"}, rows)
}

func sent(m types.Message) time.Time {
	ms, _ := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	return time.UnixMilli(ms).UTC()
}

type dlqShow struct {
	deadFlags `embed:""`
	Body      bool   `help:"Show body and the producer's ids too: personal data."`
	ID        string `arg:"" name:"message-id" help:"Which, as list names it."`
}

func (c *dlqShow) Run(ctx context.Context, s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	var found *types.Message
	err = dead.look(ctx, func(m types.Message) bool {
		if *m.MessageId == c.ID {
			found = &m
		}
		return found == nil
	})
	switch {
	case err != nil:
		return err
	case found == nil:
		return fmt.Errorf("no message %s on %s now; see sqs2pg dlq list --queue %s", c.ID, dead.name, c.Queue)
	}
	terminal.Table(s.out, []string{"field", "value"}, describeLetter(loaded, *found, c.Body))
	if c.Body {
		fmt.Fprintf(s.out, "\n%s\n", *found.Body)
	}
	return nil
}

// chosen are the values that the producer makes up, often from the user's id.
var chosen = []string{"MessageGroupId", "MessageDeduplicationId", "event-id"}

// describeLetter leaves the values of message attributes out, but for those that are ours: they may hold anything. Those that the
// producer chose it shows if all is to be seen.
func describeLetter(c *contract.Contract, m types.Message, all bool) [][]string {
	rows := [][]string{{"message id", *m.MessageId}, {"reason", reason(c, m)}, {"bytes", strconv.Itoa(len(*m.Body))}}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		value := m.Attributes[name]
		if slices.Contains(chosen, name) && !all {
			value = unshown(value)
		}
		if strings.HasSuffix(name, "Timestamp") {
			ms, _ := strconv.ParseInt(value, 10, 64)
			value = time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
		}
		rows = append(rows, []string{name, value})
	}
	for _, name := range slices.Sorted(maps.Keys(m.MessageAttributes)) {
		a := m.MessageAttributes[name]
		value := aws.ToString(a.DataType)
		if name == "event-id" || name == "event-sent-at" {
			value = aws.ToString(a.StringValue)
		}
		if slices.Contains(chosen, name) && !all {
			value = unshown(value)
		}
		rows = append(rows, []string{"attribute " + name, value})
	}
	return rows
}

// unshown stands for a value, unless it is a UUID, which says nothing of anybody by itself.
func unshown(value string) string {
	if len(value) == 36 && uuid.Validate(value) == nil {
		return value
	}
	return fmt.Sprintf("%d bytes, see --body", len(value))
}

type dlqRedrive struct {
	deadFlags `embed:""`
	DryRun    bool `help:"Only say what would be done."`
}

// Help is shown below the flags.
func (c *dlqRedrive) Help() string {
	return "Each message keeps the identity that it had, as the attributes event-id and event-sent-at: one that was written before it died is a duplicate, not a row more. It may be stopped at any moment, and run again."
}

func (c *dlqRedrive) Run(ctx context.Context, s *streams) error {
	loaded, err := c.load()
	if err != nil {
		return err
	}
	dead, err := c.openDead(ctx)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.preview(ctx, s, loaded, dead)
	}
	moved, err := dead.redrive(ctx)
	fmt.Fprintf(s.err, "%d of %d messages redriven from %s to %s\n", moved, dead.depth, dead.name, c.Queue)
	return err
}

// preview counts the dead letters by what the contract has against them: these would only die again.
func (c *dlqRedrive) preview(ctx context.Context, s *streams, loaded *contract.Contract, dead *deadLetters) error {
	reasons := map[string]int{}
	total := 0
	if err := dead.look(ctx, func(m types.Message) bool {
		reasons[reason(loaded, m)]++
		total++
		return true
	}); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "would redrive %d messages from %s to %s\n", total, dead.name, c.Queue)
	var rows [][]string
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		rows = append(rows, []string{strconv.Itoa(reasons[r]), r})
	}
	if len(rows) > 0 {
		terminal.Table(s.out, []string{"messages", "reason"}, rows)
	}
	return nil
}
