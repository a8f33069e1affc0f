package contract

import (
	"net/netip"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/mask"
)

// Mask replaces the values that the contract masks. It cannot fail: Decode has refused whatever
// could be wrong with a value. NULL stays NULL. Mask panics for a record that another contract
// decoded. k may be nil if the contract has no tokens.
func (c *Contract) Mask(k *mask.Keyring, r Record) Row {
	if r.contract != c {
		panic("contract: Mask of a record that another contract decoded")
	}
	raw, masked := r.values(), make([]Value, len(c.schema.Columns))
	for i, p := range c.schema.Columns {
		masked[i] = maskValue(&p.Masking, k, raw[i])
	}
	maskTexts(k, masked, r.masked)
	return Row{values: newValues(masked)}
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
