package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lacksPartition tells the check_violation of a partitioned table that has no partition for a row from that of a CHECK,
// which has a name.
func lacksPartition(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == "23514" && refused.ConstraintName == ""
}

// overlooksPartition tells Postgres's own lacksPartition from that of a trigger. After ensurePartitions it means that the
// server's process has an old list of partitions: one that read the list while another session was attaching a partition may
// keep it as it was until the table changes again. A new connection has a process of its own.
func (w *Writer) overlooksPartition(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && lacksPartition(err) && refused.TableName == w.table.Name
}

// ensurePartitions has the database make what is missing for each day of the rows. A day that it refuses does not keep it
// from the others: its error is returned at the end, for the rows of that day to be told from the rest.
func (w *Writer) ensurePartitions(ctx context.Context, events []Event, rows []int) error {
	days := map[time.Time]bool{}
	for _, i := range rows {
		days[events[i].SentAt.UTC().Truncate(24*time.Hour)] = true
	}
	var refused error
	for day := range days {
		err := w.pool.attempt(ctx, func(conn *pgxpool.Conn) error {
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
