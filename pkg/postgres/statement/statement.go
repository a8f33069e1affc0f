// Package statement is how rows go to the server: the INSERT that writes a block, with its encoded
// parameters and its answers, and the tuples of COPY. What an answer means for a row is decided by
// package postgres.
package statement

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/postgres/event"
	"sqs2pg/pkg/postgres/heard"
	"sqs2pg/pkg/postgres/sqltext"
)

// flushSize is how many bytes of several blocks are sent at a time.
const flushSize = 64 << 10

// Statement is the INSERT that writes a batch. Its text is the same for any number of rows, so a
// connection prepares it once, and it is never long enough for RDS Proxy to pin the connection.
// It is safe for concurrent use.
type Statement struct {
	sql     string          // with one array per column as parameters
	name    string          // of the prepared statement
	types   []wire.Encoding // of the contract's columns
	key     []int           // see Key
	others  []column        // besides those of the contract
	guarded bool
	oids    []uint32 // of all parameters: the contract's columns, the others, and the epoch of a guarded table
	formats []int16  // all binary
	results []int16  // formats of the results: binary in upsert mode, else nil
}

// Batch is what is to be written. Epoch is that of a guarded table, as it was read before the events
// were decoded; for other tables it means nothing.
type Batch struct {
	Events []event.Event
	Epoch  int64
}

// column is what an event has besides the columns of its contract.
type column struct {
	wire.Encoding
	append func(*event.Event, []byte) []byte
	length int // about, in bytes
}

var columns = map[string]column{
	contract.SentAt:       {wire.Of(contract.Timestamptz), (*event.Event).AppendSentAt, 12},
	contract.EventID:      {wire.Of(contract.UUID), (*event.Event).AppendID, 20},
	contract.EventVersion: {wire.Of(contract.UUID), (*event.Event).AppendVersion, 20},
	sqltext.Session:       {wire.Of(contract.UUID), (*event.Event).AppendSession, 20},
	sqltext.Sealed:        {wire.Bytea, (*event.Event).AppendSealed, 160},
	sqltext.Subject:       {wire.Of(contract.Text), (*event.Event).AppendSubject, 40},
}

// New returns the statement for a table. It does not connect.
func New(table contract.Table) *Statement {
	s := &Statement{key: places(table, table.Key), guarded: table.Guarded()}
	for _, column := range table.Columns {
		s.types = append(s.types, wire.Of(column.Type.Base()))
	}
	encodings := slices.Clone(s.types)
	for _, name := range sqltext.Batch(table) {
		s.others = append(s.others, columns[name])
		encodings = append(encodings, columns[name].Encoding)
	}
	if table.Mode == contract.Upsert {
		s.results = []int16{pgx.BinaryFormatCode}
	}
	var arrays []string
	for i, e := range encodings {
		s.oids = append(s.oids, e.Array)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, e.SQL))
	}
	if s.guarded {
		s.oids = append(s.oids, wire.Of(contract.BigInt).Element)
	}
	s.formats = slices.Repeat([]int16{pgx.BinaryFormatCode}, len(s.oids))
	s.sql = sqltext.Insert(table, arrays)
	sum := sha256.Sum256([]byte(s.sql))
	s.name = "sqs2pg_" + hex.EncodeToString(sum[:12])
	return s
}

// Key has the places of the key's columns among the table's. It is empty in insert mode.
func (s *Statement) Key() []int { return s.key }

// places returns the indexes of the named columns among the table's.
func places(table contract.Table, names []string) []int {
	var list []int
	for _, name := range names {
		list = append(list, slices.IndexFunc(table.Columns, func(c contract.Column) bool { return c.Name == name }))
	}
	return list
}

