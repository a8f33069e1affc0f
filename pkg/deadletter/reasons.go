package deadletter

import (
	"io"
	"maps"
	"slices"
	"strconv"

	"sqs2pg/pkg/terminal"
)

// Reasons counts the letters that a contract or its table refuses, by reason.
type Reasons map[string]int

// Add counts a letter with that reason. It returns false, and counts nothing, if the contract
// accepts it.
func (r Reasons) Add(reason string) bool {
	if reason == Accepted {
		return false
	}
	r[reason]++
	return true
}

// Total returns the number of letters.
func (r Reasons) Total() (n int) {
	for _, count := range r {
		n += count
	}
	return n
}

// Print writes a table of the counts. It writes nothing without counts.
func (r Reasons) Print(w io.Writer) {
	var rows [][]string
	for _, reason := range slices.Sorted(maps.Keys(r)) {
		rows = append(rows, []string{strconv.Itoa(r[reason]), reason})
	}
	if len(rows) > 0 {
		terminal.Table(w, []string{"messages", "reason"}, rows)
	}
}
