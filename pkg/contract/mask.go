package contract

import (
	"sqs2pg/pkg/contract/masking"
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

// maskValue makes the tokens. Decode has applied the masks that need no key, so a record holds no
// more than they leave.
func maskValue(m *masking.Masking, k *mask.Keyring, v Value) Value {
	if v.IsNull() {
		return v
	}
	switch m.Kind {
	case mask.Token:
		return textValue(k.Token(m.Domain, v.text))
	case mask.Drop:
		return Value{}
	default:
		return v
	}
}
