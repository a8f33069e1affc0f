package postgres

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"sqs2pg/pkg/contract"
)

// Event is a row and its identity, ID and SentAt, which are the same at every delivery.
type Event struct {
	ID     [16]byte
	SentAt time.Time // stored to the microsecond; it chooses the partition
	Group  string    // message group of a FIFO queue, "" without one
	Row    contract.Row
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

	// Postgres's reason, without any value. Constraint and Column are "" where Postgres names none.
	SQLSTATE, Constraint, Column string
}

// Result accounts for every event: Written + Duplicates + len(Failures) is their number.
type Result struct {
	Written int
	// Duplicates are events that the table holds already. In upsert mode an event counts here too
	// if the table or the batch holds a newer one of its key. If a connection is lost during a
	// commit, the events that it did commit count here instead of as Written.
	Duplicates int
	Failures   []Failure // by ascending Index
}

// Writer writes events into the table of one contract. It is safe for concurrent use.
type Writer struct {
	pool      *Pool
	table     contract.Table
	statement *statement
	slow      atomic.Int64 // nanoseconds a row took in the last batch if its time was too short, else 0
}

// NewWriter does not connect. A missing table is found by the first Write.
func NewWriter(pool *Pool, table contract.Table) *Writer {
	return &Writer{pool: pool, table: table, statement: newStatement(table)}
}

// Write is Stream for events that are there already.
func (w *Writer) Write(ctx context.Context, events []Event) (Result, error) {
	return w.Stream(ctx, slices.Values([][]Event{events}))
}

// Stream writes the events, which come in chunks, and commits. The Result lists the events that
// Postgres refused; all others are written. Missing partitions are made. Events of one Group are
// written in order: after one that fails, the later ones of the group are held back.
//
// Stream calls chunks from other goroutines, but never from two at a time, and up to its end. It
// keeps no chunk.
//
// If the time that ctx allows (30 s without a deadline) is too short, the Result has what was
// decided, and the other events are Undecided. The error is an *Unavailable, returned after retries
// if nothing was decided, and at once if only a repair helps. Some of the events may have been
// written even then. Deliver all events again that are undecided, or all after an error: the
// table's key makes the second time a no-op.
func (w *Writer) Stream(ctx context.Context, chunks iter.Seq[[]Event]) (Result, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	next, stop := iter.Pull(chunks)
	defer stop()
	s := &stream{next: next}
	s.read()
	var copyErr error
	if w.streams(s) {
		var written int
		if written, copyErr = w.copiedStream(ctx, s); copyErr == nil {
			return Result{Written: written, Duplicates: len(s.events) - written}, nil
		}
	}
	for !s.ended {
		s.read()
	}
	return w.write(ctx, s.events, copyErr)
}

// write writes events of which COPY has written none. copyErr is why, nil if it was not tried.
func (w *Writer) write(ctx context.Context, events []Event, copyErr error) (Result, error) {
	b := newBatch(w, events)
	b.copyErr = copyErr
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
