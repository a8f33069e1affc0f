package violation

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

// Syntax returns the first mistake in the syntax of a message that has one. declared has the names
// that the contract declares.
//
// It turns an error of jsontext, whose text quotes the message, into a violation, which does not.
func Syntax(declared map[string]bool, body []byte) *Violation {
	err := syntaxError(body)
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTrailing):
		return &Violation{Rule: Trailing, Malformed: true}
	case errors.Is(err, errNotObject):
		return &Violation{Rule: Type, Malformed: true}
	case !errors.As(err, &syntax):
		return &Violation{Rule: JSON, Malformed: true}
	}
	location := slices.Collect(syntax.JSONPointer.Tokens())
	rest := body[min(max(int(syntax.ByteOffset), 0), len(body)):]
	r, size := utf8.DecodeRune(rest)
	switch {
	case len(location) >= MaxNesting:
		return &Violation{Field: Field(declared, location[:1]), Rule: Nesting}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &Violation{Field: Field(declared, location), Rule: Duplicate}
	case startsWithSurrogate(rest):
		return &Violation{Field: Field(declared, location), Rule: Surrogate}
	case r == utf8.RuneError && size == 1:
		return &Violation{Field: Field(declared, location), Rule: UTF8, Malformed: true}
	default:
		return &Violation{Rule: JSON, Malformed: true}
	}
}

func startsWithSurrogate(b []byte) bool {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return false
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return err == nil && utf16.IsSurrogate(rune(unit))
}

// Field writes a location in a message as a Violation does: by the names that the contract
// declares, and * in place of any other name.
func Field(declared map[string]bool, location []string) string {
	var path []string
	for _, name := range location {
		if !declared[name] {
			name = "*"
		}
		path = append(path, name)
	}
	return strings.Join(path, ".")
}
