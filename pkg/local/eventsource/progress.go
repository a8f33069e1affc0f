package eventsource

import (
	"slices"
	"sync"
	"time"
)

// Summary counts what happened. Messages are counted by receive: one that fails twice and then succeeds is received three
// times, failed twice and succeeded once.
type Summary struct {
	Received      int
	Invocations   int
	Succeeded     int // and deleted, but for Undeleted
	Failed        int
	FailedBatches int // invocations that failed as a whole
	DeadLettered  int // failed on the last receive that the queue's redrive policy allows
	Filtered      int // deleted, because no filter matched
	Released      int // received, but made visible again: Run was told to stop, there was no function, or a FIFO batch had no room under 6 MB
	Undeleted     int // succeeded, but SQS refused to delete them: they will come again

	Elapsed   time.Duration
	LastError string   // of the last invocation that failed as a whole
	Warnings  []string // settings that AWS would refuse or advise against
}

// Progress is the state of a Run that goes on.
type Progress struct {
	Summary
	InFlight int // messages handed to the function and not yet settled
}

// lateness is how much after its time a message may become visible: LocalStack looks once a second.
const lateness = 2 * time.Second

// tally keeps the counts, and from them knows how long the queue has been silent.
type tally struct {
	mu      sync.Mutex
	observe func(Progress)
	redrive bool
	began   time.Time
	now     Progress
	news    time.Time // the last sign of life
	returns time.Time // when the last failed message is visible again
	pending int       // received and not yet settled or given back
	nothing time.Time // when the last poll began that brought no message
}

func newTally(observe func(Progress), redrive bool) *tally {
	now := time.Now()
	return &tally{observe: observe, redrive: redrive, began: now, news: now}
}

func (t *tally) change(f func(p *Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.now)
	t.now.Elapsed = time.Since(t.began)
	if t.observe != nil {
		p := t.now
		p.Warnings = slices.Clone(p.Warnings)
		t.observe(p)
	}
}

func (t *tally) warn(warnings []string) {
	t.change(func(p *Progress) { p.Warnings = warnings })
}

// received counts the answer to a poll begun at that time.
func (t *tally) received(began time.Time, messages []message) {
	if len(messages) == 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.nothing = later(t.nothing, began)
		return
	}
	t.change(func(p *Progress) {
		p.Received += len(messages)
		t.pending += len(messages)
		if t.redrive || slices.ContainsFunc(messages, func(m message) bool { return m.count <= 1 }) {
			t.news = time.Now()
		}
	})
}

// disturbed: the queue could not be asked, so its silence means nothing.
func (t *tally) disturbed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.news = time.Now()
}

func (t *tally) invoking(n int) {
	t.change(func(p *Progress) {
		p.Invocations++
		p.InFlight += n
	})
}

// filtered counts messages that are done with before they were in a batch.
func (t *tally) filtered(n, undeleted int) {
	if n == 0 {
		return
	}
	t.change(func(p *Progress) {
		p.Filtered += n
		p.Undeleted += undeleted
		t.pending -= n
	})
}

// uninvoked takes an invocation back that did not come about.
func (t *tally) uninvoked(n int) {
	t.change(func(p *Progress) {
		p.Invocations--
		p.InFlight -= n
	})
}

func (t *tally) gaveBack(n int) {
	t.change(func(p *Progress) {
		p.Released += n
		t.pending -= n
	})
}

// settled counts a batch whose failed messages are visible again after back.
func (t *tally) settled(b *batch, failed []message, undeleted int, back time.Duration, maxReceiveCount int) {
	t.change(func(p *Progress) {
		p.InFlight -= len(b.messages)
		t.pending -= len(b.messages)
		p.Failed += len(failed)
		p.Succeeded += len(b.messages) - len(failed)
		p.Undeleted += undeleted
		if b.outcome.whole {
			p.FailedBatches++
			p.LastError = b.outcome.reason
		}
		now := time.Now()
		if t.redrive || len(failed) < len(b.messages) {
			t.news = now
		}
		for i := range failed {
			if t.redrive && failed[i].count >= maxReceiveCount {
				p.DeadLettered++
			}
		}
		if t.redrive && len(failed) > 0 {
			t.returns = later(t.returns, now.Add(back))
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// patience is how long the next poll may wait, or that the silence has lasted long enough and a poll has found it. No poll
// waits across the moment when a failed message returns, so that one begins after it.
func (t *tally) patience(idle time.Duration) (wait time.Duration, silent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait = longPoll
	now := time.Now()
	if idle > 0 {
		since := later(t.news, t.returns)
		end := later(t.news.Add(idle), t.returns.Add(max(idle, lateness)))
		if t.pending > 0 && t.redrive {
			end = now.Add(idle)
		}
		wait = max(end.Sub(now), 0)
		switch {
		case wait > 0:
		case t.pending > 0:
			wait = shortPause // too short for a bad message to come back and be pending again
		case t.nothing.After(since):
			return 0, true
		}
	}
	if left := t.returns.Sub(now); left > 0 {
		wait = min(wait, left)
	}
	return wait, false
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Elapsed = time.Since(t.began)
	return t.now.Summary
}
