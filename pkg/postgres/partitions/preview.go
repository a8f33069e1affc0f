package partitions

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/plan"
	"sqs2pg/pkg/postgres/sqltext"
)

// Changes is what Run would do now.
type Changes struct {
	Expired []string   // partitions that it would drop, as schema.name, the oldest first
	Steps   plan.Steps // all that it would run
}

// Preview says what Run would do now, and changes nothing. Its error is that of Run.
func Preview(ctx context.Context, pool *postgres.Pool, table contract.Table, p Plan) (Changes, error) {
	var c Changes
	if table.Mode != contract.Insert {
		return c, nil
	}
	if err := pool.Ping(ctx); err != nil {
		return c, err
	}
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			width, update, err := recorded(ctx, tx, table, p)
			if update != "" {
				c.Steps.Add(update)
			}
			if err != nil {
				return err
			}
			return c.find(ctx, tx, table, width, p.RetentionDays)
		})
	})
	if err != nil {
		return c, fmt.Errorf("partitions of %s: %w", table.FullName(), postgres.NewUnavailable(err, advice))
	}
	return c, nil
}

func (c *Changes) find(ctx context.Context, tx pgx.Tx, table contract.Table, width string, retentionDays int) error {
	partitions, err := list(ctx, tx, sqltext.Table(table))
	if err != nil {
		return err
	}
	addAhead(&c.Steps, table, partitions, width, time.Now())
	if retentionDays == 0 {
		return nil
	}
	left, err := detached(ctx, tx, table.Schema, retired(table.FullName()))
	if err != nil {
		return err
	}
	for _, old := range expired(partitions, time.Now().AddDate(0, 0, -retentionDays)) {
		name := old.quoted(table.Schema)
		c.Steps.Add(fmt.Sprintf("comment on table %s is %s;\nalter table %s detach partition %s %s",
			name, sqltext.Literal(retired(table.FullName())), sqltext.Table(table), name, detachMode(partitions, old)), lockOfDefault(table, partitions)...)
		left = append(left, old.name)
	}
	for _, name := range left {
		c.Steps.Add("drop table " + sqltext.Name(table.Schema, name))
		c.Expired = append(c.Expired, table.Schema+"."+name)
	}
	return nil
}

// PlanAhead adds to a plan the partitions that MakeAhead would make for a table that is registered.
// The error is Postgres's own.
func PlanAhead(ctx context.Context, tx pgx.Tx, s *plan.Steps, table contract.Table) error {
	width, _, err := recorded(ctx, tx, table, Plan{})
	if err != nil {
		return err
	}
	var c Changes
	err = c.find(ctx, tx, table, width, 0)
	*s = append(*s, c.Steps...)
	return err
}

// AddAhead adds to a plan the partitions that MakeAhead would make for a new table.
func AddAhead(s *plan.Steps, table contract.Table) { addAhead(s, table, nil, "day", time.Now()) }

// addAhead does what sqs2pg.make_partitions does for each of the days ahead.
func addAhead(s *plan.Steps, table contract.Table, partitions []partition, width string, now time.Time) {
	for day := range daysAhead + 1 {
		at := now.UTC().AddDate(0, 0, day)
		if overlaps(partitions, at, at.Add(1)) {
			continue
		}
		made := around(table, at, width)
		if width == "month" && overlaps(partitions, made.from, made.to) {
			made = around(table, at, "day")
		}
		partitions = append(partitions, made)
		name, parent := made.quoted(table.Schema), sqltext.Table(table)
		s.Add(fmt.Sprintf("create table %s (like %s including all);\nalter table %s attach partition %s for values from ('%s') to ('%s')",
			name, parent, parent, name, made.from.Format(time.RFC3339), made.to.Format(time.RFC3339)), lockOfDefault(table, partitions)...)
	}
}

// lockOfDefault is the lock of the DEFAULT partition while another one comes or goes. There is none
// without a DEFAULT partition.
func lockOfDefault(table contract.Table, partitions []partition) []plan.Lock {
	for _, p := range partitions {
		if p.isDefault {
			return []plan.Lock{{Table: p.quoted(table.Schema), Mode: "access exclusive"}}
		}
	}
	return nil
}

// around is the partition of that width in which a moment is.
func around(table contract.Table, at time.Time, width string) partition {
	y, m, d := at.Date()
	if width == "month" {
		from := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return partition{name: table.Name + from.Format("_p200601"), from: from, to: from.AddDate(0, 1, 0)}
	}
	from := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return partition{name: table.Name + from.Format("_p20060102"), from: from, to: from.AddDate(0, 0, 1)}
}

func overlaps(partitions []partition, from, to time.Time) bool {
	for _, p := range partitions {
		if !p.isDefault && p.from.Before(to) && p.to.After(from) {
			return true
		}
	}
	return false
}
