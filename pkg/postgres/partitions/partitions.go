// Package partitions makes the partitions of a contract's table before they are needed, and drops
// them when their retention is over. To drop a partition is quick, while a DELETE of its rows would
// bloat the table.
//
// Partitions are attached and detached under locks that allow inserts, so writers do not wait for
// this package.
package partitions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

const (
	// daysAhead is for how many days after today partitions are made. If the maintain function
	// fails, a week is left to notice.
	daysAhead = 7

	// lockTime is how long one step waits for another session's lock. After that the step is left
	// to the next run.
	lockTime = "30s"
)

// ErrNoTable means that the contract's table does not exist: the database is not migrated yet.
var ErrNoTable = errors.New("no table")

// advice by SQLSTATE, for people who run the maintenance.
var advice = map[string]string{
	"3F000": "the table is missing: run the migration first",
	"42501": "the user is not the table's owner: run the maintenance as the user that migrates",
	"42883": "the table is missing: run the migration first",
	"42P01": "the table is missing: run the migration first",
	"55P03": "a lock was not free in " + lockTime + ": end long transactions on the table; the next run completes what this one began",
}

// Plan says how a table is partitioned, and how long its events are kept.
type Plan struct {
	// Width is what a new partition covers, "day" or "month" in UTC. "" keeps the present width,
	// which is day at first. Existing partitions are not changed.
	Width string
	// RetentionDays is how many days events are kept; 0 keeps all. A partition is dropped when it
	// can only hold older events. It is also how many days old an event may be when it is written;
	// with 0 that is five years.
	RetentionDays int
	// VaultRetentionDays is how many days sealed values are kept; 0 keeps them as long as their rows.
	// An event that is older when it is written is not sealed.
	VaultRetentionDays int
}

// vaultDays is how many days sealed values are kept; 0 keeps all.
func (p Plan) vaultDays() int {
	if p.RetentionDays == 0 || p.VaultRetentionDays == 0 {
		return max(p.RetentionDays, p.VaultRetentionDays)
	}
	return min(p.RetentionDays, p.VaultRetentionDays)
}

// Report says what Run did and found. Partitions are named schema.name.
type Report struct {
	Table      string   `json:"table"`
	Partitions []string `json:"partitions"` // made by this run
	Dropped    []string `json:"dropped"`
	// SealsDeleted counts the sealed values of a table in upsert mode that were past their retention, or
	// whose row is about a newer event.
	SealsDeleted int64 `json:"seals_deleted,omitempty"`
	// DaysAhead is how many whole days from now are covered by partitions without a gap; -1 if that
	// could not be measured.
	DaysAhead int `json:"days_ahead"`
	// RowsOutside counts the rows of a DEFAULT partition. This package makes none: somebody
	// attached it. Its rows prevent the partitions that they belong to.
	RowsOutside int64 `json:"rows_outside"`
}

// Run records the plan, makes the partitions of a table and of its vault for today and 7 days ahead,
// drops those past their retention, and measures. It may be called at any time. While another Run
// works on the table it waits, and then finds nothing to do. It needs the rights of the table's
// owner. A run that was cut off is completed by the next.
//
// Its error wraps a *postgres.Unavailable, and matches ErrNoTable if there is no table. A table in
// upsert mode has no partitions: Run only deletes from its vault.
func Run(ctx context.Context, pool *postgres.Pool, table contract.Table, plan Plan) (Report, error) {
	name := table.FullName()
	report := Report{Table: name, Partitions: []string{}, Dropped: []string{}}
	if table.Mode != contract.Insert && !table.HasVault() {
		return report, nil
	}
	if table.Mode == contract.Insert {
		report.DaysAhead = -1
	}
	if err := pool.Ping(ctx); err != nil {
		return report, err
	}
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		r := run{conn: conn, table: table, plan: plan, report: &report}
		return r.do(ctx)
	})
	if err == nil {
		return report, nil
	}
	u := postgres.NewUnavailable(err, advice)
	if slices.Contains([]string{"3F000", "42883", "42P01"}, u.SQLSTATE) {
		return report, fmt.Errorf("partitions of %s: %w: %w", name, ErrNoTable, u)
	}
	return report, fmt.Errorf("partitions of %s: %w", name, u)
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
	if err := r.record(ctx); err != nil {
		return err
	}
	if r.table.Mode != contract.Insert {
		tag, err := r.conn.Exec(ctx, deleteSeals(r.table, r.plan))
		r.report.SealsDeleted = tag.RowsAffected()
		return err
	}
	made, err := MakeAhead(ctx, r.conn, r.table)
	r.report.Partitions = append(r.report.Partitions, made...)
	if err != nil {
		return errors.Join(err, r.measure(ctx)) // the days ahead say how much time is left for the repair
	}
	for _, p := range partitioned(r.table, r.plan) {
		if p.days > 0 {
			if err := r.retire(ctx, p); err != nil {
				return err
			}
		}
	}
	return r.measure(ctx)
}

// parent is a partitioned table, and how many days it keeps; 0 keeps all.
type parent struct {
	schema, name string
	days         int
}

func (p parent) full() string   { return p.schema + "." + p.name }
func (p parent) quoted() string { return sqltext.Name(p.schema, p.name) }

