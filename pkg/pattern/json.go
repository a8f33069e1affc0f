package pattern

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// number is a JSON number as it is written: exact values tell 300 from 3e2.
type number string

// readJSON reads JSON into maps, slices, strings, numbers, booleans and nil.
func readJSON(text []byte, options ...jsontext.Options) (any, error) {
	in := jsontext.NewDecoder(bytes.NewReader(text), options...)
	tree, err := readValue(in)
	if err != nil {
		return nil, err
	}
	if _, err := in.ReadToken(); err == nil {
		return nil, errors.New("more than one value")
	}
	return tree, nil
}

func readValue(in *jsontext.Decoder) (any, error) {
	token, err := in.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		object := map[string]any{}
		for in.PeekKind() != '}' {
			name, err := in.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if object[key], err = readValue(in); err != nil {
				return nil, err
			}
		}
		_, err := in.ReadToken()
		return object, err
	case '[':
		list := []any{}
		for in.PeekKind() != ']' {
			value, err := readValue(in)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := in.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String()), nil
	case 'n':
		return nil, nil
	}
	return token.Bool(), nil
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }
