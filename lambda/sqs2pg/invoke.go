package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sqs2pg/pkg/local/invoker"
	"sqs2pg/pkg/terminal"
)

// invokeCommand is the local invoker.
type invokeCommand struct {
	queueFlags    `embed:""`
	functionFlags `embed:""`
	mappingFlags  `embed:""`
	settingsFlags `embed:""`
	Record        string `placeholder:"DIR" type:"path" help:"Keep each batch, bodies too, as a file in DIR."`
	JSON          bool   `name:"json" help:"End with one JSON object on standard output."`
}

// Help is shown below the flags.
func (c *invokeCommand) Help() string {
	return "The function gets the settings DATABASE_*, MASK_* and CONTRACT from this environment. Messages are deleted only when the function has committed them."
}

func (c *invokeCommand) Run(ctx context.Context, s *streams) error {
	recorder, err := c.recorder(s)
	if err != nil {
		return err
	}
	q, err := c.open(ctx)
	if err != nil {
		return err
	}
	m, err := c.mapping(q)
	if err != nil {
		return err
	}
	environ, err := c.environ(ctx, s, c.remote())
	if err != nil {
		return err
	}
	function, err := c.function(ctx, &c.endpointFlags, environ)
	if err != nil {
		return err
	}
	printWhere(s, q)
	d := invoker.Drain{Mapping: m, Function: function, Recorder: recorder, Waiting: waiting(q), Screen: s.err}
	result, err := d.Run(ctx)
	if err != nil {
		return asMisuse(err)
	}
	return c.conclude(s, result)
}

// recorder returns nil without --record.
func (c *invokeCommand) recorder(s *streams) (*invoker.Recorder, error) {
	if c.Record == "" {
		return nil, nil
	}
	r, err := invoker.NewRecorder(c.Record)
	if err != nil {
		return nil, misuse("--record: %v", err)
	}
	fmt.Fprintf(s.err, "recording to %s, which only you can read (0700): the files hold whole messages, unmasked; delete them when done\n", c.Record)
	return r, nil
}

// conclude says what became of the messages. It is an error if a message failed and did not succeed
// later.
func (c *invokeCommand) conclude(s *streams, r invoker.Result) error {
	for _, w := range r.Warnings {
		fmt.Fprintf(s.err, "warning: %s\n", w)
	}
	otherwise := "unknown"
	if r.FailedBatches > 0 {
		otherwise = "its batch failed"
	}
	reasons := r.Log.Reasons(r.FailedIDs, otherwise)
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(newInvokeReport(r, reasons)); err != nil {
			return err
		}
	} else {
		terminal.Table(s.out, []string{"messages", "count"}, append(c.countRows(r, reasons), usageRows(r.Totals)...))
	}
	return c.failed(r)
}

// failed says how many messages failed and where they are. It is nil if none failed.
func (c *invokeCommand) failed(r invoker.Result) error {
	n := len(r.FailedIDs)
	if n == 0 {
		return nil
	}
	dead := min(r.DeadLettered, n)
	text := plural(n, "message", "messages") + " failed"
	if dead > 0 {
		text += "; " + plural(dead, "is a dead letter", "are dead letters") + ": see sqs2pg dlq list --queue " + c.Queue
	}
	if n > dead {
		text += "; " + plural(n-dead, "is", "are") + " still on the queue"
	}
	if c.remote() && r.LastError != "" { // its log is elsewhere
		text += "; the last batch failed with: " + r.LastError
	}
	return errors.New(text)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// invokeReport is what --json prints. It counts receives, but for the failures: these are messages by
// the reason why they failed last.
type invokeReport struct {
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

func newInvokeReport(r invoker.Result, reasons map[string]int) invokeReport {
	return invokeReport{
		r.Received, r.Summary.Invocations, r.Succeeded, r.Failed, r.Filtered, r.DeadLettered, reasons,
		r.Elapsed.Round(time.Millisecond).Seconds(), r.Timeouts, r.Restarts, r.Billed.Seconds(), r.MaxMemory,
	}
}

// countRows are the first lines of the closing table: what became of the messages, then how it went.
func (c *invokeCommand) countRows(r invoker.Result, reasons map[string]int) [][]string {
	rows := [][]string{{"written", fmt.Sprint(r.Log.Written())}, {"duplicates", fmt.Sprint(r.Log.Duplicates())}}
	if c.remote() { // its log is elsewhere
		rows = [][]string{{"succeeded", fmt.Sprint(r.Succeeded)}}
	}
	if r.Filtered > 0 {
		rows = append(rows, []string{"filtered out", fmt.Sprint(r.Filtered)})
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		rows = append(rows, []string{"failed, " + reason, fmt.Sprint(reasons[reason])})
	}
	return append(rows,
		[]string{"dead-lettered", fmt.Sprint(r.DeadLettered)},
		[]string{"receives", fmt.Sprint(r.Received)},
		[]string{"invocations", fmt.Sprint(r.Summary.Invocations)},
		[]string{"seconds", fmt.Sprintf("%.1f", r.Elapsed.Seconds())})
}

// usageRows are the last lines of the closing table. Timeouts, crashes and restarts have a line
// only if there were any.
func usageRows(t invoker.Totals) [][]string {
	if t.Invocations == 0 {
		return nil
	}
	var rows [][]string
	for _, c := range []struct {
		name  string
		count int
	}{{"timeouts", t.Timeouts}, {"crashes", t.Crashes}, {"restarts", t.Restarts}} {
		if c.count > 0 {
			rows = append(rows, []string{c.name, fmt.Sprint(c.count)})
		}
	}
	return append(rows,
		[]string{"billed seconds", fmt.Sprintf("%.3f", t.Billed.Seconds())},
		[]string{"max memory MB", fmt.Sprint((t.MaxMemory + 1<<20 - 1) >> 20)})
}
