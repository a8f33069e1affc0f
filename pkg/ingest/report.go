package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/telemetry"
)

// noContract stands for the contract of messages that belong to none.
const noContract = "(none)"

// report writes one line per failed message, except for those of tables that could not be written,
// which have one line together, and the metrics of the invocation. A held message has a line too, so
// that a search for its id finds it; its cause is the line of the failure before it in its group.
func (h *Handler) report(ctx context.Context, b *batch) {
	for i, f := range b.failures {
		if f != nil && f.outcome != unavailable {
			h.log(b.of[i]).LogAttrs(ctx, slog.LevelWarn, "message failed", f.attrs(&b.records[i])...)
		}
	}
	for of := unmatched; of < len(b.tables); of++ {
		records := b.recordsOf(of)
		switch {
		case of == unmatched && len(records) == 0:
		case of == unmatched:
			h.emit(h.name(of), 0, b.counts(of)...)
		case b.tables[of].err != nil:
			h.returned(ctx, of, records, b.tables[of])
		case len(records) > 0 || len(b.tables) == 1:
			h.emit(h.name(of), b.tables[of].databaseTime, b.counts(of)...)
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

// unavailable reports that a batch comes back whole, and why. With an error that is not that of a
// table, all tables have it.
func (h *Handler) unavailable(ctx context.Context, b *batch, cause error) error {
	returned := false
	for of := range b.tables {
		t := b.tables[of]
		if records := b.recordsOf(of); t.err != nil && len(records) > 0 {
			h.returned(ctx, of, records, t)
			returned = true
		}
	}
	if !returned {
		h.returned(ctx, h.only(), b.records, loaded{err: cause})
	}
	return &Unavailable{cause}
}

// returned reports that messages come back to the queue because their table could not be written,
// and hides them. A fault of the set-up has a reason and a metric of its own: it lasts until somebody
// repairs it.
func (h *Handler) returned(ctx context.Context, of int, records []message.Record, t loaded) {
	count := func(name string) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(len(records))}
	}
	attrs, metrics := []any{"messages", len(records), "error", t.err.Error()}, []telemetry.Metric{count("Unavailable"), count("Received")}
	if db, ok := errors.AsType[*postgres.Unavailable](t.err); ok {
		attrs = append(attrs, "sqlstate", db.SQLSTATE)
	}
	wait := delay
	if reason := setupFault(t.err); reason != "" {
		attrs, metrics = append(attrs, "reason", reason), append(metrics, count("SetupFault"))
		wait = longestDelay
	}
	h.log(of).ErrorContext(ctx, "batch returned to the queue", attrs...)
	h.emit(h.name(of), t.databaseTime, metrics...)
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

func (h *Handler) emit(contract string, databaseTime time.Duration, metrics ...telemetry.Metric) {
	metrics = append(metrics, telemetry.Metric{Name: "DatabaseTime", Unit: telemetry.Milliseconds, Value: float64(databaseTime.Microseconds()) / 1000})
	if err := telemetry.Emit(h.Metrics, h.Now(), telemetry.Source{Contract: contract, Several: len(h.Tables) > 1}, metrics...); err != nil {
		h.Log.Error("metrics lost", "error", err.Error())
	}
}
