package contract

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// syntaxViolation turns jsontext's error, whose text quotes the message, into one
// that does not.
func (d *decoding) syntaxViolation(body []byte, err error) *Violation {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTrailing):
		return &Violation{Rule: ruleTrailing, Malformed: true}
	case errors.Is(err, errNotObject):
		return &Violation{Rule: ruleType, Malformed: true}
	case !errors.As(err, &syntax):
		return &Violation{Rule: ruleJSON, Malformed: true}
	}
	location := slices.Collect(syntax.JSONPointer.Tokens())
	rest := body[min(max(int(syntax.ByteOffset), 0), len(body)):]
	r, size := utf8.DecodeRune(rest)
	switch {
	case len(location) >= maxNesting:
		return &Violation{Field: d.contract.field(location[:1]), Rule: ruleNesting}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &Violation{Field: d.contract.field(location), Rule: ruleDuplicate}
	case startsWithSurrogate(rest):
		return &Violation{Field: d.contract.field(location), Rule: ruleSurrogate}
	case r == utf8.RuneError && size == 1:
		return &Violation{Field: d.contract.field(location), Rule: ruleUTF8, Malformed: true}
	default:
		return &Violation{Rule: ruleJSON, Malformed: true}
	}
}

func startsWithSurrogate(b []byte) bool {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return false
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return err == nil && utf16.IsSurrogate(rune(unit))
}

// field writes a location in a message as a Violation does: names that the
// contract declares, and * for whatever the message made up.
func (c *Contract) field(location []string) string {
	var path []string
	for _, name := range location {
		if !c.declared[name] {
			name = "*"
		}
		path = append(path, name)
	}
	return strings.Join(path, ".")
}
