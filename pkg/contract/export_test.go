package contract

import (
	"bytes"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// LibraryViolations is what the schema library alone says of a message, for a
// contract that needs it.
func (c *Contract) LibraryViolations(body []byte) ([]*Violation, bool) {
	if c.schema == nil {
		return nil, false
	}
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	return c.violations(nil, c.schema.Validate(message)), true
}
