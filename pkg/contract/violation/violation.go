// Package violation says which rule of a contract a message breaks, and where, without anything that
// the message says.
package violation

// Violation says which rule a message breaks, and where. It never holds anything that the message
// says, so it may be logged, stored and shown.
type Violation struct {
	// Field is the path of the value from the root, joined by dots; "" is the message as a whole. A
	// name that the contract does not declare is written as *, and so is the index of an array.
	Field string

	// Rule is the schema keyword that the value breaks, such as "required", "type", "maxLength" or
	// "format ip", our keyword "x-type" for a string that is not a number, or one of: "json" (the
	// message is not JSON), "utf-8", "surrogate" (half of a surrogate pair), "duplicate member",
	// "trailing bytes", "nesting" (deeper than 64), "nul" (the character U+0000, which Postgres
	// cannot store) and "range" (a number that the column cannot hold).
	Rule string

	// Malformed is set if the message is not a JSON object: the rules json, utf-8, trailing bytes,
	// and type for the message as a whole.
	Malformed bool

	// Hint says what to do about a body that is not the event itself, with one of the rules
	// "envelope", "sns confirmation", "s3 test event" and "s3 pointer"; else it is empty.
	Hint string
}

// Outcome is what became of the message, in the words of the function's log.
func (v *Violation) Outcome() string {
	switch {
	case v.Malformed:
		return "malformed"
	case v.Rule == Match:
		return "unmatched"
	}
	return "invalid"
}

// Error joins the outcome, the field, the rule and the hint: "invalid: ip: format ip".
func (v *Violation) Error() string {
	text := v.Outcome()
	for _, part := range []string{v.Field, v.Rule, v.Hint} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

// The rules that are not keywords of JSON Schema.
const (
	JSON      = "json"
	UTF8      = "utf-8"
	Surrogate = "surrogate"
	Duplicate = "duplicate member"
	Trailing  = "trailing bytes"
	Nesting   = "nesting"
	NUL       = "nul"
	Range     = "range"
	Type      = "type"
	Required  = "required"
	XType     = "x-type"
	Match     = "x-match" // no contract's pattern matches the message
)

// MaxNesting is how deep the arrays and objects of a message may be nested.
const MaxNesting = 64
