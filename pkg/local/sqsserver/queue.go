package sqsserver

import (
	"container/list"
	"math/rand/v2"
	"sync"
	"time"
)

// maxInFlight is how many messages of a queue can be received and not yet deleted
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
const maxInFlight = 120_000

// A queue holds its messages under one lock. Nothing happens in the background: whoever takes the lock first lets time catch
// up (advance), and only while somebody waits in a long poll is there a timer, for the next message that becomes visible.
//
// Lock order: a queue's lock, then the server's. No two queues' locks are held at once: dead letters leave after the lock.
type queue struct {
	server *Server
	queueKey
	fifo  bool
	nonce uint64 // tells this queue's receipt handles from those of others

	mu       sync.Mutex
	deleted  bool
	settings settings
	tags     map[string]string
	created  int64
	modified int64
	purged   int64
	schedule schedule
	ready    line                     // visible messages of a standard queue
	groups   grouping                 // visible messages of a FIFO queue
	memory   memory[dedupKey, letter] // what was sent to a FIFO queue lately, whether or not it is still there
	attempts memory[string, attempt]  // what was received from a FIFO queue lately, by ReceiveRequestAttemptId
	counts   [gone]int
	ordinal  uint64
	received map[uint64]*message // by ordinal: the messages that receipt handles speak of
	waiters  list.List           // of *waiter: open long polls, the oldest first
	wake     *time.Timer
	deceased []deadLetter // leave when the lock is released
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

// lock lets time catch up, so that what follows sees the queue as it is now.
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

// release serves those who wait, unlocks, and sends the dead letters on.
func (q *queue) release(now int64) {
	q.serve(now)
	dead := q.deceased
	q.deceased = nil
	q.mu.Unlock()
	for _, d := range dead {
		d.to.enqueue(d.message)
	}
}

// tick is the timer: a message may have become visible for somebody who waits.
func (q *queue) tick() {
	if now, err := q.lock(); err == nil {
		q.release(now)
	}
}

// advance does what time alone does: delays end, visibility timeouts end, retention ends.
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

// put takes a new message in. It becomes visible after the delay, in milliseconds.
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

// hide puts a visible message in flight until then.
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

// remove forgets a message.
func (q *queue) remove(m *message) {
	q.leave(m)
	m.state = gone
	q.schedule.remove(m)
	delete(q.received, m.ordinal)
}

// first is the message to be received next, or nil; after is the one to be received in the same call as m.
func (q *queue) first() *message {
	if q.fifo {
		return q.groups.first()
	}
	return q.ready.first
}

func (q *queue) after(m *message) *message {
	if q.fifo {
		return q.groups.after(m)
	}
	return m.next
}

// clear forgets all messages.
func (q *queue) clear() {
	q.schedule, q.ready, q.counts = nil, line{}, [gone]int{}
	q.received = map[uint64]*message{}
	q.groups = grouping{groups: map[string]*group{}}
}

// enqueue takes in a message that comes from another queue.
func (q *queue) enqueue(m *message) {
	now, err := q.lock()
	if err != nil {
		return // deleted since: its messages are lost, as on AWS
	}
	q.put(m, now, 0)
	q.release(now)
}
