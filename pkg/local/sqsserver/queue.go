package sqsserver

import (
	"container/list"
	"math/rand/v2"
	"sync"
	"time"
)

// maxInFlight is the largest number of in-flight messages of a queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
const maxInFlight = 120_000

// A queue is one queue with its messages, under one lock. It has no background work: whoever takes
// the lock first brings the queue up to date (advance). Only while a long poll is open, a timer
// wakes the queue when the next message becomes visible.
//
// Lock order: a queue's lock, then the server's lock. No two queues are locked at once: messages
// for another queue leave after the lock is released.
type queue struct {
	server *Server
	queueKey
	fifo  bool
	nonce uint64 // is in this queue's receipt handles and in no other's

	mu       sync.Mutex
	deleted  bool
	settings settings
	tags     map[string]string
	created  int64
	modified int64
	purged   int64
	schedule schedule
	ready    messageList               // visible messages of a standard queue
	groups   grouping                  // visible messages of a FIFO queue
	sends    recent[dedupKey, content] // what was sent to a FIFO queue lately, whether or not it is still there
	attempts recent[string, attempt]   // what was received from a FIFO queue lately, by ReceiveRequestAttemptId
	counts   [gone]int
	ordinal  uint64
	received map[uint64]*message // by ordinal: the messages that receipt handles speak of
	waiters  list.List           // of *waiter: open long polls, the oldest first
	wake     *time.Timer
	outgoing []transfer // leave when the lock is released
}

func newQueue(s *Server, key queueKey, set settings, tags map[string]string) *queue {
	now := s.now()
	q := &queue{
		server: s, queueKey: key, fifo: set.fifo, nonce: rand.Uint64(), settings: set, tags: tags,
		created: now, modified: now, received: map[uint64]*message{},
	}
	q.groups.groups = map[string]*group{}
	q.wake = time.AfterFunc(time.Hour, q.tick)
	q.wake.Stop()
	return q
}

func (q *queue) count(s state) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts[s]
}

// lock locks the queue and brings it up to date. It returns an error if the queue is deleted.
func (q *queue) lock() (now int64, err error) {
	q.mu.Lock()
	if q.deleted {
		q.mu.Unlock()
		return 0, errNoQueue
	}
	now = q.server.now()
	q.advance(now)
	return now, nil
}

// release answers long polls, unlocks the queue, and moves the outgoing messages.
func (q *queue) release(now int64) {
	q.serve(now)
	outgoing := q.outgoing
	q.outgoing = nil
	q.mu.Unlock()
	for _, t := range outgoing {
		t.to.enqueue(t.message)
	}
}

// tick runs when the timer fires: a message may have become visible for a long poll.
func (q *queue) tick() {
	if now, err := q.lock(); err == nil {
		q.release(now)
	}
}

// advance applies the changes that are due: delays, visibility timeouts and retention periods end.
func (q *queue) advance(now int64) {
	for len(q.schedule) > 0 && q.schedule[0].due <= now {
		m := q.schedule[0]
		if m.enqueued+q.settings.retention() <= now {
			q.remove(m)
			continue
		}
		q.show(m)
	}
}

// put adds a new message, which becomes visible after the delay in milliseconds.
func (q *queue) put(m *message, now, delay int64) {
	q.ordinal++
	m.ordinal = q.ordinal
	m.state, m.due = visible, m.enqueued+q.settings.retention()
	if delay > 0 {
		m.state, m.due = delayed, now+delay
	}
	q.schedule.add(m)
	q.enter(m)
}

// show makes a delayed or in-flight message visible.
func (q *queue) show(m *message) { q.change(m, visible, m.enqueued+q.settings.retention()) }

// hide puts a visible message in flight until the given time.
func (q *queue) hide(m *message, until int64) { q.change(m, inFlight, until) }

func (q *queue) change(m *message, s state, due int64) {
	q.leave(m)
	m.state = s
	q.schedule.move(m, due)
	q.enter(m)
}

func (q *queue) enter(m *message) {
	q.counts[m.state]++
	switch {
	case q.fifo:
		q.groups.enter(m)
	case m.state == visible:
		q.ready.append(m)
	}
}

func (q *queue) leave(m *message) {
	q.counts[m.state]--
	switch {
	case q.fifo:
		q.groups.leave(m)
	case m.state == visible:
		q.ready.remove(m)
	}
}

// remove removes a message from the queue.
func (q *queue) remove(m *message) {
	q.leave(m)
	m.state = gone
	q.schedule.remove(m)
	delete(q.received, m.ordinal)
}

// first returns the message that is received next, or nil.
func (q *queue) first() *message {
	if q.fifo {
		return q.groups.first()
	}
	return q.ready.first
}

// after returns the message that is received after m in the same call, or nil.
func (q *queue) after(m *message) *message {
	if q.fifo {
		return q.groups.after(m)
	}
	return m.next
}

// clear removes all messages and forgets what was sent and received.
func (q *queue) clear() {
	q.sends, q.attempts = recent[dedupKey, content]{}, recent[string, attempt]{}
	q.schedule, q.ready, q.counts = nil, messageList{}, [gone]int{}
	q.received = map[uint64]*message{}
	q.groups = grouping{groups: map[string]*group{}}
}

// enqueue adds a message that comes from another queue.
func (q *queue) enqueue(m *message) {
	now, err := q.lock()
	if err != nil {
		return // the queue was deleted in the meantime: the message is lost, as in AWS
	}
	q.put(m, now, 0)
	q.release(now)
}
