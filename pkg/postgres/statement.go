package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/postgres/sqlstate"
)

// statement is the INSERT that writes a batch. Its text is the same for any number of rows, so a
// connection prepares it once, and it is never long enough for RDS Proxy to pin the connection.
type statement struct {
	sql     string          // with one array per column as parameters
	name    string          // of the prepared statement
	types   []wire.Encoding // of the contract's columns
	key     []int           // indexes into types of the key's columns; empty in insert mode
	oids    []uint32        // of all parameters: the contract's columns, sent_at, event_id
	formats []int16         // all binary
}

var sentAt, eventID = wire.Of(contract.Timestamptz), wire.Of(contract.UUID)

func newStatement(table contract.Table) *statement {
	s := &statement{key: places(table, table.Key)}
	var names, arrays []string
	for _, column := range table.Columns {
		s.types = append(s.types, wire.Of(column.Type.Base()))
		names = append(names, quote(column.Name))
	}
	for i, e := range append(s.types[:len(s.types):len(s.types)], sentAt, eventID) {
		s.oids, s.formats = append(s.oids, e.Array), append(s.formats, pgx.BinaryFormatCode)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, e.SQL))
	}
	s.sql = insertSQL(table, names, arrays)
	sum := sha256.Sum256([]byte(s.sql))
	s.name = "sqs2pg_" + hex.EncodeToString(sum[:12])
	return s
}

// insertSQL returns the INSERT that reads its rows from arrays, which are parameters.
func insertSQL(table contract.Table, names, arrays []string) string {
	columns := strings.Join(withReserved(names), ", ")
	return fmt.Sprintf(`insert into %s as target (%s)
select %s, (sent_at at time zone 'UTC')::date, sent_at, event_id
from unnest(%s) as batch (%s, sent_at, event_id)
on conflict %s`,
		quote(table.Schema, table.Name), columns, strings.Join(names, ", "),
		strings.Join(arrays, ", "), strings.Join(names, ", "), conflict(table, names))
}

// conflict says what happens to a row whose key exists already. In upsert mode the newest event
// wins, and an event that is delivered again changes nothing.
func conflict(table contract.Table, names []string) string {
	if table.Mode == contract.Insert {
		return "(sent_at, event_id) do nothing"
	}
	var key, sets []string
	for _, column := range table.Key {
		key = append(key, quote(column))
	}
	for _, name := range withReserved(names) {
		sets = append(sets, name+" = excluded."+name)
	}
	return fmt.Sprintf(`(%s) do update set %s
where excluded.sent_at >= target.sent_at and excluded.event_id <> target.event_id`,
		strings.Join(key, ", "), strings.Join(sets, ", "))
}

// withReserved returns the names of a contract's columns and of those that every table has besides.
func withReserved(names []string) []string {
	return append(names[:len(names):len(names)], contract.CreateDate, contract.SentAt, contract.EventID)
}

func quote(name ...string) string { return pgx.Identifier(name).Sanitize() }

// encode makes the parameters for the events whose indexes are in rows. In upsert mode it leaves
// out all but the newest of each key.
func (s *statement) encode(events []Event, rows []int) [][]byte {
	if len(s.key) > 0 {
		rows = s.newestPerKey(events, rows)
	}
	params := make([][]byte, 0, len(s.oids))
	unread := make([][]byte, len(rows)) // of each row
	for n, i := range rows {
		unread[n] = events[i].Row.Encoded()
	}
	for _, e := range s.types {
		b := wire.AppendArray(make([]byte, 0, 20+24*len(rows)), e.Element, len(rows))
		for n := range rows {
			var field []byte
			_, field, unread[n] = wire.Cut(unread[n])
			b = append(b, field...)
		}
		params = append(params, b)
	}
	times := wire.AppendArray(make([]byte, 0, 20+12*len(rows)), sentAt.Element, len(rows))
	ids := wire.AppendArray(make([]byte, 0, 20+20*len(rows)), eventID.Element, len(rows))
	for _, i := range rows {
		times, ids = appendSentAt(times, &events[i]), appendID(ids, &events[i])
	}
	return append(params, times, ids)
}

// answer is what the server says to one block: how many rows it wrote or changed, or why it refused
// the block.
type answer struct {
	written int
	err     error // nil or a *pgconn.PgError
}

