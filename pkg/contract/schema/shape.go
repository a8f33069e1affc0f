package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/masking"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/mask"
)

// Shape is what a document declares of a value that is stored as jsonb, or of a value inside of it.
// The zero Shape declares nothing, and such a value is stored as it came.
//
// An object of which at least one member is declared loses all others before it is stored. A member
// is declared by properties, patternProperties, or a schema in additionalProperties or
// unevaluatedProperties; true declares nothing. Elements of an array have the shape that
// prefixItems and items give them. Schemas for the same value count together, so a member is
// declared if any of them declares it: those of $ref, allOf, anyOf, oneOf, then, else and
// dependentSchemas. The schemas of if, not and contains only ask about the value and declare
// nothing.
type Shape struct {
	schemas []*stored // all that apply to the value
	name    string    // of the property that the value belongs to: the default domain of its tokens
}

// stored is one schema of a stored value.
type stored struct {
	at          jsontext.Pointer
	others      []*stored // to which it refers for the same value
	applies     []*stored // it and all others for the same value, direct or not
	masking     *masking.Masking
	members     map[string]*stored // properties
	patterns    []pattern          // patternProperties
	additional  *stored            // additionalProperties
	unevaluated *stored            // unevaluatedProperties
	prefix      []*stored          // prefixItems
	items       *stored
}

// pattern is one of patternProperties.
type pattern struct {
	name   jsonschema.Regexp
	schema *stored
}

func (s *stored) declaresMembers() bool {
	return s.members != nil || s.patterns != nil || s.additional != nil || s.unevaluated != nil
}

// Masking returns how the value is masked if it is a string. If several schemas mask it, drop goes
// before other kinds, and the first schema before the others.
func (s Shape) Masking() masking.Masking {
	var chosen masking.Masking
	for _, schema := range s.schemas {
		if m := schema.masking; m != nil && (chosen.Kind == mask.None || m.Kind == mask.Drop) {
			chosen = *m
		}
	}
	chosen.Domain = cmp.Or(chosen.Domain, s.name)
	return chosen
}

// Member returns the shape of a member of an object. It is false if the member is not declared
// while others are, so that it must not be stored.
func (s Shape) Member(name string) (member Shape, keep bool) {
	member.name = name
	closed := false
	for _, schema := range s.schemas {
		closed = closed || schema.declaresMembers()
		member.add(schema.member(name)...)
	}
	if closed && len(member.schemas) == 0 {
		for _, schema := range s.schemas {
			member.add(schema.unevaluated)
		}
	}
	return member, !closed || len(member.schemas) > 0
}

// member returns the schemas that one schema has for a member.
func (s *stored) member(name string) (schemas []*stored) {
	if schema := s.members[name]; schema != nil {
		schemas = append(schemas, schema)
	}
	for _, p := range s.patterns {
		if p.name.MatchString(name) {
			schemas = append(schemas, p.schema)
		}
	}
	if schemas == nil && s.additional != nil {
		schemas = append(schemas, s.additional)
	}
	return schemas
}

// Element returns the shape of the element of an array at an index.
func (s Shape) Element(i int) Shape {
	element := Shape{name: s.name}
	for _, schema := range s.schemas {
		if i < len(schema.prefix) {
			element.add(schema.prefix[i])
		} else {
			element.add(schema.items)
		}
	}
	return element
}

func (s *Shape) add(schemas ...*stored) {
	for _, schema := range schemas {
		if schema != nil {
			s.schemas = append(s.schemas, schema.applies...)
		}
	}
}

// shape compiles the shape of a property with a jsonb column. It is nil if the whole value is
// stored as it comes.
func (c *compiler) shape(n node) *Shape {
	root := c.stored(n.Schema)
	all := root.reachable(nil)
	whole := true
	for _, s := range all {
		if s.applies == nil {
			s.applies = s.applicable(nil)
			c.checkMasks(s)
		}
		whole = whole && s.masking == nil && !s.declaresMembers()
	}
	if whole {
		return nil
	}
	return &Shape{root.applies, n.name}
}

