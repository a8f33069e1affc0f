package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
)

// statement is the INSERT that writes a batch. Its text is the same for any number of rows, so each
// connection prepares it once, and it is never long enough for RDS Proxy to pin the connection.
type statement struct {
	sql     string
	types   []encoding // of the contract's columns
	key     []int      // indexes into types of the key's columns; empty in insert mode
	oids    []uint32   // of all parameters: the contract's columns, sent_at, event_id
	formats []int16    // all binary
}

var sentAt, eventID = encodings[contract.Timestamptz], encodings[contract.UUID]

func newStatement(table contract.Table) *statement {
	s := &statement{key: places(table, table.Key)}
	var names, arrays []string
	for _, column := range table.Columns {
		s.types = append(s.types, encodings[column.Type.Base()])
		names = append(names, quote(column.Name))
	}
	for i, e := range append(s.types[:len(s.types):len(s.types)], sentAt, eventID) {
		s.oids, s.formats = append(s.oids, e.array), append(s.formats, pgx.BinaryFormatCode)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, e.sql))
	}
	columns := strings.Join(append(names[:len(names):len(names)], "create_date", "sent_at", "event_id"), ", ")
	s.sql = fmt.Sprintf(`insert into %s as target (%s)
select %s, (sent_at at time zone 'UTC')::date, sent_at, event_id
from unnest(%s) as batch (%s, sent_at, event_id)
on conflict %s`,
		quote(table.Schema, table.Name), columns, strings.Join(names, ", "),
		strings.Join(arrays, ", "), strings.Join(names, ", "), conflict(table, names))
	return s
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
	for _, name := range append(names[:len(names):len(names)], "create_date", "sent_at", "event_id") {
		sets = append(sets, name+" = excluded."+name)
	}
	return fmt.Sprintf(`(%s) do update set %s
where excluded.sent_at >= target.sent_at and excluded.event_id <> target.event_id`,
		strings.Join(key, ", "), strings.Join(sets, ", "))
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

// execute runs the statement and returns how many rows were written or changed. The statement is
// prepared unless the connection's exec mode says otherwise.
func (s *statement) execute(ctx context.Context, conn *pgxpool.Conn, params [][]byte) (int, error) {
	var result *pgconn.ResultReader
	if conn.Conn().Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		prepared, err := conn.Conn().Prepare(ctx, s.sql, s.sql)
		if err != nil {
			return 0, err
		}
		result = conn.Conn().PgConn().ExecStatement(ctx, prepared, params, s.formats, nil)
	} else {
		result = conn.Conn().PgConn().ExecParams(ctx, s.sql, params, s.oids, s.formats, nil)
	}
	tag, err := result.Close()
	return int(tag.RowsAffected()), err
}
