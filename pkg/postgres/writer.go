package postgres

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/calendar"
	"sqs2pg/pkg/postgres/event"
	"sqs2pg/pkg/postgres/sqltext"
	"sqs2pg/pkg/postgres/statement"
)

// Event is a row and its identity.
type Event = event.Event

// Failure is an event that was not written while others were decided.
type Failure struct {
	Index int  // among the events given to Write
	Held  bool // not written because an earlier event of its group failed; the fields below are then empty

	// Undecided means that the time was over before the event was known to be written or refused.
	Undecided bool

	// Unproven means that no event of the batch was written, and that the code does not tell
	// whether the row or the set-up of the database is at fault. Only a repair helps, of one or the
	// other.
	Unproven bool

	// Reason says what is in the way of the partition of the event's day, and what to do. It is ""
	// for all other failures.
	Reason string

	// Postgres's reason, without any value. Constraint and Column are "" where Postgres names none.
	SQLSTATE, Constraint, Column string
}

// Result accounts for every event: Written + Duplicates + Superseded + len(Failures) is their number.
type Result struct {
	Written int
	// Duplicates are events that the table, or the batch, holds already. If a connection is lost during a
	// commit, the events that it did commit count here instead of as Written.
	Duplicates int
	// Superseded are events of a table in upsert mode that are older than the row of their key, or
	// than another event of the batch.
	Superseded int
	Failures   []Failure // by ascending Index

	// Outdated means that the epoch of a guarded table is not the one given. The events that are
	// Undecided were not written. Those that are decided were written before the epoch changed.
	Outdated bool
}

// Writer writes events into the table of one contract. It is safe for concurrent use.
type Writer struct {
	pool      *Pool
	table     contract.Table
	statement *statement.Statement
	calendar  *calendar.Calendar
	slow      atomic.Int64 // nanoseconds a row took in the last batch if its time was too short, else 0
}

// NewWriter does not connect. A missing table is found by the first Write.
func NewWriter(pool *Pool, table contract.Table) *Writer {
	return &Writer{pool: pool, table: table, statement: statement.New(table), calendar: calendar.New(sqltext.Table(table))}
}

// Write is Stream for events that are there already, and a table that is not guarded.
func (w *Writer) Write(ctx context.Context, events []Event) (Result, error) {
	return w.Stream(ctx, 0, slices.Values([][]Event{events}))
}

// Stream writes events while they are made, and commits. It gets all events that there are so far,
// again and again, and keeps them: they must not change. The Result lists the events that Postgres
// refused; all others are written. Missing partitions are made. Events of one Group are written in
// order: after one that fails, the later ones of the group are held back.
//
// epoch is what the database said of a guarded table before the events were made; see
// contract.Table. If it has changed, the Result is Outdated, and events that were decoded after
// the epoch was read again may be written. For other tables it means nothing.
//
// Stream calls soFar from other goroutines, but never from two at a time, and up to its end unless
// the Result is Outdated.
//
// If the time that ctx allows (30 s without a deadline) is too short, the Result has what was
// decided, and the other events are Undecided. The error is an *Unavailable, returned after retries
// if nothing was decided, and at once if only a repair helps. Some of the events may have been
// written even then. Deliver all events again that are undecided, or all after an error: the
// table's key makes the second time a no-op.
func (w *Writer) Stream(ctx context.Context, epoch int64, soFar iter.Seq[[]Event]) (Result, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	next, stop := iter.Pull(soFar)
	defer stop()
	s := &stream{next: next, epoch: epoch}
	s.read()
	var copyErr error
	if w.streams(ctx, s) {
		var written int
		if written, copyErr = w.copiedStream(ctx, s); copyErr == nil {
			return Result{Written: written, Duplicates: len(s.events) - written}, nil
		}
	}
	if copyErr == errUnfit {
		copyErr = nil // chunks of the batch may go by COPY
	}
	for !s.ended && !outdated(copyErr) {
		s.read()
	}
	return w.write(ctx, s.events, epoch, copyErr)
}

// write writes events of which COPY has written none. copyErr is why, nil if it was not tried.
func (w *Writer) write(ctx context.Context, events []Event, epoch int64, copyErr error) (Result, error) {
	b := newBatch(w, events, epoch)
	err := copyErr
	if b.copyErr = copyErr; !outdated(copyErr) {
		err = b.writeAll(ctx)
	}
	b.result.Outdated = outdated(err)
	if setup := b.judge(); setup != nil {
		return Result{}, w.pool.unavailable(setup)
	}
	if err != nil && !b.decided() && !b.result.Outdated {
		return Result{}, w.pool.unavailable(err)
	}
	b.leave()
	slices.SortFunc(b.result.Failures, func(x, y Failure) int { return x.Index - y.Index })
	return b.result, nil
}
