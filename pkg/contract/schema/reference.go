package schema

import (
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// follow replaces the schema of a property by one without $ref, which has its keywords and those of
// the schemas that $ref names. JSON Schema asks for both; so no keyword may be on both sides, and
// then one schema asks for the same. Around are the places of the objects that the property is in.
func (c *compiler) follow(n node, around []jsontext.Pointer) node {
	original := n.Schema
	for n.Ref != nil {
		named, at := n.Ref, pointerOf(n.Ref.Location)
		if slices.Contains(around, at) {
			n.note(c, "$ref", "a property that becomes columns cannot contain itself: write out the levels that you need, or keep it in an array or an object without properties")
			return n
		}
		merged, conflicts := merge(n.Schema, named)
		conflicts = append(conflicts, n.annotations.merge(annotationsOf(named))...)
		if len(conflicts) > 0 {
			n.note(c, "$ref", "%s cannot stand beside $ref here: put it into %s, or write the schema in place", strings.Join(conflicts, ", "), at)
		}
		if len(named.Properties) > 0 {
			n.inner = at
		}
		around = append(slices.Clone(around), at)
		c.followed[at] = true
		n.Schema = merged
	}
	c.merged[original] = n.Schema
	return n
}

// structure are the fields for members and elements. Beside $ref they would ask about those of the
// other schema too.
var structure = []string{"Properties", "PatternProperties", "AdditionalProperties", "UnevaluatedProperties", "PropertyNames",
	"PrefixItems", "Items2020", "UnevaluatedItems", "Contains"}

// notMerged are the fields that say nothing about values.
var notMerged = []string{"DraftVersion", "Location", "ID", "Ref", "Anchor", "DynamicAnchor", "Extensions",
	"Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated"}

// merge returns a schema with the keywords of own and of the one that its $ref names, and the
// keywords of own that cannot be merged.
func merge(own, named *jsonschema.Schema) (merged *jsonschema.Schema, conflicts []string) {
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

// merge adds the annotations of the schema that $ref names, and returns the keywords that both have.
func (a *annotations) merge(named annotations) (conflicts []string) {
	for _, keyword := range []struct {
		name       string
		own, named *string
	}{
		{"x-column", &a.column, &named.column}, {"x-type", &a.columnType, &named.columnType}, {"x-domain", &a.domain, &named.domain},
		{"x-normalize", &a.normalize, &named.normalize}, {"", &a.format, &named.format}, // format has been compared as a keyword
	} {
		if *keyword.own == "" {
			*keyword.own = *keyword.named
		} else if *keyword.named != "" && keyword.name != "" {
			conflicts = append(conflicts, keyword.name)
		}
	}
	masked := a.mask != "" || a.masks != nil
	switch namedMasked := named.mask != "" || named.masks != nil; {
	case masked && namedMasked:
		conflicts = append(conflicts, "x-mask")
	case namedMasked:
		a.mask, a.masks, a.maskAt = named.mask, named.masks, named.maskAt
	}
	return conflicts
}
