package contract

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/schema"
)

var (
	errNotObject = errors.New("not an object")
	errTrailing  = errors.New("trailing bytes")
)

// syntaxError returns the first mistake in the syntax of a message.
func syntaxError(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	if d.PeekKind() != '{' {
		if err := d.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	d.ReadToken()
	for d.PeekKind() != '}' {
		if _, err := d.ReadValue(); err != nil { // a name or a value
			return err
		}
	}
	d.ReadToken()
	if _, err := d.ReadToken(); err != io.EOF {
		return errTrailing
	}
	return nil
}

// syntaxViolation turns an error of jsontext, whose text quotes the message, into a violation,
// which does not.
func syntaxViolation(s *schema.Schema, body []byte) *Violation {
	err := syntaxError(body)
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
		return &Violation{Field: fieldOf(s, location[:1]), Rule: ruleNesting}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &Violation{Field: fieldOf(s, location), Rule: ruleDuplicate}
	case startsWithSurrogate(rest):
		return &Violation{Field: fieldOf(s, location), Rule: ruleSurrogate}
	case r == utf8.RuneError && size == 1:
		return &Violation{Field: fieldOf(s, location), Rule: ruleUTF8, Malformed: true}
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

// fieldOf writes a location in a message as a Violation does: by the names that the contract
// declares, and * in place of any other name.
func fieldOf(s *schema.Schema, location []string) string {
	var path []string
	for _, name := range location {
		if !s.Declared[name] {
			name = "*"
		}
		path = append(path, name)
	}
	return strings.Join(path, ".")
}
