package contract

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiler turns a contract's schema into its plan.
type compiler struct {
	outline *outline
	c       *Contract
	beyond  bool   // a keyword is left to the schema library
	subject string // the path of the property that has x-subject
}

func newPlan(name string, o *outline, schema *jsonschema.Schema) (*Contract, error) {
	p := &compiler{outline: o, c: &Contract{name: name, declared: o.declared}}
	if err := p.setTable(annotationsOf(schema).table); err != nil {
		return nil, err
	}
	if schema.Types == nil || !slices.Equal(schema.Types.ToStrings(), []string{"object"}) || len(schema.Properties) == 0 {
		return nil, errors.New(`/type: a contract is of "type": "object" and declares properties`)
	}
	if err := p.object(&p.c.root, schema, scope{required: true}); err != nil {
		return nil, err
	}
	if err := p.write(annotationsOf(schema)); err != nil {
		return nil, err
	}
	if p.beyond {
		p.c.schema = schema
	}
	return p.c, nil
}

// scope is where an object stands.
type scope struct {
	pointer  jsontext.Pointer
	path     string // "" at the root, else it ends in a dot
	prefix   string // of column names, "" or ends in _
	required bool   // every valid message has the object
	depth    int
}

func (p *compiler) object(o *object, schema *jsonschema.Schema, s scope) error {
	if s.depth >= maxNesting {
		return fmt.Errorf("%s: deeper than %d levels: flatten the event", pointerText(s.pointer), maxNesting)
	}
	p.noteBeyond(schema, true)
	o.path, o.closed = s.path, schema.AdditionalProperties == false
	o.byName = make(map[string]*property, len(schema.Properties))
	for _, name := range p.outline.order[s.pointer] {
		at := s.pointer.AppendToken("properties").AppendToken(name)
		child := schema.Properties[name]
		q, err := p.property(node{child, annotationsOf(child), name, at}, slices.Contains(schema.Required, name), s)
		if err != nil {
			return err
		}
		if q.required {
			o.required++
		}
		o.properties, o.byName[name] = append(o.properties, q), q
	}
	for _, name := range schema.Required {
		if o.byName[name] == nil {
			return fmt.Errorf("%s: required names %q, which is not among the properties%s",
				s.pointer.AppendToken("required"), name, suggest(name, p.outline.order[s.pointer]))
		}
	}
	return nil
}

// node is a property's schema.
type node struct {
	*jsonschema.Schema
	annotations
	name string
	at   jsontext.Pointer
}

// errorf is an error at one of the schema's keywords.
func (n node) errorf(keyword, format string, args ...any) error {
	return fmt.Errorf("%s: %w", n.at.AppendToken(keyword), fmt.Errorf(format, args...))
}

func (p *compiler) property(n node, required bool, s scope) (*property, error) {
	q := &property{path: s.path + n.name, slot: p.c.slots, required: required, column: len(p.c.columns)}
	p.c.slots++
	if n.Ref != nil || n.DynamicRef != nil {
		return nil, n.errorf("$ref", "a property that becomes a column cannot be a reference: write its schema in place")
	}
	if err := q.setKind(n); err != nil {
		return nil, err
	}
	always := required && s.required
	if q.kind != kindObject {
		return q, p.column(q, n, cmp.Or(n.column, s.prefix+n.name), always)
	}
	if n.column+n.mask+n.domain != "" || n.recover || n.subject {
		return nil, fmt.Errorf("%s: an object with properties has no column of its own: put x- keywords on its properties", n.at)
	}
	q.object = new(object)
	return q, p.object(q.object, n.Schema, scope{n.at, q.path + ".", s.prefix + n.name + "_", always && q.nullRule != "", s.depth + 1})
}

// setKind reads type, which decides what a value may be.
func (q *property) setKind(n node) error {
	var types []string
	if n.Types != nil {
		types = n.Types.ToStrings()
	}
	nullable := slices.Contains(types, "null")
	types = slices.DeleteFunc(types, func(t string) bool { return t == "null" })
	if len(types) != 1 {
		return n.errorf("type", `one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`)
	}
	if types[0] != "object" && len(n.Properties) > 0 {
		return n.errorf("properties", "only a property of type object has properties")
	}
	if !nullable {
		q.nullRule = ruleType
	}
	switch types[0] {
	case "string":
		q.kind, q.columnOf = kindString, Text
	case "integer":
		q.kind, q.columnOf = kindInteger, BigInt
	case "number":
		q.kind, q.columnOf = kindNumber, Double
	case "boolean":
		q.kind, q.columnOf = kindBoolean, Boolean
	default:
		q.kind, q.columnOf, q.array = kindJSON, JSONB, types[0] == "array"
		if len(n.Properties) > 0 {
			q.kind = kindObject
		}
	}
	return nil
}
