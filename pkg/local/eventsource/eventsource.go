// Package eventsource plays Lambda's event source mapping for SQS on this machine: it polls a
// queue, makes batches, invokes a function with each, and then deletes exactly the messages that
// the function did not report as failed.
//
// It exists because that service between SQS and the function decides what is deleted. Whether a
// message survives a bad response, a timeout or a crash is written in AWS's documentation and
// nowhere in the function, and emulators differ from it where it matters most: some delete messages
// whose failure was reported. So this package keeps the rules to the letter
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html), and a table of
// tests holds each of them.
//
// Three stages of goroutines are joined by channels without a buffer: one collector polls,
// Concurrency invokers invoke, and as many finishers delete. At most one batch waits between two
// stages, so that messages are not received long before their turn.
package eventsource

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sqs2pg/pkg/pattern"
	"sqs2pg/pkg/queue"
)

const (
	defaultBatchSize  = 10
	maxBatchSize      = 10_000
	maxFIFOBatchSize  = 10
	maxWindow         = 300 * time.Second
	maxFilters        = 5                // of a mapping; AWS raises it to 10 on request
	invocationCeiling = 15 * time.Minute // no Lambda function runs longer
)

// Errors that Run returns, wrapped with what to do about them. For the queue, Run returns
// queue.ErrMissing and queue.ErrUnreachable.
var (
	ErrMisuse     = errors.New("mapping cannot work")
	ErrNoFunction = errors.New("function cannot be invoked")
)

// Function is what the mapping invokes: a *runtimeapi.Function, or one of pkg/local/remote.
// An error means that the invocation failed, for whatever reason; a function that runs into its own
// timeout returns one. An error that matches ErrNoFunction says that nothing was invoked and
// nothing will be. It ends Run, before good messages use up their receives.
//
// Invoke must be safe for concurrent calls and must not keep the payload.
type Function interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Mapping is one event source mapping. Its fields have the names and limits of AWS's where AWS has
// them.
type Mapping struct {
	// Queue is polled. Its ARN, as SQS gives it, is what the function sees as eventSourceARN.
	// Required.
	Queue *queue.Queue

	// Function is invoked with each batch. Required.
	Function Function

	// FunctionTimeout is how long one invocation may take; 0 if that is not known. It is only used
	// to warn where AWS would refuse the mapping, because the queue's visibility timeout is
	// shorter.
	FunctionTimeout time.Duration

	// BatchSize is the most messages in one invocation: 1 to 10,000, on a FIFO queue to 10. Default
	// 10. A batch is smaller when the queue has no more, and when the event would exceed 6 MB.
	BatchSize int

	// Window is how long an incomplete batch waits for more messages after its first: 0 to 300 s,
	// not on FIFO queues. At 0 a batch takes what the queue can give at once. AWS wants at least 1
	// s with a BatchSize above 10; this mapping does not.
	Window time.Duration

	// Concurrency is the most invocations at a time. Default 1.
	Concurrency int

	// IdleTimeout ends Run when no message came for this long and none was in flight. At 0 Run goes
	// on until its context ends.
	//
	// On a queue with a redrive policy Run first waits until every failed message has become
	// visible again and was received once more, since only a receive moves a message to the
	// dead-letter queue. On a queue without a redrive policy a bad message returns for ever; there
	// only a success or a message that was never received before resets the timeout.
	IdleTimeout time.Duration

	// RetryDelay is set as the visibility timeout of messages that failed, so that a drain need not
	// wait for the queue's: whole seconds, up to 43,200. At 0 they are visible at once. A negative
	// one leaves them alone, as AWS does. It is not used with IdleTimeout on a queue without a
	// redrive policy: the drain would never end.
	RetryDelay time.Duration

	// IgnoreBatchItemFailures plays a mapping without FunctionResponseTypes:
	// [ReportBatchItemFailures]. It ignores the response: messages that the function reports as
	// failed are deleted, and so are lost.
	IgnoreBatchItemFailures bool

	// Filters choose the messages that the function gets: those that at least one filter matches.
	// The others are deleted, as AWS does on SQS
	// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html). Without filters the
	// function gets every message. At most 5.
	Filters []*pattern.Pattern

	// Observe, if set, is called at every change, one call at a time. It must return quickly.
	Observe func(Progress)

	// Finished, if set, is called with each batch that was invoked, before the call of Observe about
	// it, one call at a time. It must return quickly.
	Finished func(Finished)
}

