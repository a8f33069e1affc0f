package contract

import (
	"net/netip"
	"slices"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/mask"
)

// Mask makes one row of a record, see [Rows.Mask].
func (c *Contract) Mask(k *mask.Keyring, record Record) Row { return c.Rows(k, 1).Mask(record) }

// Mask replaces the values that the contract masks, and returns the row. It cannot fail: Decode has
// refused whatever could be wrong with a value. NULL stays NULL. Mask panics for a record that
// another contract decoded,
// or after the next one of its batch.
func (r *Rows) Mask(record Record) Row {
	if record.contract != r.contract {
		panic("contract: Mask of a record that another contract decoded")
	}
	content := record.content()
	if content.serial != record.serial {
		panic("contract: Mask of a record after the next one of its batch was decoded")
	}
	values := content.values
	if len(content.masked) > 0 {
		values = slices.Clone(values)
		maskTexts(r.keyring, values, content.masked)
	}
	from := r.begin()
	b := *r.chunk
	for i, p := range r.contract.schema.Columns {
		b = appendMasked(b, r.keyring, p, &values[i])
	}
	*r.chunk = b
	return r.end(from)
}

// appendMasked appends a value as it is stored.
func appendMasked(b []byte, k *mask.Keyring, p *schema.Property, v *Value) []byte {
	switch {
	case !v.set:
		return wire.AppendNull(b)
	case p.Masking.Kind == mask.None:
		return appendValue(b, p.Type, v)
	case p.Masking.Kind == mask.Token:
		at := len(b)
		return wire.End(k.AppendToken(wire.Begin(b), p.Masking.Domain, v.text), at)
	}
	masked := maskValue(&p.Masking, k, *v)
	if !masked.set {
		return wire.AppendNull(b)
	}
	return appendValue(b, p.Type, &masked)
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
