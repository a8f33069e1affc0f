// Package eventsource plays Lambda's event source mapping for SQS on this machine: it polls a queue, makes batches, invokes
// a function with each, and then deletes exactly what the function did not report as failed.
//
// It exists because that in-between service, and no code of ours, decides what is deleted. Whether a message survives a bad
// response, a timeout or a crash is written in AWS's documentation and nowhere in the function, and emulators differ from it
// where it matters most: some delete messages whose failure was reported. So the rules are kept to the letter here
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html), and a table of tests holds each of them.
//
// Three goroutine stages are joined by channels without a buffer: one collector that polls, Concurrency invokers, as many
// settlers that delete. At most one batch waits between two stages, so that messages are not received long before their turn.
package eventsource

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	defaultBatchSize  = 10
	maxBatchSize      = 10_000
	maxFIFOBatchSize  = 10
	maxWindow         = 300 * time.Second
	invocationCeiling = 15 * time.Minute // no Lambda function runs longer
)

// Errors that Run returns, wrapped with what to do about them.
var (
	ErrQueueMissing = errors.New("queue does not exist")
	ErrUnreachable  = errors.New("SQS cannot be reached")
	ErrMisuse       = errors.New("mapping cannot work")
	ErrNoFunction   = errors.New("function cannot be invoked")
)

// Function is what the mapping invokes: a *runtimeapi.Function, a *URLFunction, a *NamedFunction. An error is a failed
// invocation, whatever the reason, and so is running into its own timeout; but one that matches ErrNoFunction says that nothing
// was invoked and nothing will be, and it ends Run, before good messages use up the receives that they have. It must be safe for
// concurrent calls and must not keep the payload.
type Function interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Mapping is one event source mapping. Its fields have the names and limits of AWS's where AWS has them.
type Mapping struct {
	// Client is best made by NewClient. Required.
	Client *sqs.Client

	// QueueURL names the queue. Required.
	QueueURL string

	// QueueARN is what the function sees as eventSourceARN. Default: what the queue says of itself. An ARN that ends in .fifo
	// makes the mapping one of a FIFO queue.
	QueueARN string

	// Function is invoked with each batch. Required.
	Function Function

	// FunctionTimeout is how long one invocation may take, if known. It serves one purpose: a warning where AWS would refuse
	// the mapping, because the queue's visibility timeout is shorter.
	FunctionTimeout time.Duration

	// BatchSize is the most messages in one invocation: 1 to 10,000, on a FIFO queue to 10. Default 10. A batch is smaller
	// when the queue has no more, and when the event would exceed 6 MB.
	BatchSize int

	// Window is how long an incomplete batch waits for more messages after its first: 0 to 300 s, not on FIFO queues. At 0 a
	// batch takes what the queue can give at once. AWS wants at least 1 s with a BatchSize above 10; this mapping does not.
	Window time.Duration

	// Concurrency is the most invocations at a time. Default 1.
	Concurrency int

	// IdleTimeout ends Run when for so long no message came and none was in flight. 0: Run goes on until its context ends.
	//
	// On a queue with a redrive policy Run first waits until every failed message has become visible again and was received
	// once more, since only a receive moves a message to the dead-letter queue. On a queue without one a bad message returns
	// for ever; there only a success or a message never received before counts as a sign of life.
	IdleTimeout time.Duration

	// RetryDelay is set as the visibility timeout of messages that failed, so that a drain need not wait for the queue's: 0 is
	// at once, negative leaves them alone, as AWS does. Whole seconds, up to 43,200. It is not used where it would make a
	// drain spin: with IdleTimeout on a queue without a redrive policy.
	RetryDelay time.Duration

	// IgnoreBatchItemFailures plays a mapping without FunctionResponseTypes: [ReportBatchItemFailures]. The response is not
	// looked at: whatever the function reports as failed is deleted, and so is lost.
	IgnoreBatchItemFailures bool

	// Filters say which messages the function is for: those that at least one of them matches. The others are deleted, as AWS
	// does on SQS. None: every message. At most 5.
	Filters []*Filter

	// Observe, if set, is called at every change, one call at a time. It must be quick.
	Observe func(Progress)
}

