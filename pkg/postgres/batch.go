package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/calendar"
	"sqs2pg/pkg/postgres/event"
	"sqs2pg/pkg/postgres/sqlstate"
	"sqs2pg/pkg/postgres/statement"
)

// fanOut is the number of parts into which a refused block is split. With 16 a bad row among 10,000
// is found in 4 pipelines.
const fanOut = 16

// batch is one Write in progress. Its rows are indexes of events.
//
// Rows are written in chunks; see budget.go. All rows of a chunk are first tried as one block. A
// block is one INSERT in a transaction of its own: if Postgres refuses a row, it rolls back the
// whole block. The block is then split, and the next pipeline tries all the parts, and so on down
// to single rows.
type batch struct {
	writer  *Writer
	events  []Event
	epoch   int64  // of a guarded table
	grouped bool   // some event has a group
	rows    []int  // that are not decided yet, without those in lanes; see sort
	lanes   []lane // of the chunk that is being written
	result  Result

	copyErr error // why COPY has failed for these events

	failed      map[string]bool       // groups in which an event failed
	asked       map[calendar.Day]bool // days about which this Write has asked the database
	missing     []calendar.Day        // to be asked about after the blocks that are tried now
	isolating   bool                  // Postgres refused a block of the chunk
	answered    func()                // called when the server has answered to a block
	reconnected bool                  // because of overlooksPartition, which is done once at most
}

// lane is a queue of blocks. Only the first one is tried.
type lane struct {
	blocks [][]int
	// group means that all rows are of one group, in order. None may be written while an earlier
	// one is undecided, so the parts of a block stay in the lane.
	group bool
}

func newBatch(w *Writer, events []Event, epoch int64) *batch {
	b := &batch{writer: w, events: events, epoch: epoch, rows: make([]int, len(events)), failed: map[string]bool{}, asked: map[calendar.Day]bool{}}
	for i := range b.rows {
		b.rows[i] = i
		b.grouped = b.grouped || events[i].Group != ""
	}
	b.sort()
	return b
}

// sort brings the rows into the order of their key. The events of groups keep the order in which
// they came.
func (b *batch) sort() {
	if b.grouped {
		slices.Sort(b.rows)
	} else {
		event.SortByKey(b.events, b.rows)
	}
}

// write decides all rows on one connection. Its error is a fault of the connection, the server or
// the set-up. After a fault it may be called again, and continues with the rows that are not
// decided yet.
//
// When Postgres has refused a block, the INSERT is also run with no rows, once on each connection.
// If that fails, the set-up is at fault, and not a row.
func (b *batch) write(ctx context.Context, conn *pgxpool.Conn) error {
	proven := false
	for b.skip(); len(b.lanes) > 0; b.skip() {
		prove := b.isolating && !proven
		if err := b.try(ctx, conn, prove); err != nil {
			return err
		}
		proven = proven || prove
	}
	return nil
}

// skip removes the rows that are decided without a statement, and blocks and lanes without rows.
func (b *batch) skip() {
	var lanes []lane
	for _, l := range b.lanes {
		for ; len(l.blocks) > 0; l.blocks = l.blocks[1:] {
			if l.blocks[0] = b.undecided(l.blocks[0]); len(l.blocks[0]) > 0 {
				lanes = append(lanes, l)
				break
			}
		}
	}
	b.lanes = lanes
}

// undecided holds the rows of failed groups, fails those of days whose partition was refused, and
// returns the others.
func (b *batch) undecided(rows []int) []int {
	if len(b.failed) == 0 && !b.writer.calendar.Refusing() {
		return rows
	}
	var left []int
	for _, i := range rows {
		if b.failed[b.events[i].Group] {
			b.result.Failures = append(b.result.Failures, Failure{Index: i, Held: true})
		} else if refused := b.refusal(i); refused != nil && !refused.Partly() {
			b.fail(i, Failure{SQLSTATE: refused.SQLSTATE, Reason: refused.Reason})
		} else {
			left = append(left, i)
		}
	}
	return left
}

func (b *batch) fail(row int, f Failure) {
	f.Index = row
	b.result.Failures = append(b.result.Failures, f)
	if group := b.events[row].Group; group != "" {
		b.failed[group] = true
	}
}

// try sends the first block of each lane in one pipeline, and takes over the answers. After a fault
// it takes over the rows that were written, and the other blocks stay as they are.
func (b *batch) try(ctx context.Context, conn *pgxpool.Conn, prove bool) error {
	blocks := make([][]int, len(b.lanes))
	for i, l := range b.lanes {
		blocks[i] = l.blocks[0]
	}
	answers, fault := b.execute(ctx, conn, blocks, prove)
	faulty := fault != nil
	var left []lane
	for i, a := range answers {
		if faulty && a.Err != nil {
			left = append(left, b.lanes[i])
			continue
		}
		parts, err := b.decide(b.lanes[i], a)
		left, fault = append(left, parts...), cmp.Or(fault, err)
	}
	b.lanes = append(left, b.lanes[len(answers):]...)
	if fault == errOverlooksPartition {
		b.reconnected = true
		endProcess(ctx, conn)
		b.writer.pool.pgx.Reset()
	}
	if fault == nil {
		fault = b.ensureMissing(ctx, conn)
	}
	return fault
}

