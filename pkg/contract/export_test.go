package contract

import (
	"bytes"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// LibraryViolations returns what the schema library alone says of a message, and false for a
// contract that does not need the library.
func (c *Contract) LibraryViolations(body []byte) ([]*Violation, bool) {
	if c.schema.Library == nil {
		return nil, false
	}
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	return c.violations(nil, c.schema.Library.Validate(message)), true
}
