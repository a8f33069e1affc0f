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
	"iter"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/telemetry"
)

// answerTime is the end of an invocation's time, reserved for logs, metrics and the answer.
const answerTime = time.Second

// Writer writes events to their table, each once. Its error means that the database was not
// available: each event may or may not be written.
type Writer interface {
	Stream(ctx context.Context, chunks iter.Seq[[]postgres.Event]) (postgres.Result, error)
}

// Handler is the function. All fields but Backoff are required. It is safe for concurrent use.
type Handler struct {
	Contract *contract.Contract
	Keyring  func(context.Context) (*mask.Keyring, error) // asked once per invocation; its error text must be safe to log
	Gate     Gate
	Writer   Writer
	Log      *slog.Logger
	Metrics  io.Writer // takes one EMF line per invocation: standard output in Lambda
	Now      func() time.Time

	// Backoff, if set, is the queue on which the messages of a batch that could not be loaded are
	// hidden, for longer each time, so that an outage of the database does not use up their receives.
	// A message that only a repair may help is hidden for the longest time.
	// With ReportBatchItemFailures Lambda does not slow its polling by itself.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
	Backoff Queue
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
	if unproven := b.unproven(); len(unproven) > 0 {
		h.backOff(ctx, unproven, longestDelay)
	}
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
	window, err := h.Gate.Enter(ctx, keyring)
	if err != nil {
		return b, err
	}
	started := h.Now()
	result, err := h.write(ctx, h.decode(b, keyring, window), keyring)
	b.databaseTime = h.Now().Sub(started) - b.decodeTime
	if b.hasExpired() {
		h.Gate.Doubt()
	}
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

// decodeChunk is how many events go to the writer at a time, about 64 KB.
const decodeChunk = 500

// decode turns each message into an event that can be written, or a failure, when the writer asks
// for them.
func (h *Handler) decode(b *batch, keyring *mask.Keyring, window registry.Window) iter.Seq[[]postgres.Event] {
	now := h.Now()
	accepted := message.Window{Oldest: now.AddDate(0, 0, -window.Days), Newest: now.Add(time.Duration(window.Minutes) * time.Minute)}
	rows := h.Contract.Rows(keyring, len(b.records))
	var buf []byte
	return func(yield func([]postgres.Event) bool) {
		events := make([]postgres.Event, 0, min(decodeChunk, len(b.records)))
		started := time.Now()
		for i := range b.records {
			r := &b.records[i]
			group := r.Group()
			if b.failedGroups[group] {
				b.fail(i, failure{outcome: held})
				continue
			}
			var event postgres.Event
			var err error
			if event, buf, err = h.event(r, rows, accepted, buf[:0]); err != nil {
				b.fail(i, violated(err))
				continue
			}
			event.Group, event.Sequence = group, r.Sequence()
			events, b.index = append(events, event), append(b.index, i)
			if len(events) == cap(events) {
				b.decodeTime += time.Since(started)
				if !yield(events) {
					return
				}
				started, events = time.Now(), events[:0]
			}
		}
		b.decodeTime += time.Since(started)
		if len(events) > 0 {
			yield(events)
		}
	}
}

// event decodes, validates and masks one message. buf is scratch space, returned for the next one.
func (h *Handler) event(r *message.Record, rows *contract.Rows, accepted message.Window, buf []byte) (postgres.Event, []byte, error) {
	buf, err := r.Body(buf)
	if err != nil {
		return postgres.Event{}, buf, &contract.Violation{Rule: "utf-8", Malformed: true}
	}
	decoded, err := rows.Decode(contract.Message{Body: buf, Attributes: r})
	if err != nil {
		return postgres.Event{}, buf, err
	}
	identity := decoded.Identity()
	at, err := r.SentAt(identity, accepted)
	if err != nil {
		return postgres.Event{}, buf, err
	}
	return postgres.Event{ID: r.EventID(identity), SentAt: at, Row: rows.Mask(decoded)}, buf, nil
}

// unavailable reports that a batch comes back whole, and why. A fault of the set-up has a reason
// and a metric of its own: it lasts until somebody repairs it.
func (h *Handler) unavailable(ctx context.Context, b *batch, cause error) error {
	count := func(name string) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(len(b.records))}
	}
	attrs, metrics := []any{"messages", len(b.records), "error", cause.Error()}, []telemetry.Metric{count("Unavailable")}
	if db, ok := errors.AsType[*postgres.Unavailable](cause); ok {
		attrs = append(attrs, "sqlstate", db.SQLSTATE)
	}
	wait := delay
	if reason := setupFault(cause); reason != "" {
		attrs, metrics = append(attrs, "reason", reason), append(metrics, count("SetupFault"))
		wait = longestDelay
	}
	h.Log.ErrorContext(ctx, "batch returned to the queue", attrs...)
	h.emit(ctx, b, metrics...)
	h.backOff(ctx, b.records, wait)
	return &Unavailable{cause}
}

// backOff hides each message for the time that wait returns for its receive count, and keeps enough
// time to answer. A failed backoff is logged; the answer is the same.
func (h *Handler) backOff(ctx context.Context, records []message.Record, wait func(receiveCount string) time.Duration) {
	if h.Backoff == nil {
		return
	}
	limit, cancel := endEarly(ctx, answerTime/2)
	defer cancel()
	limit, cancelCalls := context.WithTimeout(limit, backoffTime)
	defer cancelCalls()
	if err := postpone(limit, h.Backoff, records, wait); err != nil {
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
