package contract

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"
)

// Record is a decoded message that keeps to its contract. Its values are raw: it
// has no accessor, and [Contract.Mask] is all that can be done with it. It is
// immutable and safe for concurrent use.
type Record struct {
	concealed
	contract *Contract
	values   values
}

// values are behind a function because fmt, and whatever else prints by
// reflection, cannot look into one. It cannot call Format on an unexported field
// of another struct either, and prints what it finds there instead, behind
// pointers too.
type values func() []Value

func newValues(v []Value) values { return func() []Value { return v } }

// Row is a masked record, the values in the order of the table's columns. Columns
// without a mask hold what the message said, which may be personal as well (a
// user's id), so a Row prints as [hidden]. It is immutable and safe for concurrent use.
type Row struct {
	concealed
	values values
}

// Len is the number of values, 0 for the zero Row.
func (r Row) Len() int {
	if r.values == nil {
		return 0
	}
	return len(r.values())
}

// Value is the value of column i, 0 <= i < Len().
func (r Row) Value(i int) Value { return r.values()[i] }

// Value is one value of a column. Only the accessor of the column's type means
// anything, and none does for a null. A Value prints as [hidden], but not so in
// an unexported field of another struct, where fmt finds its text: keep the Row.
type Value struct {
	concealed
	set  bool
	text string
	bits [2]uint64 // bits[0] also holds an int64, a float64, a bool, microseconds since 1970
}

// IsNull reports whether the value is NULL.
func (v Value) IsNull() bool { return !v.set }

// Text is the value of a Text column, and the compact JSON text of a JSONB one.
func (v Value) Text() string { return v.text }

// Int is the value of a BigInt column.
func (v Value) Int() int64 { return int64(v.bits[0]) }

// Float is the value of a Double column. It is finite.
func (v Value) Float() float64 { return math.Float64frombits(v.bits[0]) }

// Bool is the value of a Boolean column.
func (v Value) Bool() bool { return v.bits[0] != 0 }

// Time is the value of a Timestamptz column, in UTC and whole microseconds, or of
// a Date column, at midnight UTC.
func (v Value) Time() time.Time { return time.UnixMicro(int64(v.bits[0])).UTC() }

// UUID is the value of a UUID column.
func (v Value) UUID() (id [16]byte) {
	for i := range 8 {
		id[i], id[8+i] = byte(v.bits[0]>>(56-8*i)), byte(v.bits[1]>>(56-8*i))
	}
	return id
}

func textValue(s string) Value   { return Value{set: true, text: s} }
func intValue(n int64) Value     { return Value{set: true, bits: [2]uint64{uint64(n)}} }
func floatValue(f float64) Value { return Value{set: true, bits: [2]uint64{math.Float64bits(f)}} }

const hidden = "[hidden]"

// concealed keeps what embeds it out of everything that prints by reflection.
type concealed struct{}

// Format prints [hidden], whatever the verb.
func (concealed) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// LogValue logs [hidden].
func (concealed) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText writes [hidden], also as JSON.
func (concealed) MarshalText() ([]byte, error) { return []byte(hidden), nil }
