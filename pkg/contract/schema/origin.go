package schema

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// setOrigin reads where events come from. It takes the properties that come from message attributes
// out of the schema that checks the body.
func (c *compiler) setOrigin(s *Schema, a annotations, root *jsonschema.Schema, leaves []leaf) {
	var properties []origin.Property
	for i, l := range leaves {
		if i > 0 && leaves[i-1].at == l.at {
			continue // another column of the same property
		}
		properties = append(properties, l.origin())
		if l.property.Attribute != "" {
			s.Attributes = append(s.Attributes, l.property)
			delete(root.Properties, l.name)
			root.Required = slices.DeleteFunc(root.Required, func(name string) bool { return name == l.name })
		}
	}
	s.Origin = origin.Compile(a.origin, properties, c.note)
}

func (l *leaf) origin() origin.Property {
	kind, is := l.property.Kind, l.column.Type
	return origin.Property{
		Keywords: l.node.origin, At: l.at, Column: l.property.Column, AtRoot: l.column.Path == l.name,
		Stored: kind == StoredArray || kind == StoredObject, Simple: !checks.NeedsLibrary(l.Schema),
		Required: l.column.Required, Masked: l.column.Mask != mask.None,
		IsID:   kind == String && (is == table.Text || is == table.UUID) || is == table.BigInt,
		IsTime: is == table.Timestamptz || is == table.BigInt,
	}
}
