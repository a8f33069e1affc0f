// Package calendar is what a writer knows of the days for which its table has partitions. The
// database is asked about a day once, before the first row of that day is written, and makes the
// partition if it is missing.
package calendar

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// mostAsked is how many days sqs2pg.ensure_partitions takes in a call. Each partition that a
	// transaction makes, or writes to, takes room in the server's lock table, which all sessions
	// share: 1,600 at once overflow it at its default size (SQLSTATE 53200).
	mostAsked = 100

	// MostSpanned is the number of partitions that one transaction may write to.
	MostSpanned = 200

	// askAgain is how long a refused day is remembered. Then somebody may have repaired it.
	askAgain = time.Minute

	secondsPerDay = 24 * 60 * 60
)

// Day is a day in UTC. It counts from 1970.
type Day int64

// Of returns the day of a moment.
func Of(t time.Time) Day {
	seconds := t.Unix()
	return Day((seconds - (seconds%secondsPerDay+secondsPerDay)%secondsPerDay) / secondsPerDay)
}

// Span returns the days of n moments, each once, and how many of the first moments fall on the first
// most of them.
func Span(most, n int, moment func(int) time.Time) (days []Day, spanned int) {
	seen := map[Day]bool{}
	spanned = n
	var last Day
	for i := range n {
		day := Of(moment(i))
		if day == last && i > 0 {
			continue
		}
		if last = day; seen[day] {
			continue
		}
		if len(days) == most {
			spanned = min(spanned, i)
		}
		seen[day], days = true, append(days, day)
	}
	return days, spanned
}

// Refusal is why a day has no partition, or one for a part of it only.
type Refusal struct {
	SQLSTATE string
	Reason   string // what is in the way and what to do; "" for a day outside of the table's window
	until    time.Time
}

// Partly reports whether a partition covers a part of the day: some of its rows fit.
func (r *Refusal) Partly() bool { return r.SQLSTATE == "42P17" }

// Calendar belongs to one table. It is safe for concurrent use.
type Calendar struct {
	table   string // its quoted name
	mu      sync.Mutex
	covered map[Day]bool
	refused map[Day]Refusal
}

// New returns a calendar that knows no day yet. table is the table's quoted name.
func New(table string) *Calendar {
	return &Calendar{table: table, covered: map[Day]bool{}, refused: map[Day]Refusal{}}
}

// Refusing reports whether some day was refused when the database was last asked about it.
func (c *Calendar) Refusing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.refused) > 0
}

// Refusal returns why the database has refused a day, and nil if it has not, or not in the last
// minute.
func (c *Calendar) Refusal(d Day) *Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.refused[d]; ok && time.Now().Before(r.until) {
		return &r
	}
	return nil
}

// Unknown returns those days about which the database is to be asked.
func (c *Calendar) Unknown(days []Day) []Day {
	return slices.DeleteFunc(slices.Clone(days), func(d Day) bool {
		if c.Refusal(d) != nil {
			return true
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.covered[d]
	})
}

// Querier is a connection that is in no transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Ask has the missing partitions of days made, and keeps the answers. Each call to the database is
// a transaction of its own, so that other writers see the partitions at once, and no transaction
// takes too many locks. Its error is Postgres's own.
func (c *Calendar) Ask(ctx context.Context, q Querier, days []Day) error {
	for part := range slices.Chunk(days, mostAsked) {
		dates := make([]string, len(part))
		for i, d := range part {
			dates[i] = time.Unix(int64(d)*secondsPerDay, 0).UTC().Format(time.DateOnly)
		}
		rows, err := q.Query(ctx, `
			select (day - date '1970-01-01')::bigint, coalesce(refusal, ''), coalesce(reason, '')
			from sqs2pg.ensure_partitions($1::text::regclass, $2::text[]::date[])`,
			pgx.QueryExecModeExec, // one round trip, and a pooler has no prepared statement to lose
			c.table, dates)
		if err != nil {
			return err
		}
		var d Day
		var r Refusal
		if _, err := pgx.ForEachRow(rows, []any{&d, &r.SQLSTATE, &r.Reason}, func() error { c.set(d, r); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// set keeps the answer about a day. A refusal without an SQLSTATE is none.
func (c *Calendar) set(d Day, r Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.refused, d)
	if c.covered[d] = r.SQLSTATE == ""; !c.covered[d] {
		r.until = time.Now().Add(askAgain)
		c.refused[d] = r
	}
}
