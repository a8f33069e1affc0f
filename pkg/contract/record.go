package contract

import (
	"time"

	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/privacy"
)

// Record is a decoded message that keeps to its contract. Its values are raw, so it has no
// accessor: all that can be done with it is [Contract.Mask]. It is immutable and safe for
// concurrent use.
type Record struct {
	privacy.Hidden
	contract *Contract
	values   values
	masked   []maskedText // of stored values
	identity *Identity
}

// What a message is, and what it says of its event's identity.
type (
	Message  = envelope.Message
	Identity = origin.Identity
)

func newRecord(c *Contract, d *decoding, identity Identity) Record {
	r := Record{contract: c, values: newValues(d.values), masked: d.masked}
	if identity != (Identity{}) {
		r.identity = &identity
	}
	return r
}

// Identity is what the message says of its event's id and time.
func (r Record) Identity() Identity {
	if r.identity == nil {
		return Identity{}
	}
	return *r.identity
}

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

// values are behind a function because printing by reflection cannot look into a function.
// privacy.Hidden is not enough where a Record or a Row is an unexported field of another struct:
// fmt calls no method there and prints the fields that it finds.
type values func() []Value

func newValues(v []Value) values { return func() []Value { return v } }

// Row is a masked record: the values in the order of the table's columns. Columns without a mask
// hold what the message said, which may be personal as well (the id of a user), so a Row prints as
// [hidden]. It is immutable and safe for concurrent use.
type Row struct {
	privacy.Hidden
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
