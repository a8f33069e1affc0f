package schema

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/mask"
)

// setOrigin reads what the document says of where its events come from.
func (c *compiler) setOrigin(s *Schema, a annotations, leaves []leaf) {
	s.Origin = origin.Compile(a.origin, c.note)
	var marked []origin.Marked
	for _, l := range leaves {
		if l.property.Attribute != "" {
			s.Attributes = append(s.Attributes, l.property)
			c.checkAttribute(l, s.Origin)
		}
		isText := l.property.Kind == String && (l.column.Type == Text || l.column.Type == UUID)
		marked = append(marked, origin.Marked{
			Keywords: l.origin, At: l.at, Path: l.column.Path, Column: l.property.Column,
			Required: l.column.Required, Masked: l.column.Mask != mask.None,
			IsID: isText || l.column.Type == BigInt, IsTime: l.column.Type == Timestamptz || l.column.Type == BigInt,
		})
	}
	s.Origin.Identify(marked, c.note)
}

func (c *compiler) checkAttribute(l leaf, o origin.Origin) {
	k := l.property.Kind
	switch {
	case strings.Contains(l.column.Path, "."):
		l.note(c, "x-attribute", "it belongs on a property of the root: move the property there")
	case k == StoredArray || k == StoredObject:
		l.note(c, "x-attribute", "the value of an attribute is text: give the property the type string, integer, number or boolean")
	case len(o.Envelope) > 0 && !o.Envelope.HasAttributes():
		l.note(c, "x-attribute", "an event of EventBridge has no message attributes: remove x-attribute")
	case columnNeedsLibrary(l.Schema):
		l.note(c, "x-attribute", "of the keywords that limit it, the value of an attribute is checked by those for strings and numbers only: remove the others")
	}
}

// withoutAttributes takes the properties that come from message attributes out of the schema that
// checks the body.
func withoutAttributes(root *jsonschema.Schema, attributes []*Property) {
	for _, p := range attributes {
		delete(root.Properties, p.Path)
		root.Required = slices.DeleteFunc(root.Required, func(name string) bool { return name == p.Path })
	}
}
