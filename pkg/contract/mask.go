package contract

import (
	"slices"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/stored"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/mask"
)

// Mask makes one row of a record, see [Rows.Mask].
func (c *Contract) Mask(k *mask.Keyring, record Record) Row { return c.Rows(k, 1).Mask(record) }

// Mask replaces the values that the contract masks, and returns the row. It cannot fail: Decode has
// refused whatever could be wrong with a value. NULL stays NULL. Mask panics for a record that
// another contract decoded, or after the next one of its batch was decoded.
func (r *Rows) Mask(record Record) Row {
	content := r.contentOf(record)
	values := content.values
	if len(content.masked) > 0 {
		values = slices.Clone(values)
		maskInside(r.keyring, values, content.masked)
	}
	from := r.begin()
	b := *r.chunk
	for i, p := range r.contract.schema.Columns {
		b = appendColumn(b, r.keyring, p, &values[i])
	}
	*r.chunk = b
	return r.end(from)
}

// contentOf returns what a record says, or panics as Mask does.
func (r *Rows) contentOf(record Record) *content {
	if record.contract != r.contract {
		panic("contract: a record that another contract decoded")
	}
	content := record.content()
	if content.serial != record.serial {
		panic("contract: a record after the next one of its batch was decoded")
	}
	return content
}

// maskInside masks strings and numbers inside of stored values.
func maskInside(k *mask.Keyring, values []Value, masked []stored.Masked) {
	for len(masked) > 0 {
		column := masked[0].Column
		n := 1
		for n < len(masked) && masked[n].Column == column {
			n++
		}
		values[column] = textValue(stored.Mask(k, values[column].text, masked[:n]))
		masked = masked[n:]
	}
}

// appendColumn appends the value of a column. Decode has applied the masks that need no key, so a
// record holds no more than they leave.
func appendColumn(b []byte, k *mask.Keyring, p *schema.Property, v *Value) []byte {
	switch {
	case !v.set || p.Masking.Kind == mask.Drop:
		return wire.AppendNull(b)
	case p.Masking.Kind == mask.Token:
		at := len(b)
		return wire.End(k.AppendToken(wire.Begin(b), p.Masking.Domain, v.text), at)
	default:
		return appendValue(b, p.Type, v)
	}
}
