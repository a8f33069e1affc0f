package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
)

// statement is the INSERT that writes a batch. Its text is the same for any number of rows, so a
// connection prepares it once, and it is never long enough for RDS Proxy to pin the connection.
type statement struct {
	sql     string     // with one array per column as parameters
	empty   string     // the same INSERT of no rows, without parameters
	name    string     // of the prepared statement
	types   []encoding // of the contract's columns
	key     []int      // indexes into types of the key's columns; empty in insert mode
	oids    []uint32   // of all parameters: the contract's columns, sent_at, event_id
	formats []int16    // all binary
}

var sentAt, eventID = encodings[contract.Timestamptz], encodings[contract.UUID]

func newStatement(table contract.Table) *statement {
	s := &statement{key: places(table, table.Key)}
	var names, arrays, nulls []string
	for _, column := range table.Columns {
		s.types = append(s.types, encodings[column.Type.Base()])
		names = append(names, quote(column.Name))
	}
	for i, e := range append(s.types[:len(s.types):len(s.types)], sentAt, eventID) {
		s.oids, s.formats = append(s.oids, e.array), append(s.formats, pgx.BinaryFormatCode)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, e.sql))
		nulls = append(nulls, fmt.Sprintf("null::%s[]", e.sql))
	}
	s.sql, s.empty = insertSQL(table, names, arrays), insertSQL(table, names, nulls)
	sum := sha256.Sum256([]byte(s.sql))
	s.name = "sqs2pg_" + hex.EncodeToString(sum[:12])
	return s
}

// insertSQL returns the INSERT that reads its rows from arrays, which are expressions.
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

// encode makes the parameters for the events whose indexes are in rows.
func (s *statement) encode(events []Event, rows []int) [][]byte {
	params := make([][]byte, 0, len(s.oids))
	for c, e := range s.types {
		b := appendArray(make([]byte, 0, 20+24*len(rows)), e.element, len(rows))
		for _, i := range rows {
			b = e.appendValue(b, events[i].Row.Value(c))
		}
		params = append(params, b)
	}
	times := appendArray(make([]byte, 0, 20+12*len(rows)), sentAt.element, len(rows))
	ids := appendArray(make([]byte, 0, 20+20*len(rows)), eventID.element, len(rows))
	for _, i := range rows {
		times, ids = appendSentAt(times, events[i]), appendID(ids, events[i])
	}
	return append(params, times, ids)
}

// execute runs the statement in one round trip and returns how many rows were written or changed.
// With prepare it makes and uses a named prepared statement, which only works if the connection
// leads to one server process.
//
// A Sync goes first. The server answers it at once, even if the statement has to wait for a lock.
// If that answer does not come in time, the connection is closed: it may have died while the
// sandbox was frozen, and nobody would ever answer.
func (s *statement) execute(ctx context.Context, conn *pgxpool.Conn, params [][]byte, prepare bool) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	unanswered := time.AfterFunc(answerTimeout(params), cancel)
	defer unanswered.Stop()
	server := conn.Conn().PgConn()
	_, prepared := server.CustomData()[s.name]

	pipeline := server.StartPipeline(ctx)
	pipeline.SendPipelineSync()
	switch {
	case !prepare:
		pipeline.SendQueryParams(s.sql, params, s.oids, s.formats, nil)
	case prepared:
		pipeline.SendQueryPrepared(s.name, params, s.formats, nil)
	default:
		pipeline.SendPrepare(s.name, s.sql, s.oids)
		pipeline.SendQueryPrepared(s.name, params, s.formats, nil)
	}
	err := pipeline.Sync()
	if err == nil {
		_, err = pipeline.GetResults()
	}
	if !unanswered.Stop() {
		err = context.DeadlineExceeded
	}
	if err == nil && prepare && !prepared {
		if _, err = pipeline.GetResults(); err == nil {
			server.CustomData()[s.name] = true
		}
	}
	written := 0
	if err == nil {
		written, err = rowsAffected(pipeline.GetResults())
	}
	return written, cmp.Or(err, pipeline.Close()) // an error of the commit comes with the last Sync
}

func rowsAffected(results any, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	tag, err := results.(*pgconn.ResultReader).Close()
	return int(tag.RowsAffected()), err
}

// answerTimeout is how long the first answer to parameters of that size may take: the time of a
// ping, and a second for each MB that has to be sent.
func answerTimeout(params [][]byte) time.Duration {
	timeout := pingTimeout
	for _, param := range params {
		timeout += time.Duration(len(param)) * time.Microsecond
	}
	return timeout
}
