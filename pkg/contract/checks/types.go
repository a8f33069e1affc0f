package checks

import (
	"encoding/json"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/scalar"
)

// TypesOf returns the types that a schema allows besides null, whether it allows null, and the
// keyword that says so. Without type, they are the types of the values in enum or const.
func TypesOf(s *jsonschema.Schema) (types []string, nullable bool, rule string) {
	rule = "type"
	switch {
	case s.Types != nil:
		types = s.Types.ToStrings()
	case s.Enum != nil:
		types, rule = typesOfValues(s.Enum.Values...), "enum"
	case s.Const != nil:
		types, rule = typesOfValues(*s.Const), "const"
	}
	nullable = slices.Contains(types, "null")
	return slices.DeleteFunc(types, func(t string) bool { return t == "null" }), nullable, rule
}

func typesOfValues(values ...any) (types []string) {
	for _, value := range values {
		types = append(types, typeOfValue(value))
	}
	slices.Sort(types)
	types = slices.Compact(types)
	if slices.Contains(types, "number") {
		types = slices.DeleteFunc(types, func(t string) bool { return t == "integer" })
	}
	return types
}

func typeOfValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if scalar.IsWhole([]byte(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// NeedsLibrary reports whether the schema of a value that fills a column has keywords that this
// package does not check, and that the schema library has to.
func NeedsLibrary(s *jsonschema.Schema) bool {
	types, _, _ := TypesOf(s)
	isString := slices.Contains(types, "string")
	allowed := !isString && (s.Enum != nil || s.Const != nil) || s.Enum != nil && s.Const != nil
	array := s.Items2020 != nil || len(s.PrefixItems) > 0 || s.Contains != nil || s.UnevaluatedItems != nil ||
		s.MinItems != nil || s.MaxItems != nil || s.UniqueItems
	return allowed || array || Combines(s) || LimitsMembers(s) || s.AdditionalProperties != nil || len(s.Required) > 0
}

// Combines reports whether a schema refers to other schemas for the same value.
func Combines(s *jsonschema.Schema) bool {
	return s.Ref != nil || s.DynamicRef != nil || s.Not != nil || s.If != nil ||
		len(s.AllOf)+len(s.AnyOf)+len(s.OneOf)+len(s.DependentSchemas) > 0
}

// LimitsMembers reports whether a schema has keywords for the members of an object besides
// properties, required and additionalProperties.
func LimitsMembers(s *jsonschema.Schema) bool {
	return s.MinProperties != nil || s.MaxProperties != nil || s.PropertyNames != nil ||
		len(s.PatternProperties)+len(s.DependentRequired) > 0 || s.UnevaluatedProperties != nil
}
