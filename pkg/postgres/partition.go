package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lacksPartition reports whether a partitioned table has no partition for a row. Postgres gives
// that error the SQLSTATE of a violated CHECK, but names no constraint.
func lacksPartition(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == "23514" && refused.ConstraintName == ""
}

// overlooksPartition reports whether Postgres itself says lacksPartition, and not a trigger. After
// ensurePartitions this means that the server's process has an old list of partitions. A process
// that read the list while another session was attaching a partition may keep the old one until the
// table changes again. A new connection gets a new process.
func (w *Writer) overlooksPartition(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && lacksPartition(err) && refused.TableName == w.table.Name
}

// ensurePartitions makes the missing partition of each day of the rows. If the database refuses a
// day, the other days are still made, and the error is returned at the end. The caller then finds
// the rows of that day by halving the batch.
func (w *Writer) ensurePartitions(ctx context.Context, events []Event, rows []int) error {
	days := map[time.Time]bool{}
	for _, i := range rows {
		days[events[i].SentAt.UTC().Truncate(24*time.Hour)] = true
	}
	var refused error
	for day := range days {
		err := w.pool.attempt(ctx, true, func(ctx context.Context, conn *pgxpool.Conn) error {
			_, err := conn.Exec(ctx, "select sqs2pg.ensure_partition($1::text::regclass, $2)", quote(w.table.Schema, w.table.Name), day)
			return err
		})
		if _, ok := errors.AsType[*pgconn.PgError](err); err != nil && !ok {
			return err
		}
		refused = errors.Join(refused, err)
	}
	return refused
}
