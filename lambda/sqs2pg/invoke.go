package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sqs2pg/pkg/local/eventsource"
)

// invokeCommand is the local invoker.
type invokeCommand struct {
	queueFlags    `embed:""`
	mappingFlags  `embed:""`
	settingsFlags `embed:""`
	Record        string `placeholder:"DIR" type:"path" help:"Keep each batch, bodies too, as a file in DIR."`
	JSON          bool   `name:"json" help:"End with one JSON object on standard output."`
}

// Help is shown below the flags.
func (c *invokeCommand) Help() string {
	return "The function gets the settings of DATABASE_*, MASK_* and CONTRACT from this environment. Messages are deleted only when the function has committed them."
}

func (c *invokeCommand) Run(ctx context.Context, s *streams) error {
	environ, err := c.environ(s, c.remote())
	if err != nil {
		return err
	}
	record, err := newRecorder(c.Record, s.err)
	if err != nil {
		return err
	}
	client, queueURL, err := c.open(ctx)
	if err != nil {
		return err
	}
	live := newProgress(s.err, depth(ctx, client, queueURL))
	log := newFunctionLog(live)
	d := drain{mappingFlags: c.mappingFlags, client: client, queueURL: queueURL, endpoint: c.EndpointURL, environ: environ, record: record, progress: live.observe}
	live.show(ctx, client, queueURL, log)
	summary, err := d.run(ctx, log)
	live.done()
	if err != nil {
		return explainQueue(err)
	}
	return c.conclude(s, summary, log, d.totals)
}

// conclude says what became of the messages. It fails if the function did: bad messages are the function's ordinary work.
func (c *invokeCommand) conclude(s *streams, summary eventsource.Summary, log *functionLog, sum *totals) error {
	for _, w := range summary.Warnings {
		fmt.Fprintf(s.err, "warning: %s\n", w)
	}
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(newResult(summary, sum)); err != nil {
			return err
		}
	} else {
		printTable(s.out, []string{"messages", "count"}, append(c.tally(summary, log), sum.rows()...))
	}
	if summary.FailedBatches > 0 {
		return fmt.Errorf("%d batches came back whole, the last because of %s", summary.FailedBatches, summary.LastError)
	}
	return nil
}

// result is what --json prints.
type result struct {
	Received       int     `json:"received"`
	Invocations    int     `json:"invocations"`
	Succeeded      int     `json:"succeeded"`
	Failed         int     `json:"failed"`
	Filtered       int     `json:"filtered"`
	DeadLettered   int     `json:"dead_lettered"`
	ElapsedSeconds float64 `json:"elapsed_seconds"`
	Timeouts       int     `json:"timeouts"`
	Restarts       int     `json:"restarts"`
	BilledSeconds  float64 `json:"billed_seconds"`
	MaxMemory      int64   `json:"max_memory_bytes"`
}

func newResult(m eventsource.Summary, t *totals) result {
	return result{
		m.Received, m.Invocations, m.Succeeded, m.Failed, m.Filtered, m.DeadLettered, m.Elapsed.Round(time.Millisecond).Seconds(),
		t.stats.Timeouts, t.stats.Restarts, t.billed.Seconds(), t.maxMemory,
	}
}

// tally is the closing table: what SQS saw, then what the function said.
func (c *invokeCommand) tally(m eventsource.Summary, log *functionLog) [][]string {
	rows := [][]string{{"received", fmt.Sprint(m.Received)}}
	if c.remote() { // its log is elsewhere
		rows = append(rows, []string{"succeeded", fmt.Sprint(m.Succeeded)}, []string{"failed", fmt.Sprint(m.Failed)})
	} else {
		rows = append(rows, []string{"written", fmt.Sprint(log.written)}, []string{"duplicates", fmt.Sprint(log.repeated)})
	}
	if m.Filtered > 0 {
		rows = append(rows, []string{"filtered out", fmt.Sprint(m.Filtered)})
	}
	for _, reason := range slices.Sorted(maps.Keys(log.failures)) {
		rows = append(rows, []string{"failed, " + reason, fmt.Sprint(log.failures[reason])})
	}
	return append(rows,
		[]string{"dead-lettered", fmt.Sprint(m.DeadLettered)},
		[]string{"invocations", fmt.Sprint(m.Invocations)},
		[]string{"seconds", fmt.Sprintf("%.1f", m.Elapsed.Seconds())})
}

// explainQueue makes a mapping's misuse one of the command.
func explainQueue(err error) error {
	if errors.Is(err, eventsource.ErrMisuse) {
		return misuse("%v", err)
	}
	return err
}
