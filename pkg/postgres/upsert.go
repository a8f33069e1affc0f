package postgres

import (
	"cmp"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/wire"
)

// newestPerKey returns one row per key, because a statement may not change a row twice (SQLSTATE
// 21000): the newest by SentAt, and of equally new ones the last. The rows are sorted by key, so
// two batches take their row locks in the same order and cannot deadlock.
func (s *statement) newestPerKey(events []Event, rows []int) []int {
	type keyed struct {
		row int
		key string
	}
	sorted := make([]keyed, len(rows))
	for n, i := range rows {
		sorted[n] = keyed{row: i, key: s.keyOf(events[i].Row)}
	}
	slices.SortFunc(sorted, func(x, y keyed) int {
		return cmp.Or(strings.Compare(x.key, y.key), events[y.row].SentAt.Compare(events[x.row].SentAt), y.row-x.row)
	})
	sorted = slices.CompactFunc(sorted, func(x, y keyed) bool { return x.key == y.key })
	newest := make([]int, len(sorted))
	for n, k := range sorted {
		newest[n] = k.row
	}
	return newest
}

// keyOf returns the key in its encoded form. Postgres may hold two different forms equal (0 and -0
// of double precision, for example). It then answers 21000, and the batch is halved until the two
// rows are in different statements.
func (s *statement) keyOf(row contract.Row) string {
	var fields [][]byte
	for encoded := row.Encoded(); len(encoded) > 0; {
		var field []byte
		_, field, encoded = wire.Cut(encoded)
		fields = append(fields, field)
	}
	var key []byte
	for _, c := range s.key {
		key = append(key, fields[c]...)
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
