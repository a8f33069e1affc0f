package postgres

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/wire"
)

// upsertSQL returns the INSERT of a table in upsert mode. An event changes a row only if its version
// is greater: sent_at, then event_version, and event_id where that is null. So any order and any
// repetition of deliveries ends in the same row.
//
// It returns how many rows it has written, and how many of the others were in the table already. It
// only looks for these if some were not written.
func upsertSQL(table contract.Table, names, arrays []string) string {
	var key, same, sets []string
	for _, column := range table.Key {
		key = append(key, quote(column))
		same = append(same, "t."+quote(column)+" = b."+quote(column))
	}
	written := append(withReserved(names), contract.EventVersion)
	for _, name := range written {
		sets = append(sets, name+" = excluded."+name)
	}
	return fmt.Sprintf(`with batch as (
  select * from unnest(%[1]s) as b (%[2]s, sent_at, event_id, event_version)
), written as (
  insert into %[3]s as target (%[4]s)
  select %[2]s, (sent_at at time zone 'UTC')::date, sent_at, event_id, event_version from batch
  on conflict (%[5]s) do update set %[6]s
  where (excluded.sent_at, coalesce(excluded.event_version, excluded.event_id)) > (target.sent_at, coalesce(target.event_version, target.event_id))
  returning 1
)
select w.n, case when w.n < cardinality($1) then (
  select count(*) from batch b where (
    select t.sent_at = b.sent_at and coalesce(t.event_version, t.event_id) = coalesce(b.event_version, b.event_id)
    from %[3]s t where %[7]s)
) else 0 end
from (select count(*) as n from written) w`,
		strings.Join(arrays, ", "), strings.Join(names, ", "), quote(table.Schema, table.Name), strings.Join(written, ", "),
		strings.Join(key, ", "), strings.Join(sets, ", "), strings.Join(same, " and "))
}

// count accounts for the rows of a block that was written.
func (b *batch) count(rows []int, a answer) {
	b.result.Written += a.written
	left := len(rows) - a.written
	if s := b.writer.statement; len(s.key) > 0 && left > 0 {
		duplicates := a.duplicates + s.repeated(b.events, rows)
		b.result.Superseded += left - duplicates
		left = duplicates
	}
	b.result.Duplicates += left
}

// version is compared between events of the same time.
func (e *Event) version() []byte {
	if e.Sequence != [16]byte{} {
		return e.Sequence[:]
	}
	return e.ID[:]
}

// age orders events by their version, the newest first.
func age(x, y *Event) int {
	return cmp.Or(cmp.Compare(y.SentAt.UnixMicro(), x.SentAt.UnixMicro()), bytes.Compare(y.version(), x.version()))
}

func encodeVersions(events []Event, rows []int) []byte {
	b := wire.AppendArray(make([]byte, 0, 20+20*len(rows)), eventID.Element, len(rows))
	for _, i := range rows {
		if e := &events[i]; e.Sequence == [16]byte{} {
			b = binary.BigEndian.AppendUint32(b, 1<<32-1) // null
		} else {
			b = append(binary.BigEndian.AppendUint32(b, 16), e.Sequence[:]...)
		}
	}
	return b
}

// keyed is a row with its key in the encoded form. Postgres may hold two different forms equal (0
// and -0 of double precision, for example). It then answers 21000, and the batch is halved until the
// two rows are in different statements.
type keyed struct {
	row int
	key string
}

// byKey returns the rows sorted by key, so that two batches take their row locks in the same order
// and cannot deadlock. The newest row of each key comes first.
func (s *statement) byKey(events []Event, rows []int) []keyed {
	sorted := make([]keyed, len(rows))
	for n, i := range rows {
		sorted[n] = keyed{row: i, key: s.keyOf(events[i].Row)}
	}
	slices.SortFunc(sorted, func(x, y keyed) int {
		return cmp.Or(strings.Compare(x.key, y.key), age(&events[x.row], &events[y.row]), x.row-y.row)
	})
	return sorted
}

// newestPerKey returns one row per key, because a statement may not change a row twice (SQLSTATE
// 21000).
func (s *statement) newestPerKey(events []Event, rows []int) []int {
	sorted := slices.CompactFunc(s.byKey(events, rows), func(x, y keyed) bool { return x.key == y.key })
	newest := make([]int, len(sorted))
	for n, k := range sorted {
		newest[n] = k.row
	}
	return newest
}

// repeated is how many rows are an event that another row is, too.
func (s *statement) repeated(events []Event, rows []int) int {
	sorted := s.byKey(events, rows)
	return len(sorted) - len(slices.CompactFunc(sorted, func(x, y keyed) bool {
		return x.key == y.key && age(&events[x.row], &events[y.row]) == 0
	}))
}

func (s *statement) keyOf(row contract.Row) string {
	var key []byte
	for _, c := range s.key {
		key = s.types[c].AppendValue(key, row.Value(c))
	}
	return string(key)
}

// places returns the indexes of the named columns among the table's.
func places(table contract.Table, names []string) []int {
	var list []int
	for _, name := range names {
		list = append(list, slices.IndexFunc(table.Columns, func(c contract.Column) bool { return c.Name == name }))
	}
	return list
}
