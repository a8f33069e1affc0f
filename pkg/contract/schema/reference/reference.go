// Package reference joins a schema with the one that its $ref names. JSON Schema asks for both;
// where no keyword is on both sides, one schema asks for the same.
package reference

import (
	"reflect"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// structure are the fields for members and elements. Beside $ref they would ask about those of the
// other schema too.
var structure = []string{"Properties", "PatternProperties", "AdditionalProperties", "UnevaluatedProperties", "PropertyNames",
	"PrefixItems", "Items2020", "UnevaluatedItems", "Contains"}

// notMerged are the fields that say nothing about values.
var notMerged = []string{"DraftVersion", "Location", "ID", "Ref", "Anchor", "DynamicAnchor", "Extensions",
	"Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated"}

// Merge returns a schema with the keywords of own and of the one that its $ref names, and the
// keywords of own that cannot be merged.
func Merge(own, named *jsonschema.Schema) (merged *jsonschema.Schema, conflicts []string) {
	both := *own
	both.Ref = named.Ref
	target, source := reflect.ValueOf(&both).Elem(), reflect.ValueOf(named).Elem()
	for _, field := range reflect.VisibleFields(target.Type()) {
		if !field.IsExported() || slices.Contains(notMerged, field.Name) {
			continue
		}
		to, from := target.FieldByIndex(field.Index), source.FieldByIndex(field.Index)
		switch {
		case !to.IsZero() && (!from.IsZero() || slices.Contains(structure, field.Name)):
			conflicts = append(conflicts, keywordOf(field.Name))
		case to.IsZero():
			to.Set(from)
		}
	}
	return &both, conflicts
}

// keywordOf is the keyword of a field of the schema library.
func keywordOf(field string) string {
	switch field {
	case "Types":
		return "type"
	case "Items2020":
		return "items"
	}
	return strings.ToLower(field[:1]) + field[1:]
}
