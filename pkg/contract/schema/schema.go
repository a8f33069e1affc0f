// Package schema compiles the document of a contract: it returns the table that the contract
// describes, and what a message must be to become one of its rows. It never sees a message; package
// contract, its only importer, runs what it returns. Package document reads the document's text
// first.
//
// A document is a JSON Schema (draft 2020-12). Our own keywords are a vocabulary of it, so that a
// misspelt or misplaced one is a mistake like any other. Most checks are compiled into the tree of
// properties, which runs while a message is decoded, because a general validator costs more than
// all the rest. The keywords that the tree does not check (anyOf, if, items and so on) are left to
// github.com/santhosh-tekuri/jsonschema.
//
// Undeclared members never reach the table. A property of the root or of a nested object becomes a
// column, and the message may have other members, which are not stored. An array is stored as
// jsonb, and so is an object without properties. Inside of them the same holds wherever the
// document declares members: an object keeps those, and loses all others. Where it declares none,
// as in "type": "object" alone or an array without items, the value is stored as it came. See
// [shape.Shape].
//
// A value that is not stored cannot refuse a message by its content: an undeclared one is checked
// only by keywords that ask about undeclared members, such as additionalProperties, and a dropped
// one only by its type. Nesting counts everywhere, because it is a limit of the whole message.
package schema

import (
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/masking"
	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/schema/shape"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// Schema is a compiled document. It is immutable and safe for concurrent use.
type Schema struct {
	Table   table.Table
	Root    *Object
	Columns []*Property // the property that fills each column of Table, in the same order

	// Properties is how many properties there are, at any depth. Each has a Slot below it.
	Properties int

	// Declared has the name of every property, at any depth.
	Declared map[string]bool

	// Attributes are the properties whose values come from message attributes. They are not below
	// Root.
	Attributes []*Property

	// Origin says where events come from, and what identifies them.
	Origin *origin.Origin

	// Recover lists the properties that are recovered, as [table.Table.Recover] does: each name as
	// JSON, with a colon behind it.
	Recover []string

	// Subject is the index of the subject's column; -1 without one.
	Subject int

	// Personal are properties, at any depth, that look personal and have no mask.
	Personal document.Mistakes

	// Library checks the keywords that the properties do not check. It is nil if the document has
	// no such keywords.
	Library *jsonschema.Schema
}

// Drops reports whether the value at a place in a message is dropped. location has the names of
// members and the indexes of elements.
func (s *Schema) Drops(location []string) bool {
	o := s.Root
	for i, name := range location {
		p := o.ByName[name]
		switch {
		case p == nil:
			return false
		case p.Kind == Nested:
			o = p.Object
		default:
			return p.drops(location[i+1:])
		}
	}
	return false
}

// drops is Drops for a place inside of the value of a property.
func (p *Property) drops(location []string) bool {
	if p.Masking.Kind == mask.Drop {
		return true
	}
	if p.Shape == nil {
		return false
	}
	inner := *p.Shape
	for _, token := range location {
		inside, _ := inner.Member(token)
		if i, err := strconv.Atoi(token); err == nil { // of an array, or a member with such a name
			inside = inside.And(inner.Element(i))
		}
		if inner = inside; inner.Masking().Kind == mask.Drop {
			return true
		}
	}
	return false
}

// Kind is what the value of a property must be in JSON, unless it is null.
type Kind uint8

// The kinds of properties.
const (
	String Kind = iota
	Integer
	Number
	Bool
	StoredArray  // an array: one jsonb column
	StoredObject // an object that declares no properties: one jsonb column
	Nested       // an object whose properties are columns
	Anything     // a dropped value whose type the contract does not say
)

// Object is an object whose properties are declared and become columns: the root, or a nested one.
type Object struct {
	Path       string      // from the root; "" for the root itself, else it ends in a dot
	Properties []*Property // in the order of the document
	ByName     map[string]*Property
	Required   int // how many of the properties are

	closed   bool // additionalProperties is false
	patterns []jsonschema.Regexp
}

// Forbids reports whether the document allows no member of this name, which is not among the
// properties.
func (o *Object) Forbids(name []byte) bool {
	return o.closed && !slices.ContainsFunc(o.patterns, func(p jsonschema.Regexp) bool { return p.MatchString(string(name)) })
}

// Property is a declared property.
type Property struct {
	Path     string // from the root, joined by dots
	Slot     int    // unique in the schema, from 0
	Kind     Kind
	Required bool
	TypeRule string  // the keyword that a value of another type breaks: type, or enum or const
	NullRule string  // the keyword that null breaks; "" if the value may be null
	Object   *Object // of a Nested property

	// Attribute is the message attribute that the value comes from; "" if it comes from the body.
	Attribute string

	// The rest is for properties that are not Nested.
	Column  int // in the order of the table
	Type    table.Type
	Masking masking.Masking
	Text    checks.Text    // of a String
	Numbers checks.Numbers // of an Integer or Number
	Shape   *shape.Shape   // of a stored value; nil if all of it is stored as it comes
	Recover int            // one more than the index in [Schema.Recover]; 0 if it is not recovered
	Also    *Property      // the same property with the next of its columns, or nil
}
