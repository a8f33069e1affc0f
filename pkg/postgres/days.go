package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
)

const (
	// mostAsked is how many days sqs2pg.ensure_partitions takes in a call. Each partition that a
	// transaction makes, or writes to, takes room in the server's lock table, which all sessions
	// share: 1,600 at once overflow it at its default size (SQLSTATE 53200).
	mostAsked   = 100
	mostSpanned = 200 // days of a chunk

	// askAgain is how long a refused day is remembered. Then somebody may have repaired it.
	askAgain = time.Minute

	secondsPerDay = 24 * 60 * 60
)

// day counts from 1970, in UTC.
type day int64

func dayOf(e Event) day {
	seconds := e.SentAt.Unix()
	return day((seconds - (seconds%secondsPerDay+secondsPerDay)%secondsPerDay) / secondsPerDay)
}

// refusal is why a day has no partition.
type refusal struct {
	sqlstate, reason string
	until            time.Time
}

// partlyCovered is the refusal of a day that a partition covers in part: some of its rows fit.
const partlyCovered = "42P17"

// days is what a writer knows of its table's partitions. The database is asked about a day once,
// and makes the partition if it is missing.
type days struct {
	mu      sync.Mutex
	covered map[day]bool
	refused map[day]refusal
}

// known reports whether the database needs not be asked about a day, and why it refused the day:
// nil if it did not.
func (d *days) known(at day) (*refusal, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, ok := d.refused[at]; ok && time.Now().Before(r.until) {
		return &r, true
	}
	return nil, d.covered[at]
}

func (d *days) set(at day, sqlstate, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if delete(d.refused, at); sqlstate != "" {
		d.refused[at] = refusal{sqlstate, reason, time.Now().Add(askAgain)}
	}
	d.covered[at] = sqlstate == ""
}

// refusing reports whether a day was ever refused.
func (d *days) refusing() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.refused) > 0
}

// span returns the first rows that fall on at most mostSpanned days.
func (b *batch) span(rows []int) []int {
	seen := map[day]bool{}
	var last day
	for n, i := range rows {
		if at := dayOf(b.events[i]); at != last || n == 0 {
			if last = at; !seen[at] && len(seen) == mostSpanned {
				return rows[:n]
			}
			seen[at] = true
		}
	}
	return rows
}

// unknown returns the days of rows about which the database is still to be asked.
func (b *batch) unknown(rows []int) []day {
	var list []day
	var last day
	for n, i := range rows {
		at := dayOf(b.events[i])
		if at == last && n > 0 {
			continue
		}
		last = at
		if _, known := b.writer.days.known(at); !known && !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}

// ensureDays has the missing partitions of rows made, before they are written. Nothing is sent if
// the days are known.
func (b *batch) ensureDays(ctx context.Context, rows []int) error {
	if b.writer.table.Mode != contract.Insert {
		return nil
	}
	unknown := b.unknown(rows)
	if len(unknown) == 0 {
		return nil
	}
	return b.writer.pool.attempt(ctx, true, func(ctx context.Context, conn *pgxpool.Conn) error { return b.ask(ctx, conn, unknown) })
}

// refusedDay returns why the day of a row has no partition, nil if it has one or nobody has asked.
func (b *batch) refusedDay(row int) *refusal {
	refused, _ := b.writer.days.known(dayOf(b.events[row]))
	return refused
}

// ask has the missing partitions of days made, in a transaction of its own for each call. So other
// writers see them at once, and no transaction takes too many locks.
func (b *batch) ask(ctx context.Context, conn *pgxpool.Conn, list []day) error {
	for part := range slices.Chunk(list, mostAsked) {
		dates := make([]time.Time, len(part))
		for i, at := range part {
			dates[i] = time.Unix(int64(at)*secondsPerDay, 0).UTC()
		}
		rows, err := conn.Query(ctx, `
			select (day - date '1970-01-01')::bigint, coalesce(refusal, ''), coalesce(reason, '')
			from sqs2pg.ensure_partitions($1::text::regclass, $2::date[])`, quote(b.writer.table.Schema, b.writer.table.Name), dates)
		if err != nil {
			return err
		}
		var at int64
		var sqlstate, reason string
		if _, err := pgx.ForEachRow(rows, []any{&at, &sqlstate, &reason}, func() error {
			b.writer.days.set(day(at), sqlstate, reason)
			return nil
		}); err != nil {
			return err
		}
	}
	for _, at := range list {
		b.asked[at] = true
	}
	return nil
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
	lacking := false
	for _, i := range rows {
		at := dayOf(b.events[i])
		if refused, _ := b.writer.days.known(at); refused != nil || b.asked[at] {
			continue
		}
		lacking = true
		if !slices.Contains(b.missing, at) {
			b.missing = append(b.missing, at)
		}
	}
	return lacking
}

// ensureMissing asks about the days that lacksDays has noted.
func (b *batch) ensureMissing(ctx context.Context, conn *pgxpool.Conn) error {
	err := b.ask(ctx, conn, b.missing)
	if err == nil {
		b.missing = nil
	}
	return err
}
