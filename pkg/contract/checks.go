package contract

import (
	"maps"
	"math/big"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/mask"
)

// libraryFormats are the schema library's that a contract may use besides ours.
var libraryFormats = []string{
	"duration", "email", "hostname", "iri", "iri-reference", "json-pointer", "period", "regex",
	"relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template",
}

// setChecks compiles the keywords of a string or a number.
func (p *compiler) setChecks(q *property, n node) error {
	if n.format != "" && n.Format == nil {
		return n.errorf("format", "unknown format %q%s", n.format,
			suggest(n.format, slices.AppendSeq(slices.Clone(libraryFormats), maps.Keys(formats))))
	}
	p.setAllowed(q, n.Schema)
	switch q.kind {
	case kindString:
		q.setTextChecks(n.Schema)
	case kindInteger, kindNumber:
		q.numbers = numberChecks{multipleOf: n.MultipleOf}
		q.numbers.add("minimum", n.Minimum, -1, false)
		q.numbers.add("exclusiveMinimum", n.ExclusiveMinimum, -1, true)
		q.numbers.add("maximum", n.Maximum, +1, false)
		q.numbers.add("exclusiveMaximum", n.ExclusiveMaximum, +1, true)
	}
	return nil
}

// setAllowed reads enum and const of strings. For other types they are rare and
// left to the schema library.
func (p *compiler) setAllowed(q *property, schema *jsonschema.Schema) {
	if schema.Enum == nil && schema.Const == nil {
		return
	}
	if q.kind != kindString || schema.Enum != nil && schema.Const != nil {
		p.beyond = true
		return
	}
	values, rule := []any{}, "const"
	if schema.Enum != nil {
		values, rule = schema.Enum.Values, "enum"
	} else {
		values = append(values, *schema.Const)
	}
	q.text.allowRule = rule
	for _, value := range values {
		if s, ok := value.(string); ok {
			q.text.allowed = append(q.text.allowed, s)
		}
	}
	if q.nullRule == "" && !slices.Contains(values, nil) {
		q.nullRule = rule
	}
}

// setTextChecks also settles the column's type, which a format decides. A required
// string must not be empty, unless its schema gives a minLength of its own.
func (q *property) setTextChecks(schema *jsonschema.Schema) {
	q.text.max = -1
	if schema.MinLength != nil {
		q.text.min = *schema.MinLength
	} else if q.required {
		q.text.min = 1
	}
	if schema.MaxLength != nil {
		q.text.max = *schema.MaxLength
	}
	q.text.pattern = schema.Pattern
	if schema.Format == nil {
		return
	}
	name := schema.Format.Name
	q.text.formatRule = "format " + name
	q.text.format = formats[name]
	if q.text.format == nil {
		q.text.format = func(s string) bool { return schema.Format.Validate(s) == nil }
	}
	if q.mask != mask.None {
		return
	}
	switch name {
	case "uuid":
		q.columnOf = UUID
	case "date":
		q.columnOf = Date
	case "date-time":
		q.columnOf = Timestamptz
	}
}

func (n *numberChecks) add(rule string, limit *big.Rat, sign int, exclusive bool) {
	if limit != nil {
		near, _ := limit.Float64()
		n.bounds = append(n.bounds, bound{rule, limit, near, sign, exclusive})
	}
}

// noteBeyond notices keywords that the plan does not check. flattened is set for
// an object whose properties are columns.
func (p *compiler) noteBeyond(s *jsonschema.Schema, flattened bool) {
	combined := s.Ref != nil || s.DynamicRef != nil || s.Not != nil || s.If != nil ||
		len(s.AllOf)+len(s.AnyOf)+len(s.OneOf)+len(s.DependentSchemas) > 0
	array := s.Items2020 != nil || len(s.PrefixItems) > 0 || s.Contains != nil || s.UnevaluatedItems != nil ||
		s.MinItems != nil || s.MaxItems != nil || s.UniqueItems
	members := s.MinProperties != nil || s.MaxProperties != nil || s.PropertyNames != nil ||
		len(s.PatternProperties)+len(s.DependentRequired) > 0 || s.UnevaluatedProperties != nil
	if flattened {
		_, schema := s.AdditionalProperties.(*jsonschema.Schema)
		members = members || schema || s.Enum != nil || s.Const != nil
	} else {
		members = members || s.AdditionalProperties != nil || len(s.Required) > 0
	}
	p.beyond = p.beyond || combined || array || members
}
