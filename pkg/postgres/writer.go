package postgres

import (
	"context"
	"slices"
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

	// Unproven means that no event of the batch was written, and that the code does not tell whether the
	// row or the set-up of the database is at fault. Only a repair helps, of one or the other.
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
}

// NewWriter does not connect. A missing table is found by the first Write.
func NewWriter(pool *Pool, table contract.Table) *Writer {
	return &Writer{pool: pool, table: table, statement: newStatement(table)}
}

// Write writes the events and commits. The Result lists the events that Postgres refused; all
// others are written. Missing partitions are made. Events of one Group are written in order: after
// one that fails, the later ones of the group are held back.
//
// The error is an *Unavailable, returned after retries for as long as ctx allows (30 s without a
// deadline). Some of the events may have been written even then. Deliver all of them again: the
// table's key makes the second time a no-op.
func (w *Writer) Write(ctx context.Context, events []Event) (Result, error) {
	if written, ok := w.copied(ctx, events); ok {
		return Result{Written: written, Duplicates: len(events) - written}, nil
	}
	b := newBatch(w, events)
	err := w.pool.attempt(ctx, false, b.write)
	if err == nil {
		err = b.judge()
	}
	if err != nil {
		return Result{}, w.pool.unavailable(err)
	}
	slices.SortFunc(b.result.Failures, func(x, y Failure) int { return x.Index - y.Index })
	return b.result, nil
}
