// Package wire writes values in Postgres's binary form, for arrays and for COPY, and reads them
// again. It knows types and bytes, and no connection.
package wire

import (
	"encoding/binary"
	"math"
	"time"

	"sqs2pg/pkg/contract/table"
)

// Encoding says how Postgres names a column type and the arrays of it.
type Encoding struct {
	SQL     string // name of the element type
	Array   uint32 // oid of the array type
	Element uint32 // oid of the element type
}

// encodings has the base of each type. Object identifiers are fixed for built-in types: see
// pg_type.dat in Postgres's source.
var encodings = map[table.Type]Encoding{
	table.Text:        {"text", 1009, 25},
	table.BigInt:      {"bigint", 1016, 20},
	table.Double:      {"double precision", 1022, 701},
	table.Boolean:     {"boolean", 1000, 16},
	table.UUID:        {"uuid", 2951, 2950},
	table.Date:        {"date", 1182, 1082},
	table.Timestamptz: {"timestamptz", 1185, 1184},
	table.JSONB:       {"jsonb", 3807, 3802},
	table.Numeric:     {"numeric", 1231, 1700},
}

// Bytea is the encoding of bytes, which no column of a contract has.
var Bytea = Encoding{"bytea", 1001, 17}

// Of returns the encoding of a type without its modifiers.
func Of(t table.Type) Encoding { return encodings[t] }

// JSONBVersion is the first byte of a jsonb value; its text follows.
const JSONBVersion = 1

// epoch is the moment from which Postgres counts dates and times, in seconds since 1970.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

const day = 24 * 60 * 60

// AppendTime writes a timestamptz: the microseconds since 1970.
func AppendTime(b []byte, micros int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(micros-epoch*1e6))
}

// Time reads what AppendTime has written.
func Time(b []byte) (micros int64) { return int64(binary.BigEndian.Uint64(b)) + epoch*1e6 }

// AppendDate writes the UTC date of a moment: the microseconds since 1970.
func AppendDate(b []byte, micros int64) []byte {
	seconds := micros/1e6 - epoch
	if micros%1e6 < 0 {
		seconds-- // round down
	}
	if seconds < 0 {
		seconds -= day - 1
	}
	return binary.BigEndian.AppendUint32(b, uint32(int32(seconds/day)))
}

// Date reads what AppendDate has written, as midnight UTC.
func Date(b []byte) (micros int64) {
	return (int64(int32(binary.BigEndian.Uint32(b)))*day + epoch) * 1e6
}

// AppendBool writes a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
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

// AppendNull writes a NULL in the form of arrays and COPY: the length -1.
func AppendNull(b []byte) []byte { return binary.BigEndian.AppendUint32(b, math.MaxUint32) }

// Begin makes room for the length of a value, which then is appended. End writes the length: at is
// the length of b before Begin.
func Begin(b []byte) []byte { return append(b, 0, 0, 0, 0) }

// End ends a value, see [Begin].
func End(b []byte, at int) []byte {
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// Cut splits the first value off: the bytes of the value itself, nil for NULL, and what follows.
// Field is the value with its length, as arrays and COPY have it.
func Cut(b []byte) (value, field, rest []byte) {
	length := binary.BigEndian.Uint32(b)
	if length == math.MaxUint32 {
		return nil, b[:4], b[4:]
	}
	end := 4 + int(length)
	return b[4:end:end], b[:end], b[end:]
}
