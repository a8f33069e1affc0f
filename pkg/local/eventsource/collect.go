package eventsource

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/pattern"
)

const (
	receiveMax  = 10 // messages in one call
	longPoll    = 20 * time.Second
	shortPause  = 50 * time.Millisecond  // between polls where less than a second is left
	pollers     = 8                      // parallel calls that fill one batch
	answerGrace = 200 * time.Millisecond // for the answer to a long poll when ctx has ended
	callTimeout = 30 * time.Second       // of a call that must not be cut off
	minRenewal  = 500 * time.Millisecond // between two renewals of a waiting batch's visibility timeout
)

// collect makes batches and hands them over until the queue is silent or ctx ends. Then it releases
// the messages that it still holds.
func (r *run) collect(ctx context.Context, out chan<- *batch) error {
	for ctx.Err() == nil {
		b, err := r.nextBatch(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
		case err != nil:
			if err := r.retry(ctx, err); err != nil {
				return err
			}
		case b == nil:
			return nil
		default:
			r.handOver(ctx, b, out)
		}
	}
	r.release(ctx, r.carried)
	return nil
}

// retry waits and returns nil if the next poll may succeed, or returns the error that ends Run.
func (r *run) retry(ctx context.Context, err error) error {
	r.counts.pollFailed(r.Queue.Explain(err))
	if transient(err) && r.errors.pause(ctx, r.IdleTimeout == 0) {
		return nil
	}
	return r.Queue.Explain(err)
}

// handOver waits for an invoker. While it waits it renews the visibility timeout, so that no
// message of the batch is received twice.
func (r *run) handOver(ctx context.Context, b *batch, out chan<- *batch) {
	for {
		renewal := time.NewTimer(max(r.settings.VisibilityTimeout/2, minRenewal))
		select {
		case out <- b:
			renewal.Stop()
			return
		case <-ctx.Done():
			renewal.Stop()
			r.release(ctx, b.messages)
			return
		case <-renewal.C:
			r.setVisibility(ctx, slices.Concat(b.messages, r.carried), r.settings.VisibilityTimeout)
		}
	}
}

// nextBatch returns nil when the queue has been silent for long enough.
func (r *run) nextBatch(ctx context.Context) (*batch, error) {
	b := newBatch(r.BatchSize)
	carried := r.carried
	r.carried = nil
	r.put(b, carried)
	b.more = len(carried) > 0
	for len(b.messages) == 0 {
		wait, silent := r.counts.nextWait(r.IdleTimeout)
		if silent {
			return nil, nil
		}
		if err := r.poll(ctx, b, wait); err != nil {
			return nil, err
		}
	}
	r.complete(ctx, b)
	if r.Queue.FIFO() && len(r.carried) > 0 { // they must not be invoked beside this batch, or after one of it has failed
		r.release(ctx, r.carried)
		r.carried = nil
	}
	return b, nil
}

// complete fills the batch. While the queue gives full answers it makes parallel calls without
// waiting; then it takes the messages that come while the window is open. An error ends it early;
// the next poll will meet the error again.
func (r *run) complete(ctx context.Context, b *batch) {
	closes := b.opened.Add(r.Window)
	for r.open(b) && ctx.Err() == nil {
		if b.more {
			r.fill(ctx, b)
			continue
		}
		left := time.Until(closes)
		if left <= 0 || r.poll(ctx, b, left) != nil {
			return
		}
	}
}

// open reports whether the batch has room, and no message waits because the event would have become
// too large.
func (r *run) open(b *batch) bool { return b.room() > 0 && len(r.carried) == 0 }

// fill receives without waiting, until an answer is not full or fails.
func (r *run) fill(ctx context.Context, b *batch) {
	var mu sync.Mutex
	asked := 0
	reserve := func() int { // how many messages the next call may ask for
		mu.Lock()
		defer mu.Unlock()
		n := min(b.room()-asked, receiveMax)
		if !b.more || !r.open(b) || n <= 0 {
			return 0
		}
		asked += n
		return n
	}
	take := func(n, received int, messages []message) {
		mu.Lock()
		defer mu.Unlock()
		asked -= n
		b.more = b.more && received == n
		r.put(b, messages)
	}
	var wg sync.WaitGroup
	for range min(pollers, (b.room()+receiveMax-1)/receiveMax) {
		wg.Go(func() {
			for n := reserve(); n > 0; n = reserve() {
				messages, received, _ := r.receive(ctx, n, 0)
				take(n, received, messages)
			}
		})
	}
	wg.Wait()
}

// put adds the messages in their order. From the first that has no room on, they wait for the next
// batch.
func (r *run) put(b *batch, messages []message) {
	for i, m := range messages {
		if len(r.carried) > 0 || b.room() == 0 || !b.add(r.record, m) {
			r.carried = append(r.carried, messages[i:]...)
			return
		}
	}
}

// poll waits for messages, for the given time at most. SQS waits in whole seconds; for the rest
// poll makes short polls.
func (r *run) poll(ctx context.Context, b *batch, wait time.Duration) error {
	n := min(b.room(), receiveMax)
	seconds := min(wait, longPoll).Truncate(time.Second)
	messages, received, err := r.receive(ctx, n, seconds)
	if err != nil {
		return err
	}
	r.errors.reset()
	r.counts.pollSucceeded()
	r.put(b, messages)
	b.more = received == n
	if received == 0 && seconds == 0 {
		sleep(ctx, min(wait, shortPause))
	}
	if received == 0 {
		return ctx.Err()
	}
	return nil
}

// receive makes one call. It returns the messages that pass the filters, and how many there were
// without the filters.
//
// The messages of a call that is cut off are lost until their visibility timeout ends. So a short
// poll is never cut off when ctx ends, and a long poll gets a moment for an answer that is on its
// way.
func (r *run) receive(ctx context.Context, n int, wait time.Duration) (wanted []message, received int, err error) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait+callTimeout)
	defer cancel()
	if wait > 0 {
		stop := context.AfterFunc(ctx, func() { time.AfterFunc(answerGrace, cancel) })
		defer stop()
	}
	began := time.Now()
	answer, err := r.Queue.ReceiveJSON(call, n, wait)
	if err != nil {
		return nil, 0, err
	}
	messages, err := readMessages(answer, time.Now())
	if err != nil {
		return nil, 0, err
	}
	r.counts.received(began, messages)
	return r.filter(ctx, messages), len(messages), nil
}

// filter deletes the messages that no filter matches, and returns the others.
func (r *run) filter(ctx context.Context, messages []message) []message {
	if len(r.Filters) == 0 {
		return messages
	}
	var wanted, others []message
	var body []byte
	for _, m := range messages {
		body, _ = jsontext.AppendUnquote(body[:0], m.wire.body)
		if slices.ContainsFunc(r.Filters, func(p *pattern.Pattern) bool { return p.Match(body) }) {
			wanted = append(wanted, m)
		} else {
			others = append(others, m)
		}
	}
	undeleted := r.delete(ctx, others)
	r.counts.filtered(len(others), undeleted)
	return wanted
}
