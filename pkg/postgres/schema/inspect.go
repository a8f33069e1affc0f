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
	Database  registry.Database // what it knows of the table and the masking keys, and the user's rights
	DaysAhead int               // whole days from now that partitions cover without a gap; -1 if none covers now
	Gaps      []Gap             // between the first partition and the last, by time

	Connections int // that the server has for users without special rights
}

// Gap is a time that no partition covers, though there are partitions before and after it.
type Gap struct{ From, To time.Time }

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
	if s.Database.Found == nil {
		return nil
	}
	return s.readPartitions(ctx, tx)
}

// readPartitions reads the bounds of the partitions by time, without the default partition.
func (s *State) readPartitions(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		select b[1]::timestamptz, b[2]::timestamptz
		from pg_inherits i join pg_class p on p.oid = i.inhrelid,
		  regexp_match(pg_get_expr(p.relpartbound, p.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') b
		where i.inhparent = $1::oid and b is not null order by 1`, s.Database.Found.OID)
	if err != nil {
		return err
	}
	var from, to, start, end time.Time // start to end is covered without a gap
	now := time.Now()
	s.DaysAhead = -1
	_, err = pgx.ForEachRow(rows, []any{&from, &to}, func() error {
		switch {
		case end.IsZero():
			start, end = from, to
		case from.After(end):
			s.Gaps = append(s.Gaps, Gap{end.UTC(), from.UTC()})
			start, end = from, to
		case to.After(end):
			end = to
		}
		if !start.After(now) && end.After(now) {
			s.DaysAhead = int(end.Sub(now) / (24 * time.Hour))
		}
		return nil
	})
	return err
}
