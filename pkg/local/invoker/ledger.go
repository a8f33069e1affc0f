package invoker

import (
	"container/list"

	"sqs2pg/pkg/local/eventsource"
)

// remembered is how many messages that failed are kept by id. A run without end forgets the oldest.
const remembered = 100_000

// ledger counts messages that failed, by the reason why they failed last. The mapping counts
// receives: a message that fails three times is three there, and one here.
//
// A dead letter stays counted for ever. A message that is still on the queue is counted until it
// succeeds, or until 100,000 others have failed since. It is not safe for concurrent use.
type ledger struct {
	limit   int
	entries map[string]*list.Element // by message id
	order   *list.List               // of *entry, the latest failure last
	failing int                      // messages on the queue that failed the last time they were tried
	dead    int
	reasons map[string]int // messages that failing and dead count, by reason; "" if the log did not say
	seen    map[string]int // for each reason when it came last: a higher number is later
	clock   int
}

// entry is a message that failed.
type entry struct {
	id, reason string
	state      state
}

type state int

const (
	logged  state = iota // the function has logged a failure; the mapping has not finished the batch
	failing              // on the queue
	dead                 // on the dead-letter queue after the next receive
)

func newLedger(limit int) *ledger {
	return &ledger{limit: limit, entries: map[string]*list.Element{}, order: list.New(), reasons: map[string]int{}, seen: map[string]int{}}
}

// explain notes why a message failed. The function's log may come before or after the mapping's
// word.
func (l *ledger) explain(id, reason string) {
	e := l.entry(id)
	if e.state != logged {
		l.count(e.reason, -1)
		l.count(reason, 1)
	}
	e.reason = reason
	l.clock++
	l.seen[reason] = l.clock
}

// finished notes what became of a batch.
func (l *ledger) finished(f eventsource.Finished) {
	if len(l.entries) > 0 {
		for _, id := range f.Succeeded {
			l.succeeded(id)
		}
	}
	for _, id := range f.Failed {
		l.failed(id, failing)
	}
	for _, id := range f.Dead {
		l.failed(id, dead)
	}
}

func (l *ledger) failed(id string, now state) {
	e := l.entry(id)
	switch {
	case e.state == logged:
		l.count(e.reason, 1)
	case e.state == failing:
		l.failing--
	case e.state == dead:
		return // its receive count was too low, and it is back
	}
	if e.state = now; now == dead {
		l.dead++
	} else {
		l.failing++
	}
}

func (l *ledger) succeeded(id string) {
	element, ok := l.entries[id]
	if !ok {
		return
	}
	switch e := element.Value.(*entry); e.state {
	case failing:
		l.failing--
		l.count(e.reason, -1)
	case dead:
		return // somebody has redriven it; it was dead
	}
	l.remove(element)
}

// entry returns the entry of a message as the latest, and makes it if it is new.
func (l *ledger) entry(id string) *entry {
	if element, ok := l.entries[id]; ok {
		l.order.MoveToBack(element)
		return element.Value.(*entry)
	}
	e := &entry{id: id}
	l.entries[id] = l.order.PushBack(e)
	if l.order.Len() > l.limit {
		l.forget(l.order.Front())
	}
	return e
}

// forget drops the oldest entry. Only a dead letter stays counted.
func (l *ledger) forget(oldest *list.Element) {
	if e := oldest.Value.(*entry); e.state == failing {
		l.failing--
		l.count(e.reason, -1)
	}
	l.remove(oldest)
}

func (l *ledger) remove(element *list.Element) {
	delete(l.entries, element.Value.(*entry).id)
	l.order.Remove(element)
}

func (l *ledger) count(reason string, n int) {
	if l.reasons[reason] += n; l.reasons[reason] == 0 {
		delete(l.reasons, reason)
	}
}

// reason returns why a message failed last, "" if that is not known.
func (l *ledger) reason(id string) string {
	if element, ok := l.entries[id]; ok {
		return element.Value.(*entry).reason
	}
	return ""
}
