package contract

import (
	"net/netip"
	"slices"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/mask"
)

// Mask makes one row of a record, see [Rows.Mask].
func (c *Contract) Mask(k *mask.Keyring, r Record) Row { return c.Rows(k, 1).Mask(r) }

// Mask replaces the values that the contract masks, and returns the row. It cannot fail: Decode has
// refused whatever could be wrong with a value. NULL stays NULL. Mask panics for a record that
// another contract decoded.
func (r *Rows) Mask(record Record) Row {
	if record.contract != r.contract {
		panic("contract: Mask of a record that another contract decoded")
	}
	content := record.contents()[record.index]
	values := content.values
	if len(content.masked) > 0 {
		values = slices.Clone(values)
		maskTexts(r.keyring, values, content.masked)
	}
	from := r.begin()
	b := *r.chunk
	for i, p := range r.contract.schema.Columns {
		if v := &values[i]; v.set && p.Masking.Kind == mask.Token {
			at := len(b)
			b = wire.End(r.keyring.AppendToken(wire.Begin(b), p.Masking.Domain, v.text), at)
		} else if masked := maskValue(&p.Masking, r.keyring, *v); masked.set {
			b = appendValue(b, p.Type, masked)
		} else {
			b = wire.AppendNull(b)
		}
	}
	*r.chunk = b
	return r.end(from)
}

func maskValue(m *schema.Masking, k *mask.Keyring, v Value) Value {
	if v.IsNull() {
		return v
	}
	switch m.Kind {
	case mask.Token:
		return textValue(k.Token(m.Domain, v.text))
	case mask.SHA256:
		return textValue(mask.SHA256Prefix(v.text))
	case mask.Network:
		addr, _ := netip.ParseAddr(v.text)
		return textValue(mask.IPNetwork(addr))
	case mask.Drop:
		return Value{}
	default:
		return v
	}
}
