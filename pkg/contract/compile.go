package contract

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/mask"
)

// What Postgres and this system leave to a contract.
const (
	maxColumns = 1500 // of the 1,600 that Postgres allows
	maxNesting = 64
)

// reserved are the columns that every table has besides the contract's, and those
// that Postgres adds to every table.
var reserved = []string{
	"create_date", "sent_at", "event_id",
	"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid",
}

// compiler turns a contract's schema into its plan.
type compiler struct {
	outline *outline
	c       *Contract
	beyond  bool // a keyword is left to the schema library
	subject jsontext.Pointer
}

func newPlan(name string, o *outline, schema *jsonschema.Schema) (*Contract, error) {
	p := &compiler{outline: o, c: &Contract{name: name, declared: o.declared}}
	p.c.table = Table{Schema: "public", Name: annotationsOf(schema).table}
	if p.c.table.Name == "" {
		return nil, errors.New(`/x-table: it is missing: name the table, "x-table": "orders"`)
	}
	if before, after, ok := strings.Cut(p.c.table.Name, "."); ok {
		p.c.table.Schema, p.c.table.Name = before, after
	}
	if schema.Types == nil || schema.Types.String() != typeString("object") || len(schema.Properties) == 0 {
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

func typeString(name string) string {
	var t jsonschema.Types
	t.Add(name)
	return t.String()
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
	o.path = s.path
	o.byName = make(map[string]*property, len(schema.Properties))
	for _, name := range p.outline.order[s.pointer] {
		at := s.pointer.AppendToken("properties").AppendToken(name)
		required := slices.Contains(schema.Required, name)
		q, err := p.property(schema.Properties[name], name, at, required, s)
		if err != nil {
			return err
		}
		if required {
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

func (p *compiler) property(schema *jsonschema.Schema, name string, at jsontext.Pointer, required bool, s scope) (*property, error) {
	q := &property{path: s.path + name, slot: p.c.slots, required: required, column: len(p.c.columns)}
	p.c.slots++
	if schema.Ref != nil || schema.DynamicRef != nil {
		return nil, fmt.Errorf("%s: a property that becomes a column cannot be a $ref: write its schema in place", at.AppendToken("$ref"))
	}
	if err := p.setKind(q, schema, at); err != nil {
		return nil, err
	}
	a := annotationsOf(schema)
	always := required && s.required
	var err error
	if q.kind == kindObject {
		if a.column+a.mask+a.domain != "" || a.recover || a.subject {
			return nil, fmt.Errorf("%s: an object with properties has no column of its own: put x- keywords on its properties", at)
		}
		q.object = new(object)
		err = p.object(q.object, schema, scope{at, q.path + ".", s.prefix + name + "_", always && q.nullRule != "", s.depth + 1})
	} else {
		err = p.column(q, schema, a, at, cmp.Or(a.column, s.prefix+name), name, always)
	}
	q.columns = len(p.c.columns) - q.column
	return q, err
}

// setKind reads type, enum and const as far as they decide what a value may be.
func (p *compiler) setKind(q *property, schema *jsonschema.Schema, at jsontext.Pointer) error {
	var types []string
	if schema.Types != nil {
		types = schema.Types.ToStrings()
	}
	nullable := slices.Contains(types, "null")
	types = slices.DeleteFunc(types, func(t string) bool { return t == "null" })
	if len(types) != 1 {
		return fmt.Errorf(`%s: one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`, at.AppendToken("type"))
	}
	if types[0] != "object" && len(schema.Properties) > 0 {
		return fmt.Errorf("%s: only a property of type object has properties", at.AppendToken("properties"))
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
	case "array":
		q.kind, q.columnOf, q.array = kindJSON, JSONB, true
	default:
		q.kind, q.columnOf, q.anyObject = kindJSON, JSONB, true
		if len(schema.Properties) > 0 {
			q.kind = kindObject
		}
	}
	if !nullable {
		q.nullRule = ruleType
	}
	return nil
}

// column makes the column of a property that has one.
func (p *compiler) column(q *property, schema *jsonschema.Schema, a annotations, at jsontext.Pointer, column, name string, always bool) error {
	if err := p.checkColumnName(column, at); err != nil {
		return err
	}
	if err := p.setMask(q, a, at, name); err != nil {
		return err
	}
	if a.subject {
		if p.subject != "" {
			return fmt.Errorf("%s: x-subject is already on %s: one property identifies the person", at.AppendToken("x-subject"), p.subject)
		}
		p.subject = at
	}
	if err := p.setChecks(q, schema, a.format, at); err != nil {
		return err
	}
	p.noteBeyond(schema, false)
	p.c.columns = append(p.c.columns, q)
	p.c.table.Columns = append(p.c.table.Columns, Column{
		Name: column, Type: q.columnOf, Mask: q.mask, Path: q.path, Recover: a.recover, Subject: a.subject,
		Required: always && q.nullRule != "" && q.mask != mask.Drop,
	})
	return nil
}

func (p *compiler) checkColumnName(column string, at jsontext.Pointer) error {
	where := at.AppendToken("x-column")
	for _, r := range column {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' || column[0] >= '0' && column[0] <= '9' {
			return fmt.Errorf("%s: %q is no name for a column: give it one of lower-case letters, digits and _ by x-column", where, column)
		}
	}
	if column == "" || len(column) > 63 {
		return fmt.Errorf("%s: a column's name has 1 to 63 characters, %q has %d: give it one by x-column", where, column, len(column))
	}
	if slices.Contains(reserved, column) {
		return fmt.Errorf("%s: every table has a column %s already: give this one another name by x-column", where, column)
	}
	for _, other := range p.c.table.Columns {
		if other.Name == column {
			return fmt.Errorf("%s: the column %s is already filled by %s: give one of them another name by x-column", where, column, other.Path)
		}
	}
	if len(p.c.columns) == maxColumns {
		return fmt.Errorf("%s: a table has at most %d columns: leave out the rest, or keep an object without properties as jsonb", where, maxColumns)
	}
	return nil
}

func (p *compiler) setMask(q *property, a annotations, at jsontext.Pointer, name string) error {
	if a.mask != "" {
		if q.kind != kindString {
			return fmt.Errorf("%s: only a string can be masked: make it a string, or do not declare it, then it is not stored", at.AppendToken("x-mask"))
		}
		q.mask, _ = mask.ParseKind(a.mask) // the meta-schema has checked it
	}
	ip := a.format == "ip" || a.format == "ipv4" || a.format == "ipv6"
	switch {
	case q.mask == mask.Network && !ip:
		return fmt.Errorf(`%s: ip-network needs an address: add "format": "ip"`, at.AppendToken("x-mask"))
	case a.recover && q.mask != mask.Token:
		return fmt.Errorf(`%s: x-recover needs "x-mask": "token"`, at.AppendToken("x-recover"))
	case a.domain != "" && q.mask != mask.Token:
		return fmt.Errorf(`%s: x-domain needs "x-mask": "token"`, at.AppendToken("x-domain"))
	}
	q.domain = cmp.Or(a.domain, name)
	switch {
	case q.mask != mask.Token && q.mask != mask.Network:
	case ip:
		q.canonical = canonicalIP
	case a.format == "uuid":
		q.canonical = strings.ToLower
	}
	return nil
}

// write reads x-write.
func (p *compiler) write(a annotations) error {
	if a.mode != Upsert.String() {
		return nil
	}
	for i, name := range a.key {
		at := fmt.Sprintf("/x-write/key/%d", i)
		n := slices.IndexFunc(p.c.table.Columns, func(c Column) bool { return c.Name == name })
		if n < 0 {
			var columns []string
			for _, column := range p.c.table.Columns {
				columns = append(columns, column.Name)
			}
			return fmt.Errorf("%s: there is no column %q%s", at, name, suggest(name, columns))
		}
		switch column := p.c.table.Columns[n]; {
		case !column.Required:
			return fmt.Errorf("%s: the column %s can be null: a key's properties are required, not nullable and not dropped", at, name)
		case column.Type == JSONB:
			return fmt.Errorf("%s: the column %s is jsonb: a key has simple columns", at, name)
		}
	}
	p.c.table.Mode, p.c.table.Key = Upsert, a.key
	return nil
}
