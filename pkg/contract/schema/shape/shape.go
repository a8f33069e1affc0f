// Package shape says what a contract declares of a value that is stored as jsonb, and of the values
// inside of it: which members are kept, and how they are masked. Package schema compiles shapes.
package shape

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/masking"
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
	schemas []*Schema // all that apply to the value
	name    string    // of the property that the value belongs to: the default domain of its tokens
}

// Schema is one schema of a stored value.
type Schema struct {
	At          jsontext.Pointer   // in the document
	Others      []*Schema          // to which it refers for the same value
	Applies     []*Schema          // it and all others for the same value, direct or not; see Link
	Masking     *masking.Masking   // nil if it does not mask
	Members     map[string]*Schema // properties
	Patterns    []Pattern          // patternProperties
	Additional  *Schema            // additionalProperties
	Unevaluated *Schema            // unevaluatedProperties
	Prefix      []*Schema          // prefixItems
	Items       *Schema
}

// Pattern is one of patternProperties.
type Pattern struct {
	Name   jsonschema.Regexp
	Schema *Schema
}

// Of returns the shape of a value to which a linked schema applies. name is that of the property
// that the value belongs to.
func Of(schema *Schema, name string) *Shape { return &Shape{schema.Applies, name} }

// Link finds what applies where the schema does, unless that is known. It is false if it is.
func (s *Schema) Link() bool {
	if s.Applies != nil {
		return false
	}
	s.Applies = s.applicable(nil)
	return true
}

// DeclaresMembers reports whether members of an object are declared, so that others are not stored.
func (s *Schema) DeclaresMembers() bool {
	return s.Members != nil || s.Patterns != nil || s.Additional != nil || s.Unevaluated != nil
}

// Masking returns how the value is masked if it is a string. If several schemas mask it, drop goes
// before other kinds, and the first schema before the others.
func (s Shape) Masking() masking.Masking {
	var chosen masking.Masking
	for _, schema := range s.schemas {
		if m := schema.Masking; m != nil && (chosen.Kind == mask.None || m.Kind == mask.Drop) {
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
		closed = closed || schema.DeclaresMembers()
		member.add(schema.member(name)...)
	}
	if closed && len(member.schemas) == 0 {
		for _, schema := range s.schemas {
			member.add(schema.Unevaluated)
		}
	}
	return member, !closed || len(member.schemas) > 0
}

// member returns the schemas that one schema has for a member.
func (s *Schema) member(name string) (schemas []*Schema) {
	if schema := s.Members[name]; schema != nil {
		schemas = append(schemas, schema)
	}
	for _, p := range s.Patterns {
		if p.Name.MatchString(name) {
			schemas = append(schemas, p.Schema)
		}
	}
	if schemas == nil && s.Additional != nil {
		schemas = append(schemas, s.Additional)
	}
	return schemas
}

// Element returns the shape of the element of an array at an index.
func (s Shape) Element(i int) Shape {
	element := Shape{name: s.name}
	for _, schema := range s.schemas {
		if i < len(schema.Prefix) {
			element.add(schema.Prefix[i])
		} else {
			element.add(schema.Items)
		}
	}
	return element
}

// And returns the shape of a value that has both shapes.
func (s Shape) And(other Shape) Shape {
	s.schemas = slices.Concat(s.schemas, other.schemas)
	return s
}

func (s *Shape) add(schemas ...*Schema) {
	for _, schema := range schemas {
		if schema != nil {
			s.schemas = append(s.schemas, schema.Applies...)
		}
	}
}

// Reachable appends the schema and all that it refers to.
func (s *Schema) Reachable(all []*Schema) []*Schema {
	if s == nil || slices.Contains(all, s) {
		return all
	}
	all = append(all, s)
	for _, other := range slices.Concat(s.Others, s.Prefix, []*Schema{s.Additional, s.Unevaluated, s.Items}) {
		all = other.Reachable(all)
	}
	for _, member := range s.Members {
		all = member.Reachable(all)
	}
	for _, p := range s.Patterns {
		all = p.Schema.Reachable(all)
	}
	return all
}

// applicable appends the schema and the others for the same value.
func (s *Schema) applicable(all []*Schema) []*Schema {
	if slices.Contains(all, s) {
		return all
	}
	all = append(all, s)
	for _, other := range s.Others {
		all = other.applicable(all)
	}
	return all
}
