package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	firstDelay = 50 * time.Millisecond
	lastDelay  = 2 * time.Second
	// patience limits the trying when the context has no deadline.
	patience = 30 * time.Second
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
	for delay := firstDelay; ; delay = min(2*delay, lastDelay) {
		err := p.pgx.AcquireFunc(ctx, work)
		if err == nil {
			return nil
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
