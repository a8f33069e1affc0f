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
	// patience limits the trying when the context has no deadline.
	patience = 30 * time.Second

	readOnly = "25006" // read_only_sql_transaction
)

// attempt does work on a connection until it succeeds, is refused, or can wait no longer: while ctx has time left,
// transient errors are tried again on another connection, with full jitter so that hundreds of environments do not
// come back in step. Its error is an *Unavailable, or Postgres's own if that refuses a row.
//
// A connection lost during a commit leaves open whether the work was done. That is tried again like the rest: the key
// makes the second time a no-op.
func (p *Pool) attempt(ctx context.Context, work func(*pgxpool.Conn) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var answer error // the last that the server gave: a try that runs out of time has none of its own
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
		switch judge(err) {
		case refusal:
			return err
		case fault:
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

// dropReadOnly closes a connection that leads to a server which has become read-only. After a failover the name leads to
// another one, but a connection that survived it would be read-only for as long as it lives.
func dropReadOnly(ctx context.Context, conn *pgxpool.Conn, err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == readOnly {
		_ = conn.Conn().Close(ctx)
	}
	return err
}

// sleep tells whether ctx will still have time after it.
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
