package main

import (
	"fmt"
	"sync"
	"time"

	"sqs2pg/pkg/local/runtimeapi"
)

// totals sum up what Lambda's REPORT lines would say of a run. They are empty for a function that runs elsewhere.
type totals struct {
	mu        sync.Mutex
	maxMemory int64
	billed    time.Duration
	stats     runtimeapi.Stats // at the end
}

// add is called after each invocation, several at a time.
func (t *totals) add(r runtimeapi.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxMemory = max(t.maxMemory, r.MaxMemory)
	t.billed += r.Billed
}

// rows are lines of the closing table. What should not happen has a line only if it did.
func (t *totals) rows() [][]string {
	if t.stats.Invocations == 0 {
		return nil
	}
	var rows [][]string
	for _, c := range []struct {
		name  string
		count int
	}{{"timeouts", t.stats.Timeouts}, {"crashes", t.stats.Crashes}, {"restarts", t.stats.Restarts}} {
		if c.count > 0 {
			rows = append(rows, []string{c.name, fmt.Sprint(c.count)})
		}
	}
	return append(rows,
		[]string{"billed seconds", fmt.Sprintf("%.3f", t.billed.Seconds())},
		[]string{"max memory MB", fmt.Sprint((t.maxMemory + 1<<20 - 1) >> 20)})
}
