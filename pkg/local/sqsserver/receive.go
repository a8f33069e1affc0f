package sqsserver

import (
	"container/list"
	"context"
	"time"
)

type receiveMessageInput struct {
	URL                  string   `json:"QueueUrl"`
	AttributeNames       []string `json:"AttributeNames"` // the older name of the next
	SystemAttributeNames []string `json:"MessageSystemAttributeNames"`
	MessageAttributes    []string `json:"MessageAttributeNames"`
	Max                  *int     `json:"MaxNumberOfMessages"`
	Visibility           *int     `json:"VisibilityTimeout"`
	Wait                 *int     `json:"WaitTimeSeconds"`
	AttemptID            string   `json:"ReceiveRequestAttemptId"`
}

// A delivery is one receive of one message. Nothing of it changes.
type delivery struct {
	*letter
	handle    string
	receives  int
	firstSeen int64
}

// A waiter is an open long poll.
type waiter struct {
	order
	got chan []delivery // capacity 1: filled at most once, under the queue's lock
}

// An order is what one ReceiveMessage asks for.
type order struct {
	most       int
	visibility *int   // seconds; nil = the queue's
	attempt    string // FIFO only; "" = cannot be made again
}

func (c *call) receiveMessage(in *receiveMessageInput) (*receiveMessageOutput, error) {
	q, err := c.at(in.URL)
	if err != nil {
		return nil, err
	}
	want, err := in.filter()
	if err != nil {
		return nil, err
	}
	got, err := q.receive(c.ctx, order{orDefault(in.Max, 1), in.Visibility, in.AttemptID}, in.Wait)
	if err != nil {
		return nil, err
	}
	return &receiveMessageOutput{want.shape(got)}, nil
}

func orDefault(value *int, normal int) int {
	if value == nil {
		return normal
	}
	return *value
}

// receive takes messages; where there are none, it waits for the first.
func (q *queue) receive(ctx context.Context, o order, seconds *int) ([]delivery, error) {
	now, err := q.lock()
	if err != nil {
		return nil, err
	}
	if err := q.check(o); err != nil {
		q.release(now)
		return nil, err
	}
	wait := time.Duration(orDefault(seconds, q.settings.numbers["ReceiveMessageWaitTimeSeconds"])) * time.Second
	got := q.replay(o, now)
	if got == nil {
		got = q.take(o, now)
	}
	if got != nil || wait == 0 {
		q.release(now)
		return got, nil
	}
	w := &waiter{o, make(chan []delivery, 1)}
	place := q.waiters.PushBack(w)
	q.release(now)
	return q.await(ctx, w, place, wait), nil
}

// check refuses what this queue does not give. The caller holds the lock.
func (q *queue) check(o order) error {
	switch {
	case q.fifo:
		return checkID("ReceiveRequestAttemptId", o.attempt)
	case o.attempt != "":
		return invalid(o.attempt, "ReceiveRequestAttemptId", "The request include parameter that is not valid for this queue type.")
	case q.counts[inFlight] >= maxInFlight:
		return overLimit.because("The maximum number of in flight messages is reached: %d.", maxInFlight)
	}
	return nil
}

func (q *queue) await(ctx context.Context, w *waiter, place *list.Element, wait time.Duration) []delivery {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case got := <-w.got:
		return got
	case <-timeout.C:
	case <-ctx.Done():
	case <-q.server.closing.Done():
	}
	q.mu.Lock()
	q.waiters.Remove(place)
	q.mu.Unlock()
	select {
	case got := <-w.got: // served in the same moment
		return got
	default:
		return nil
	}
}

// take receives up to the number of messages asked for. Those that were received too often go to the dead-letter queue
// instead. The caller holds the lock.
func (q *queue) take(o order, now int64) []delivery {
	var chosen []*message
	room := min(o.most, maxInFlight-q.counts[inFlight])
	for m := q.first(); m != nil && len(chosen) < room; {
		next := q.after(m)
		if to := q.deadLetterQueue(m); to != nil {
			q.bury(m, to, now)
		} else {
			chosen = append(chosen, m)
		}
		m = next
	}
	if chosen == nil {
		return nil
	}
	until := q.untilFor(o, now)
	got := make([]delivery, len(chosen))
	for i, m := range chosen {
		got[i] = q.deliver(m, now, until)
	}
	if o.attempt != "" {
		q.attempts.remember(o.attempt, &attempt{got, until}, now)
	}
	return got
}

// untilFor is when messages that are received now become visible again.
func (q *queue) untilFor(o order, now int64) int64 {
	return now + int64(orDefault(o.visibility, q.settings.numbers["VisibilityTimeout"]))*1000
}

func (q *queue) deliver(m *message, now, until int64) delivery {
	m.receives++
	m.tries++
	m.received = now
	if m.firstSeen == 0 {
		m.firstSeen = now
	}
	q.hide(m, until)
	q.received[m.ordinal] = m
	return delivery{&m.letter, q.handle(m), m.receives, m.firstSeen}
}

// serve gives visible messages to those who wait, the longest waiting first, and sets the timer for the others.
func (q *queue) serve(now int64) {
	for e := q.waiters.Front(); e != nil; e = q.waiters.Front() {
		w := e.Value.(*waiter)
		got := q.take(w.order, now)
		if got == nil {
			break
		}
		q.waiters.Remove(e)
		w.got <- got
	}
	if q.waiters.Len() > 0 && len(q.schedule) > 0 {
		q.wake.Reset(time.Duration(q.schedule[0].due-now) * time.Millisecond)
	} else {
		q.wake.Stop()
	}
}
