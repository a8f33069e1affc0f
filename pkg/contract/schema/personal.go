package schema

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/masking"
	"sqs2pg/pkg/contract/naming"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/schema/shape"
	"sqs2pg/pkg/mask"
)

// warnOfPersonal notes a property with a column whose values look personal and have no mask.
func (c *compiler) warnOfPersonal(n node, p *Property) {
	if p.Masking.Kind == mask.None && looksPersonal(n.Schema, p.Path) {
		c.personal = append(c.personal, unmasked(n.at, n.name))
	}
}

// warnOfPersonalInside does the same for the values inside of stored ones, which have been
// compiled.
func (c *compiler) warnOfPersonalInside() {
	var dropped []jsontext.Pointer
	for _, s := range c.compiled {
		if s.Masking != nil && s.Masking.Kind == mask.Drop {
			dropped = append(dropped, s.At)
		}
	}
	for schema, s := range c.compiled {
		names := namesIn(s.At)
		isInner := func(o *shape.Schema) bool {
			return o.Masking != nil || o.DeclaresMembers() || o.Items != nil || o.Prefix != nil
		}
		isDropped := slices.ContainsFunc(dropped, func(at jsontext.Pointer) bool { return at.Contains(s.At) })
		if isValue(s.At) && !isDropped && !slices.ContainsFunc(s.Applies, isInner) && looksPersonal(schema, strings.Join(names, ".")) {
			c.personal = append(c.personal, unmasked(s.At, names[len(names)-1]))
		}
	}
}

func unmasked(at jsontext.Pointer, name string) document.Mistake {
	return document.MistakeAt(at, "%s looks personal and is stored as it is: mask it by x-mask, or do not declare it", name)
}

// looksPersonal goes by the name and the format. A boolean, or one of a few values, tells little.
func looksPersonal(schema *jsonschema.Schema, path string) bool {
	types, _, _ := checks.TypesOf(schema)
	if schema.Enum != nil || schema.Const != nil || len(types) == 1 && types[0] == "boolean" {
		return false
	}
	format := annotationsOf(schema).format
	return format == "email" || masking.FormOf(format) == masking.IP || naming.LooksPersonal(strings.Split(path, "."))
}

// isValue reports whether the schema at a place is that of a member or an element, and not one of
// several for the same value.
func isValue(at jsontext.Pointer) bool {
	keyword := at.Parent().LastToken()
	return slices.Contains([]string{"items", "additionalProperties", "unevaluatedProperties"}, at.LastToken()) ||
		slices.Contains([]string{"properties", "patternProperties", "prefixItems"}, keyword)
}

// namesIn returns the names of properties on the way to a schema.
func namesIn(at jsontext.Pointer) []string {
	names := []string{""}
	tokens := slices.Collect(at.Tokens())
	for i, token := range tokens[:max(len(tokens)-1, 0)] {
		if token == "properties" {
			names = append(names, tokens[i+1])
		}
	}
	return names
}
