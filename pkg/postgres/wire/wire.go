// Package wire writes values in Postgres's binary form, for arrays and for COPY. It is apart from
// the writer because it knows types and bytes, and no connection.
package wire

import (
	"encoding/binary"
	"math"
	"time"

	"sqs2pg/pkg/contract"
)

// Encoding says how the values of a column type are sent: as one array in Postgres's binary form,
// which the statement unnests into rows. The array is built straight from the rows, without a slice
// per column or a conversion per value.
type Encoding struct {
	SQL     string // name of the element type
	Array   uint32 // oid of the array type
	Element uint32 // oid of the element type
	append  func([]byte, contract.Value) []byte
}

// encodings has the base of each type. Object identifiers are fixed for built-in types: see
// pg_type.dat in Postgres's source.
var encodings = map[contract.Type]Encoding{
	contract.Text:        {"text", 1009, 25, func(b []byte, v contract.Value) []byte { return append(b, v.Text()...) }},
	contract.BigInt:      {"bigint", 1016, 20, func(b []byte, v contract.Value) []byte { return appendInt64(b, v.Int()) }},
	contract.Double:      {"double precision", 1022, 701, appendDouble},
	contract.Boolean:     {"boolean", 1000, 16, appendBool},
	contract.UUID:        {"uuid", 2951, 2950, func(b []byte, v contract.Value) []byte { id := v.UUID(); return append(b, id[:]...) }},
	contract.Date:        {"date", 1182, 1082, func(b []byte, v contract.Value) []byte { return AppendDate(b, v.Time()) }},
	contract.Timestamptz: {"timestamptz", 1185, 1184, func(b []byte, v contract.Value) []byte { return AppendTime(b, v.Time()) }},
	contract.JSONB:       {"jsonb", 3807, 3802, func(b []byte, v contract.Value) []byte { return append(append(b, 1), v.Text()...) }}, // 1 is the format's version
	contract.Numeric:     {"numeric", 1231, 1700, appendNumeric},
}

// Of returns the encoding of a type without its modifiers.
func Of(t contract.Type) Encoding { return encodings[t] }

// epoch is the moment from which Postgres counts dates and times.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func appendInt64(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

// AppendTime writes a timestamptz in whole microseconds.
func AppendTime(b []byte, t time.Time) []byte { return appendInt64(b, t.UnixMicro()-epoch.UnixMicro()) }

// AppendDate writes the UTC date of t. It does not use time.Duration, which cannot exceed 292
// years.
func AppendDate(b []byte, t time.Time) []byte {
	const day = 24 * 60 * 60
	seconds := t.Unix() - epoch.Unix()
	if seconds < 0 {
		seconds -= day - 1 // round down
	}
	return binary.BigEndian.AppendUint32(b, uint32(int32(seconds/day)))
}

func appendDouble(b []byte, v contract.Value) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float()))
}

func appendBool(b []byte, v contract.Value) []byte {
	if v.Bool() {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendArray writes the header of a one-dimensional array, as Postgres's array_recv reads it: the
// number of dimensions, whether there are NULLs (only a hint, so always 1), the element type, the
// length, the lower bound.
func AppendArray(b []byte, element uint32, length int) []byte {
	for _, field := range []uint32{1, 1, element, uint32(length), 1} {
		b = binary.BigEndian.AppendUint32(b, field)
	}
	return b
}

// AppendValue writes a value in the form of arrays and COPY: its length in bytes, then its bytes. A
// NULL is the length -1.
func (e Encoding) AppendValue(b []byte, v contract.Value) []byte {
	if v.IsNull() {
		return binary.BigEndian.AppendUint32(b, math.MaxUint32)
	}
	at := len(b)
	b = e.append(append(b, 0, 0, 0, 0), v)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}
