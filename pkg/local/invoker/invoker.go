// Package invoker drains a queue through the function as it is deployed, on this machine, and shows
// how it goes.
//
// The event source mapping (pkg/local/eventsource) decides which messages are deleted, and the
// Runtime API (pkg/local/runtimeapi) runs the bootstrap. This package joins the two: it opens the
// function wherever it is, records events if asked to, reads the function's log for numbers and
// reasons, and paints the progress. It imports those two and pkg/terminal.
package invoker

import (
	"context"
	"errors"
	"io"
	"time"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

// Drain is one queue that is drained through one function.
type Drain struct {
	// Mapping has all settings of the mapping; Run sets Function, FunctionTimeout and Observe.
	Mapping eventsource.Mapping

	// Function is opened by Run, which sets Environments to the mapping's concurrency, and Log.
	Function Function

	// Recorder, if set, keeps every event.
	Recorder *Recorder

	// Screen gets the progress, and the lines of the function's log that a person would act on.
	Screen io.Writer
}

// Result is what became of the messages.
type Result struct {
	eventsource.Summary
	Totals
	Log    *Log
	Remote bool          // the function runs elsewhere, so Log and Totals are empty
	Took   time.Duration // from the start to the last change, so without the silence that ends a drain
	Left   *Left         // nil if the drain ended by itself

	failures failures
}

// Left is what was on the queue when a drain was stopped.
type Left struct {
	queue.Attributes
	Known bool // false if SQS did not say
}

// SetupFaultError ends a drain: the function cannot write any batch until a person has repaired
// contract, keyring or database. Further batches would only use up the receives of good messages.
type SetupFaultError struct{ text string }

// Error is the text of the function's log. It says what to do.
func (e *SetupFaultError) Error() string { return "stopped: " + e.text }

// Run drains until the queue has been silent for the mapping's IdleTimeout or ctx ends, and returns
// what happened until then, with an error too. Errors are those of Function.Open and of
// eventsource.Mapping.Run, and *SetupFaultError if a function on this machine logs such a fault.
// Call it once.
func (d *Drain) Run(ctx context.Context) (Result, error) {
	p := newProgress(d.Screen, d.Mapping.Queue)
	draining, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p.log.stop = stop
	f, m := d.Function, d.Mapping
	f.Environments, f.Log = m.Concurrency, p.log
	opened, err := f.Open(ctx)
	if err != nil {
		return Result{Log: p.log}, err
	}
	m.Function, m.FunctionTimeout, m.Observe, m.Finished = d.Recorder.wrap(opened), opened.timeout, p.observe, p.finished
	p.show(ctx)
	defer context.AfterFunc(ctx, p.stopping)()
	summary, err := m.Run(draining)
	p.stop()
	totals := opened.Close() // the last lines of the log come before it returns
	if fault, ok := errors.AsType[*SetupFaultError](context.Cause(draining)); ok {
		err = fault
	}
	r := Result{Summary: summary, Totals: totals, Log: p.log, Remote: f.Bootstrap == "", Took: p.took}
	if ctx.Err() != nil {
		r.Left = d.left(ctx)
	}
	r.failures = p.log.failures(r.otherwise())
	return r, err
}

// left asks what is on the queue after a stop.
func (d *Drain) left(ctx context.Context) *Left {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	a, err := d.Mapping.Queue.Attributes(ctx)
	return &Left{a, err == nil}
}
