// Package migrations brings a database to what the writer needs: the schema sqs2pg that all tables share, from numbered SQL
// files, and the table of each contract, from the contract.
//
// It is apart from pkg/postgres so that the ingest function, which never changes a schema, does not carry the migration
// library.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"

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

// Report says what Apply did; nothing, if everything was there.
type Report struct {
	Migrations []string // SQL files that were run
	Created    []string // tables, as schema.name
}

// Apply runs the SQL migrations that have not been run, then makes or alters the tables so that they are as their contracts
// say. Two at once wait for each other; the second finds nothing to do. It needs the rights of the database's owner.
func Apply(ctx context.Context, pool *postgres.Pool, tables ...contract.Table) (Report, error) {
	var report Report
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(advisoryLock)); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		defer conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", int64(advisoryLock))
		if err := migrate(ctx, conn, pool, &report); err != nil {
			return err
		}
		for _, table := range tables {
			err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return reconcile(ctx, tx, table, &report) })
			if err != nil {
				return fmt.Errorf("table %s.%s: %w", table.Schema, table.Name, err)
			}
		}
		return nil
	})
	return report, err
}

// migrate makes the schema, where the library keeps its own table, then has the library run the files.
func migrate(ctx context.Context, conn *pgxpool.Conn, pool *postgres.Pool, report *Report) error {
	if _, err := conn.Exec(ctx, "create schema if not exists sqs2pg"); err != nil {
		return fmt.Errorf("schema sqs2pg: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool.Pgx())
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName("sqs2pg.migrations"), goose.WithDisableGlobalRegistry(true))
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

func reconcile(ctx context.Context, tx pgx.Tx, table contract.Table, report *Report) error {
	var registered bool
	err := tx.QueryRow(ctx, "select exists (select from sqs2pg.tables where table_schema = $1 and table_name = $2)", table.Schema, table.Name).Scan(&registered)
	if err != nil || registered {
		return err
	}
	if _, err := tx.Exec(ctx, DDL(table)); err != nil {
		return err
	}
	mode := "insert"
	if table.Mode == contract.Upsert {
		mode = "upsert"
	}
	_, err = tx.Exec(ctx, "insert into sqs2pg.tables (table_schema, table_name, mode, key_columns, columns) values ($1, $2, $3, $4, $5)",
		table.Schema, table.Name, mode, append([]string{}, table.Key...), "[]")
	report.Created = append(report.Created, table.Schema+"."+table.Name)
	return err
}
