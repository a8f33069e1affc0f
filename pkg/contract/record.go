package contract

import (
	"encoding/binary"
	"math"
	"time"

	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/contract/stored"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/privacy"
)

// Record is a decoded message that keeps to its contract. Its values are raw, so it has no
// accessor: all that can be done with it is [Contract.Mask]. It is immutable and safe for
// concurrent use, unless it is one of a batch, see [Rows.Decode].
type Record struct {
	privacy.Hidden
	contract *Contract
	content  func() *content // see [privacy.Hidden]
	serial   int             // that the content must have
}

// content is what a record says. A batch uses one content again for each record.
type content struct {
	serial    int
	values    []Value         // by the property's column
	masked    []stored.Masked // in the order of the columns
	recovered [][]byte        // in the order of Schema.Recover, as they stand in the message; nil for null
	identity  Identity
}

// The types of a message, and of what it says about its event's id and time.
type (
	Message  = envelope.Message
	Identity = origin.Identity
)

// Identity is what the message says of its event's id and time.
func (r Record) Identity() Identity { return r.content().identity }

// ownIdentity is what the properties with x-event-id and x-event-time say.
func (d *decoding) ownIdentity() (own Identity) {
	if i := d.schema.Origin.EventID; i >= 0 {
		own.ID = text(d.schema.Table.Columns[i].Type, d.values[i])
	}
	if i := d.schema.Origin.EventTime; i >= 0 {
		own.SentAt, own.Field = d.values[i].Time(), d.schema.Columns[i].Path
		if d.schema.Table.Columns[i].Type == BigInt {
			own.SentAt = time.UnixMilli(d.values[i].Int())
		}
	}
	return own
}

// Rows decodes the messages of a batch and makes its rows. They share a few large buffers, in
// Postgres's binary form, so that a row costs no allocation and is copied, and not converted, when
// it is written. It is not safe for concurrent use; its rows are, once the last one is made.
type Rows struct {
	privacy.Hidden
	contract *Contract
	keyring  *mask.Keyring
	decoding decoding
	chunk    *[]byte       // buffer that the next row goes to
	bytes    func() []byte // of chunk
	longest  int           // row so far, in bytes
	plain    []byte        // scratch space of Seal, with zeros in it
}

const (
	maxChunk  = 256 << 10
	fieldSize = 32 // guess: the length of a value, and the value
)

// Rows returns a maker of about n rows. k may be nil if the contract has no tokens.
func (c *Contract) Rows(k *mask.Keyring, n int) *Rows {
	r := &Rows{contract: c, keyring: k}
	r.newChunk(min(n*len(c.schema.Columns)*fieldSize, maxChunk))
	return r
}

// newChunk makes the buffer for the next rows. They keep a function that returns it, see
// [privacy.Hidden].
func (r *Rows) newChunk(size int) {
	chunk := make([]byte, 0, size)
	r.chunk, r.bytes = &chunk, func() []byte { return chunk }
}

// begin returns where the next row begins. It takes another buffer, of twice the size, rather than
// have one grow, which would copy it.
func (r *Rows) begin() (from int) {
	if from = len(*r.chunk); from > 0 && cap(*r.chunk)-from < r.longest {
		r.newChunk(max(min(2*cap(*r.chunk), maxChunk), r.longest))
		return 0
	}
	return from
}

func (r *Rows) end(from int) Row {
	row := Row{contract: r.contract, bytes: r.bytes, from: from, to: len(*r.chunk)}
	r.longest = max(r.longest, row.to-row.from)
	return row
}

// Row is a masked record: the values in the order of the table's columns. Columns without a mask
// hold what the message said, which may be personal as well (the id of a user), so a Row prints as
// [hidden]. It is immutable. The zero Row has no values.
type Row struct {
	privacy.Hidden
	contract *Contract
	bytes    func() []byte // of the buffer
	from, to int           // in the buffer
}

// Encoded is the row in Postgres's binary form: the values one after the other, as [wire.Cut] takes
// them apart. It must not be changed.
func (r Row) Encoded() []byte {
	if r.bytes == nil {
		return nil
	}
	return r.bytes()[r.from:r.to:r.to]
}

// Len is the number of values, 0 for the zero Row.
func (r Row) Len() int {
	if r.contract == nil {
		return 0
	}
	return len(r.contract.schema.Columns)
}

// Value is the value of column i, 0 <= i < Len(). It reads the row from its beginning.
func (r Row) Value(i int) Value {
	encoded := r.Encoded()
	value, _, rest := wire.Cut(encoded)
	for range i {
		value, _, rest = wire.Cut(rest)
	}
	if value == nil {
		return Value{}
	}
	return valueOf(r.contract.schema.Columns[i].Type, value)
}

// appendValue appends a value that is not NULL, with its length.
func appendValue(b []byte, t Type, v *Value) []byte {
	at := len(b)
	b = wire.Begin(b)
	switch t.Base() {
	case BigInt, Double:
		b = binary.BigEndian.AppendUint64(b, v.bits[0])
	case Boolean:
		b = wire.AppendBool(b, v.Bool())
	case UUID:
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, v.bits[0]), v.bits[1])
	case Date:
		b = wire.AppendDate(b, v.Int())
	case Timestamptz:
		b = wire.AppendTime(b, v.Int())
	case JSONB:
		b = append(append(b, wire.JSONBVersion), v.text...)
	case Numeric:
		b = wire.AppendNumeric(b, v.text)
	default:
		b = append(b, v.text...)
	}
	return wire.End(b, at)
}

// valueOf reads what appendValue has written, without its length.
func valueOf(t Type, b []byte) Value {
	switch t.Base() {
	case BigInt:
		return intValue(int64(binary.BigEndian.Uint64(b)))
	case Double:
		return floatValue(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case Boolean:
		return intValue(int64(b[0]))
	case UUID:
		return uuidValue([16]byte(b))
	case Date:
		return intValue(wire.Date(b))
	case Timestamptz:
		return intValue(wire.Time(b))
	case JSONB:
		return textValue(string(b[1:]))
	case Numeric:
		return textValue(wire.Numeric(b))
	default:
		return textValue(string(b))
	}
}
