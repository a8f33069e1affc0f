// Package ingest is the Lambda handler: a batch of SQS messages in, batchItemFailures out.
//
// It decides the outcome of each message. pkg/message reads what arrives, pkg/contract checks and
// masks it, pkg/postgres writes it. The handler answers after the commit, so SQS deletes a message
// only when its row is there. It answers before Lambda's deadline, so a slow database costs a
// retry, and the outcome of a batch is never unknown.
package ingest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/vault"
)

// answerTime is the end of an invocation's time, reserved for logs, metrics and the answer.
const answerTime = time.Second

// Writer writes events to their table, each once. It gets all events so far, again and again. Its
// error means that the database was not available: each event may or may not be written.
type Writer interface {
	Stream(ctx context.Context, epoch int64, soFar iter.Seq[[]postgres.Event]) (postgres.Result, error)
}

// Table is where the events of one contract go. All fields are required, but the last two only for
// a contract with x-recover.
type Table struct {
	Contract *contract.Contract
	Gate     Gate
	Writer   Writer
	Log      *slog.Logger

	Sealer       *vault.Sealer
	StoreSession func(context.Context, *vault.Session) error // see vault.Sealer
}

// Handler is the function. All fields but Backoff are required. It is safe for concurrent use.
type Handler struct {
	Routes  *routes.Set
	Tables  []Table                                      // of the contracts of Routes, in their order
	Keyring func(context.Context) (*mask.Keyring, error) // asked once per invocation; its error text must be safe to log
	Log     *slog.Logger
	Metrics io.Writer // takes one EMF line per invocation and contract: standard output in Lambda
	Now     func() time.Time

	// Backoff, if set, is the queue on which the messages of a batch that could not be loaded are
	// hidden, for longer each time, so that an outage of the database does not use up their receives.
	// A message that only a repair may help is hidden for the longest time.
	// With ReportBatchItemFailures Lambda does not slow its polling by itself.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
	Backoff Queue
}

// Unavailable is the error of an invocation of which no table could be written. SQS delivers the
// whole batch again; rows that were committed are duplicates then.
type Unavailable struct{ cause error }

func (u *Unavailable) Error() string { return u.cause.Error() }

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.cause }

// Invoke implements lambda.Handler: payload is an SQS event, the answer an events.SQSEventResponse
// whose list is never null and in the order of the event. Its error is *Unavailable if the whole
// batch must come back, and wraps message.ErrNotSQSEvent if the payload is not an SQS event. It is
// safe to call again with the same payload: that adds no row.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	records, err := message.Read(payload)
	if err != nil {
		h.Log.ErrorContext(ctx, "event refused", "error", err.Error())
		return nil, err
	}
	work, cancel := h.workTime(ctx)
	defer cancel()
	b := newBatch(records, len(h.Tables))
	keyring, err := h.Keyring(ctx)
	if err != nil {
		return nil, h.unavailable(ctx, b, fmt.Errorf("masking keyring: %w", err))
	}
	h.load(work, b, keyring)
	if err := b.unavailable(); err != nil {
		return nil, h.unavailable(ctx, b, err)
	}
	h.report(ctx, b)
	h.backOff(ctx, b.failed(every, func(f *failure) bool { return f.unproven }), longestDelay)
	return json.Marshal(b.response())
}

// workTime limits the loading of a batch and leaves time for everything after it.
func (h *Handler) workTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.Backoff != nil {
		return endEarly(ctx, answerTime+backoffTime)
	}
	return endEarly(ctx, answerTime)
}

// endEarly ends ctx that long before Lambda's deadline, but never takes more than a quarter of the
// time that is left.
func endEarly(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(by, time.Until(deadline)/4)))
}
