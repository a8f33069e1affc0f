package sqsserver

import (
	"container/list"
	"context"
	"time"
)

type receiveMessageInput struct {
	URL                  string   `json:"QueueUrl"`
	AttributeNames       []string `json:"AttributeNames"` // the older name of MessageSystemAttributeNames
	SystemAttributeNames []string `json:"MessageSystemAttributeNames"`
	MessageAttributes    []string `json:"MessageAttributeNames"`
	Max                  *int     `json:"MaxNumberOfMessages"`
	Visibility           *int     `json:"VisibilityTimeout"`
	Wait                 *int     `json:"WaitTimeSeconds"`
	AttemptID            *string  `json:"ReceiveRequestAttemptId"`
}

// A delivery is one receive of one message. It does not change.
type delivery struct {
	*content
	handle    string
	receives  int
	firstSeen int64
}

// A waiter is an open long poll.
type waiter struct {
	receiveRequest
	got chan []delivery // capacity 1: filled at most once, under the queue's lock
}

// A receiveRequest holds the parameters of one ReceiveMessage.
type receiveRequest struct {
	most       int
	visibility *int    // seconds; nil: the queue's visibility timeout
	attempt    *string // ReceiveRequestAttemptId; only on FIFO queues
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
	got, err := q.receive(c.ctx, receiveRequest{orDefault(in.Max, 1), in.Visibility, in.AttemptID}, in.Wait)
	if err != nil {
		return nil, err
	}
	return &receiveMessageOutput{want.shape(got)}, nil
}

func orDefault[T any](value *T, normal T) T {
	if value == nil {
		return normal
	}
	return *value
}

// receive returns messages. If the queue has no visible message, it waits that many seconds for
// one.
func (q *queue) receive(ctx context.Context, r receiveRequest, seconds *int) ([]delivery, error) {
	now, err := q.lock()
	if err != nil {
		return nil, err
	}
	if err := q.check(r); err != nil {
		q.release(now)
		return nil, err
	}
	wait := time.Duration(orDefault(seconds, q.settings.numbers["ReceiveMessageWaitTimeSeconds"])) * time.Second
	got := q.replay(r, now)
	if got == nil {
		got = q.take(r, now)
	}
	if got != nil || wait == 0 {
		q.release(now)
		return got, nil
	}
	w := &waiter{r, make(chan []delivery, 1)}
	place := q.waiters.PushBack(w)
	q.release(now)
	return q.await(ctx, w, place, wait), nil
}

// check returns an error if this queue cannot serve the request. The caller holds the lock.
func (q *queue) check(r receiveRequest) error {
	switch {
	case q.fifo:
		return checkID("ReceiveRequestAttemptId", r.attempt)
	case r.attempt != nil:
		return invalid(*r.attempt, "ReceiveRequestAttemptId", "The request include parameter that is not valid for this queue type.")
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
	case got := <-w.got: // messages arrived at the last moment
		return got
	default:
		return nil
	}
}

// take receives at most the requested number of messages. It moves messages that were received too
// often to the dead-letter queue instead. The caller holds the lock.
func (q *queue) take(r receiveRequest, now int64) []delivery {
	var chosen []*message
	room := min(r.most, maxInFlight-q.counts[inFlight])
	for m := q.first(); m != nil && len(chosen) < room; {
		next := q.after(m)
		if to := q.deadLetterQueue(m); to != nil {
			q.moveToDeadLetters(m, to, now)
		} else {
			chosen = append(chosen, m)
		}
		m = next
	}
	if chosen == nil {
		return nil
	}
	until := q.untilFor(r, now)
	got := make([]delivery, len(chosen))
	for i, m := range chosen {
		got[i] = q.deliver(m, now, until)
	}
	if r.attempt != nil {
		q.attempts.add(*r.attempt, &attempt{got, until}, now)
	}
	return got
}

// untilFor returns the time at which messages that are received now become visible again.
func (q *queue) untilFor(r receiveRequest, now int64) int64 {
	return now + int64(orDefault(r.visibility, q.settings.numbers["VisibilityTimeout"]))*1000
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
	return delivery{&m.content, q.handle(m), m.receives, m.firstSeen}
}

// serve answers long polls with visible messages, the longest waiting first, and sets the timer for
// the long polls that stay open.
func (q *queue) serve(now int64) {
	for e := q.waiters.Front(); e != nil; e = q.waiters.Front() {
		w := e.Value.(*waiter)
		got := q.take(w.receiveRequest, now)
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
