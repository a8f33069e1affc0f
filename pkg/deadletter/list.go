package deadletter

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/terminal"
)

// List is a list of dead letters, the oldest first, and the state of their queue when it was opened.
type List struct {
	Visible         int    `json:"depth"`
	Hidden          int    `json:"in_flight"`
	MaxReceiveCount int    `json:"max_receive_count"`
	Lines           []Line `json:"messages"`
	Queue           string `json:"queue"` // name of the dead-letter queue
	source          string
}

// Line is a letter in a list.
type Line struct {
	ID       string    `json:"message_id"`
	SentAt   time.Time `json:"sent_at"`
	Contract string    `json:"contract,omitempty"` // "" where there is only one, and for a message of none
	Reason   string    `json:"reason"`
}

// List lists limit letters at most, at least one if there are any. Errors are those of Look.
func (l *Letters) List(ctx context.Context, set *routes.Set, limit int) (*List, error) {
	list := &List{
		Visible: l.Visible, Hidden: l.Hidden, MaxReceiveCount: l.MaxReceiveCount,
		Lines: []Line{}, Queue: l.Queue.Name(), source: l.Source.Name(),
	}
	err := l.Look(ctx, func(letter *Letter) bool {
		list.Lines = append(list.Lines, letter.line(set))
		return len(list.Lines) < limit
	})
	slices.SortStableFunc(list.Lines, func(a, b Line) int { return a.SentAt.Compare(b.SentAt) })
	return list, err
}

func (l *Letter) line(set *routes.Set) Line {
	line := Line{ID: l.ID(), SentAt: l.SentAt(), Reason: l.Reason(set)}
	if len(set.Contracts()) > 1 {
		line.Contract = l.Contract(set)
	}
	return line
}

// Print writes the list for a person. It shows no receive counts: each look at a letter raises them.
func (l *List) Print(w io.Writer) {
	inFlight := ""
	if l.Hidden > 0 {
		inFlight = fmt.Sprintf(", and %d in flight: another program has received them", l.Hidden)
	}
	fmt.Fprintf(w, "%s: %d%s\n", l.Queue, l.Visible, inFlight)
	fmt.Fprintf(w, "a message of %s is dead after %d receives\n", l.source, l.MaxReceiveCount)
	if len(l.Lines) > 0 {
		header, rows := l.table()
		terminal.Table(w, header, rows)
	}
	terminal.More(w, len(l.Lines), l.Visible)
}

// table returns the lines as a table with a header. Only contracts that differ have a column.
func (l *List) table() (header []string, rows [][]string) {
	header = []string{"message id", "sent (utc)", "contract", "reason"}
	for _, line := range l.Lines {
		rows = append(rows, []string{line.ID, line.SentAt.Format(time.DateTime), line.Contract, line.Reason})
	}
	if !slices.ContainsFunc(l.Lines, func(line Line) bool { return line.Contract != "" }) {
		header = slices.Delete(header, 2, 3)
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 2, 3)
		}
	}
	return header, rows
}
