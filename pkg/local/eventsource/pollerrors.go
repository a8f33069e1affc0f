package eventsource

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"sqs2pg/pkg/queue"
)

const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
	giveUp     = time.Minute // of nothing but errors, in a run that is to end by itself
)

// transient reports whether the next poll may succeed.
func transient(err error) bool { return errors.Is(err, errDamaged) || queue.Transient(err) }

// pollErrors counts the polls that failed in a row.
type pollErrors struct {
	since time.Time
	count int
}

func (e *pollErrors) reset() { *e = pollErrors{} }

// pause waits a little longer after each failure. It returns false when it is time to give up.
func (e *pollErrors) pause(ctx context.Context, forever bool) bool {
	if e.count == 0 {
		e.since = time.Now()
	}
	if !forever && time.Since(e.since) > giveUp {
		return false
	}
	d := min(firstPause<<min(e.count, 10), longPause)
	e.count++
	sleep(ctx, d/2+rand.N(d/2))
	return true
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
