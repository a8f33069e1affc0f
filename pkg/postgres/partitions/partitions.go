// Package partitions keeps a contract's table in shape while events are written to it: partitions are made before their time
// comes, and those whose time is over are dropped, which costs nothing where a DELETE of as many rows would bloat the table.
//
// Nothing in it waits for writers for long, and writers do not wait for it: partitions are attached and detached under locks
// that let inserts go on.
package partitions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
)

const (
	// daysAhead is for how many days after today there are partitions: when upkeep fails, there is a week to find out.
	daysAhead = 7

	// lockTime is how long one step waits for another session's lock; then the next run goes on with it.
	lockTime = "30s"
)

// Plan is what is wanted of a table.
type Plan struct {
	// Width of new partitions, "day" or "month" in UTC; "" leaves it as it is, which is day at first. It does not change
	// partitions that are there.
	Width string
	// RetentionDays is how many days events are kept; 0 keeps all. A partition goes when all that it can hold is older.
	RetentionDays int
}

// Report says what Run did and found. Partitions are named schema.name.
type Report struct {
	Table      string   `json:"table"`
	Partitions []string `json:"partitions"` // made
	Dropped    []string `json:"dropped"`
	// DaysAhead is for how many whole days after this moment there is a partition without a gap; -1 if it could not be measured.
	DaysAhead int `json:"days_ahead"`
	// RowsOutside counts the rows of a DEFAULT partition, which is not ours: somebody attached it, and what is in it stands in the way of the
	// partitions that those rows belong to.
	RowsOutside int64 `json:"rows_outside"`
}

// Run makes a table's partitions for today and 7 days ahead, drops those past their retention, and measures. It may be called at any time, also while another Run is
// under way: it waits for that, and finds nothing to do. It needs the rights of the table's owner. A run that was cut off is
// completed by the next.
//
// The errors say what to do and hold no row. A table in upsert mode has no partitions: its report is empty.
func Run(ctx context.Context, pool *postgres.Pool, table contract.Table, plan Plan) (Report, error) {
	name := table.Schema + "." + table.Name
	report := Report{Table: name, Partitions: []string{}, Dropped: []string{}}
	if table.Mode != contract.Insert {
		return report, nil
	}
	report.DaysAhead = -1
	if err := pool.Ping(ctx); err != nil {
		return report, err
	}
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		r := run{conn: conn, table: table, plan: plan, report: &report}
		return r.do(ctx)
	})
	if err != nil {
		return report, fmt.Errorf("upkeep of %s: %w", name, describe(err))
	}
	return report, nil
}

// run is one Run in progress.
type run struct {
	conn   *pgxpool.Conn
	table  contract.Table
	plan   Plan
	report *Report
}

func (r *run) do(ctx context.Context) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.setWidth(ctx); err != nil {
		return err
	}
	if err := r.makeAhead(ctx); err != nil {
		return errors.Join(err, r.measure(ctx)) // how long there is time to repair it
	}
	if r.plan.RetentionDays > 0 {
		if err := r.retire(ctx, time.Now().AddDate(0, 0, -r.plan.RetentionDays)); err != nil {
			return err
		}
	}
	return r.measure(ctx)
}

// lock lets one Run at a time work on a table: a partition that one is detaching is none that another could detach. It is
// not the lock of sqs2pg.make_partition, so writers go on making partitions meanwhile.
func (r *run) lock(ctx context.Context) (unlock func(), err error) {
	const key = "hashtextextended('sqs2pg.upkeep', $1::text::regclass::oid::bigint)"
	if _, err := r.conn.Exec(ctx, "select pg_advisory_lock("+key+")", r.name()); err != nil {
		return nil, err
	}
	if _, err := r.conn.Exec(ctx, "set lock_timeout = '"+lockTime+"'"); err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = r.conn.Exec(ctx, "reset lock_timeout")
		_, _ = r.conn.Exec(ctx, "select pg_advisory_unlock("+key+")", r.name())
	}, nil
}

func (r *run) setWidth(ctx context.Context) error {
	if r.plan.Width == "" {
		return nil
	}
	_, err := r.conn.Exec(ctx, `update sqs2pg.tables set partition_width = $3
		where table_schema = $1 and table_name = $2 and partition_width <> $3`, r.table.Schema, r.table.Name, r.plan.Width)
	return err
}

func (r *run) makeAhead(ctx context.Context) error {
	for day := range daysAhead + 1 {
		var made *string
		err := r.conn.QueryRow(ctx, "select sqs2pg.make_partition($1::text::regclass, now() + make_interval(days => $2))", r.name(), day).Scan(&made)
		if err != nil {
			return err
		}
		if made != nil {
			r.report.Partitions = append(r.report.Partitions, r.table.Schema+"."+*made)
		}
	}
	return nil
}

// measure fills in what Report says of the table as it is now.
func (r *run) measure(ctx context.Context) error {
	partitions, err := r.partitions(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	covered := now
	for _, p := range partitions { // by ascending bounds
		if p.isDefault {
			err := r.conn.QueryRow(ctx, "select count(*) from "+p.quoted(r.table.Schema)).Scan(&r.report.RowsOutside)
			if err != nil {
				return err
			}
		}
		if !p.from.After(covered) && p.to.After(covered) {
			covered = p.to
		}
	}
	r.report.DaysAhead = int(covered.Sub(now) / (24 * time.Hour))
	return nil
}

func (r *run) name() string { return pgx.Identifier{r.table.Schema, r.table.Name}.Sanitize() }

// describe leaves out what Postgres's text may hold of a row, and says what to do.
func describe(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	switch pgErr.Code {
	case "55P03":
		return errors.New("a lock was not free in " + lockTime + ": end long transactions on the table; the next run completes what this one began (SQLSTATE 55P03)")
	case "42P01", "3F000", "42883":
		return fmt.Errorf("the table is not there: run the migration first (SQLSTATE %s)", pgErr.Code)
	case "42501":
		return errors.New("the user is not the table's owner: run upkeep as the user that migrates (SQLSTATE 42501)")
	}
	return fmt.Errorf("refused by Postgres (SQLSTATE %s)", pgErr.Code)
}
