package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
)

// Event is a row and its identity, ID and SentAt, which are the same at every delivery.
type Event struct {
	ID     [16]byte
	SentAt time.Time // stored to the microsecond; it chooses the partition
	Group  string    // message group of a FIFO queue, "" without one
	Row    contract.Row
}

// Failure is an event that was not written while others were.
type Failure struct {
	Index int  // among the events given to Write
	Held  bool // not written because an earlier event of its group failed; the fields below are then empty

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
	b := &batch{writer: w, events: events, failed: map[string]bool{}}
	rows := make([]int, len(events))
	for i := range rows {
		rows[i] = i
	}
	if err := b.write(ctx, rows); err != nil {
		return Result{}, w.pool.unavailable(err)
	}
	slices.SortFunc(b.result.Failures, func(x, y Failure) int { return x.Index - y.Index })
	return b.result, nil
}

// batch is one Write in progress.
type batch struct {
	writer *Writer
	events []Event
	failed map[string]bool // groups in which an event failed
	result Result

	reconnected bool // after overlooksPartition, which is done once at most
}

// write writes rows, which are ascending indexes of events, by one statement. If Postgres refuses a
// row, it has rolled back all of them. The two halves are then written separately, and so on down
// to the single bad rows. The left half goes first, so when an event fails, no later event of its
// group has been written.
func (b *batch) write(ctx context.Context, rows []int) error {
	rows = b.hold(rows)
	if len(rows) == 0 {
		return nil
	}
	written, err := b.insert(ctx, rows)
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		b.result.Written += written
		b.result.Duplicates += len(rows) - written
		return nil
	case !ok:
		return err
	case len(rows) == 1:
		b.fail(rows[0], refused)
		return nil
	}
	half := len(rows) / 2
	if err := b.write(ctx, rows[:half]); err != nil {
		return err
	}
	return b.write(ctx, rows[half:])
}

// hold removes the rows of failed groups, and returns the others.
func (b *batch) hold(rows []int) []int {
	if len(b.failed) == 0 {
		return rows
	}
	var free []int
	for _, i := range rows {
		if b.failed[b.events[i].Group] {
			b.result.Failures = append(b.result.Failures, Failure{Index: i, Held: true})
		} else {
			free = append(free, i)
		}
	}
	return free
}

func (b *batch) fail(row int, refused *pgconn.PgError) {
	b.result.Failures = append(b.result.Failures, Failure{
		Index: row, SQLSTATE: refused.Code, Constraint: refused.ConstraintName, Column: refused.ColumnName,
	})
	if group := b.events[row].Group; group != "" {
		b.failed[group] = true
	}
}

// insert writes rows by one statement and makes the partitions that they lack. Its error is
// Postgres's own only if Postgres refused a row.
func (b *batch) insert(ctx context.Context, rows []int) (int, error) {
	w := b.writer
	written, err := w.execute(ctx, b.events, rows)
	if !lacksPartition(err) {
		return written, err
	}
	if err := w.ensurePartitions(ctx, b.events, rows); err != nil {
		return 0, err
	}
	if written, err = w.execute(ctx, b.events, rows); w.overlooksPartition(err) && !b.reconnected {
		b.reconnected = true
		w.pool.renewProcesses(ctx)
		written, err = w.execute(ctx, b.events, rows)
	}
	return written, err
}

func (w *Writer) execute(ctx context.Context, events []Event, rows []int) (written int, err error) {
	if w.table.Mode == contract.Upsert {
		rows = w.statement.newestPerKey(events, rows)
	}
	params := w.statement.encode(events, rows)
	err = w.pool.attempt(ctx, false, func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		written, err = w.statement.execute(ctx, conn, params, w.pool.prepares(conn))
		return err
	})
	return written, err
}
