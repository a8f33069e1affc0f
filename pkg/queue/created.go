package queue

import (
	"fmt"
	"io"
	"slices"
)

// Print writes a line for each of the two queues, made or found, and for each difference.
func (c Created) Print(w io.Writer) {
	for _, q := range []*Queue{c.Queue, c.Dead} {
		state := "exists"
		if slices.Contains(c.Made, q) {
			state = "made"
		}
		fmt.Fprintf(w, "%-6s  %s\n", state, q.URL)
	}
	for _, d := range c.Differences {
		fmt.Fprintln(w, d)
	}
}

// Report is what Print writes, for JSON.
func (c Created) Report() map[string]any {
	made, differences := []string{}, []string{}
	for _, q := range c.Made {
		made = append(made, q.URL)
	}
	for _, d := range c.Differences {
		differences = append(differences, d.String())
	}
	return map[string]any{"queue": c.Queue.URL, "dead_letter_queue": c.Dead.URL, "made": made, "differences": differences}
}
