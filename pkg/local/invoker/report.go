package invoker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sqs2pg/pkg/terminal"
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
	reasons := map[string]int{}
	for _, f := range r.failures.reasons {
		reasons[f.reason] += f.messages
	}
	return reasons
}

// otherwise is the reason of a message about which the function logged nothing.
func (r *Result) otherwise() string {
	if r.FailedBatches > 0 {
		return wholeBatch
	}
	return "unknown"
}

// Failure says how many messages failed and did not succeed later, and where they are. It is nil
// without such messages. list is the command that lists dead letters.
func (r *Result) Failure(list string) error {
	n := r.failures.failing + r.failures.dead
	if n == 0 {
		return nil
	}
	text := terminal.Plural(n, "message", "messages") + " failed"
	if dead := r.failures.dead; dead > 0 {
		text += "; " + terminal.Plural(dead, "is a dead letter", "are dead letters") + ": see " + list
	}
	if failing := r.failures.failing; failing > 0 {
		text += "; " + terminal.Plural(failing, "is", "are") + " still on the queue"
	}
	if r.Remote && r.LastError != "" { // a local function's log has said it
		text += "; the last batch failed with: " + r.LastError
	}
	return errors.New(text)
}

// Stopped says what is where after a drain that was stopped: how many messages are written, how many
// are on the queue and when, how many are dead. It is "" after a drain that ended by itself.
func (r *Result) Stopped(queue string) string {
	if r.Left == nil {
		return ""
	}
	done := fmt.Sprintf("%d written, %d duplicates", r.Log.Written(), r.Log.Duplicates())
	if r.Remote {
		done = fmt.Sprintf("%d succeeded", r.Succeeded)
	}
	text := fmt.Sprintf("stopped: %s, %d dead-lettered", done, r.DeadLettered)
	switch {
	case !r.Left.Known:
		return text + "; SQS does not say what is on " + queue
	case r.Left.InFlight == 0:
		return fmt.Sprintf("%s; %s: %d on the queue", text, queue, r.Left.Visible+r.Left.Delayed)
	}
	return fmt.Sprintf("%s; %s: %d on the queue, %d in flight, visible again within %.0f s", text, queue, r.Left.Visible+r.Left.Delayed, r.Left.InFlight, r.returns().Seconds())
}

// returns is how long the messages in flight may stay invisible: those that failed here, until they
// return; those of others for the queue's visibility timeout.
func (r *Result) returns() time.Duration {
	if r.Left.InFlight > r.failures.failing+r.failures.dead {
		return r.Left.VisibilityTimeout
	}
	return max(time.Until(r.Returns), time.Second)
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
	addSome("superseded", r.Log.Superseded())
	addSome("erased", r.Log.Erased())
	addSome("written without a seal", r.Log.Unsealed())
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
