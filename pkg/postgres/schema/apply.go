// Package schema brings a database to what the writer needs: the schema sqs2pg that all tables share, from numbered SQL
// files, and the table of each contract, from the contract.
//
// It is apart from pkg/postgres so that the ingest function, which never changes a schema, does not carry the migration
// library.
package schema

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
)

//go:embed *.sql
var files embed.FS

// advisoryLock is the key of the session lock that lets one Apply at a time work on a database: "sqs2pg" in ASCII.
const advisoryLock = 0x737173327067

// daysAhead is for how long writers find their partitions made.
const daysAhead = 7

var (
	// ErrDiffers means that a table is not, and will not be made, what its contract says. Each line of the text names a
	// difference, both sides of it and what to do. Nothing was changed in that table.
	ErrDiffers = errors.New("the table differs from its contract")
	// ErrTakeOver means that a table of the contract's name is there which cannot become ours. Nothing was changed in it.
	ErrTakeOver = errors.New("there is a table of that name which is not ours")
)

// Apply runs the SQL migrations that have not been run, then makes or alters the tables so that they are as their contracts
// say. Two at once wait for each other, and the second finds nothing to do. It needs the rights of the database's owner, and
// at first those to create a role.
//
// A plain table of a contract's name, made by hand before there was a contract, becomes ours with all its rows if the
// contract has all its columns. The error wraps ErrDiffers, ErrTakeOver, or a *postgres.Unavailable.
func Apply(ctx context.Context, pool *postgres.Pool, tables ...contract.Table) (Report, error) {
	var report Report
	if err := pool.Ping(ctx); err != nil {
		return report, err
	}
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		unlock, err := lock(ctx, conn)
		if err != nil {
			return err
		}
		defer unlock()
		if err := migrate(ctx, conn, pool, &report); err != nil {
			return describe(err)
		}
		for _, table := range tables {
			if err := applyTable(ctx, conn, table, &report); err != nil {
				return fmt.Errorf("table %s: %w", dotted(table), describe(err))
			}
		}
		return nil
	})
	return report, err
}

// lock waits until no other Apply works on the database. The unlocking survives a cancelled ctx, so that the connection
// does not take the lock back into the pool; a connection that is lost loses the lock anyway.
func lock(ctx context.Context, conn *pgxpool.Conn) (unlock func(), err error) {
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(advisoryLock)); err != nil {
		return nil, fmt.Errorf("wait for another migration: %w", describe(err))
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, "select pg_advisory_unlock($1)", int64(advisoryLock))
	}, nil
}

// migrate makes the schema, where the library keeps its own table, then has the library run the files.
func migrate(ctx context.Context, conn *pgxpool.Conn, pool *postgres.Pool, report *Report) error {
	var there bool // "if not exists" would ask for the right to create even when there is nothing to do
	if err := conn.QueryRow(ctx, "select to_regnamespace('sqs2pg') is not null").Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := conn.Exec(ctx, "create schema sqs2pg"); err != nil {
			return fmt.Errorf("schema sqs2pg: %w", err)
		}
	}
	db := ownConnection(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName("sqs2pg.migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		report.Migrations = append(report.Migrations, r.Source.Path)
	}
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		return fmt.Errorf("migration %s: %w", partial.Failed.Source.Path, partial.Err)
	}
	return err
}

// ownConnection is for the library alone. One of the pool's could be waited for without end: conn may be its only one.
func ownConnection(pool *postgres.Pool) *sql.DB {
	config := pool.Pgx().Config()
	var options []stdlib.OptionOpenDB
	if config.BeforeConnect != nil {
		options = append(options, stdlib.OptionBeforeConnect(config.BeforeConnect))
	}
	return stdlib.OpenDB(*config.ConnConfig, options...)
}

// applyTable does one table in one transaction, then its partitions ahead in another: they take the lock that writers who
// need a partition take first, which after an ALTER TABLE would be the wrong order.
func applyTable(ctx context.Context, conn *pgxpool.Conn, table contract.Table, report *Report) error {
	done := *report
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local lock_timeout = '10s'"); err != nil {
			return err
		}
		return reconcile(ctx, tx, table, &done)
	})
	if err != nil || table.Mode != contract.Insert {
		if err == nil {
			*report = done
		}
		return err
	}
	*report = done
	for day := range daysAhead + 1 {
		var made *string
		err := conn.QueryRow(ctx, "select sqs2pg.make_partition($1::text::regclass, $2)", qualified(table),
			time.Now().AddDate(0, 0, day)).Scan(&made)
		if err != nil {
			return fmt.Errorf("partition: %w", err)
		}
		if made != nil {
			report.Partitions = append(report.Partitions, table.Schema+"."+*made)
		}
	}
	return nil
}

func dotted(table contract.Table) string { return table.Schema + "." + table.Name }
