// Package ingest is the Lambda handler: a batch of SQS messages in, batchItemFailures out.
//
// It decides the outcome of each message. pkg/message reads what arrives, pkg/contract checks and
// masks it, pkg/postgres writes it. The handler answers after the commit, so SQS deletes a message
// only when its row is there. It answers before Lambda's deadline, so a slow database costs a
// retry, and the outcome of a batch is never unknown.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

// answerTime is the end of an invocation's time, reserved for logs, metrics and the answer.
const answerTime = time.Second

// Writer writes events to their table, each once. Its error means that the database was not
// available: each event may or may not be written.
type Writer interface {
	Write(ctx context.Context, events []postgres.Event) (postgres.Result, error)
}

// Handler is the function. All fields but Backoff are required. It is safe for concurrent use.
type Handler struct {
	Contract *contract.Contract
	Keyring  func(context.Context) (*mask.Keyring, error) // asked once per invocation; its error text must be safe to log
	Writer   Writer
	Log      *slog.Logger
	Metrics  io.Writer // takes one EMF line per invocation: standard output in Lambda
	Now      func() time.Time

	// Backoff, if set, delays the messages of a batch that could not be loaded, for longer each
	// time.
	Backoff *Backoff
}

// Unavailable is the error of an invocation that could not load its batch. SQS delivers the whole
// batch again; rows that were committed are duplicates then.
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
	b, err := h.load(work, records)
	if err != nil {
		return nil, h.unavailable(ctx, b, err)
	}
	h.report(ctx, b)
	return json.Marshal(b.response())
}

// load writes the records that keep their contract. Its error means that the whole batch must come
// back.
func (h *Handler) load(ctx context.Context, records []message.Record) (*batch, error) {
	b := newBatch(records)
	keyring, err := h.Keyring(ctx)
	if err != nil {
		return b, fmt.Errorf("masking keyring: %w", err)
	}
	h.decode(b, keyring)
	started := h.Now()
	result, err := h.Writer.Write(ctx, b.events)
	b.databaseTime = h.Now().Sub(started)
	if err != nil {
		return b, err
	}
	b.reject(result)
	return b, nil
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

// decode turns each message into an event that can be written, or a failure.
func (h *Handler) decode(b *batch, keyring *mask.Keyring) {
	now := h.Now()
	var buf []byte
	for i := range b.records {
		r := &b.records[i]
		group := r.Group()
		if b.failedGroups[group] {
			b.fail(i, failure{outcome: held})
			continue
		}
		var event postgres.Event
		var err error
		if event, buf, err = h.event(r, keyring, now, buf[:0]); err != nil {
			b.fail(i, violated(err))
			continue
		}
		event.Group = group
		b.events, b.index = append(b.events, event), append(b.index, i)
	}
}

// event decodes, validates and masks one message. buf is scratch space, returned for the next one.
func (h *Handler) event(r *message.Record, keyring *mask.Keyring, now time.Time, buf []byte) (postgres.Event, []byte, error) {
	at, err := r.SentAt(now)
	if err != nil {
		return postgres.Event{}, buf, err
	}
	buf, err = r.Body(buf)
	if err != nil {
		return postgres.Event{}, buf, &contract.Violation{Rule: "utf-8", Malformed: true}
	}
	decoded, err := h.Contract.Decode(buf)
	if err != nil {
		return postgres.Event{}, buf, err
	}
	return postgres.Event{ID: r.EventID(), SentAt: at, Row: h.Contract.Mask(keyring, decoded)}, buf, nil
}

// unavailable reports that a batch comes back whole, and why.
func (h *Handler) unavailable(ctx context.Context, b *batch, cause error) error {
	attrs := []any{"messages", len(b.records), "error", cause.Error()}
	if db, ok := errors.AsType[*postgres.Unavailable](cause); ok {
		attrs = append(attrs, "sqlstate", db.SQLSTATE)
	}
	h.Log.ErrorContext(ctx, "batch returned to the queue", attrs...)
	h.emit(ctx, b, telemetry.Metric{Name: "Unavailable", Unit: telemetry.Count, Value: float64(len(b.records))})
	h.backOff(ctx, b.records)
	return &Unavailable{cause}
}

// backOff lets the messages come back later, and keeps enough time to answer. A failed backoff is
// logged; the answer is the same.
func (h *Handler) backOff(ctx context.Context, records []message.Record) {
	if h.Backoff == nil {
		return
	}
	limit, cancel := endEarly(ctx, answerTime/2)
	defer cancel()
	limit, cancelCalls := context.WithTimeout(limit, backoffTime)
	defer cancelCalls()
	if err := h.Backoff.postpone(limit, records); err != nil {
		h.Log.WarnContext(ctx, "no backoff", "error", err.Error())
	}
}

// report writes one line per failed message and the metrics of the invocation. A held message has a
// line too, so that a search for its id finds it; its cause is the line of the failure before it in
// its group.
func (h *Handler) report(ctx context.Context, b *batch) {
	for i, f := range b.failures {
		if f != nil {
			h.Log.LogAttrs(ctx, slog.LevelWarn, "message failed", f.attrs(&b.records[i])...)
		}
	}
	h.emit(ctx, b, b.counts()...)
}

func (h *Handler) emit(ctx context.Context, b *batch, metrics ...telemetry.Metric) {
	metrics = append(metrics,
		telemetry.Metric{Name: "Received", Unit: telemetry.Count, Value: float64(len(b.records))},
		telemetry.Metric{Name: "DatabaseTime", Unit: telemetry.Milliseconds, Value: float64(b.databaseTime.Microseconds()) / 1000})
	if err := telemetry.Emit(h.Metrics, h.Now(), h.Contract.Name(), metrics...); err != nil {
		h.Log.ErrorContext(ctx, "metrics lost", "error", err.Error())
	}
}
