package ingest

import (
	"context"
	"time"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
)

// part is what is written to one table in one go: events from one index to another.
type part struct{ of, from, to int }

// parts are the parts of a batch in the order in which they are written. On a standard queue each
// table has one. On a FIFO queue a group may have events of several contracts, and what is written
// must be known before what follows it in its group is: there a part ends where the next event is of
// another table.
func (b *batch) parts() (all []part) {
	if b.records[0].Group() == "" || len(b.tables) == 1 {
		for of := range b.tables {
			if n := len(b.tables[of].events); n > 0 {
				all = append(all, part{of, 0, n})
			}
		}
		return all
	}
	next := make([]int, len(b.tables))
	for i, of := range b.of {
		if of == unmatched || next[of] == len(b.tables[of].index) || b.tables[of].index[next[of]] != i {
			continue // it has failed
		}
		if n := len(all); n == 0 || all[n-1].of != of {
			all = append(all, part{of, next[of], next[of]})
		}
		next[of]++
		all[len(all)-1].to = next[of]
	}
	return all
}

// write writes the events of all tables, each table in transactions of its own. Of the time that is
// left each part has its share, so that a table that does not answer takes no time from the others.
func (h *Handler) write(ctx context.Context, b *batch, keyring *mask.Keyring) {
	if len(b.records) == 0 {
		return
	}
	parts := b.parts()
	for i, p := range parts {
		share, cancel := shareOf(ctx, len(parts)-i)
		h.writePart(share, b, p, keyring)
		cancel()
	}
}

// shareOf limits ctx to one of so many equal parts of its time.
func shareOf(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || parts == 1 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(parts))
}

func (h *Handler) writePart(ctx context.Context, b *batch, p part, keyring *mask.Keyring) {
	t := &b.tables[p.of]
	events, index := b.notHeld(t.events[p.from:p.to], t.index[p.from:p.to])
	var result postgres.Result
	if t.err == nil {
		started := h.Now()
		result, t.err = h.Tables[p.of].write(ctx, events, keyring)
		t.databaseTime += h.Now().Sub(started)
	}
	if t.err != nil {
		for _, i := range index {
			b.fail(i, failure{outcome: unavailable})
		}
		return
	}
	b.reject(t, result, index)
}

// notHeld returns the events that wait behind no failed message of their group. The others fail.
func (b *batch) notHeld(events []postgres.Event, index []int) ([]postgres.Event, []int) {
	if len(b.tables) == 1 || len(b.failedGroups) == 0 {
		return events, index // with one table the writer holds them
	}
	var free []postgres.Event
	var of []int
	for i, e := range events {
		if b.waits(index[i]) {
			b.fail(index[i], failure{outcome: held})
			continue
		}
		free, of = append(free, e), append(of, index[i])
	}
	return free, of
}

// reject takes over the result of the events whose messages have these indexes. The writer holds the
// later events of a group in which one failed; messages of the group that break the contract have
// their own failure already.
func (b *batch) reject(t *loaded, result postgres.Result, index []int) {
	t.written, t.duplicates = t.written+result.Written, t.duplicates+result.Duplicates
	for _, f := range result.Failures {
		reason := failure{outcome: rejected, sqlstate: f.SQLSTATE, constraint: f.Constraint, column: f.Column, unproven: f.Unproven}
		if f.Held {
			reason = failure{outcome: held}
		} else if f.Undecided {
			reason = failure{outcome: undecided}
		}
		b.fail(index[f.Index], reason)
	}
}
