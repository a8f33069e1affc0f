package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/postgres/sqlstate"
)

// lacksPartition reports whether a partitioned table has no partition for a row. Postgres gives
// that error the SQLSTATE of a violated CHECK, but names no constraint.
func lacksPartition(refused *pgconn.PgError) bool {
	return refused.Code == "23514" && refused.ConstraintName == ""
}

// overlooksPartition reports whether Postgres itself says lacksPartition, and not a trigger. After
// ensurePartitions this means that the server's process has an old list of partitions. A process
// that read the list while another session was attaching a partition may keep the old one until the
// table changes again. A new connection gets a new process.
func (w *Writer) overlooksPartition(refused *pgconn.PgError) bool {
	return lacksPartition(refused) && refused.TableName == w.table.Name
}

// errOverlooksPartition is a fault that another connection heals.
var errOverlooksPartition = errors.New("the server's process overlooks a partition")

func dayOf(e Event) time.Time { return e.SentAt.UTC().Truncate(24 * time.Hour) }

// lacksDays notes the days of rows whose partition was not asked for yet, and reports whether there
// are any.
func (b *batch) lacksDays(rows []int) bool {
	lacking := false
	for _, i := range rows {
		day := dayOf(b.events[i])
		if _, asked := b.days[day]; !asked {
			b.missing[day], lacking = true, true
		}
	}
	return lacking
}

// ensurePartitions makes the missing partitions. If the database refuses a day, the other days are
// still made.
func (b *batch) ensurePartitions(ctx context.Context, conn *pgxpool.Conn) error {
	table := b.writer.table
	for day := range b.missing {
		_, err := conn.Exec(ctx, "select sqs2pg.ensure_partition($1::text::regclass, $2)", quote(table.Schema, table.Name), day)
		if err != nil && kindOf(err) != sqlstate.RowRefused {
			return err
		}
		b.days[day], _ = errors.AsType[*pgconn.PgError](err)
		delete(b.missing, day)
	}
	return nil
}