// execute runs the statement for each block. With prove it first runs with no rows, and an error of
// that is a fault. If only a repair helps then, there are no answers.
func (b *batch) execute(ctx context.Context, conn *pgxpool.Conn, blocks [][]int, prove bool) (answers []statement.Answer, fault error) {
	if prove {
		blocks = slices.Concat([][]int{nil}, blocks)
	}
	answers, fault = b.writer.statement.Execute(ctx, conn.Conn().PgConn(), statement.Batch{Events: b.events, Epoch: b.epoch}, blocks, b.writer.pool.prepares(conn))
	if !prove || len(answers) == 0 {
		return answers, fault
	}
	proof := answers[0].Err
	if proof != nil && kindOf(proof) != sqlstate.Transient {
		return nil, proof
	}
	return answers[1:], cmp.Or(proof, fault)
}

// decide takes over the answer to the first block of a lane, and returns what is left of the lane.
func (b *batch) decide(l lane, a statement.Answer) (left []lane, fault error) {
	b.answered()
	rows, rest := l.blocks[0], lane{blocks: l.blocks[1:], group: l.group}
	refused, _ := errors.AsType[*pgconn.PgError](a.Err)
	switch {
	case refused == nil:
		b.count(rows, a)
		return []lane{rest}, nil
	case outdated(refused), refused.Code == sqlstate.Unentered: // no row is at fault
		return []lane{l}, refused
	case kindOf(refused) == sqlstate.Transient && !(refused.Code == statementTimeout && len(b.events) > 1):
		return []lane{l}, refused
	case lacksPartition(refused) && b.lacksDays(rows):
		return []lane{l}, nil
	case b.writer.overlooksPartition(refused) && !b.reconnected:
		return []lane{l}, errOverlooksPartition
	case b.isolating && len(rows) == 1:
		b.fail(rows[0], b.failure(rows[0], refused))
		return []lane{rest}, nil
	}
	b.isolating = true
	return b.split(l), nil
}

// count accounts for the rows of a block that was written.
func (b *batch) count(rows []int, a statement.Answer) {
	b.result.Written += a.Written
	left := len(rows) - a.Written
	if key := b.writer.statement.Key(); len(key) > 0 && left > 0 {
		duplicates := a.Duplicates + event.Repeated(b.events, rows, key)
		b.result.Superseded += left - duplicates
		left = duplicates
	}
	b.result.Duplicates += left
}

// failure describes Postgres's refusal of a row.
func (b *batch) failure(row int, refused *pgconn.PgError) Failure {
	f := Failure{SQLSTATE: refused.Code, Constraint: refused.ConstraintName, Column: refused.ColumnName}
	if day := b.refusal(row); day != nil && lacksPartition(refused) {
		f.Reason = day.Reason
	}
	return f
}

// split divides the first block of a lane. The rows of a group get a lane of their own, and are
// then halved, because the parts are tried one after the other.
func (b *batch) split(l lane) []lane {
	rows := l.blocks[0]
	if l.group {
		half := (len(rows) + 1) / 2
		return []lane{{blocks: slices.Concat(slices.Collect(slices.Chunk(rows, half)), l.blocks[1:]), group: true}}
	}
	var free []int
	var names []string
	groups := map[string][]int{}
	for _, i := range rows {
		group := b.events[i].Group
		if group == "" {
			free = append(free, i)
			continue
		}
		if groups[group] == nil {
			names = append(names, group)
		}
		groups[group] = append(groups[group], i)
	}
	var lanes []lane
	for part := range slices.Chunk(free, max(1, (len(free)+fanOut-1)/fanOut)) {
		lanes = append(lanes, lane{blocks: [][]int{part}})
	}
	for _, name := range names {
		lanes = append(lanes, lane{blocks: [][]int{groups[name]}, group: true})
	}
	return lanes
}

// leavesEmpty reports whether a row was refused because of a column that no row fills: somebody has
// added one that is not null.
func (w *Writer) leavesEmpty(f *Failure) bool {
	names := func(c contract.Column) bool { return c.Name == f.Column }
	return f.SQLSTATE == "23502" && f.Column != "" && !slices.ContainsFunc(w.table.Columns, names)
}

// judge tells the faults of rows from those of the set-up. Some codes are the row's fault by their
// class. Any other code is if another event was written: triggers and row-level security refuse a
// row with any code. If nothing was written and several rows failed alike, the set-up is at fault.
// While rows are left, those that cannot be judged are tried again at the next delivery.
func (b *batch) judge() error {
	if b.result.Written+b.result.Duplicates+b.result.Superseded > 0 {
		return nil
	}
	var unproven []*Failure
	for i := range b.result.Failures {
		f := &b.result.Failures[i]
		if !f.Held && (sqlstate.KindOf(f.SQLSTATE) != sqlstate.RowRefused || b.writer.leavesEmpty(f)) {
			unproven = append(unproven, f)
		}
	}
	unlike := func(f *Failure) bool { return f.SQLSTATE != unproven[0].SQLSTATE }
	for _, f := range unproven {
		if len(b.rows) > 0 {
			*f = Failure{Index: f.Index, Undecided: true}
			continue
		}
		if f.SQLSTATE == statementTimeout || len(unproven) > 1 && !slices.ContainsFunc(unproven, unlike) {
			return &pgconn.PgError{Code: f.SQLSTATE}
		}
		f.Unproven = true
	}
	return nil
}
