package postgres

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pooled is the key under which a connection keeps whether it leads to a pooler.
const pooled = "pooled"

// findPooler finds out whether a new connection leads to a pooler, which may give each transaction
// another server process. A pooler tells its client a process id of its own making, because the
// client uses that id only to cancel a statement.
func findPooler(ctx context.Context, conn *pgx.Conn) error {
	results, err := conn.PgConn().Exec(ctx, "select pg_backend_pid()").ReadAll()
	if err != nil {
		return err
	}
	process := string(results[0].Rows[0][0])
	conn.PgConn().CustomData()[pooled] = process != strconv.FormatUint(uint64(conn.PgConn().PID()), 10)
	return nil
}

// prepares reports whether the writer's statement is to be prepared on a connection. That saves the
// server a quarter of its work for a small batch.
func (p *Pool) prepares(conn *pgxpool.Conn) bool {
	switch {
	case p.unprepared.Load():
		return false
	case p.mode != 0:
		return p.mode == pgx.QueryExecModeCacheStatement
	}
	return conn.Conn().PgConn().CustomData()[pooled] == false
}

// lostStatement reports whether a prepared statement is missing on the server's side (26000),
// exists there already (42P05), or no longer fits its table (0A000, of which Postgres has other
// kinds too). Each happens if a pooler gives a connection the server process of another one.
func lostStatement(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == "26000" || pgErr.Code == "42P05" || pgErr.Code == "0A000" && pgErr.Routine == "RevalidateCachedQuery")
}

// refusesCredentials reports whether the server refused user or password. A pooler says so with the
// code of a protocol violation.
func refusesCredentials(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return pgErr.Code == "28P01" || pgErr.Code == "28000" || pgErr.Code == "08P01" && connecting
}
