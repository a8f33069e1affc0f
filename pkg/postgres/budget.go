package postgres

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A batch gets as far as its time allows. Its rows are written in chunks, each committed by itself.
// The first chunk is the whole batch. It may take a quarter of the time that is left; then it is
// cancelled, and a chunk of a 64th tells the rate. The later ones are as large as that rate allows
// in an eighth of the time that is left. A chunk of one row may take all of it.
const (
	cancelAfter = 4 // the part of the time that is left
	planFor     = 8 // the part of the time that is left
	shrinkBy    = 64
)

var errTooSlow = errors.New("a chunk takes too long")

// writeAll decides as many rows as the time allows. Its error is why rows are left. The next batch
// starts at the rate of one that was too slow.
func (b *batch) writeAll(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	n, perRow, tooSlow := len(b.rows), time.Duration(b.writer.slow.Load()), b.copyErr == errTooSlow
	if tooSlow {
		n /= shrinkBy
	}
	defer func() {
		if !tooSlow && len(b.rows) == 0 {
			perRow = 0
		}
		b.writer.slow.Store(int64(perRow))
	}()
	for len(b.rows) > 0 {
		if perRow > 0 {
			n = int(time.Until(deadline) / planFor / perRow)
		}
		n = max(1, min(n, len(b.rows)))
		var err error
		if n, err = b.ensureDays(ctx, n); err != nil {
			return err
		}
		started := time.Now()
		err = b.writeChunk(ctx, n, time.Until(deadline)/cancelAfter)
		for ; err == errTooSlow; err = b.writeChunk(ctx, n, time.Until(deadline)/cancelAfter) {
			n, tooSlow, started = max(1, n/shrinkBy), true, time.Now()
		}
		if err != nil {
			return err
		}
		perRow = max(1, time.Since(started)/time.Duration(n))
	}
	return nil
}

// writeChunk writes the first n rows. Until the server has answered once, more than one row may
// take no longer than limit: then the error is errTooSlow.
func (b *batch) writeChunk(parent context.Context, n int, limit time.Duration) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	b.answered = func() {}
	if n > 1 {
		timer := time.AfterFunc(limit, cancel)
		defer timer.Stop()
		b.answered = func() { timer.Stop() }
	}
	chunk := b.rows[:min(n, len(b.rows))]
	b.rows = b.rows[len(chunk):]
	if chunk = b.undecided(chunk); len(chunk) == 0 {
		return nil
	}
	if b.copies(chunk) {
		var written int
		if written, b.copyErr = b.copied(ctx, chunk); b.copyErr == nil {
			b.result.Written += written
			b.result.Duplicates += len(chunk) - written
			return nil
		}
	}
	b.lanes, b.isolating = []lane{{blocks: [][]int{chunk}}}, false
	err := b.writer.pool.attempt(ctx, false, b.write)
	for _, l := range b.lanes {
		b.rows = slices.Concat(b.rows, slices.Concat(l.blocks...))
	}
	b.lanes = nil
	b.sort()
	if err != nil && ctx.Err() != nil && parent.Err() == nil {
		return errTooSlow
	}
	return err
}

func (b *batch) decided() bool {
	return b.result.Written+b.result.Duplicates+b.result.Superseded > 0 || slices.ContainsFunc(b.result.Failures, func(f Failure) bool { return !f.Undecided })
}

// leave accounts for the rows that are left. After the first undecided row of a group the later
// ones are held, unless all of them are written again at once.
func (b *batch) leave() {
	for _, i := range b.rows {
		group := b.events[i].Group
		b.result.Failures = append(b.result.Failures, Failure{Index: i, Held: b.failed[group], Undecided: !b.failed[group]})
		if group != "" && !b.result.Outdated {
			b.failed[group] = true
		}
	}
}
