package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"sqs2pg/pkg/contract"
)

const (
	// fewestCopied is the number of rows from which COPY is faster.
	fewestCopied = 100
	copyChunk    = 64 << 10
)

// copied tries COPY, and reports whether that has written the events. COPY stores many rows at a
// time and does not look for the key first: measured 1.4 times the rate of the INSERT at 100 rows
// and 2.5 times at 10,000. It writes nothing if a row exists already, is refused or lacks its
// partition. On any error nothing is written; the INSERT then finds the bad rows.
//
// COPY would write duplicates into a table that lost its key. So an INSERT of no rows comes first,
// in the same transaction: it names the key, and fails if the table does not have it. The lock that
// it takes keeps the key until the transaction ends. Both go to the server in one message, which
// makes them one transaction. The INSERT costs 0.05 ms.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
func (b *batch) copied(ctx context.Context, rows []int) (written int, ok bool) {
	w := b.writer
	if len(rows) < fewestCopied || w.table.Mode != contract.Insert || len(b.failed) > 0 {
		return 0, false
	}
	err := w.pool.pgx.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		tag, err := conn.Conn().PgConn().CopyFrom(ctx, newCopyReader(w.statement, b.events, rows), copySQL(w.table))
		written = int(tag.RowsAffected())
		return err
	})
	return written, err == nil
}

func copySQL(table contract.Table) string {
	name := quote(table.Schema, table.Name)
	var columns []string
	for _, c := range table.Columns {
		columns = append(columns, quote(c.Name))
	}
	return fmt.Sprintf(`insert into %s (sent_at, event_id) select null, null where false on conflict (sent_at, event_id) do nothing;
copy %s (%s) from stdin (format binary)`, name, name, strings.Join(withReserved(columns), ", "))
}

// copyReader reads as the binary form of COPY: a header, the rows, each with its number of fields,
// and a trailer.
// See https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
type copyReader struct {
	fields        int // of a row
	events        []Event
	rows          []int // not encoded yet
	chunk, unread []byte
	ended         bool
}

func newCopyReader(s *statement, events []Event, rows []int) *copyReader {
	header := append(make([]byte, 0, copyChunk+4096), "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	return &copyReader{fields: len(s.types) + 3, events: events, rows: rows, chunk: header, unread: header}
}

func (r *copyReader) Read(p []byte) (int, error) {
	if len(r.unread) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		r.encode()
	}
	n := copy(p, r.unread)
	r.unread = r.unread[n:]
	return n, nil
}

func (r *copyReader) encode() {
	b := r.chunk[:0]
	for ; len(r.rows) > 0 && len(b) < copyChunk; r.rows = r.rows[1:] {
		event := r.events[r.rows[0]]
		b = binary.BigEndian.AppendUint16(b, uint16(r.fields))
		b = append(b, event.Row.Encoded()...)
		b = appendID(appendSentAt(appendCreateDate(b, event), event), event)
	}
	if len(r.rows) == 0 {
		b, r.ended = binary.BigEndian.AppendUint16(b, math.MaxUint16), true
	}
	r.chunk, r.unread = b, b
}
