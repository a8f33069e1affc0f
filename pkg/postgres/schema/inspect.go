package schema

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
)

// State says what a user finds of a contract's table in the database.
type State struct {
	User      string            // the pool's
	Database  registry.Database // what it knows of the table and the masking keys
	MayInsert bool              // the user has the privileges to insert
	MayExtend bool              // the user may have partitions made; true if the table has none
	DaysAhead int               // whole days from now to the end of the last partition; -1 if that end is past
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
		return s, fmt.Errorf("inspect table %s: %w", dotted(table), safe(err))
	}
	return s, nil
}

func (s *State) read(ctx context.Context, tx pgx.Tx, table contract.Table) error {
	var err error
	if s.Database, err = registry.Read(ctx, tx, table); err != nil {
		return err
	}
	if s.Database.Found == nil {
		return tx.QueryRow(ctx, "select current_user::text").Scan(&s.User)
	}
	var end *time.Time
	err = tx.QueryRow(ctx, `
		select current_user::text,
		  has_table_privilege($1::oid, 'insert') and has_schema_privilege(n.oid, 'usage'),
		  $2 or exists (
		    select from pg_proc p join pg_namespace s on s.oid = p.pronamespace
		    where s.nspname = 'sqs2pg' and p.proname = 'ensure_partition'
		      and has_schema_privilege(s.oid, 'usage') and has_function_privilege(p.oid, 'execute')),
		  (select max((regexp_match(pg_get_expr(p.relpartbound, p.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz)
		    from pg_inherits i join pg_class p on p.oid = i.inhrelid where i.inhparent = $1::oid)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::oid`,
		s.Database.Found.OID, table.Mode == contract.Upsert).Scan(&s.User, &s.MayInsert, &s.MayExtend, &end)
	s.DaysAhead = -1
	if end != nil && end.After(time.Now()) {
		s.DaysAhead = int(time.Until(*end) / (24 * time.Hour))
	}
	return err
}
