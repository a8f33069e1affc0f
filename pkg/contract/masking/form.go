package masking

import (
	"strings"
	"unicode"

	"sqs2pg/pkg/contract/scalar"
)

// Form is how values are written before they become tokens. Values of the same form have the same
// token.
type Form string

// The forms of tokens. A contract asks for Lower, Email and Digits by x-normalize; the others
// follow from format and type.
const (
	AsWritten Form = ""
	IP        Form = "ip"     // see [scalar.CanonicalIP]
	UUID      Form = "uuid"   // in lower case
	Number    Form = "number" // see [scalar.Decimal.Canonical]
	Lower     Form = "lower"  // in lower case, without white space around it
	Email     Form = "email"  // the same; a plus sign and dots in the local part stay
	Digits    Form = "digits" // the decimal digits alone
)

// Of gives all ways to write a value the same text.
func (f Form) Of(s string) string {
	switch f {
	case IP:
		return scalar.CanonicalIP(s)
	case UUID:
		return strings.ToLower(s)
	case Number:
		return scalar.ParseDecimal([]byte(s)).Canonical()
	case Lower, Email:
		return strings.ToLower(strings.TrimSpace(s))
	case Digits:
		return strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s)
	default:
		return s
	}
}
