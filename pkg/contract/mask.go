package contract

import (
	"net/netip"

	"sqs2pg/pkg/mask"
)

// Mask replaces the values that the contract masks. It cannot fail: whatever
// could be wrong with a value has been refused by Decode. A null stays null. The
// record must be one that this contract decoded; k may be nil if the contract
// has no tokens.
func (c *Contract) Mask(k *mask.Keyring, r Record) Row {
	if r.contract != c {
		panic("contract: Mask of a record that another contract decoded")
	}
	raw, masked := r.values(), make([]Value, len(c.columns))
	for i, p := range c.columns {
		masked[i] = p.masked(k, raw[i])
	}
	return Row{values: newValues(masked)}
}

func (p *property) masked(k *mask.Keyring, v Value) Value {
	if v.IsNull() {
		return v
	}
	switch p.mask {
	case mask.Token:
		return textValue(k.Token(p.domain, v.text))
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
