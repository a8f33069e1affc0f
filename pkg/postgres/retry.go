package postgres

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	firstDelay = 50 * time.Millisecond
	lastDelay  = 2 * time.Second
	// defaultTimeout limits the retries when the context has no deadline.
	defaultTimeout = 30 * time.Second

	readOnly = "25006" // read_only_sql_transaction
)

// attempt runs work on a connection. It retries transient errors on another connection while ctx
// has time left, with full jitter so that hundreds of environments do not come back in step. Its
// error is an *Unavailable, or Postgres's own error if Postgres refuses a row.
//
// If a connection is lost during a commit, nobody knows whether the work was done. It is retried
// too: the table's key makes the second time a no-op.
func (p *Pool) attempt(ctx context.Context, work func(*pgxpool.Conn) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	var answer error // the server's last error: an attempt that runs out of time gets no answer
	for delay := firstDelay; ; delay = min(2*delay, lastDelay) {
		err := p.pgx.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return dropReadOnly(ctx, conn, work(conn)) })
		if err == nil {
			return nil
		}
		if _, ok := errors.AsType[*pgconn.PgError](err); ok {
			answer = err
		} else if ctx.Err() != nil {
			return unavailable(cmp.Or(answer, err))
		}
		switch kindOf(err) {
		case rowRefused:
			return err
		case setupFault:
			asked, changed := p.refreshed(ctx, err)
			if !asked {
				return unavailable(err)
			}
			if changed {
				delay = firstDelay
			}
		}
		if !sleep(ctx, rand.N(delay)) {
			return unavailable(err)
		}
	}
}

// dropReadOnly closes a connection whose server has become read-only. After a failover the host
// name leads to another server, but a connection that survived the failover stays read-only for
// ever.
func dropReadOnly(ctx context.Context, conn *pgxpool.Conn, err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == readOnly {
		_ = conn.Conn().Close(ctx)
	}
	return err
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
