package invoker

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Report is a Result as numbers. It counts receives, but for Failures: these are messages by the
// reason why they failed last.
type Report struct {
	Received       int            `json:"received"`
	Invocations    int            `json:"invocations"`
	Succeeded      int            `json:"succeeded"`
	Failed         int            `json:"failed"`
	Filtered       int            `json:"filtered"`
	DeadLettered   int            `json:"dead_lettered"`
	Failures       map[string]int `json:"failures"`
	ElapsedSeconds float64        `json:"elapsed_seconds"`
	Timeouts       int            `json:"timeouts"`
	Restarts       int            `json:"restarts"`
	BilledSeconds  float64        `json:"billed_seconds"`
	MaxMemory      int64          `json:"max_memory_bytes"`
}

// Report sums the result up.
func (r *Result) Report() Report {
	return Report{
		r.Received, r.Summary.Invocations, r.Succeeded, r.Failed, r.Filtered, r.DeadLettered, r.reasons(),
		r.Elapsed.Round(time.Millisecond).Seconds(), r.Timeouts, r.Restarts, r.Billed.Seconds(), r.MaxMemory,
	}
}

// reasons counts the messages that failed by the reason why they failed last.
func (r *Result) reasons() map[string]int {
	if r.FailedBatches > 0 {
		return r.Log.Reasons(r.FailedIDs, "its batch failed")
	}
	return r.Log.Reasons(r.FailedIDs, "unknown")
}

// Rows are a closing table of names and numbers: what became of the messages, how it went, and what
// the function used.
func (r *Result) Rows() [][]string {
	var rows [][]string
	add := func(name string, value any) { rows = append(rows, []string{name, fmt.Sprint(value)}) }
	if r.Remote { // its log is elsewhere
		add("succeeded", r.Succeeded)
	} else {
		add("written", r.Log.Written())
		add("duplicates", r.Log.Duplicates())
	}
	addSome := func(name string, n int) { // a line only if there were any
		if n > 0 {
			add(name, n)
		}
	}
	addSome("filtered out", r.Filtered)
	reasons := r.reasons()
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		add("failed, "+reason, reasons[reason])
	}
	add("dead-lettered", r.DeadLettered)
	add("receives", r.Received)
	add("invocations", r.Summary.Invocations)
	add("seconds", fmt.Sprintf("%.1f", r.Elapsed.Seconds()))
	if r.Totals.Invocations > 0 {
		addSome("timeouts", r.Timeouts)
		addSome("crashes", r.Crashes)
		addSome("restarts", r.Restarts)
		add("billed seconds", fmt.Sprintf("%.3f", r.Billed.Seconds()))
		add("max memory MB", (r.MaxMemory+1<<20-1)>>20)
	}
	return rows
}
