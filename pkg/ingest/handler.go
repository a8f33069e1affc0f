// Package ingest is the Lambda handler: a batch of SQS messages in, batchItemFailures out.
//
// It decides what becomes of each message and nothing else: what a message must be is pkg/contract's business, what Postgres
// says of a row is pkg/postgres's. It answers after the commit, so a message is deleted only when its row is there, and it
// answers before Lambda's deadline, so a slow database costs a retry and never a batch whose fate is unknown.
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
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

// answerTime is what is kept of an invocation's time to log, to send metrics and to answer.
const answerTime = time.Second

// Writer writes events to their table, each once. Its error means that the database was not available and that any of
// them may or may not be there.
type Writer interface {
	Write(ctx context.Context, events []postgres.Event) (postgres.Result, error)
}

// Handler is the function. All fields but Backoff are required; it is safe for concurrent use.
type Handler struct {
	Contract *contract.Contract
	Keyring  func(context.Context) (*mask.Keyring, error) // asked once per invocation; its error text must be safe to log
	Writer   Writer
	Log      *slog.Logger
	Metrics  io.Writer // takes one EMF line per invocation: standard output in Lambda
	Now      func() time.Time

	// Backoff, if set, lets the messages of a batch that could not be loaded come back later each time.
	Backoff *Backoff
}

// Unavailable is the error of an invocation that could not load its batch. SQS gives the whole batch again; what was
// committed before is recognised then.
type Unavailable struct{ cause error }

func (u *Unavailable) Error() string { return u.cause.Error() }

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.cause }

// Invoke implements lambda.Handler: payload is an SQS event, the answer an events.SQSEventResponse whose list is never null
// and in the order of the event. It returns *Unavailable where the whole batch must come back, and another error where the payload is
// not an SQS event. Safe to call again with the same payload: that adds no row.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	invocation := ctx
	ctx, cancel := h.workTime(invocation)
	defer cancel()
	keyring, err := h.Keyring(ctx)
	if err != nil {
		return nil, h.unavailable(invocation, payload, unread(payload), fmt.Errorf("masking keyring: %w", err))
	}
	b, err := h.read(payload, keyring)
	if err != nil {
		h.Log.ErrorContext(ctx, "event refused", "error", err.Error())
		return nil, err
	}
	started := h.Now()
	result, err := h.Writer.Write(ctx, b.events)
	b.databaseTime = h.Now().Sub(started)
	if err != nil {
		return nil, h.unavailable(invocation, payload, b, err)
	}
	b.reject(result)
	h.report(ctx, b)
	return json.Marshal(b.response())
}

// workTime ends what loads the batch so early that there is time for everything after it.
func (h *Handler) workTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.Backoff != nil {
		return endEarly(ctx, answerTime+backoffTime)
	}
	return endEarly(ctx, answerTime)
}

// endEarly ends ctx that long before Lambda's deadline; short ones keep three quarters of what is left.
func endEarly(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(by, time.Until(deadline)/4)))
}

// read turns an event into a batch: what can be written, and what cannot with the reason.
func (h *Handler) read(payload []byte, keyring *mask.Keyring) (*batch, error) {
	b := &batch{failedGroups: map[string]bool{}}
	now := h.Now()
	var buf []byte
	err := eachRecord(payload, func(r *record) {
		m := message{id: r.MessageID, receiveCount: r.Attributes.ApproximateReceiveCount}
		if r.fifo() {
			m.group = r.Attributes.MessageGroupId
		}
		if b.failedGroups[m.group] {
			b.add(m, failure{outcome: held})
			return
		}
		var event postgres.Event
		var err error
		event, buf, err = h.event(r, keyring, now, buf[:0])
		if err != nil {
			b.add(m, violated(err))
			return
		}
		event.Group = m.group
		b.addEvent(m, event)
	})
	return b, err
}

// unread is a batch of which nothing is known but how many messages it has.
func unread(payload []byte) *batch {
	b := &batch{}
	_ = eachRecord(payload, func(r *record) { b.messages = append(b.messages, message{id: r.MessageID}) })
	return b
}

// event decodes, validates and masks one message. buf is scratch space, returned for the next one.
func (h *Handler) event(r *record, keyring *mask.Keyring, now time.Time, buf []byte) (postgres.Event, []byte, error) {
	at, err := sentAt(r, now)
	if err != nil {
		return postgres.Event{}, buf, err
	}
	buf, err = r.body(buf)
	if err != nil {
		return postgres.Event{}, buf, &contract.Violation{Rule: "utf-8", Malformed: true}
	}
	decoded, err := h.Contract.Decode(buf)
	if err != nil {
		return postgres.Event{}, buf, err
	}
	return postgres.Event{ID: eventID(r), SentAt: at, Row: h.Contract.Mask(keyring, decoded)}, buf, nil
}

// unavailable reports that a batch comes back whole, and why.
func (h *Handler) unavailable(ctx context.Context, payload []byte, b *batch, cause error) error {
	attrs := []any{"messages", len(b.messages), "error", cause.Error()}
	var db *postgres.Unavailable
	if errors.As(cause, &db) {
		attrs = append(attrs, "sqlstate", db.SQLSTATE)
	}
	h.Log.ErrorContext(ctx, "batch returned to the queue", attrs...)
	h.emit(ctx, b, telemetry.Metric{Name: "Unavailable", Unit: telemetry.Count, Value: float64(len(b.messages))})
	h.backOff(ctx, payload)
	return &Unavailable{cause}
}

// backOff lets the messages come back later, unless that would take the time to answer. That it did not succeed changes nothing of the
// answer.
func (h *Handler) backOff(ctx context.Context, payload []byte) {
	if h.Backoff == nil {
		return
	}
	limit, cancel := endEarly(ctx, answerTime/2)
	defer cancel()
	limit, cancelCalls := context.WithTimeout(limit, backoffTime)
	defer cancelCalls()
	if err := h.Backoff.postpone(limit, payload); err != nil {
		h.Log.WarnContext(ctx, "no backoff", "error", err.Error())
	}
}

// report writes one line per failed message and the metrics of the invocation. Messages held back behind another of their
// group are counted by the failure before them, so they have lines too: whoever looks for an id finds it.
func (h *Handler) report(ctx context.Context, b *batch) {
	for i := range b.messages {
		if m := &b.messages[i]; m.failure != nil {
			h.Log.LogAttrs(ctx, slog.LevelWarn, "message failed", m.attrs()...)
		}
	}
	h.emit(ctx, b, b.counts()...)
}

func (h *Handler) emit(ctx context.Context, b *batch, metrics ...telemetry.Metric) {
	metrics = append(metrics,
		telemetry.Metric{Name: "Received", Unit: telemetry.Count, Value: float64(len(b.messages))},
		telemetry.Metric{Name: "DatabaseTime", Unit: telemetry.Milliseconds, Value: float64(b.databaseTime.Microseconds()) / 1000})
	if err := telemetry.Emit(h.Metrics, h.Now(), h.Contract.Name(), metrics...); err != nil {
		h.Log.ErrorContext(ctx, "metrics lost", "error", err.Error())
	}
}
