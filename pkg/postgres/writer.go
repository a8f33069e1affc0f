package postgres

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/calendar"
)

// Event is a row and its identity, ID and SentAt, which are the same at every delivery.
type Event struct {
	ID     [16]byte
	SentAt time.Time // stored to the microsecond; it chooses the partition
	Group  string    // message group of a FIFO queue, "" without one
	// Sequence is the sequence number on a FIFO queue, the most significant byte first; zero without
	// one. In upsert mode it tells which of two events of the same SentAt is newer, and without it ID
	// does.
	Sequence [16]byte
	Row      contract.Row
}

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
}

// Writer writes events into the table of one contract. It is safe for concurrent use.
type Writer struct {
	pool      *Pool
	table     contract.Table
	statement *statement
	calendar  *calendar.Calendar
	slow      atomic.Int64 // nanoseconds a row took in the last batch if its time was too short, else 0
}

// NewWriter does not connect. A missing table is found by the first Write.
func NewWriter(pool *Pool, table contract.Table) *Writer {
	return &Writer{pool: pool, table: table, statement: newStatement(table), calendar: calendar.New(quote(table.Schema, table.Name))}
}

// Write writes the events and commits. The Result lists the events that Postgres refused; all
// others are written. Missing partitions are made. Events of one Group are written in order: after
// one that fails, the later ones of the group are held back.
//
// If the time that ctx allows (30 s without a deadline) is too short, the Result has what was
// decided, and the other events are Undecided. The error is an *Unavailable, returned after retries
// if nothing was decided, and at once if only a repair helps. Some of the events may have been
// written even then. Deliver all events again that are undecided, or all after an error: the
// table's key makes the second time a no-op.
func (w *Writer) Write(ctx context.Context, events []Event) (Result, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	b := newBatch(w, events)
	err := b.writeAll(ctx)
	if setup := b.judge(); setup != nil {
		return Result{}, w.pool.unavailable(setup)
	}
	if err != nil && !b.decided() {
		return Result{}, w.pool.unavailable(err)
	}
	b.leave()
	slices.SortFunc(b.result.Failures, func(x, y Failure) int { return x.Index - y.Index })
	return b.result, nil
}
