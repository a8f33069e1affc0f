package contract

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/violation"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/privacy"
)

// Value is one value of a column. Only the accessor of the column's type has a meaning, and no
// accessor has one for NULL. A Value prints as [hidden], except in an unexported field of another
// struct, where fmt finds its text: keep the Row instead.
type Value struct {
	privacy.Hidden
	set  bool
	text string
	bits [2]uint64 // bits[0] also holds an int64, a float64, a bool, microseconds since 1970
}

// IsNull reports whether the value is NULL.
func (v Value) IsNull() bool { return !v.set }

// Text is the value of a Text column, the compact JSON text of a JSONB one, and the digits of a
// Numeric one: -12.50, without exponent. A numeric(p,s) always has s digits after the point.
func (v Value) Text() string { return v.text }

// Int is the value of a BigInt column.
func (v Value) Int() int64 { return int64(v.bits[0]) }

// Float is the value of a Double column. It is finite.
func (v Value) Float() float64 { return math.Float64frombits(v.bits[0]) }

// Bool is the value of a Boolean column.
func (v Value) Bool() bool { return v.bits[0] != 0 }

// Time is the value of a Timestamptz column, in UTC and whole microseconds, or of a Date column, at
// midnight UTC.
func (v Value) Time() time.Time { return time.UnixMicro(int64(v.bits[0])).UTC() }

// UUID is the value of a UUID column.
func (v Value) UUID() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], v.bits[0])
	binary.BigEndian.PutUint64(id[8:], v.bits[1])
	return id
}

func textValue(s string) Value   { return Value{set: true, text: s} }
func intValue(n int64) Value     { return Value{set: true, bits: [2]uint64{uint64(n)}} }
func floatValue(f float64) Value { return Value{set: true, bits: [2]uint64{math.Float64bits(f)}} }

func uuidValue(id [16]byte) Value {
	return Value{set: true, bits: [2]uint64{binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])}}
}

// columnValue is the value of a string that has passed the checks of its property.
func columnValue(p *schema.Property, s string) Value {
	switch p.Type {
	case UUID:
		id, _ := scalar.UUID(s)
		return uuidValue(id)
	case Date:
		if p.Masking.Kind != mask.None {
			return intValue(p.Masking.Day(s).UnixMicro())
		}
		day, _ := scalar.Date(s)
		return intValue(day.UnixMicro())
	case Timestamptz:
		micros, _ := scalar.Timestamp(s)
		return intValue(micros)
	}
	return textValue(p.Masking.Text(s))
}

// integer reads a whole number in the range of bigint. 1.0 and 1e2 are integers in JSON Schema.
func integer(p *schema.Property, raw []byte) (Value, string) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		var rule string
		if n, rule = wholeNumber(raw); rule != "" {
			return Value{}, rule
		}
	}
	if rule := p.Numbers.Check(float64(n), raw); rule != "" {
		return Value{}, rule
	}
	return intValue(n), ""
}

// decimal reads a number, which may be that in a string, exactly.
func decimal(p *schema.Property, number string) (Value, string) {
	raw := []byte(number)
	switch {
	case !scalar.IsNumber(number):
		return Value{}, violation.XType
	case !scalar.InProportion(raw):
		return Value{}, violation.Range
	}
	d := scalar.ParseDecimal(raw)
	if p.Kind == schema.Integer && !d.IsWhole() {
		return Value{}, violation.Type
	}
	if p.Kind == schema.Integer {
		d.Fraction = ""
	}
	if width := p.Masking.Kind.Width(); width > 0 {
		d = d.Floor(width)
	}
	if precision, scale, ok := p.Type.Limits(); ok {
		if !d.Fits(precision, scale) {
			return Value{}, violation.Range
		}
		d = d.WithScale(scale)
	}
	if rule := p.Numbers.Check(near(raw), raw); rule != "" {
		return Value{}, rule
	}
	return textValue(d.String()), ""
}

// near is the double nearest to a number, infinite if the number is too large for one.
func near(number []byte) float64 {
	f, _ := strconv.ParseFloat(string(number), 64)
	return f
}

func wholeNumber(raw []byte) (int64, string) {
	if !scalar.InProportion(raw) {
		return 0, violation.Range
	}
	exact := scalar.Exact(raw)
	if !exact.IsInt() {
		return 0, violation.Type
	}
	if !exact.Num().IsInt64() {
		return 0, violation.Range
	}
	return exact.Num().Int64(), ""
}

// double reads a number as the nearest double.
func double(p *schema.Property, raw []byte) (Value, string) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !scalar.InProportion(raw) {
		return Value{}, violation.Range
	}
	if rule := p.Numbers.Check(f, raw); rule != "" {
		return Value{}, rule
	}
	return floatValue(f), ""
}
