package partitions

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres/sqltext"
)

// Coverage says which time the partitions of a table cover, without a DEFAULT partition.
type Coverage struct {
	DaysAhead int   // whole days from now without a gap; -1 if no partition covers now
	Gaps      []Gap // between the first partition and the last, by time
}

// Gap is a time that no partition covers, though there are partitions before and after it.
type Gap struct{ From, To time.Time }

// Inspect reads the coverage of the table with this name, quoted where it must be, in a database
// that is migrated. The error is Postgres's own.
func Inspect(ctx context.Context, q Querier, table string) (Coverage, error) {
	partitions, err := list(ctx, q, table)
	return coverage(partitions, time.Now()), err
}

// coverage expects partitions in order of time.
func coverage(partitions []partition, now time.Time) Coverage {
	c := Coverage{DaysAhead: -1}
	var start, end time.Time // covered without a gap
	for _, p := range partitions {
		switch {
		case p.isDefault || p.pending:
			continue
		case end.IsZero():
			start, end = p.from, p.to
		case p.from.After(end):
			c.Gaps = append(c.Gaps, Gap{end.UTC(), p.from.UTC()})
			start, end = p.from, p.to
		case p.to.After(end):
			end = p.to
		}
		if !start.After(now) && end.After(now) {
			c.DaysAhead = int(end.Sub(now) / (24 * time.Hour))
		}
	}
	return c
}

// partition is one partition of a table. The DEFAULT partition has zero bounds.
type partition struct {
	name      string
	from, to  time.Time // to is exclusive
	isDefault bool
	pending   bool // an earlier run was cut off while detaching it
}

func (p partition) quoted(schema string) string { return sqltext.Name(schema, p.name) }

// list returns the table's partitions in order of time, none if there is no table. An open end
// (MINVALUE, MAXVALUE) becomes a time that no event has.
func list(ctx context.Context, q Querier, table string) ([]partition, error) {
	rows, err := q.Query(ctx, `
		select name, coalesce(lower(during), '0001-01-01Z'), coalesce(upper(during), case when is_default then timestamptz '0001-01-01Z' else '9999-01-01Z' end), is_default, pending
		from sqs2pg.partitions_of(to_regclass($1)) order by 2`, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p partition, err error) {
		err = row.Scan(&p.name, &p.from, &p.to, &p.isDefault, &p.pending)
		return p, err
	})
}