// execute runs the statement for each block of rows, in one pipeline. Each block is a transaction
// of its own: the one that Postgres opens by itself between two Syncs. After an explicit BEGIN, a
// refused block would fail the next ones too. The answers are those to the first blocks, and
// without a fault to all.
//
// With prove the statement first runs with no rows. Its error is a fault then, and if only a repair
// helps, there are no answers.
//
// With prepare it makes and uses a named prepared statement, which only works if the connection
// leads to one server process.
func (s *statement) execute(ctx context.Context, conn *pgxpool.Conn, events []Event, blocks [][]int, prepare, prove bool) (answers []answer, fault error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := conn.Conn().PgConn()
	pipeline := server.StartPipeline(ctx)
	defer pipeline.Close()
	if prove {
		blocks = slices.Concat([][]int{nil}, blocks)
	}
	if err := s.send(pipeline, cancel, server, events, blocks, prepare); err != nil {
		return nil, err
	}
	if prove {
		if fault = s.receive(pipeline, server).err; fault != nil && kindOf(fault) != sqlstate.Transient {
			return nil, fault
		}
		blocks = blocks[1:]
	}
	for range blocks {
		a := s.receive(pipeline, server)
		if _, ok := errors.AsType[*pgconn.PgError](a.err); a.err != nil && !ok || server.IsClosed() {
			return answers, cmp.Or(fault, a.err)
		}
		answers = append(answers, a)
	}
	return answers, fault
}

// send sends what execute asks for.
//
// A Sync goes first. The server answers it at once, even if the statement has to wait for a lock. A
// Write begins with a single block, and if the answer to its Sync does not come in time, the
// connection is closed: it may have died while the sandbox was frozen, and nobody would ever
// answer.
func (s *statement) send(pipeline *pgconn.Pipeline, cancel func(), server *pgconn.PgConn, events []Event, blocks [][]int, prepare bool) error {
	_, prepared := server.CustomData()[s.name]
	single := len(blocks) == 1
	pipeline.SendPipelineSync()
	unsent := 0
	for _, rows := range blocks {
		params := s.encode(events, rows)
		if !prepare {
			pipeline.SendQueryParams(s.sql, params, s.oids, s.formats, nil)
		} else {
			if !prepared {
				pipeline.SendPrepare(s.name, s.sql, s.oids)
				prepared = true
			}
			pipeline.SendQueryPrepared(s.name, params, s.formats, nil)
		}
		pipeline.SendPipelineSync()
		if unsent += size(params); unsent > flushSize && !single {
			if err := pipeline.Flush(); err != nil {
				return err
			}
			unsent = 0
		}
	}
	synced := func() error {
		err := pipeline.Flush()
		if err == nil {
			_, err = pipeline.GetResults()
		}
		return err
	}
	if !single {
		return synced()
	}
	unanswered := time.AfterFunc(answerTimeout(unsent), cancel)
	err := synced()
	if !unanswered.Stop() {
		return context.DeadlineExceeded
	}
	return err
}

// receive reads the answer to one transaction. An error of its commit comes instead of the answer
// to its Sync, which then follows.
func (s *statement) receive(pipeline *pgconn.Pipeline, server *pgconn.PgConn) (a answer) {
	for {
		results, err := pipeline.GetResults()
		switch results := results.(type) {
		case *pgconn.PipelineSync:
			return a
		case *pgconn.StatementDescription:
			server.CustomData()[s.name] = true
		case *pgconn.ResultReader:
			var tag pgconn.CommandTag
			if tag, err = results.Close(); err == nil {
				a.written = int(tag.RowsAffected())
			}
		case nil:
			err = cmp.Or(err, io.ErrUnexpectedEOF) // no more answers: the server has ended the connection
		}
		a.err = cmp.Or(a.err, err)
		if _, ok := errors.AsType[*pgconn.PgError](err); err != nil && !ok {
			return a
		}
	}
}

func size(params [][]byte) (n int) {
	for _, param := range params {
		n += len(param)
	}
	return n
}

// answerTimeout is how long the first answer to so many bytes may take: the time of a ping, and a
// second for each MB that has to be sent.
func answerTimeout(bytes int) time.Duration {
	return pingTimeout + time.Duration(bytes)*time.Microsecond
}
