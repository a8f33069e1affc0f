package event

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/wire"
)

// Newest returns one of rows for each key, because a statement may not change a row twice (SQLSTATE
// 21000). They are sorted by key, so that two batches take their row locks in the same order and
// cannot deadlock. rows are indexes of events; key has the places of the key's columns.
func Newest(events []Event, rows, key []int) []int {
	sorted := slices.CompactFunc(byKey(events, rows, key), func(x, y keyed) bool { return x.key == y.key })
	newest := make([]int, len(sorted))
	for n, k := range sorted {
		newest[n] = k.row
	}
	return newest
}

// Repeated is how many of rows are an event that another one of them is, too.
func Repeated(events []Event, rows, key []int) int {
	sorted := byKey(events, rows, key)
	return len(rows) - len(slices.CompactFunc(sorted, func(x, y keyed) bool {
		return x.key == y.key && age(&events[x.row], &events[y.row]) == 0
	}))
}

// keyed is a row with its key in the encoded form. Postgres may hold two different forms equal (0
// and -0 of double precision, for example). It then answers 21000, and the batch is halved until the
// two rows are in different statements.
type keyed struct {
	row int
	key string
}

// byKey returns the rows sorted by key. The newest row of each key comes first.
func byKey(events []Event, rows, key []int) []keyed {
	sorted := make([]keyed, len(rows))
	for n, i := range rows {
		sorted[n] = keyed{row: i, key: keyOf(events[i].Row, key)}
	}
	slices.SortFunc(sorted, func(x, y keyed) int {
		return cmp.Or(strings.Compare(x.key, y.key), age(&events[x.row], &events[y.row]), x.row-y.row)
	})
	return sorted
}

func keyOf(row contract.Row, key []int) string {
	var fields [][]byte
	for encoded := row.Encoded(); len(encoded) > 0; {
		var field []byte
		_, field, encoded = wire.Cut(encoded)
		fields = append(fields, field)
	}
	var text []byte
	for _, c := range key {
		text = append(text, fields[c]...)
	}
	return string(text)
}

// age orders events by their version, the newest first.
func age(x, y *Event) int {
	return cmp.Or(cmp.Compare(y.SentAt.UnixMicro(), x.SentAt.UnixMicro()), bytes.Compare(y.version(), x.version()))
}

// version is compared between events of the same time.
func (e *Event) version() []byte {
	if e.hasSequence() {
		return e.Sequence[:]
	}
	return e.ID[:]
}
