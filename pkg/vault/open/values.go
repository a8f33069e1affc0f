package open

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/privacy"
)

// Values are what was sealed for one row: raw JSON values by the paths of their properties. They
// print as [hidden].
type Values struct {
	privacy.Hidden
	paths []string
	raw   func(path string) jsontext.Value // see [privacy.Hidden]
	wipe  func()
}

// Paths lists the properties that have a value, in the contract's order.
func (v Values) Paths() []string { return slices.Clone(v.paths) }

// Raw is the JSON text of a property as it was sent, valid until Wipe; nil if there is none.
func (v Values) Raw(path string) jsontext.Value {
	if v.raw == nil {
		return nil
	}
	return v.raw(path)
}

// Wipe overwrites the values in memory. Copies that the caller made remain.
func (v Values) Wipe() {
	if v.wipe != nil {
		v.wipe()
	}
}

// parse reads a JSON object with spaces behind it.
func parse(plain []byte) (Values, error) {
	paths, raw, err := members(plain)
	if err != nil {
		clear(plain)
		return Values{}, fmt.Errorf("%w: they are not those of an event, so another program sealed them: find out who else has the login of the writer", ErrSealed)
	}
	return Values{
		paths: paths, raw: func(path string) jsontext.Value { return raw[path] },
		wipe: func() { clear(plain) },
	}, nil
}

// members returns the members of an object: their names in order, and slices of plain.
func members(plain []byte) (names []string, raw map[string]jsontext.Value, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(plain)) // which it does not copy
	if kind := d.PeekKind(); kind != '{' {
		return nil, nil, fmt.Errorf("it begins with %v", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, nil, err
	}
	raw = map[string]jsontext.Value{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, nil, err
		}
		path := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, nil, err
		}
		end := int(d.InputOffset())
		names, raw[path] = append(names, path), plain[end-len(value):end:end]
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, nil, fmt.Errorf("something follows: %w", err)
	}
	return names, raw, nil
}
