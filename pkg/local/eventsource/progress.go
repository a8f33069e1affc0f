package eventsource

import (
	"slices"
	"sync"
	"time"
)

// Summary counts what happened. Each receive of a message counts: a message that fails twice and
// then succeeds counts as received three times, failed twice and succeeded once.
type Summary struct {
	Received      int
	Invocations   int
	Succeeded     int // and deleted, except Undeleted
	Failed        int
	FailedBatches int       // invocations that failed as a whole
	DeadLettered  int       // failed on the last receive that the queue's redrive policy allows
	Filtered      int       // deleted because no filter matched
	Released      int       // made visible again: Run was told to stop, there was no function, or a FIFO batch had no room under 6 MB
	Undeleted     int       // succeeded, but SQS did not delete them; they will come again
	Returns       time.Time // by when all messages that failed are visible again; zero if none failed

	Elapsed   time.Duration
	LastError string   // of the last invocation that failed as a whole
	Warnings  []string // settings that AWS would refuse or advise against
}

// Progress is the state of a Run in progress.
type Progress struct {
	Summary
	InFlight int   // messages that were handed to the function and are not yet deleted or left
	Polling  Fault // of SQS
	Invoking Fault // of the function: its batches fail as a whole
}

// Fault says since when something fails each time, and why it failed last. It is zero if the last
// time succeeded.
type Fault struct {
	Since  time.Time
	Reason string
}

func (f *Fault) note(reason string) {
	if f.Since.IsZero() {
		f.Since = time.Now()
	}
	f.Reason = reason
}

// Finished says what became of the messages of a batch, by their ids.
type Finished struct {
	Succeeded []string
	Failed    []string      // still on the queue
	Dead      []string      // on the dead-letter queue after the next receive
	Back      time.Duration // after this time those that did not succeed are visible
}

// visibilityLag is how late a message may become visible: LocalStack looks once a second.
const visibilityLag = 2 * time.Second

// counts are the numbers of a Run. From them it knows for how long the queue has been silent.
type counts struct {
	mu      sync.Mutex
	observe func(Progress)
	done    func(Finished) // may be nil
	redrive bool
	began   time.Time
	now     Progress
	active  time.Time // the last time that something happened on the queue
	returns time.Time // when the last failed message is visible again
	pending int       // messages that were received and are not yet deleted, left or released
	empty   time.Time // when the last poll began that brought no message
}

func newCounts(m *Mapping, redrive bool) *counts {
	now := time.Now()
	return &counts{observe: m.Observe, done: m.Finished, redrive: redrive, began: now, active: now}
}

func (c *counts) change(f func(p *Progress)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.now)
	c.now.Elapsed = time.Since(c.began)
	if c.observe != nil {
		p := c.now
		p.Warnings = slices.Clone(p.Warnings)
		c.observe(p)
	}
}

func (c *counts) warn(warnings []string) {
	c.change(func(p *Progress) { p.Warnings = warnings })
}

// received counts the answer to a poll that began at that time.
func (c *counts) received(began time.Time, messages []message) {
	if len(messages) == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.empty = later(c.empty, began)
		return
	}
	c.change(func(p *Progress) {
		p.Received += len(messages)
		c.pending += len(messages)
		if c.redrive || slices.ContainsFunc(messages, func(m message) bool { return m.count <= 1 }) {
			c.active = time.Now()
		}
	})
}

// pollFailed starts the silence anew: a queue that cannot be asked is not silent.
func (c *counts) pollFailed(err error) {
	c.change(func(p *Progress) {
		p.Polling.note(err.Error())
		c.active = time.Now()
	})
}

func (c *counts) pollSucceeded() {
	c.mu.Lock()
	failing := c.now.Polling != Fault{}
	c.mu.Unlock()
	if failing {
		c.change(func(p *Progress) { p.Polling = Fault{} })
	}
}

func (c *counts) invoking(n int) {
	c.change(func(p *Progress) {
		p.Invocations++
		p.InFlight += n
	})
}

// filtered counts messages that no filter matched.
func (c *counts) filtered(n, undeleted int) {
	if n == 0 {
		return
	}
	c.change(func(p *Progress) {
		p.Filtered += n
		p.Undeleted += undeleted
		c.pending -= n
	})
}

// notInvoked takes back an invocation that did not happen.
func (c *counts) notInvoked(n int) {
	c.change(func(p *Progress) {
		p.Invocations--
		p.InFlight -= n
	})
}

func (c *counts) released(n int) {
	c.change(func(p *Progress) {
		p.Released += n
		c.pending -= n
	})
}

// finished counts a batch whose failed messages are visible again after back.
func (c *counts) finished(b *batch, failed []message, undeleted int, back time.Duration, maxReceiveCount int) {
	c.change(func(p *Progress) {
		p.InFlight -= len(b.messages)
		c.pending -= len(b.messages)
		p.Failed += len(failed)
		p.Succeeded += len(b.messages) - len(failed)
		p.Undeleted += undeleted
		if b.outcome.whole {
			p.FailedBatches++
			p.LastError = b.outcome.reason
			p.Invoking.note(b.outcome.reason)
		} else {
			p.Invoking = Fault{}
		}
		now := time.Now()
		if c.redrive || len(failed) < len(b.messages) {
			c.active = now
		}
		f := Finished{Back: back}
		for i := range b.messages {
			switch m := &b.messages[i]; {
			case !b.outcome.fails(m.id):
				f.Succeeded = append(f.Succeeded, m.id)
			case c.redrive && m.count >= maxReceiveCount:
				f.Dead = append(f.Dead, m.id)
			default:
				f.Failed = append(f.Failed, m.id)
			}
		}
		p.DeadLettered += len(f.Dead)
		if len(failed) > 0 {
			p.Returns = later(p.Returns, now.Add(back))
		}
		if c.redrive {
			c.returns = p.Returns
		}
		if c.done != nil {
			c.done(f)
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextWait is how long the next poll may wait; silent means that the queue was silent for the idle
// timeout, and that a poll has seen it. No poll waits past the moment when a failed message
// returns, so that the next poll begins after it.
func (c *counts) nextWait(idle time.Duration) (wait time.Duration, silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait = longPoll
	now := time.Now()
	if idle > 0 {
		since := later(c.active, c.returns)
		end := later(c.active.Add(idle), c.returns.Add(max(idle, visibilityLag)))
		if c.pending > 0 && c.redrive {
			end = now.Add(idle)
		}
		wait = max(end.Sub(now), 0)
		switch {
		case wait > 0:
		case c.pending > 0:
			wait = shortPause // so short that no bad message comes back and is pending again
		case c.empty.After(since):
			return 0, true
		}
	}
	if left := c.returns.Sub(now); left > 0 {
		wait = min(wait, left)
	}
	return wait, false
}

func (c *counts) summary() Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Elapsed = time.Since(c.began)
	return c.now.Summary
}
