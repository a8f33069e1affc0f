// Package masking says how the values of a property are masked: which masks make sense for which
// values, in which form equal values are equal, and what each mask makes of a value.
package masking

import (
	"net/netip"
	"strconv"
	"time"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// Masking says how the values of a property are masked.
type Masking struct {
	Kind   mask.Kind
	Domain string // see [mask.Keyring.Token]
	Form   Form   // of tokens
}

// String returns the kind, and for tokens what else makes those of equal values equal:
// token "DOMAIN", or token "DOMAIN" as FORM. The domain is empty if it is the name of a member that
// only a pattern allows.
func (m Masking) String() string {
	switch {
	case m.Kind != mask.Token:
		return m.Kind.String()
	case m.Form == AsWritten:
		return m.Kind.String() + " " + strconv.Quote(m.Domain)
	default:
		return m.Kind.String() + " " + strconv.Quote(m.Domain) + " as " + string(m.Form)
	}
}

// Type is the type of a column for masked values, which have the given type without a mask.
func (m Masking) Type(unmasked table.Type) table.Type {
	switch m.Kind.Base() {
	case mask.None, mask.Bucket:
		return unmasked
	case mask.DateYear, mask.DateMonth:
		return table.Date
	default:
		return table.Text
	}
}

// MasksNumbers reports whether the mask is for numbers; if not, it is for strings. Drop is for
// both.
func (m *Masking) MasksNumbers() bool { return m.Form == Number || m.Kind.Base() == mask.Bucket }

// Text masks a string, which has passed the checks of its property, by a mask that needs no key.
// For a token it returns the form that is still to be masked, and without a mask the string itself.
func (m *Masking) Text(s string) string {
	switch m.Kind {
	case mask.Token:
		return m.Form.Of(s)
	case mask.SHA256:
		return mask.SHA256Prefix(s)
	case mask.Network:
		addr, _ := netip.ParseAddr(s)
		return mask.IPNetwork(addr)
	case mask.EmailDomain:
		return mask.DomainOfEmail(s)
	case mask.LastFour:
		return mask.LastCharacters(s)
	case mask.DateYear, mask.DateMonth:
		return m.Day(s).Format(time.DateOnly)
	default:
		return s
	}
}

// Day masks a date or a date-time by DateYear or DateMonth.
func (m *Masking) Day(s string) time.Time {
	day, _ := scalar.Day(s)
	return mask.FirstDay(m.Kind, day)
}

// Number masks a JSON number, which is in proportion, as Text masks a string. Its result is a JSON
// number.
func (m *Masking) Number(number []byte) string {
	switch d := scalar.ParseDecimal(number); m.Kind.Base() {
	case mask.Token:
		return d.Canonical()
	case mask.Bucket:
		return d.Floor(m.Kind.Width()).String()
	default:
		return string(number)
	}
}
