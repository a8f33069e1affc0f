package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/schema/shape"
	"sqs2pg/pkg/contract/table"
)

// shape compiles the shape of a property with a jsonb column. It is nil if the whole value is
// stored as it comes.
func (c *compiler) shape(n node) *shape.Shape {
	root := c.stored(n.Schema)
	all := root.Reachable(nil)
	whole := true
	for _, s := range all {
		if s.Link() {
			c.checkMasks(s)
		}
		whole = whole && s.Masking == nil && !s.DeclaresMembers()
	}
	if whole {
		return nil
	}
	return shape.Of(root, n.name)
}

// inside lists what is declared inside of a stored value; nil for a whole one.
func (c *compiler) inside(n node, of *shape.Shape) []table.Inside {
	if of == nil {
		return nil
	}
	list, ok := of.Inside()
	if !ok {
		c.note(n.at, "more than %d values are declared inside of it: leave out some, or declare an object without properties", shape.MaxInside)
	}
	return list
}

// stored compiles a schema of a stored value and all that it refers to.
func (c *compiler) stored(schema *jsonschema.Schema) *shape.Schema {
	if schema == nil {
		return nil
	}
	if s := c.compiled[schema]; s != nil {
		return s
	}
	s := &shape.Schema{At: pointerOf(schema.Location)}
	c.compiled[schema] = s // before the rest: a schema may refer to itself
	n := node{Schema: schema, annotations: annotationsOf(schema), at: s.At}
	c.checkFormat(n)
	c.maskStored(s, n)
	for _, other := range slices.Concat([]*jsonschema.Schema{schema.Ref, dynamic(schema)}, schema.AllOf, schema.AnyOf, schema.OneOf,
		[]*jsonschema.Schema{schema.Then, schema.Else}, inOrder(schema.DependentSchemas)) {
		if other != nil {
			s.Others = append(s.Others, c.stored(other))
		}
	}
	for name, member := range schema.Properties {
		if s.Members == nil {
			s.Members = make(map[string]*shape.Schema, len(schema.Properties))
		}
		s.Members[name] = c.stored(member)
	}
	for name, member := range schema.PatternProperties {
		s.Patterns = append(s.Patterns, shape.Pattern{Name: name, Schema: c.stored(member)})
	}
	slices.SortFunc(s.Patterns, func(a, b shape.Pattern) int { return strings.Compare(a.Name.String(), b.Name.String()) })
	if member, ok := schema.AdditionalProperties.(*jsonschema.Schema); ok {
		s.Additional = c.stored(member)
	}
	s.Unevaluated = c.stored(withoutBool(schema.UnevaluatedProperties))
	for _, element := range schema.PrefixItems {
		s.Prefix = append(s.Prefix, c.stored(element))
	}
	s.Items = c.stored(schema.Items2020)
	return s
}

// maskStored compiles the mask of a stored value.
func (c *compiler) maskStored(s *shape.Schema, n node) {
	named := n.Ref
	if n = n.withNamed(); s.At.Parent() != "/$defs" {
		c.checkTokenKeywords(n)
	}
	if named != nil && n.mask == "" { // else the keywords of a definition are for this mask
		c.checkTokenKeywords(node{Schema: named, annotations: annotationsOf(named), at: pointerOf(named.Location)})
	}
	if n.mask != "" {
		m := c.newMasking(n, n.maskAt, n.mask)
		s.Masking = &m
	}
	if n.masks != nil {
		n.note(c, "x-mask", "only a property that becomes a column can fill several columns: use one mask")
	}
}

func dynamic(schema *jsonschema.Schema) *jsonschema.Schema {
	if schema.DynamicRef == nil {
		return nil
	}
	return schema.DynamicRef.Ref
}

// withoutBool is nil for the schemas true and false.
func withoutBool(schema *jsonschema.Schema) *jsonschema.Schema {
	if schema == nil || schema.Bool != nil {
		return nil
	}
	return schema
}

// inOrder returns the values of a map in the order of their keys.
func inOrder(schemas map[string]*jsonschema.Schema) (list []*jsonschema.Schema) {
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		list = append(list, schemas[name])
	}
	return list
}

// checkMasks notes a schema whose value has two masks.
func (c *compiler) checkMasks(s *shape.Schema) {
	for _, other := range s.Applies[1:] {
		if s.Masking != nil && other.Masking != nil && *s.Masking != *other.Masking {
			c.note(s.At.AppendToken("x-mask"), "the value is masked by %s too: keep one mask", other.At.AppendToken("x-mask"))
		}
	}
}

// checkMasksHaveEffect notes keywords of ours on schemas whose values are not stored.
func (c *compiler) checkMasksHaveEffect() {
	inside := map[jsontext.Pointer]bool{}
	for _, s := range c.compiled {
		inside[s.At] = true
	}
	for _, at := range c.text.Loose {
		isMask := slices.Contains(document.MaskKeywords, at.LastToken())
		if !c.followed[at.Parent()] && !(isMask && inside[at.Parent()]) {
			c.note(at, "%s has no effect here: move it to a property that becomes a column, or to a string inside of one that is stored as jsonb", at.LastToken())
		}
	}
}