// encode makes the parameters for the events whose indexes are in rows. In upsert mode it leaves
// out all but the newest of each key.
func (s *Statement) encode(batch Batch, rows []int) [][]byte {
	events := batch.Events
	if len(s.key) > 0 {
		rows = event.Newest(events, rows, s.key)
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
	for _, c := range s.others {
		b := wire.AppendArray(make([]byte, 0, 20+c.length*len(rows)), c.Element, len(rows))
		for _, i := range rows {
			b = c.append(&events[i], b)
		}
		params = append(params, b)
	}
	if s.guarded {
		params = append(params, binary.BigEndian.AppendUint64(nil, uint64(batch.Epoch)))
	}
	return params
}

// Answer is what the server says to one block: how many rows it wrote or changed, or why it refused
// the block.
type Answer struct {
	Written    int
	Duplicates int   // in upsert mode: rows that the table held already; it may hold newer ones of the others' keys
	Err        error // nil or a *pgconn.PgError
}

// Execute runs the statement for each block of rows, which are indexes of events, in one pipeline.
// A block may have no rows. Each block is a transaction of its own: the one that Postgres opens by
// itself between two Syncs. After an explicit BEGIN, a refused block would fail the next ones too.
// The answers are those to the first blocks, and without an error to all. The error is a fault of
// the connection.
//
// With prepare it makes and uses a named prepared statement, which only works if the connection
// leads to one server process.
func (s *Statement) Execute(ctx context.Context, server *pgconn.PgConn, batch Batch, blocks [][]int, prepare bool) (answers []Answer, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pipeline := server.StartPipeline(ctx)
	defer pipeline.Close()
	if err := s.send(pipeline, cancel, server, batch, blocks, prepare); err != nil {
		return nil, err
	}
	for range blocks {
		a := s.receive(pipeline, server)
		if _, ok := errors.AsType[*pgconn.PgError](a.Err); a.Err != nil && !ok || server.IsClosed() {
			return answers, a.Err
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// send sends what Execute asks for.
//
// A Sync goes first. The server answers it at once, even if the statement has to wait for a lock. A
// Write begins with a single block, and if the answer to its Sync does not come in time, the
// connection is closed: it may have died while the sandbox was frozen, and nobody would ever
// answer.
func (s *Statement) send(pipeline *pgconn.Pipeline, cancel func(), server *pgconn.PgConn, batch Batch, blocks [][]int, prepare bool) error {
	_, prepared := server.CustomData()[s.name]
	single := len(blocks) == 1
	pipeline.SendPipelineSync()
	unsent := 0
	for _, rows := range blocks {
		params := s.encode(batch, rows)
		if !prepare {
			pipeline.SendQueryParams(s.sql, params, s.oids, s.formats, s.results)
		} else {
			if !prepared {
				pipeline.SendPrepare(s.name, s.sql, s.oids)
				prepared = true
			}
			pipeline.SendQueryPrepared(s.name, params, s.formats, s.results)
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
func (s *Statement) receive(pipeline *pgconn.Pipeline, server *pgconn.PgConn) (a Answer) {
	for {
		results, err := pipeline.GetResults()
		switch results := results.(type) {
		case *pgconn.PipelineSync:
			return a
		case *pgconn.StatementDescription:
			server.CustomData()[s.name] = true
		case *pgconn.ResultReader:
			err = s.count(results, &a)
		case nil:
			err = cmp.Or(err, io.ErrUnexpectedEOF) // no more answers: the server has ended the connection
		}
		a.Err = cmp.Or(a.Err, err)
		if _, ok := errors.AsType[*pgconn.PgError](err); err != nil && !ok {
			return a
		}
	}
}

// count reads how many rows a block has written. In upsert mode the statement says so in a row.
func (s *Statement) count(results *pgconn.ResultReader, a *Answer) error {
	if len(s.key) > 0 {
		for results.NextRow() {
			row := results.Values()
			a.Written, a.Duplicates = int(binary.BigEndian.Uint64(row[0])), int(binary.BigEndian.Uint64(row[1]))
		}
	}
	tag, err := results.Close()
	if err == nil && len(s.key) == 0 {
		a.Written = int(tag.RowsAffected())
	}
	return err
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
	return heard.Timeout + time.Duration(bytes)*time.Microsecond
}

// Tuples returns a function that appends the next events to b, as tuples of COPY. more returns their
// indexes among the events; none mean the end.
func (s *Statement) Tuples(more func() ([]int, []event.Event, error)) func(b []byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		rows, events, err := more()
		for _, i := range rows {
			e := &events[i]
			b = append(wire.AppendTuple(b, len(s.types)+3), e.Row.Encoded()...)
			b = e.AppendID(e.AppendSentAt(e.AppendCreateDate(b)))
		}
		return b, err
	}
}

// SealedTuples is Tuples for what is sealed of the events. Events of which nothing is sealed have no
// tuple.
func SealedTuples(events []event.Event, rows []int) func(b []byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		for ; len(rows) > 0 && len(b) < flushSize; rows = rows[1:] {
			if e := &events[rows[0]]; !e.Sealed.IsZero() {
				b = e.AppendSealed(e.AppendSession(e.AppendID(e.AppendSentAt(wire.AppendTuple(b, 4)))))
			}
		}
		return b, nil
	}
}
