package eventsource

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	receiveMax   = 10 // messages in one call
	longPoll     = 20 * time.Second
	shortPause   = 50 * time.Millisecond // between polls where less than a second is left
	pollers      = 8                     // parallel calls that fill one batch
	lastWord     = 200 * time.Millisecond
	callCeiling  = 30 * time.Second // of a call that must not be cut off
	minimalCheck = 500 * time.Millisecond
)

// collect makes batches and hands them over until the queue is silent or ctx ends. It then releases what it still holds.
func (r *run) collect(ctx context.Context, out chan<- *batch) error {
	for ctx.Err() == nil {
		b, err := r.nextBatch(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
		case err != nil:
			if err := r.waitOut(ctx, err); err != nil {
				return err
			}
		case b == nil:
			return nil
		default:
			r.handOver(ctx, b, out)
		}
	}
	r.giveBack(ctx, r.carried)
	return nil
}

// waitOut returns the error that ends Run, or nil when it is worth another try.
func (r *run) waitOut(ctx context.Context, err error) error {
	r.tally.disturbed()
	if transient(err) && r.trouble.pause(ctx, r.IdleTimeout == 0) {
		return nil
	}
	return explain(r.Client, r.QueueURL, err)
}

// handOver waits for an invoker. A batch that waits long is kept from becoming visible again under the invoker's hands.
func (r *run) handOver(ctx context.Context, b *batch, out chan<- *batch) {
	for {
		keep := time.NewTimer(max(r.queue.visibility/2, minimalCheck))
		select {
		case out <- b:
			keep.Stop()
			return
		case <-ctx.Done():
			keep.Stop()
			r.giveBack(ctx, b.messages)
			return
		case <-keep.C:
			r.setVisibility(ctx, slices.Concat(b.messages, r.carried), r.queue.visibility)
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
		wait, silent := r.tally.patience(r.IdleTimeout)
		if silent {
			return nil, nil
		}
		if err := r.poll(ctx, b, wait); err != nil {
			return nil, err
		}
	}
	r.complete(ctx, b)
	if r.fifo() && len(r.carried) > 0 { // the next batch would overtake this one, or go on behind a message that fails in it
		r.giveBack(ctx, r.carried)
		r.carried = nil
	}
	return b, nil
}

// complete fills the batch: from a queue that gives full answers with parallel calls and without waiting, and then with
// what comes while the window is open. An error ends it early; the next poll will meet the error again.
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

// open: the batch has room, and no message waits that it had no room for.
func (r *run) open(b *batch) bool { return b.room() > 0 && len(r.carried) == 0 }

// fill takes what the queue can give at once, until an answer comes back short or not at all.
func (r *run) fill(ctx context.Context, b *batch) {
	var mu sync.Mutex
	asked := 0
	reserve := func() int {
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

// put adds the messages in their order; from the first that has no room on they wait for the next batch.
func (r *run) put(b *batch, messages []message) {
	for i, m := range messages {
		if len(r.carried) > 0 || b.room() == 0 || !b.add(r.record, m) {
			r.carried = append(r.carried, messages[i:]...)
			return
		}
	}
}

// poll waits up to that long for messages. SQS waits in whole seconds; what is left is passed with short polls.
func (r *run) poll(ctx context.Context, b *batch, wait time.Duration) error {
	n := min(b.room(), receiveMax)
	seconds := min(wait, longPoll).Truncate(time.Second)
	messages, received, err := r.receive(ctx, n, seconds)
	if err != nil {
		return err
	}
	r.trouble.over()
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

// receive makes one call. A call that was cut off could lose its messages to the visibility timeout: so a short one is
// never cut off when ctx ends, and a long poll is left a moment for an answer that is on its way. It returns the messages that
// pass the filters, and how many there were.
func (r *run) receive(ctx context.Context, n int, wait time.Duration) (wanted []message, received int, err error) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait+callCeiling)
	defer cancel()
	if wait > 0 {
		stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWord, cancel) })
		defer stop()
	}
	began := time.Now()
	answer, err := r.receiveRaw(call, n, int(wait/time.Second))
	if err != nil {
		return nil, 0, err
	}
	messages, err := readMessages(answer, time.Now())
	if err != nil {
		return nil, 0, err
	}
	r.tally.received(began, messages)
	return r.sift(ctx, messages), len(messages), nil
}
