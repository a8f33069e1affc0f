package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/calendar"
)

// days returns the days of rows, each once, and how many of the first rows fall on the first
// calendar.MostSpanned of them.
func (b *batch) days(rows []int) (days []calendar.Day, spanned int) {
	seen := map[calendar.Day]bool{}
	spanned = len(rows)
	var last calendar.Day
	for n, i := range rows {
		day := calendar.Of(b.events[i].SentAt)
		if day == last && n > 0 {
			continue
		}
		if last = day; seen[day] {
			continue
		}
		if len(days) == calendar.MostSpanned {
			spanned = min(spanned, n)
		}
		seen[day], days = true, append(days, day)
	}
	return days, spanned
}

// ensureDays has the missing partitions of the first n rows made, before these are written, and
// returns how many of them one transaction may write. Nothing is sent if the days are known.
func (b *batch) ensureDays(ctx context.Context, n int) (int, error) {
	if b.writer.table.Mode != contract.Insert {
		return n, nil
	}
	days, spanned := b.days(b.rows[:n])
	unknown := b.writer.calendar.Unknown(days[:min(len(days), calendar.MostSpanned)])
	if len(unknown) == 0 {
		return spanned, nil
	}
	return spanned, b.writer.pool.attempt(ctx, true, func(ctx context.Context, conn *pgxpool.Conn) error { return b.ask(ctx, conn, unknown) })
}

func (b *batch) ask(ctx context.Context, conn *pgxpool.Conn, days []calendar.Day) error {
	err := b.writer.calendar.Ask(ctx, conn, days)
	for _, day := range days {
		b.asked[day] = b.asked[day] || err == nil
	}
	return err
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
	days, _ := b.days(rows)
	lacking := slices.DeleteFunc(days, func(day calendar.Day) bool { return b.asked[day] || b.writer.calendar.Refusal(day) != nil })
	b.missing = append(b.missing, lacking...)
	return len(lacking) > 0
}

// ensureMissing asks about the days that lacksDays has noted.
func (b *batch) ensureMissing(ctx context.Context, conn *pgxpool.Conn) error {
	slices.Sort(b.missing)
	err := b.ask(ctx, conn, slices.Compact(b.missing))
	if err == nil {
		b.missing = nil
	}
	return err
}
