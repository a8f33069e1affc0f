package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/calendar"
)

// mostSpanned is the number of days that one transaction may write to. A vault has partitions of its
// own.
func (w *Writer) mostSpanned() int {
	if w.table.HasVault() {
		return calendar.MostSpanned / 2
	}
	return calendar.MostSpanned
}

// daysOf is calendar.Span of rows.
func (w *Writer) daysOf(events []Event, rows []int) (days []calendar.Day, spanned int) {
	return calendar.Span(w.mostSpanned(), len(rows), func(i int) time.Time { return events[rows[i]].SentAt })
}

// ensure has the missing partitions of days made, before rows are written. Nothing is sent if the
// days are known.
func (w *Writer) ensure(ctx context.Context, days []calendar.Day) error {
	unknown := w.calendar.Unknown(days)
	if len(unknown) == 0 || w.table.Mode != contract.Insert {
		return nil
	}
	return w.pool.attempt(ctx, true, func(ctx context.Context, conn *pgxpool.Conn) error { return w.calendar.Ask(ctx, conn, unknown) })
}

// ensureDays has the missing partitions of the first n rows made, and returns how many of them one
// transaction may write.
func (b *batch) ensureDays(ctx context.Context, n int) (int, error) {
	if b.writer.table.Mode != contract.Insert {
		return n, nil
	}
	days, spanned := b.writer.daysOf(b.events, b.rows[:n])
	return spanned, b.writer.ensure(ctx, days[:min(len(days), b.writer.mostSpanned())])
}

// refusal returns why the day of a row has no partition, nil if it has one or nobody has asked.
func (b *batch) refusal(row int) *calendar.Refusal {
	return b.writer.calendar.Refusal(calendar.Of(b.events[row].SentAt))
}

// lacksPartition reports whether a partitioned table has no partition for a row. Postgres gives
// that error the SQLSTATE of a violated CHECK, but names no constraint.
func lacksPartition(refused *pgconn.PgError) bool {
	return refused.Code == "23514" && refused.ConstraintName == ""
}

// overlooksPartition reports whether Postgres itself says lacksPartition, and not a trigger. After
// ask this means that the server's process has an old list of partitions. A process that read the
// list while another session was attaching a partition may keep the old one until the table changes
// again. A new connection gets a new process.
func (w *Writer) overlooksPartition(refused *pgconn.PgError) bool {
	return lacksPartition(refused) && refused.TableName == w.table.Name
}

// errOverlooksPartition is a fault that another connection heals.
var errOverlooksPartition = errors.New("the server's process overlooks a partition")

// lacksDays notes the days of rows about which this Write has not asked, and reports whether there
// are any: a partition that was there may have been dropped since.
func (b *batch) lacksDays(rows []int) bool {
	if b.writer.table.Mode != contract.Insert {
		return false
	}
	days, _ := b.writer.daysOf(b.events, rows)
	lacking := slices.DeleteFunc(days, func(day calendar.Day) bool { return b.asked[day] || b.writer.calendar.Refusal(day) != nil })
	b.missing = append(b.missing, lacking...)
	return len(lacking) > 0
}

// ensureMissing asks about the days that lacksDays has noted.
func (b *batch) ensureMissing(ctx context.Context, conn *pgxpool.Conn) error {
	slices.Sort(b.missing)
	b.missing = slices.Compact(b.missing)
	if err := b.writer.calendar.Ask(ctx, conn, b.missing); err != nil {
		return err
	}
	for _, day := range b.missing {
		b.asked[day] = true
	}
	b.missing = nil
	return nil
}
