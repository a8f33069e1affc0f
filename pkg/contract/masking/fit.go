package masking

import (
	"fmt"

	"sqs2pg/pkg/mask"
)

// Values is what a schema says of the values that are to be masked.
type Values struct {
	Type    string // of JSON Schema; "" if there are several besides null, or none
	Format  string
	Numeric bool // the column has x-type
}

// Refusal says why a mask makes no sense for values, and what to do about it; "" if it makes sense.
func Refusal(kind mask.Kind, v Values) string {
	text, number := v.Type == "string", v.Type == "integer" || v.Type == "number"
	wants := func(what string) string {
		return fmt.Sprintf("%s masks %s: give it that type, drop it, or do not declare it, then it is not stored", kind, what)
	}
	switch base := kind.Base(); {
	case base == mask.None || base == mask.Drop:
	case base == mask.Bucket && !number && !(text && v.Numeric):
		return wants("a number")
	case base == mask.Bucket:
	case v.Numeric:
		return "the masked value is stored as text: remove x-type or x-mask"
	case base == mask.Token && !text && !number:
		return wants("a string or a number")
	case base != mask.Token && !text:
		return wants("a string")
	case base == mask.Network && FormOf(v.Format) != IP:
		return `ip-network needs an address: add "format": "ip"`
	case base == mask.EmailDomain && v.Format != "email":
		return `email-domain needs an email address: add "format": "email"`
	case base == mask.LastFour && v.Format != "":
		return "last-4 is for a string without a format, such as a card number: remove format, or use another mask"
	case (base == mask.DateYear || base == mask.DateMonth) && v.Format != "date" && v.Format != "date-time":
		return kind.String() + ` needs a date: add "format": "date" or "date-time"`
	}
	return ""
}

// FormOf is the form of tokens of strings with a format.
func FormOf(format string) Form {
	switch format {
	case "ip", "ipv4", "ipv6":
		return IP
	case "uuid":
		return UUID
	default:
		return AsWritten
	}
}

// NormalizeRefusal is [Refusal] for x-normalize.
func NormalizeRefusal(normalize Form, v Values) string {
	switch {
	case v.Type != "string":
		return "it is for strings: remove it"
	case FormOf(v.Format) != AsWritten:
		return fmt.Sprintf("a token of format %s has a form already: remove it", v.Format)
	case normalize == Email && v.Format != "email" && v.Format != "":
		return fmt.Sprintf("a string of format %s is not an email address: remove it", v.Format)
	case normalize == Digits && v.Format != "":
		return fmt.Sprintf("digits alone do not tell values of format %s apart: remove it", v.Format)
	}
	return ""
}