// Run polls until the queue has been silent for IdleTimeout or ctx ends, and both are its ordinary end, with a nil error.
//
// When ctx ends it stops polling at once and makes the messages it has not yet handed over visible again; invocations in
// progress finish, their messages are deleted or left, and then it returns.
//
// Errors match ErrMisuse, ErrQueueMissing, ErrUnreachable or ErrNoFunction, or are the queue's own refusal, such as missing permission.
// After the first success throttling and network errors are waited out: for a minute with IdleTimeout, for ever without.
func (m *Mapping) Run(ctx context.Context) (Summary, error) {
	r, err := newRun(ctx, *m)
	if err != nil {
		return Summary{}, err
	}
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	batches, settled := make(chan *batch), make(chan *batch)
	var collecting error
	var collector, invokers, settlers sync.WaitGroup
	collector.Go(func() {
		defer close(batches)
		collecting = r.collect(ctx, batches)
	})
	for range r.Concurrency {
		invokers.Go(func() {
			for b := range batches {
				r.invoke(ctx, b)
				settled <- b
			}
		})
		settlers.Go(func() {
			for b := range settled {
				r.settle(ctx, b)
			}
		})
	}
	collector.Wait()
	invokers.Wait()
	close(settled)
	settlers.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrNoFunction) {
		return r.tally.summary(), cause
	}
	return r.tally.summary(), collecting
}

// run is one call of Run.
type run struct {
	Mapping
	queue     queue
	record    recordWriter
	plain     *plainCaller // nil: only through the SDK
	quotedURL string
	tally     *tally
	carried   []message // received, but the batch had no room under 6 MB; first in the next one
	trouble   trouble
	stop      context.CancelCauseFunc
}

func newRun(ctx context.Context, m Mapping) (*run, error) {
	if m.Client == nil || m.Function == nil || m.QueueURL == "" {
		return nil, fmt.Errorf("%w: it needs a client, a function and a queue URL", ErrMisuse)
	}
	q, err := describeQueue(ctx, m.Client, m.QueueURL)
	if err != nil {
		return nil, err
	}
	if m.QueueARN == "" {
		m.QueueARN = q.arn
	}
	if err := m.complete(); err != nil {
		return nil, err
	}
	r := &run{Mapping: m, queue: q, record: newRecordWriter(m.QueueARN), plain: newPlainCaller(m.Client), quotedURL: quote(m.QueueURL), tally: newTally(m.Observe, q.maxReceiveCount > 0)}
	r.tally.warn(m.warnings(q))
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
	case m.fifo() && m.BatchSize > maxFIFOBatchSize:
		return fmt.Errorf("%w: batch size %d on a FIFO queue, which allows %d", ErrMisuse, m.BatchSize, maxFIFOBatchSize)
	case m.Window < 0 || m.Window > maxWindow:
		return fmt.Errorf("%w: batching window %s is not between 0s and %s", ErrMisuse, m.Window, maxWindow)
	case m.fifo() && m.Window > 0:
		return fmt.Errorf("%w: a FIFO queue allows no batching window", ErrMisuse)
	case len(m.Filters) > maxFilters:
		return fmt.Errorf("%w: %d filters, of which AWS allows %d", ErrMisuse, len(m.Filters), maxFilters)
	case m.RetryDelay > maxVisibility:
		return fmt.Errorf("%w: retry delay %s is above SQS's limit of %s", ErrMisuse, m.RetryDelay, maxVisibility)
	}
	return nil
}

func (r *run) invoke(ctx context.Context, b *batch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), invocationCeiling)
	defer cancel()
	r.tally.invoking(len(b.messages))
	response, err := r.Function.Invoke(ctx, b.event())
	if errors.Is(err, ErrNoFunction) {
		r.stop(err)
		b.untouched = true
	}
	b.outcome = judge(b.ids(), response, err, r.IgnoreBatchItemFailures)
	b.release()
}
