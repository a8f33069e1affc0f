package postgres

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/postgres/heard"
	"sqs2pg/pkg/postgres/sqlstate"
)

const (
	firstDelay = 50 * time.Millisecond
	lastDelay  = 2 * time.Second
	// defaultTimeout limits the retries when the context has no deadline.
	defaultTimeout = 30 * time.Second

	readOnly         = "25006" // read_only_sql_transaction
	statementTimeout = "57014" // query_canceled
)

// unpinged marks a context in which the pool gives out a connection without a ping.
type unpinged struct{}

// attempt runs work on a connection. It retries transient errors on another connection while ctx
// has time left, with full jitter so that hundreds of environments do not come back in step.
// Refused credentials are fetched again. Its error is an *Unavailable, or Postgres's own error if
// Postgres refuses a row or the epoch.
//
// Without ping the first connection is not tested before work gets it, which saves a round trip:
// work must notice by itself that nobody answers. If a connection is lost during a commit, nobody
// knows whether the work was done. It is retried too: the table's key makes the second time a
// no-op.
func (p *Pool) attempt(ctx context.Context, ping bool, work func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	acquire := ctx
	if !ping {
		acquire = context.WithValue(ctx, unpinged{}, true)
	}
	var answer error // the server's last error: an attempt that runs out of time gets no answer
	lostStatements := 0
	for delay := firstDelay; ; delay = min(2*delay, lastDelay) {
		err := p.pgx.AcquireFunc(acquire, func(conn *pgxpool.Conn) error { return p.dropUnusable(ctx, conn, work(ctx, conn)) })
		if err == nil {
			return nil
		}
		acquire = ctx
		switch refused, ok := errors.AsType[*pgconn.PgError](err); {
		case ok && refused.Code == statementTimeout && ctx.Err() != nil:
			// A pooler passes on that we have cancelled the statement.
			return p.unavailable(cmp.Or(answer, context.DeadlineExceeded))
		case ok:
			answer = err
		case ctx.Err() != nil:
			return p.unavailable(cmp.Or(answer, err))
		}
		if lostStatement(err) {
			if lostStatements++; lostStatements == 2 {
				p.unprepared.Store(true)
			}
		}
		asked, changed := p.refreshed(ctx, err)
		if changed {
			delay = firstDelay
		}
		switch kindOf(err) {
		case sqlstate.RowRefused, sqlstate.Reread:
			return err
		case sqlstate.SetupFault:
			if !asked {
				return p.unavailable(err)
			}
		}
		if !sleep(ctx, rand.N(delay)) {
			return p.unavailable(err)
		}
	}
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, defaultTimeout)
}

// dropUnusable closes a connection whose later work would fail with the same error: its prepared
// statements were lost, or its server has become read-only. After a failover the host name leads to
// another server, but a connection that survived the failover stays read-only for ever.
func (p *Pool) dropUnusable(ctx context.Context, conn *pgxpool.Conn, err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == readOnly {
		endProcess(ctx, conn)
	} else if lostStatement(err) {
		_ = conn.Conn().Close(ctx)
	}
	return err
}

// endProcess ends the server process of a connection, and closes the connection. To close it is not
// enough behind a pooler, which keeps the process for the next client. Every role may end its own
// processes.
func endProcess(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(ctx, heard.Timeout)
	defer cancel()
	_, _ = conn.Conn().PgConn().Exec(ctx, "select pg_terminate_backend(pg_backend_pid())").ReadAll()
	_ = conn.Conn().Close(ctx)
}

// sleep waits for d. It returns false, at once where that is known, if ctx ends before d is over.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
