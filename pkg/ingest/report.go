package ingest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

// noContract stands for the contract of messages that belong to none.
const noContract = "(none)"

// report writes one line per failed message, and one line for each table that could not be written,
// whose messages have no lines of their own. It writes the metrics of each contract. A held message
// has a line too, so that a search for its id finds it; its cause is the line of the failure before it
// in its group.
func (h *Handler) report(ctx context.Context, b *batch) {
	for of := unmatched; of < len(b.tables); of++ {
		if !b.has(of) && (of == unmatched || len(b.tables) > 1) {
			continue
		}
		h.logFailed(ctx, b, of)
		if of == unmatched || b.tables[of].err == nil {
			h.emit(of, b, b.counts(of)...)
			continue
		}
		records := b.failed(of, func(f *failure) bool { return f.outcome == unavailable })
		h.returned(ctx, of, b, records, b.tables[of].err, b.counts(of)...)
	}
}

// logFailed writes the lines of the failed messages of a contract.
func (h *Handler) logFailed(ctx context.Context, b *batch, of int) {
	for i, f := range b.failures {
		if b.of[i] == of && f != nil && f.outcome != unavailable {
			h.log(of).LogAttrs(ctx, slog.LevelWarn, "message failed", f.attrs(&b.records[i])...)
		}
	}
}

// only is the contract of a message that cannot be read: the only one of the function, if it takes
// every message.
func (h *Handler) only() int {
	if len(h.Tables) == 1 && h.Tables[0].Contract.Origin().Match == nil {
		return 0
	}
	return unmatched
}

// name is the name of a contract.
func (h *Handler) name(of int) string {
	if of == unmatched {
		return noContract
	}
	return h.Tables[of].Contract.Name()
}

// log is the logger of a contract.
func (h *Handler) log(of int) *slog.Logger {
	if of == unmatched {
		return h.Log
	}
	return h.Tables[of].Log
}

// unavailable reports that a batch comes back whole, and why.
func (h *Handler) unavailable(ctx context.Context, b *batch, cause error) error {
	if !slices.ContainsFunc(b.tables, func(t loaded) bool { return t.err != nil }) {
		h.returned(ctx, h.only(), b, b.records, cause, count("Received", len(b.records)))
		return &Unavailable{cause}
	}
	for of := unmatched; of < len(b.tables); of++ {
		switch records := b.recordsOf(of); {
		case len(records) == 0:
		case of == unmatched:
			h.logFailed(ctx, b, of)
			h.emit(of, b, b.counts(of)...)
		default:
			h.returned(ctx, of, b, records, b.tables[of].err, count("Received", len(records)))
		}
	}
	return &Unavailable{cause}
}

// returned reports that messages come back to the queue because a table cannot be written, and hides
// them. A fault of the set-up has a reason and a metric of its own: it lasts until somebody repairs
// it.
func (h *Handler) returned(ctx context.Context, of int, b *batch, records []message.Record, cause error, metrics ...telemetry.Metric) {
	attrs := []any{"messages", len(records), "error", cause.Error()}
	metrics = append(metrics, count("Unavailable", len(records)))
	if db, ok := errors.AsType[*postgres.Unavailable](cause); ok {
		attrs = append(attrs, "sqlstate", db.SQLSTATE)
	}
	wait := delay
	if reason := setupFault(cause); reason != "" {
		attrs, metrics = append(attrs, "reason", reason), append(metrics, count("SetupFault", len(records)))
		wait = longestDelay
	}
	h.log(of).ErrorContext(ctx, "batch returned to the queue", attrs...)
	h.emit(of, b, metrics...)
	h.backOff(ctx, records, wait)
}

// backOff hides each message for the time that wait returns for its receive count, and keeps enough
// time to answer. A failed backoff is logged; the answer is the same.
func (h *Handler) backOff(ctx context.Context, records []message.Record, wait func(receiveCount string) time.Duration) {
	if h.Backoff == nil || len(records) == 0 {
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

func (h *Handler) emit(of int, b *batch, metrics ...telemetry.Metric) {
	var databaseTime time.Duration
	if of != unmatched {
		databaseTime = b.tables[of].databaseTime
	}
	metrics = append(metrics, telemetry.Metric{Name: "DatabaseTime", Unit: telemetry.Milliseconds, Value: float64(databaseTime.Microseconds()) / 1000})
	if err := telemetry.Emit(h.Metrics, h.Now(), telemetry.Source{Contract: h.name(of), Several: len(h.Tables) > 1}, metrics...); err != nil {
		h.Log.Error("metrics lost", "error", err.Error())
	}
}