// partitioned returns a contract's table, and its vault table if there is one.
func partitioned(table contract.Table, plan Plan) []parent {
	all := []parent{{table.Schema, table.Name, plan.RetentionDays}}
	if table.HasVault() {
		schema, name := table.Vault()
		all = append(all, parent{schema, name, plan.vaultDays()})
	}
	return all
}

// deleteSeals is the statement that deletes from the vault of a table in upsert mode what is past
// its retention, and what no row stands for any more, because a newer event has changed the row. One
// statement sees a row and its seal both or not at all: a writer commits them together.
func deleteSeals(table contract.Table, plan Plan) string {
	old := ""
	if days := plan.VaultRetentionDays; days > 0 {
		old = fmt.Sprintf("s.sent_at < now() - interval '%d days' or ", days)
	}
	schema, name := table.Vault()
	return fmt.Sprintf("delete from %s s where %snot exists (select from %s t where t.sent_at = s.sent_at and t.event_id = s.event_id)",
		sqltext.Name(schema, name), old, sqltext.Table(table))
}

// lock lets one Run at a time work on a table, because two cannot detach the same partition. It is
// not the lock of sqs2pg.make_partition, so writers can still make partitions meanwhile.
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

// record keeps the plan in the database. The retention is part of the table's window. A table that
// is not registered is left to MakeAhead.
func (r *run) record(ctx context.Context) error {
	_, update, err := recorded(ctx, r.conn, r.table, r.plan)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && update == "" {
		return nil
	}
	if err == nil {
		_, err = r.conn.Exec(ctx, update)
	}
	return err
}

// recorded returns the width of new partitions, and the statement that makes the database keep the
// plan, "" if it does already.
func recorded(ctx context.Context, q Querier, table contract.Table, p Plan) (width, update string, err error) {
	var known string
	var days, vaultDays int
	if table.Mode != contract.Insert { // only the vault of such a table has a retention
		p.Width, p.RetentionDays = "", 0
	}
	where := fmt.Sprintf(" where table_schema = %s and table_name = %s", sqltext.Literal(table.Schema), sqltext.Literal(table.Name))
	if err := q.QueryRow(ctx, "select partition_width, coalesce(retention_days, 0), coalesce(vault_retention_days, 0) from sqs2pg.tables"+where).Scan(&known, &days, &vaultDays); err != nil {
		return "", "", err
	}
	if width = cmp.Or(p.Width, known); width == known && days == p.RetentionDays && vaultDays == p.VaultRetentionDays {
		return width, "", nil
	}
	return width, fmt.Sprintf("update sqs2pg.tables set partition_width = %s, retention_days = nullif(%d, 0), vault_retention_days = nullif(%d, 0), epoch = epoch + 1%s",
		sqltext.Literal(width), p.RetentionDays, p.VaultRetentionDays, where), nil
}

// Querier is a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// MakeAhead makes the missing partitions of today and the next 7 days, also of the vault, and
// returns the names of those that it made, as schema.name. If something is in the way of one, it
// still makes the others. It is safe to call again and concurrently. Its error is a
// *postgres.Unavailable.
func MakeAhead(ctx context.Context, q Querier, table contract.Table) (made []string, err error) {
	return Make(ctx, q, table, fmt.Sprintf("select (now() at time zone 'UTC')::date + n from generate_series(0, %d) n", daysAhead))
}

// Make makes the missing partitions of the dates that a query returns, whenever they are. For
// everything else see MakeAhead.
func Make(ctx context.Context, q Querier, table contract.Table, dates string) (made []string, err error) {
	rows, err := q.Query(ctx, "select coalesce(made, ''), coalesce(vault, ''), coalesce(refusal, ''), coalesce(reason, '') from sqs2pg.make_partitions($1::text::regclass, array("+dates+"))",
		sqltext.Table(table))
	if err != nil {
		return nil, postgres.NewUnavailable(err, advice)
	}
	var name, vault, sqlstate, reason string
	var refused error
	vaultSchema, _ := table.Vault()
	if _, err := pgx.ForEachRow(rows, []any{&name, &vault, &sqlstate, &reason}, func() error {
		if name != "" {
			made = append(made, table.Schema+"."+name)
		}
		if vault != "" {
			made = append(made, vaultSchema+"."+vault)
		}
		if sqlstate != "" && refused == nil {
			refused = &postgres.Unavailable{SQLSTATE: sqlstate, Reason: reason}
		}
		return nil
	}); err != nil {
		return nil, postgres.NewUnavailable(err, advice)
	}
	return made, refused
}

// measure fills in the fields of Report that describe the table's present state. Days count as
// covered if those of the vault are, too.
func (r *run) measure(ctx context.Context) error {
	for i, parent := range partitioned(r.table, r.plan) {
		partitions, err := list(ctx, r.conn, parent.quoted())
		if err != nil {
			return err
		}
		ahead := coverage(partitions, time.Now()).DaysAhead
		if i > 0 {
			r.report.DaysAhead = min(r.report.DaysAhead, ahead)
			continue
		}
		r.report.DaysAhead = ahead
		for _, p := range partitions {
			if !p.isDefault {
				continue
			}
			if err := r.conn.QueryRow(ctx, "select count(*) from "+p.quoted(r.table.Schema)).Scan(&r.report.RowsOutside); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) name() string { return sqltext.Table(r.table) }
