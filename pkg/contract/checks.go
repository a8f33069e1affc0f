package contract

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/mask"
)

// libraryFormats are the schema library's that a contract may use besides ours.
var libraryFormats = []string{
	"duration", "email", "hostname", "iri", "iri-reference", "json-pointer", "period", "regex",
	"relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template",
}

// setChecks compiles the keywords of a string or a number.
func (p *compiler) setChecks(q *property, schema *jsonschema.Schema, format string, at jsontext.Pointer) error {
	if format != "" && schema.Format == nil {
		return fmt.Errorf("%s: unknown format %q%s", at.AppendToken("format"), format,
			suggest(format, slices.AppendSeq(slices.Clone(libraryFormats), maps.Keys(formats))))
	}
	p.setAllowed(q, schema)
	switch q.kind {
	case kindString:
		q.setTextChecks(schema)
	case kindInteger, kindNumber:
		q.numbers = numberChecks{multipleOf: schema.MultipleOf}
		q.numbers.add("minimum", schema.Minimum, -1, false)
		q.numbers.add("exclusiveMinimum", schema.ExclusiveMinimum, -1, true)
		q.numbers.add("maximum", schema.Maximum, +1, false)
		q.numbers.add("exclusiveMaximum", schema.ExclusiveMaximum, +1, true)
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

// noteBeyond notices keywords that the plan does not check. It lists what it
// knows to be checked or without effect; all else is beyond.
func (p *compiler) noteBeyond(schema *jsonschema.Schema, flattened bool) {
	any := len(schema.AllOf)+len(schema.AnyOf)+len(schema.OneOf) > 0 ||
		schema.Not != nil || schema.If != nil || schema.DynamicRef != nil || schema.Ref != nil ||
		schema.MinProperties != nil || schema.MaxProperties != nil || schema.PropertyNames != nil ||
		len(schema.PatternProperties) > 0 || schema.AdditionalProperties != nil ||
		len(schema.DependentRequired)+len(schema.DependentSchemas) > 0 ||
		schema.UnevaluatedProperties != nil || schema.UnevaluatedItems != nil ||
		schema.MinItems != nil || schema.MaxItems != nil || schema.UniqueItems || schema.Contains != nil ||
		schema.Items2020 != nil || len(schema.PrefixItems) > 0
	if flattened {
		any = any || schema.Enum != nil || schema.Const != nil
	} else {
		any = any || len(schema.Required) > 0
	}
	p.beyond = p.beyond || any
}
