package eventsource

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
	giveUp     = time.Minute // of nothing but errors, where somebody waits for the end
)

var retryable = retry.NewStandard()

// transient: it may work the next time. Throttling, the server's own faults and the network are; a refusal is not.
func transient(err error) bool {
	var network net.Error
	return errors.Is(err, errDamaged) || retryable.IsErrorRetryable(err) || errors.As(err, &network)
}

// rootCause is the part of an SDK error that says what happened, without the layers that say where.
func rootCause(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	return err
}

// trouble counts polls that failed in a row.
type trouble struct {
	since time.Time
	count int
}

func (t *trouble) over() { *t = trouble{} }

// pause waits a little longer after each failure. It returns false when it is time to give up.
func (t *trouble) pause(ctx context.Context, patient bool) bool {
	if t.count == 0 {
		t.since = time.Now()
	}
	if !patient && time.Since(t.since) > giveUp {
		return false
	}
	d := min(firstPause<<min(t.count, 10), longPause)
	t.count++
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
