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
	if table.Mode != contract.Insert && !table.HasVault() {
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
			if table.Mode != contract.Insert {
				c.Steps.Add(deleteSeals(table, p))
				return nil
			}
			return c.find(ctx, tx, partitioned(table, p), width)
		})
	})
	if err != nil {
		return c, fmt.Errorf("partitions of %s: %w", table.FullName(), postgres.NewUnavailable(err, advice))
	}
	return c, nil
}

// find adds the changes of all parents.
func (c *Changes) find(ctx context.Context, tx pgx.Tx, parents []parent, width string) error {
	for _, parent := range parents {
		partitions, err := list(ctx, tx, parent.quoted())
		if err != nil {
			return err
		}
		addAhead(&c.Steps, parent, partitions, width, time.Now())
		if parent.days == 0 {
			continue
		}
		if err := c.retire(ctx, tx, parent, partitions); err != nil {
			return err
		}
	}
	return nil
}

func (c *Changes) retire(ctx context.Context, tx pgx.Tx, from parent, partitions []partition) error {
	left, err := detached(ctx, tx, from)
	if err != nil {
		return err
	}
	for _, old := range expired(partitions, from.keptSince()) {
		name := old.quoted(from.schema)
		c.Steps.Add(fmt.Sprintf("comment on table %s is %s;\nalter table %s detach partition %s %s",
			name, sqltext.Literal(from.retired()), from.quoted(), name, detachMode(partitions, old)), lockOfDefault(from, partitions)...)
		left = append(left, old.name)
	}
	for _, name := range left {
		c.Steps.Add("drop table " + sqltext.Name(from.schema, name))
		c.Expired = append(c.Expired, from.schema+"."+name)
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
	c := Changes{Steps: *s} // which may make the vault table
	err = c.find(ctx, tx, partitioned(table, Plan{}), width)
	*s = c.Steps
	return err
}

// AddAhead adds to a plan the partitions that MakeAhead would make for a new table.
func AddAhead(s *plan.Steps, table contract.Table) {
	for _, parent := range partitioned(table, Plan{}) {
		addAhead(s, parent, nil, "day", time.Now())
	}
}

// addAhead does what sqs2pg.make_partitions does for each of the days ahead.
func addAhead(s *plan.Steps, to parent, partitions []partition, width string, now time.Time) {
	for day := range daysAhead + 1 {
		at := now.UTC().AddDate(0, 0, day)
		if overlaps(partitions, at, at.Add(1)) {
			continue
		}
		made := around(to.name, at, width)
		if width == "month" && overlaps(partitions, made.from, made.to) {
			made = around(to.name, at, "day")
		}
		partitions = append(partitions, made)
		name := made.quoted(to.schema)
		s.Add(fmt.Sprintf("create table %s (like %s including all);\nalter table %[2]s attach partition %[1]s for values from ('%[3]s') to ('%[4]s')",
			name, to.quoted(), made.from.Format(time.RFC3339), made.to.Format(time.RFC3339)), lockOfDefault(to, partitions)...)
	}
}

// lockOfDefault is the lock of the DEFAULT partition while another one comes or goes. There is none
// without a DEFAULT partition.
func lockOfDefault(of parent, partitions []partition) []plan.Lock {
	for _, p := range partitions {
		if p.isDefault {
			return []plan.Lock{{Table: p.quoted(of.schema), Mode: "access exclusive"}}
		}
	}
	return nil
}

// around is the partition of that width in which a moment is.
func around(table string, at time.Time, width string) partition {
	y, m, d := at.Date()
	if width == "month" {
		from := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return partition{name: table + from.Format("_p200601"), from: from, to: from.AddDate(0, 1, 0)}
	}
	from := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return partition{name: table + from.Format("_p20060102"), from: from, to: from.AddDate(0, 0, 1)}
}

func overlaps(partitions []partition, from, to time.Time) bool {
	for _, p := range partitions {
		if !p.isDefault && p.from.Before(to) && p.to.After(from) {
			return true
		}
	}
	return false
}
