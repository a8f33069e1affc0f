package deadletter

import (
	"slices"
	"time"

	"sqs2pg/pkg/contract/routes"
)

// Line is a letter in a list.
type Line struct {
	ID       string    `json:"message_id"`
	SentAt   time.Time `json:"sent_at"`
	Contract string    `json:"contract,omitempty"` // "" where there is only one, and for a message of none
	Reason   string    `json:"reason"`
}

// Line returns the letter's line in a list.
func (l *Letter) Line(set *routes.Set) Line {
	line := Line{ID: l.ID(), SentAt: l.SentAt(), Reason: l.Reason(set)}
	if len(set.Contracts()) > 1 {
		line.Contract = l.Contract(set)
	}
	return line
}

// Table returns lines as a table with a header. Only contracts that differ have a column.
func Table(lines []Line) (header []string, rows [][]string) {
	header = []string{"message id", "sent (utc)", "contract", "reason"}
	for _, l := range lines {
		rows = append(rows, []string{l.ID, l.SentAt.Format(time.DateTime), l.Contract, l.Reason})
	}
	if !slices.ContainsFunc(lines, func(l Line) bool { return l.Contract != "" }) {
		header = slices.Delete(header, 2, 3)
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 2, 3)
		}
	}
	return header, rows
}
