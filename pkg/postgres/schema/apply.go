// Package schema makes in a database what the writer needs: the schema sqs2pg that all tables
// share, by numbered SQL files, and the table of each contract.
//
// It is a package of its own because the ingest function never changes a schema and should not
// carry the migration library.
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
	"sqs2pg/pkg/postgres/partitions"
)

//go:embed *.sql
var files embed.FS

// advisoryLock is the key of the session lock that lets one Apply at a time work on a database. It
// is "sqs2pg" in ASCII.
const advisoryLock = 0x737173327067

// lockTime is how long the change of a table waits for another session's lock. Everybody who comes
// after it waits as well.
const lockTime = "10s"

var (
	// ErrDiffers means that a table differs from its contract in a way that Apply does not repair.
	// Each line of the error's text names one difference, both sides of it and what to do. Nothing
	// was changed in that table.
	ErrDiffers = errors.New("the table differs from its contract")
	// ErrTakeOver means that somebody else made a table of the contract's name, and that it cannot
	// be taken over. Nothing was changed in it.
	ErrTakeOver = errors.New("a table of that name exists that sqs2pg did not make")
)

// advice by SQLSTATE or class, for people who run a migration.
var advice = map[string]string{
	"22":    "a row was refused",
	"23":    "a row was refused",
	"2BP01": "something depends on the table: drop that, migrate, and make it again",
	"42":    "the server refused a statement",
	"42501": "the user may not do this: run it as the owner of the database and the table",
	"42P06": "a schema that the migration makes exists already: rename that schema",
	"42P07": "a table or an index that the migration makes exists already: rename that one",
	"55P03": "a lock on the table was not free in " + lockTime + ": end the long transactions on it, then run it again",
}

// Apply runs the SQL migrations that have not been run, then makes or alters the tables to fit
// their contracts. It is safe to call again and concurrently: the second call waits for the first
// and finds nothing to do. It needs the rights of the database's owner; the first time also the
// right to create a role.
//
// A plain table of a contract's name that somebody made by hand is taken over with all its rows if
// the contract has all its columns. The error wraps ErrDiffers, ErrTakeOver, or a
// *postgres.Unavailable.
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
			return err
		}
		for _, table := range tables {
			if err := applyTable(ctx, conn, table, &report); err != nil {
				return fmt.Errorf("table %s: %w", table.FullName(), safe(err))
			}
		}
		return nil
	})
	if err != nil {
		return report, safe(err)
	}
	return report, nil
}

// safe returns an error that may be shown: one of this package, or an *Unavailable.
func safe(err error) error {
	_, already := errors.AsType[*postgres.Unavailable](err)
	if already || errors.Is(err, ErrDiffers) || errors.Is(err, ErrTakeOver) {
		return err
	}
	return postgres.NewUnavailable(err, advice)
}

// lock waits until no other Apply works on the database. It unlocks even if ctx has been cancelled,
// because the connection must not keep the lock when it returns to the pool. A connection that is
// lost loses the lock by itself.
func lock(ctx context.Context, conn *pgxpool.Conn) (unlock func(), err error) {
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(advisoryLock)); err != nil {
		return nil, fmt.Errorf("wait for another migration: %w", safe(err))
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, "select pg_advisory_unlock($1)", int64(advisoryLock))
	}, nil
}

// migrate makes the schema, in which the migration library keeps its own table, then runs the SQL
// files.
func migrate(ctx context.Context, conn *pgxpool.Conn, pool *postgres.Pool, report *Report) error {
	var exists bool // "create schema if not exists" would need the right to create one even if it exists
	if err := conn.QueryRow(ctx, "select to_regnamespace('sqs2pg') is not null").Scan(&exists); err != nil {
		return err
	}
	if !exists {
		if _, err := conn.Exec(ctx, "create schema sqs2pg"); err != nil {
			return fmt.Errorf("schema sqs2pg: %w", safe(err))
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
		return fmt.Errorf("migration %s: %w", partial.Failed.Source.Path, postgres.NewUnavailable(partial.Err, migrationAdvice))
	}
	return err
}

// migrationAdvice differs from advice where the first migration makes the writers' role.
var migrationAdvice = map[string]string{
	"42501": "the user may not do this: run it as the owner of the database; if it may not create roles, " +
		"have an administrator create those that are missing: sqs2pg_writer, sqs2pg_reader, sqs2pg_revealer, sqs2pg_eraser and sqs2pg_auditor, each nologin",
	"42P06": advice["42P06"],
	"55P03": advice["55P03"],
}

// ownConnection opens connections for the migration library alone. The library must not take one
// from the pool: conn may be the pool's only connection, and the library would wait for ever.
func ownConnection(pool *postgres.Pool) *sql.DB {
	config := pool.Pgx().Config()
	var options []stdlib.OptionOpenDB
	if config.BeforeConnect != nil {
		options = append(options, stdlib.OptionBeforeConnect(config.BeforeConnect))
	}
	return stdlib.OpenDB(*config.ConnConfig, options...)
}

// applyTable changes one table in one transaction, then makes its partitions outside of it. Writers
// that need a partition first take the lock for making partitions, then the table's; a transaction
// that altered the table and then made partitions would take the two in the wrong order.
func applyTable(ctx context.Context, conn *pgxpool.Conn, table contract.Table, report *Report) error {
	done := *report
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local lock_timeout = '"+lockTime+"'"); err != nil {
			return err
		}
		return reconcile(ctx, tx, table, &done)
	})
	if err != nil {
		return err
	}
	*report = done
	if table.Mode != contract.Insert {
		return nil
	}
	made, err := partitions.MakeAhead(ctx, conn, table)
	report.Partitions = append(report.Partitions, made...)
	if err != nil {
		return fmt.Errorf("partitions: %w", err)
	}
	return nil
}
