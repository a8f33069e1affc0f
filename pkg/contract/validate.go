package contract

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	errorkind "github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// validate asks the schema library, for the keywords beyond the plan. The body
// has been decoded before, so its numbers are in proportion and its depth is small.
func (c *Contract) validate(body []byte) *Violation {
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return &Violation{Rule: ruleJSON, Malformed: true}
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(c.schema.Validate(message), &invalid) {
		return nil
	}
	// The library goes through maps, so its order differs from run to run.
	found := c.violations(nil, invalid)
	return slices.MinFunc(found, func(a, b *Violation) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule))
	})
}

// violations collects what the library complains of. Below a keyword that
// combines schemas, such as anyOf, any of the complaints may be beside the point,
// so that keyword itself is the rule.
func (c *Contract) violations(found []*Violation, e *jsonschema.ValidationError) []*Violation {
	switch e.ErrorKind.(type) {
	case *errorkind.Schema, *errorkind.Group, *errorkind.Reference, *errorkind.AllOf:
		for _, cause := range e.Causes {
			found = c.violations(found, cause)
		}
		return found
	}
	field, rule := c.field(slices.Values(e.InstanceLocation)), "false"
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		rule = path[0]
	}
	switch k := e.ErrorKind.(type) {
	case *errorkind.Required:
		field = join(field, k.Missing[0])
	case *errorkind.DependentRequired:
		field = join(field, k.Missing[0])
	case *errorkind.AdditionalProperties, *errorkind.PropertyNames:
		field = join(field, "*")
	case *errorkind.Format:
		rule += " " + k.Want
	case *errorkind.Not:
		rule = "not"
	}
	return append(found, &Violation{Field: field, Rule: rule})
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
