package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/mask"
)

// maxNesting is how deep the objects of a contract may be nested.
const maxNesting = 64

// Compile reads the document of a contract. Its error gives the JSON pointer of the mistake and
// what to do about it.
func Compile(document []byte) (*Schema, error) {
	text, err := readDocument(document)
	if err != nil {
		return nil, err
	}
	if err := checkNumbers(document); err != nil {
		return nil, err
	}
	compiled, err := compileLibrary(document)
	if err != nil {
		return nil, err
	}
	s, err := (&compiler{text}).schema(compiled)
	if err != nil {
		return nil, err
	}
	s.Declared = text.declared
	return s, nil
}

// compiler compiles the schemas of one document. Each of its methods returns what it compiled.
type compiler struct {
	text *documentText
}

func (c *compiler) schema(document *jsonschema.Schema) (*Schema, error) {
	name, err := readTableName(annotationsOf(document).table)
	if err != nil {
		return nil, err
	}
	if document.Types == nil || !slices.Equal(document.Types.ToStrings(), []string{"object"}) || len(document.Properties) == 0 {
		return nil, errors.New(`/type: a contract is of "type": "object" and declares properties`)
	}
	root, leaves, err := c.object(document, position{required: true})
	if err != nil {
		return nil, err
	}
	s := &Schema{Table: name, Root: root, Properties: numberProperties(root, 0)}
	if err := s.addColumns(leaves); err != nil {
		return nil, err
	}
	if err := s.Table.setWrite(annotationsOf(document), s.Columns); err != nil {
		return nil, err
	}
	if needsLibrary(document) {
		s.Library = document
	}
	return s, nil
}

// numberProperties numbers the properties of an object from next on and returns the number after
// the last.
func numberProperties(o *Object, next int) int {
	for _, p := range o.Properties {
		p.Slot = next
		next++
		if p.Object != nil {
			next = numberProperties(p.Object, next)
		}
	}
	return next
}

// position is where an object is in a message.
type position struct {
	pointer  jsontext.Pointer // of its schema in the document
	path     string           // "" at the root, else it ends in a dot
	prefix   string           // of column names: "", or it ends in _
	required bool             // every valid message has the object
	depth    int
}

// leaf is a property with a column.
type leaf struct {
	node
	property *Property
	column   Column
}

// object compiles an object with properties, and returns the leaves below it.
func (c *compiler) object(schema *jsonschema.Schema, at position) (*Object, []leaf, error) {
	if at.depth >= maxNesting {
		return nil, nil, fmt.Errorf("%s: deeper than %d levels: flatten the event", pointerText(at.pointer), maxNesting)
	}
	o := &Object{Path: at.path, Closed: schema.AdditionalProperties == false, ByName: make(map[string]*Property, len(schema.Properties))}
	var leaves []leaf
	for _, name := range c.text.order[at.pointer] {
		child := schema.Properties[name]
		n := node{child, annotationsOf(child), name, at.pointer.AppendToken("properties").AppendToken(name)}
		p, below, err := c.property(n, slices.Contains(schema.Required, name), at)
		if err != nil {
			return nil, nil, err
		}
		if p.Required {
			o.Required++
		}
		o.Properties, o.ByName[name] = append(o.Properties, p), p
		leaves = append(leaves, below...)
	}
	for _, name := range schema.Required {
		if o.ByName[name] == nil {
			return nil, nil, fmt.Errorf("%s: required names %q, which is not among the properties%s",
				at.pointer.AppendToken("required"), name, suggest(name, c.text.order[at.pointer]))
		}
	}
	return o, leaves, nil
}

// node is the schema of a property.
type node struct {
	*jsonschema.Schema
	annotations
	name string
	at   jsontext.Pointer
}

// errorf returns an error at one of the schema's keywords.
func (n node) errorf(keyword, format string, args ...any) error {
	return fmt.Errorf("%s: %w", n.at.AppendToken(keyword), fmt.Errorf(format, args...))
}

// property compiles a property of the object at parent, and returns the leaves: the property
// itself, or those below it.
func (c *compiler) property(n node, required bool, parent position) (*Property, []leaf, error) {
	if n.Ref != nil || n.DynamicRef != nil {
		return nil, nil, n.errorf("$ref", "a property that becomes a column cannot be a reference: write its schema in place")
	}
	p, err := newProperty(n)
	if err != nil {
		return nil, nil, err
	}
	p.Path, p.Required = parent.path+n.name, required
	always := required && parent.required
	if p.Kind == Nested {
		if n.column+n.mask+n.domain != "" || n.recover || n.subject {
			return nil, nil, fmt.Errorf("%s: an object with properties has no column of its own: put x- keywords on its properties", n.at)
		}
		var below []leaf
		p.Object, below, err = c.object(n.Schema, position{n.at, p.Path + ".", parent.prefix + n.name + "_", always && p.NullRule != "", parent.depth + 1})
		return p, below, err
	}
	column := Column{Name: cmp.Or(n.column, parent.prefix+n.name), Path: p.Path, Recover: n.recover, Subject: n.subject}
	if err := checkColumnName(n, column.Name); err != nil {
		return nil, nil, err
	}
	if p.Masking, err = newMasking(n, p.Kind); err != nil {
		return nil, nil, err
	}
	if err := p.setChecks(n); err != nil {
		return nil, nil, err
	}
	column.Type, column.Mask = p.Type, p.Masking.Kind
	column.Required = always && p.NullRule != "" && column.Mask != mask.Drop
	return p, []leaf{{n, p, column}}, nil
}

// newProperty reads type, which decides what a value may be.
func newProperty(n node) (*Property, error) {
	var types []string
	if n.Types != nil {
		types = n.Types.ToStrings()
	}
	nullable := slices.Contains(types, "null")
	types = slices.DeleteFunc(types, func(t string) bool { return t == "null" })
	if len(types) != 1 {
		return nil, n.errorf("type", `one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`)
	}
	if types[0] != "object" && len(n.Properties) > 0 {
		return nil, n.errorf("properties", "only a property of type object has properties")
	}
	p := new(Property)
	if !nullable {
		p.NullRule = "type"
	}
	switch types[0] {
	case "string":
		p.Kind, p.Type = String, Text
	case "integer":
		p.Kind, p.Type = Integer, BigInt
	case "number":
		p.Kind, p.Type = Number, Double
	case "boolean":
		p.Kind, p.Type = Bool, Boolean
	case "array":
		p.Kind, p.Type = StoredArray, JSONB
	default:
		p.Kind, p.Type = StoredObject, JSONB
		if len(n.Properties) > 0 {
			p.Kind = Nested
		}
	}
	return p, nil
}
