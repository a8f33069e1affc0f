package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/partitions"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/sqltext"
)

// State says what a user finds of a contract's table in the database. The coverage is zero if the
// table is not migrated. A day counts as covered ahead if its vault's partition is there, too.
type State struct {
	Database registry.Database // what it knows of the table and the masking keys, and the user's rights
	partitions.Coverage

	Connections int // that the server has for users without special rights
}

// Inspect reads the State. It changes nothing and needs no right but to connect, so the writer's
// login suffices. Its error wraps a *postgres.Unavailable.
func Inspect(ctx context.Context, pool *postgres.Pool, table contract.Table) (State, error) {
	var s State
	if err := pool.Ping(ctx); err != nil {
		return s, err
	}
	err := pool.Pgx().AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			return s.read(ctx, tx, table)
		})
	})
	if err != nil {
		return s, fmt.Errorf("inspect table %s: %w", table.FullName(), safe(err))
	}
	return s, nil
}

func (s *State) read(ctx context.Context, tx pgx.Tx, table contract.Table) error {
	var err error
	if s.Database, err = registry.Read(ctx, tx, table); err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `select (select setting::int from pg_settings where name = 'max_connections')
 		- (select sum(setting::int) from pg_settings where name in ('superuser_reserved_connections', 'reserved_connections', 'rds.rds_superuser_reserved_connections'))`).
		Scan(&s.Connections)
	if err != nil {
		return err
	}
	if s.Database.Found == nil || !s.Database.Migrated {
		return nil
	}
	s.Coverage, err = partitions.Inspect(ctx, tx, sqltext.Table(table))
	if err != nil || s.Database.Vault == nil || table.Mode != contract.Insert {
		return err
	}
	vault, err := partitions.Inspect(ctx, tx, sqltext.Name(table.Vault()))
	s.DaysAhead = min(s.DaysAhead, vault.DaysAhead)
	return err
}
