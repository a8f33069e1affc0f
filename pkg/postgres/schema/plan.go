package schema

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/plan"
)

// Plan returns the SQL that Apply would run, with its locks, and what the report would say of the
// table. It changes nothing. Where SQL files have to run first on a database of an earlier release,
// the table is left out: the files change what is known of it. Its error is that of Apply.
func Plan(ctx context.Context, pool *postgres.Pool, table contract.Table) (plan.Steps, Report, error) {
	var report Report
	if err := pool.Ping(ctx); err != nil {
		return nil, report, err
	}
	var steps plan.Steps
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
			steps, err = planAll(ctx, tx, table, &report)
			return err
		})
	})
	if err != nil {
		return nil, report, safe(err)
	}
	return steps, report, nil
}

func planAll(ctx context.Context, tx pgx.Tx, table contract.Table, report *Report) (plan.Steps, error) {
	recorder := plan.Recorder{Tx: tx}
	version, err := planFiles(ctx, tx, &recorder.Steps, report)
	if err != nil || version > 0 && len(report.Migrations) > 0 {
		return recorder.Steps, err
	}
	before := len(recorder.Steps)
	if err := reconcile(ctx, &recorder, table, report); err != nil {
		return nil, fmt.Errorf("table %s: %w", table.FullName(), safe(err))
	}
	steps := inTransaction(recorder.Steps, before)
	switch {
	case table.Mode != contract.Insert:
	case len(report.TakenOver) > 0:
		steps.Note("then the missing partitions of today and 7 days ahead")
	case slices.Contains(report.Created, table.FullName()):
		partitions.AddAhead(&steps, table)
	default:
		err = partitions.PlanAhead(ctx, tx, &steps, table)
	}
	return steps, err
}

// inTransaction puts the steps from the n-th on between begin and commit, if there are any.
func inTransaction(all plan.Steps, n int) plan.Steps {
	if len(all) == n {
		return all
	}
	steps := slices.Clone(all[:n])
	steps.Add("begin;\nset local lock_timeout = '" + lockTime + "'")
	steps = append(steps, all[n:]...)
	steps.Add("commit")
	return steps
}

// gooseLine is an instruction for the migration library, which is a comment for Postgres.
var gooseLine = regexp.MustCompile(`(?m)^-- \+goose .*\n`)

// planFiles adds the SQL files that have not run, and returns the number of the last that has.
func planFiles(ctx context.Context, tx pgx.Tx, steps *plan.Steps, report *Report) (version int, err error) {
	var schema, table bool
	if err := tx.QueryRow(ctx, "select to_regnamespace('sqs2pg') is not null, to_regclass('sqs2pg.migrations') is not null").Scan(&schema, &table); err != nil {
		return 0, err
	}
	if !schema {
		steps.Add("create schema sqs2pg")
	}
	if table {
		if err := tx.QueryRow(ctx, "select coalesce(max(version_id), 0) from sqs2pg.migrations where is_applied").Scan(&version); err != nil {
			return 0, err
		}
	}
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		var number int
		if _, err := fmt.Sscanf(name, "%d_", &number); err != nil || number <= version {
			continue
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return 0, err
		}
		var locks []plan.Lock
		if name == guardFile && version >= vaultVersion {
			if locks, err = guardLocks(ctx, tx); err != nil {
				return 0, err
			}
		}
		report.Migrations = append(report.Migrations, name)
		steps.Add("-- "+name+", in one transaction\n"+strings.TrimSpace(gooseLine.ReplaceAllString(string(text), "")), locks...)
	}
	return version, nil
}

const (
	guardFile    = "0005_guard.sql" // makes triggers in a loop, so its text does not say on which tables
	vaultVersion = 4                // since then, tables may have what the guard is for
)

// guardLocks returns the locks that the guard's file takes.
func guardLocks(ctx context.Context, tx pgx.Tx) ([]plan.Lock, error) {
	rows, err := tx.Query(ctx, `select name from sqs2pg.tables, format('%I.%I', table_schema, table_name) name
		where (recovered is not null or subject is not null) and to_regclass(name) is not null order by 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (plan.Lock, error) {
		lock := plan.Lock{Mode: "share row exclusive"}
		return lock, row.Scan(&lock.Table)
	})
}
