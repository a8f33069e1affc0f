package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	errorkind "github.com/santhosh-tekuri/jsonschema/v6/kind"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/violation"
)

// validate checks the keywords that only the schema library checks. The body has been decoded
// before, so it is not nested deeply.
func (c *Contract) validate(body []byte) *Violation {
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return &Violation{Rule: violation.JSON, Malformed: true}
	}
	found := c.violations(nil, c.schema.Library.Validate(inProportion(message)))
	if len(found) == 0 {
		return nil
	}
	// The library iterates over maps, so its order differs from run to run.
	return slices.MinFunc(found, func(a, b *Violation) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule))
	})
}

// violations appends the complaints of the library to found. Below a keyword that combines schemas,
// such as anyOf, a complaint may not be what matters, so the keyword itself is the rule.
func (c *Contract) violations(found []*Violation, err error) []*Violation {
	if err == nil {
		return found
	}
	var e *jsonschema.ValidationError
	if !errors.As(err, &e) {
		return append(found, &Violation{Rule: "schema"})
	}
	switch e.ErrorKind.(type) {
	case *errorkind.Schema, *errorkind.Group, *errorkind.Reference, *errorkind.AllOf:
		for _, cause := range e.Causes {
			found = c.violations(found, cause)
		}
		return found
	}
	if _, isType := e.ErrorKind.(*errorkind.Type); c.schema.Drops(e.InstanceLocation) && (!isType || c.isInsideOfDropped(e.InstanceLocation)) {
		return found
	}
	field := violation.Field(c.schema.Declared, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *errorkind.Required:
		for _, name := range k.Missing {
			found = append(found, &Violation{Field: join(field, name), Rule: violation.Required})
		}
		return found
	case *errorkind.AdditionalProperties, *errorkind.PropertyNames:
		field = join(field, "*")
	}
	return append(found, &Violation{Field: field, Rule: ruleOf(e.ErrorKind)})
}

// isInsideOfDropped reports whether a dropped place, which is never the root, is inside of a dropped
// value. It is false for the dropped value itself, whose type counts.
func (c *Contract) isInsideOfDropped(location []string) bool {
	return c.schema.Drops(location[:len(location)-1])
}

// ruleOf is the keyword that a complaint of the library is about.
func ruleOf(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *errorkind.Format:
		return "format " + k.Want
	case *errorkind.Not:
		return "not"
	case *errorkind.FalseSchema:
		return "false"
	}
	if path := k.KeywordPath(); len(path) > 0 {
		return path[0]
	}
	return "schema"
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

// inProportion replaces numbers that are out of proportion in values that are not stored, because
// the library could not calculate with them. Their replacements are beyond every limit of a
// contract too.
func inProportion(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = inProportion(member)
		}
	case []any:
		for i, element := range v {
			v[i] = inProportion(element)
		}
	case json.Number:
		if scalar.InProportion([]byte(v)) {
			return v
		}
		sign, number := "", strings.ToLower(string(v))
		if strings.HasPrefix(number, "-") {
			sign = "-"
		}
		if _, exponent, _ := strings.Cut(number, "e"); strings.HasPrefix(exponent, "-") {
			return json.Number(sign + "1e-" + strconv.Itoa(scalar.MaxFraction+1))
		}
		return json.Number(sign + "1e" + strconv.Itoa(scalar.MaxWhole))
	}
	return value
}