// stored compiles a schema of a stored value and all that it refers to.
func (c *compiler) stored(schema *jsonschema.Schema) *stored {
	if schema == nil {
		return nil
	}
	if s := c.compiled[schema]; s != nil {
		return s
	}
	s := &stored{at: pointerOf(schema.Location)}
	c.compiled[schema] = s // before the rest: a schema may refer to itself
	n := node{Schema: schema, annotations: annotationsOf(schema), at: s.at}
	c.checkFormat(n)
	c.maskStored(s, n)
	for _, other := range slices.Concat([]*jsonschema.Schema{schema.Ref, dynamic(schema)}, schema.AllOf, schema.AnyOf, schema.OneOf,
		[]*jsonschema.Schema{schema.Then, schema.Else}, inOrder(schema.DependentSchemas)) {
		if other != nil {
			s.others = append(s.others, c.stored(other))
		}
	}
	for name, member := range schema.Properties {
		if s.members == nil {
			s.members = make(map[string]*stored, len(schema.Properties))
		}
		s.members[name] = c.stored(member)
	}
	for name, member := range schema.PatternProperties {
		s.patterns = append(s.patterns, pattern{name, c.stored(member)})
	}
	slices.SortFunc(s.patterns, func(a, b pattern) int { return strings.Compare(a.name.String(), b.name.String()) })
	if member, ok := schema.AdditionalProperties.(*jsonschema.Schema); ok {
		s.additional = c.stored(member)
	}
	s.unevaluated = c.stored(withoutBool(schema.UnevaluatedProperties))
	for _, element := range schema.PrefixItems {
		s.prefix = append(s.prefix, c.stored(element))
	}
	s.items = c.stored(schema.Items2020)
	return s
}

// maskStored compiles the mask of a stored value.
func (c *compiler) maskStored(s *stored, n node) {
	named := n.Ref
	if n = n.withNamed(); s.at.Parent() != "/$defs" {
		c.checkTokenKeywords(n)
	}
	if named != nil && n.mask == "" { // else the keywords of a definition are for this mask
		c.checkTokenKeywords(node{Schema: named, annotations: annotationsOf(named), at: pointerOf(named.Location)})
	}
	if n.mask != "" {
		m := c.newMasking(n, n.maskAt, n.mask)
		s.masking = &m
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

// reachable appends the schema and all that it refers to.
func (s *stored) reachable(all []*stored) []*stored {
	if s == nil || slices.Contains(all, s) {
		return all
	}
	all = append(all, s)
	for _, other := range slices.Concat(s.others, s.prefix, []*stored{s.additional, s.unevaluated, s.items}) {
		all = other.reachable(all)
	}
	for _, member := range s.members {
		all = member.reachable(all)
	}
	for _, p := range s.patterns {
		all = p.schema.reachable(all)
	}
	return all
}

// applicable appends the schema and the others for the same value.
func (s *stored) applicable(all []*stored) []*stored {
	if slices.Contains(all, s) {
		return all
	}
	all = append(all, s)
	for _, other := range s.others {
		all = other.applicable(all)
	}
	return all
}

// checkMasks notes a schema whose value has two masks.
func (c *compiler) checkMasks(s *stored) {
	for _, other := range s.applies[1:] {
		if s.masking != nil && other.masking != nil && *s.masking != *other.masking {
			c.note(s.at.AppendToken("x-mask"), "the value is masked by %s too: keep one mask", other.at.AppendToken("x-mask"))
		}
	}
}

// checkMasksHaveEffect notes keywords of ours on schemas whose values are not stored.
func (c *compiler) checkMasksHaveEffect() {
	inside := map[jsontext.Pointer]bool{}
	for _, s := range c.compiled {
		inside[s.at] = true
	}
	for _, at := range c.text.Loose {
		isMask := slices.Contains(document.MaskKeywords, at.LastToken())
		if !c.followed[at.Parent()] && !(isMask && inside[at.Parent()]) {
			c.note(at, "%s has no effect here: move it to a property that becomes a column, or to a string inside of one that is stored as jsonb", at.LastToken())
		}
	}
}
