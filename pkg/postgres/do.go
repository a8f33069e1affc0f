package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/postgres/dsn"
	"sqs2pg/pkg/vault"
)

// Do runs work on a connection, and again on another one while ctx has time and the fault may pass.
// It is for the packages below this one, whose work can be done twice. Its error is an
// *Unavailable.
func (p *Pool) Do(ctx context.Context, work func(*pgxpool.Conn) error) error {
	err := p.attempt(ctx, true, func(_ context.Context, conn *pgxpool.Conn) error { return work(conn) })
	if err != nil {
		return p.unavailable(err)
	}
	return nil
}

// StoreSession commits a session of the vault, and is safe to call again. No seal may be stored
// before. Its error is an *Unavailable.
//
// A server that crashes loses its last commits if synchronous_commit is off, and this process would
// go on to seal by a session that nobody has. So the commit of a session always waits for the disk.
func (p *Pool) StoreSession(ctx context.Context, s *vault.Session) error {
	return p.Do(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, "insert into sqs2pg_vault.sessions (id, recipient, enc) select $1, $2, $3 from pg_catalog.set_config('synchronous_commit', 'on', true) on conflict do nothing",
			pgx.QueryExecModeExec, // as in package calendar
			pgtype.UUID{Bytes: s.ID, Valid: true}, s.Recipient, s.Enc)
		return err
	})
}

// Wait returns when the database can be used. It tries again while ctx has time and the fault may
// pass, as for a database that is waking up. Its error is an *Unavailable.
func (p *Pool) Wait(ctx context.Context) error {
	return p.Do(ctx, func(*pgxpool.Conn) error { return nil })
}

// OnThisMachine reports whether all hosts of the pool are this machine: a socket, localhost, or a
// loopback address.
func (p *Pool) OnThisMachine() bool { return dsn.OnThisMachine(p.pgx.Config().ConnConfig) }
