package ingest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message"
	"sqs2pg/pkg/postgres"
)

// writers is how many tables are written at a time. The pool has twice as many connections, see
// postgres.Config.
const writers = 2

// load writes the messages that keep their contract, each table in transactions of its own. Tables
// are written side by side, unless messages must keep their order. Of the time that is left each
// table has its share, so that a table that does not answer takes no time from the others.
func (h *Handler) load(ctx context.Context, b *batch, keyring *mask.Keyring) {
	l := loading{Handler: h, batch: b, keyring: keyring, now: h.Now(), rows: make([]*contract.Rows, len(h.Tables))}
	l.route()
	parts := b.parts()
	if b.ordered() || len(parts) == 1 {
		for i, p := range parts {
			l.write(ctx, p, tablesOf(parts[i:]))
		}
		return
	}
	var begun atomic.Int64
	var writing sync.WaitGroup
	for range min(writers, len(parts)) {
		own := l
		own.body = nil
		writing.Go(func() {
			for i := int(begun.Add(1)) - 1; i < len(parts); i = int(begun.Add(1)) - 1 {
				own.write(ctx, parts[i], (len(parts)-i+writers-1)/writers)
			}
		})
	}
	writing.Wait()
}

// shareOf limits ctx to one of so many equal parts of its time.
func shareOf(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || parts == 1 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(parts))
}

// part is what is written to one table in one go: the messages of a contract among those from one
// index to another.
type part struct{ of, from, to int }

// parts are the parts of a batch in the order in which they are written. On a standard queue each
// table has one. On a FIFO queue a group may have events of several contracts, and what is written
// must be known before what follows it in its group is: there a part ends where the next message is
// of another contract.
func (b *batch) parts() (all []part) {
	if len(b.tables) == 1 || !b.ordered() {
		for of := range b.tables {
			if b.has(of) {
				all = append(all, part{of, 0, len(b.records)})
			}
		}
		return all
	}
	for i, of := range b.of {
		switch {
		case of == unmatched:
		case len(all) == 0 || all[len(all)-1].of != of:
			all = append(all, part{of, i, i + 1})
		default:
			all[len(all)-1].to = i + 1
		}
	}
	return all
}

// tablesOf is the number of tables that parts go to. A table that cannot be written takes its share
// of the time once: its later parts fail at once.
func tablesOf(parts []part) int {
	tables := map[int]bool{}
	for _, p := range parts {
		tables[p.of] = true
	}
	return len(tables)
}

// ordered reports whether the messages are of a FIFO queue.
func (b *batch) ordered() bool {
	return slices.ContainsFunc(b.records, func(r message.Record) bool { return r.Group() != "" })
}

// write writes a part. It takes no more than its share of the time, if so many are to come one after
// the other, it among them.
func (l *loading) write(ctx context.Context, p part, shares int) {
	ctx, cancel := shareOf(ctx, shares)
	defer cancel()
	t := &l.tables[p.of]
	if l.rows[p.of] == nil && t.err == nil {
		l.rows[p.of] = l.Tables[p.of].Contract.Rows(l.keyring, len(l.records))
		t.err = l.enter(ctx, p.of)
	}
	for entries := 1; t.err == nil && l.writeOpen(ctx, p); entries++ {
		if t.err = errOutdated; entries < mostEntries {
			l.Tables[p.of].Gate.Shut()
			t.err = l.enter(ctx, p.of)
		}
	}
	if t.err == nil {
		return
	}
	for i := p.from; i < p.to; i++ {
		if l.of[i] == p.of && l.isOpen(i) {
			l.fail(i, failure{outcome: unavailable})
		}
	}
}

// writeOpen writes the open messages of a part, and reports whether some of them stay open because
// the guard of their table is outdated.
func (l *loading) writeOpen(ctx context.Context, p part) bool {
	t, table := &l.tables[p.of], &l.Tables[p.of]
	index := make([]int, 0, p.to-p.from)
	started, decoded := l.Now(), t.decodeTime
	var result postgres.Result
	result, t.err = table.write(ctx, t.guard.epoch, l.events(p, &index), l.keyring)
	t.databaseTime += l.Now().Sub(started) - (t.decodeTime - decoded)
	if len(l.failed(p.of, (*failure).expired)) > 0 {
		table.Gate.Doubt()
	}
	if t.err != nil {
		return false
	}
	l.reject(t, result, index)
	return result.Outdated
}

// reject takes over the result of the events of these messages. The writer holds the later events of
// a group in which one failed; messages of the group that break the contract have their own failure
// already. Events that are undecided because the guard is outdated stay open.
func (b *batch) reject(t *loaded, result postgres.Result, index []int) {
	t.written, t.duplicates, t.superseded = t.written+result.Written, t.duplicates+result.Duplicates, t.superseded+result.Superseded
	for _, i := range index {
		b.marks[i] |= settled
	}
	for _, f := range result.Failures {
		if f.Undecided && result.Outdated {
			b.marks[index[f.Index]] &^= settled
			continue
		}
		reason := failure{outcome: rejected, sqlstate: f.SQLSTATE, constraint: f.Constraint, column: f.Column, obstacle: f.Reason, unproven: f.Unproven || f.Reason != ""}
		if f.Held {
			reason = failure{outcome: held}
		} else if f.Undecided {
			reason = failure{outcome: undecided}
		}
		b.fail(index[f.Index], reason)
	}
}