// Run polls until the queue has been silent for IdleTimeout, or until ctx ends. In both cases the
// error is nil.
//
// When ctx ends, Run stops polling at once and makes the messages that it has not yet handed over
// visible again. Invocations in progress finish, their messages are deleted or left, and then Run
// returns.
//
// Errors match ErrMisuse, ErrNoFunction, queue.ErrMissing or queue.ErrUnreachable, or are a refusal
// of SQS, such as missing permission. Once SQS has answered, Run waits for the end of throttling
// and of network errors: for a minute with IdleTimeout, for ever without.
func (m *Mapping) Run(ctx context.Context) (Summary, error) {
	r, err := newRun(ctx, *m)
	if err != nil {
		return Summary{}, err
	}
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	batches, invoked := make(chan *batch), make(chan *batch)
	var collecting error
	var collector, invokers, finishers sync.WaitGroup
	collector.Go(func() {
		defer close(batches)
		collecting = r.collect(ctx, batches)
	})
	for range r.Concurrency {
		invokers.Go(func() {
			for b := range batches {
				r.invoke(ctx, b)
				invoked <- b
			}
		})
		finishers.Go(func() {
			for b := range invoked {
				r.finish(ctx, b)
			}
		})
	}
	collector.Wait()
	invokers.Wait()
	close(invoked)
	finishers.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrNoFunction) {
		return r.counts.summary(), cause
	}
	return r.counts.summary(), collecting
}

// run is one call of Run.
type run struct {
	Mapping
	settings queue.Attributes
	record   recordWriter
	counts   *counts
	carried  []message // received, but the batch had no room for them; they come first in the next batch
	errors   pollErrors
	stop     context.CancelCauseFunc
}

func newRun(ctx context.Context, m Mapping) (*run, error) {
	if m.Queue == nil || m.Function == nil {
		return nil, fmt.Errorf("%w: it needs a queue and a function", ErrMisuse)
	}
	settings, err := m.Queue.Attributes(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.complete(); err != nil {
		return nil, err
	}
	m.Queue = m.Queue.Direct()
	r := &run{Mapping: m, settings: settings, record: newRecordWriter(settings.ARN, settings.Region), counts: newCounts(&m, settings.MaxReceiveCount > 0)}
	r.counts.warn(m.warnings(settings.VisibilityTimeout))
	return r, nil
}

func (m *Mapping) complete() error {
	if m.BatchSize == 0 {
		m.BatchSize = defaultBatchSize
	}
	m.Concurrency = max(m.Concurrency, 1)
	switch {
	case m.BatchSize < 0 || m.BatchSize > maxBatchSize:
		return fmt.Errorf("%w: batch size %d is not between 1 and %d", ErrMisuse, m.BatchSize, maxBatchSize)
	case m.Queue.FIFO() && m.BatchSize > maxFIFOBatchSize:
		return fmt.Errorf("%w: batch size %d on a FIFO queue, which allows %d", ErrMisuse, m.BatchSize, maxFIFOBatchSize)
	case m.Window < 0 || m.Window > maxWindow:
		return fmt.Errorf("%w: batching window %s is not between 0s and %s", ErrMisuse, m.Window, maxWindow)
	case m.Queue.FIFO() && m.Window > 0:
		return fmt.Errorf("%w: a FIFO queue allows no batching window", ErrMisuse)
	case len(m.Filters) > maxFilters:
		return fmt.Errorf("%w: %d filters, but AWS allows %d", ErrMisuse, len(m.Filters), maxFilters)
	case m.RetryDelay > queue.MaxVisibility:
		return fmt.Errorf("%w: retry delay %s is above SQS's limit of %s", ErrMisuse, m.RetryDelay, queue.MaxVisibility)
	}
	return nil
}

// warnings tell what AWS would refuse or advise against when such a mapping is created.
func (m *Mapping) warnings(visibility time.Duration) []string {
	switch {
	case m.FunctionTimeout > 0 && visibility < m.FunctionTimeout:
		return []string{fmt.Sprintf("the queue's visibility timeout (%s) is shorter than the function's timeout (%s): AWS refuses such a mapping, and a slow batch is delivered twice",
			visibility, m.FunctionTimeout)}
	case m.FunctionTimeout > 0 && visibility < m.FunctionTimeout+m.Window:
		return []string{fmt.Sprintf("the queue's visibility timeout (%s) is shorter than the function's timeout and the batching window together (%s): a slow batch is delivered twice",
			visibility, m.FunctionTimeout+m.Window)}
	}
	return nil
}

func (r *run) invoke(ctx context.Context, b *batch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), invocationCeiling)
	defer cancel()
	r.counts.invoking(len(b.messages))
	response, err := r.Function.Invoke(ctx, b.event())
	if errors.Is(err, ErrNoFunction) {
		r.stop(err)
		b.notInvoked = true
	}
	b.outcome = readOutcome(b.ids(), response, err, r.IgnoreBatchItemFailures)
	b.free()
}
