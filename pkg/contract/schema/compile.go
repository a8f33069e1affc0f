package schema

import (
	"cmp"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/naming"
	"sqs2pg/pkg/contract/schema/document"
	"sqs2pg/pkg/contract/schema/shape"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// Limits of what is compiled. A few schemas that refer to each other can stand for any number of
// properties.
const (
	maxNesting    = 64 // levels of objects
	maxProperties = 10_000
)

// Compile compiles source, the document of a contract. Its error has all mistakes of the document,
// one a line, each with line, column, JSON pointer and what to do about it; errors.As and the like
// find them one by one. Only a document that is not JSON has one error, about the first place that
// is wrong.
func Compile(source []byte) (*Schema, error) {
	text, err := document.Read(source)
	if err != nil {
		return nil, err
	}
	library, found := compileLibrary(source, text)
	if library != nil {
		c := compiler{
			text: text, compiled: map[*jsonschema.Schema]*shape.Schema{},
			merged: map[*jsonschema.Schema]*jsonschema.Schema{}, followed: map[jsontext.Pointer]bool{},
		}
		s := c.schema(library)
		if len(found) == 0 {
			c.checkMasksHaveEffect()
		}
		if found = found.With(c.mistakes...); len(found) == 0 {
			c.warnOfPersonalInside()
			s.Personal = c.personal
			text.Locate(s.Personal)
			return s, nil
		}
	}
	text.Locate(found)
	return nil, found
}

// compiler compiles the schemas of one document. Each of its methods returns what it compiled; what
// it returns is not complete if there are mistakes.
type compiler struct {
	text       *document.Text
	compiled   map[*jsonschema.Schema]*shape.Schema
	merged     map[*jsonschema.Schema]*jsonschema.Schema // schemas of properties without $ref, by those with it
	followed   map[jsontext.Pointer]bool                 // schemas that the $ref of a property names, and their properties
	properties int                                       // how many have been compiled
	mistakes   document.Mistakes
	personal   document.Mistakes // no mistakes, but worth a warning
}

// note notes a mistake once, also if each of several columns of a property has it.
func (c *compiler) note(at jsontext.Pointer, format string, args ...any) {
	if m := document.MistakeAt(at, format, args...); !slices.Contains(c.mistakes, m) {
		c.mistakes = append(c.mistakes, m)
	}
}

func (c *compiler) schema(root *jsonschema.Schema) *Schema {
	a := annotationsOf(root)
	s := &Schema{Table: c.tableName(a.table), Declared: c.text.Declared}
	if root.Types == nil || !slices.Equal(root.Types.ToStrings(), []string{"object"}) || len(root.Properties) == 0 {
		c.note("/type", `a contract is of "type": "object" and declares properties`)
	}
	var leaves []leaf
	s.Root, leaves = c.object(root, position{required: true, around: []jsontext.Pointer{""}})
	s.Properties = numberProperties(s.Root, 0)
	c.addColumns(s, leaves)
	c.setWrite(s, a)
	c.setVault(s, leaves)
	c.setOrigin(s, a, root, leaves)
	if len(c.mistakes) == 0 && c.needsLibrary(root) {
		s.Library = root
	}
	return s
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
	around   []jsontext.Pointer // the schemas of the objects around, and of this one
}

// leaf is a property with a column.
type leaf struct {
	node
	property *Property
	column   table.Column
}

// object compiles an object with properties, and returns the leaves below it.
func (c *compiler) object(schema *jsonschema.Schema, at position) (*Object, []leaf) {
	o := &Object{
		Path: at.path, ByName: make(map[string]*Property, len(schema.Properties)),
		closed: schema.AdditionalProperties == false, patterns: slices.Collect(maps.Keys(schema.PatternProperties)),
	}
	if at.depth >= maxNesting {
		c.note(at.pointer, "deeper than %d levels: flatten the event", maxNesting)
		return o, nil
	}
	var leaves []leaf
	for _, name := range c.text.Order[at.pointer] {
		child := schema.Properties[name]
		if child == nil {
			continue // taken out because of a mistake
		}
		if c.properties++; c.properties > maxProperties {
			c.note("", "more than %d properties: leave out some, or keep an object without properties as jsonb", maxProperties)
			return o, leaves
		}
		place := at.pointer.AppendToken("properties").AppendToken(name)
		c.followed[place] = true
		n := c.follow(node{child, annotationsOf(child), name, place, place}, append(slices.Clone(at.around), place))
		p, below := c.property(n, slices.Contains(schema.Required, name), at)
		leaves = append(leaves, below...)
		if p.Attribute != "" {
			continue // the body does not have it
		}
		if p.Required {
			o.Required++
		}
		o.Properties, o.ByName[name] = append(o.Properties, p), p
	}
	for _, name := range schema.Required {
		if !slices.Contains(c.text.Order[at.pointer], name) {
			c.note(at.pointer.AppendToken("required"), "required names %q, which is not among the properties%s",
				name, document.Suggest(name, c.text.Order[at.pointer]))
		}
	}
	return o, leaves
}

// node is the schema of a property.
type node struct {
	*jsonschema.Schema
	annotations
	name  string
	at    jsontext.Pointer
	inner jsontext.Pointer // of the schema that has its properties
}

// note notes a mistake at one of the keywords of a schema.
func (n node) note(c *compiler, keyword, format string, args ...any) {
	c.note(n.at.AppendToken(keyword), format, args...)
}

// property compiles a property of the object at parent, and returns the leaves: the property
// itself, or those below it.
func (c *compiler) property(n node, required bool, parent position) (*Property, []leaf) {
	p := c.newProperty(n)
	p.Path, p.Required = parent.path+n.name, required
	always := required && parent.required
	if p.Kind == Nested {
		if n.column+n.columnType+n.mask+n.domain+n.normalize != "" || n.masks != nil || n.recover || n.subject || n.origin.OnProperty() {
			c.note(n.at, "an object with properties has no column of its own: put x- keywords on its properties")
		}
		var below []leaf
		p.Object, below = c.object(n.Schema, position{n.inner, p.Path + ".", parent.prefix + naming.Column(n.name) + "_", always && p.NullRule != "", parent.depth + 1, append(slices.Clone(parent.around), n.at, n.inner)})
		return p, below
	}
	p.Attribute = n.origin.Attribute
	c.checkFormat(n)
	c.checkTokenKeywords(n)
	var leaves []leaf
	last, unfilled := p, *p
	for i, t := range c.targets(n, parent.prefix) {
		if i > 0 {
			next := unfilled
			last.Also, last = &next, &next
		}
		leaves = append(leaves, c.column(n, last, t, always))
	}
	return p, leaves
}

// column compiles one column of a property.
func (c *compiler) column(n node, p *Property, t target, always bool) leaf {
	column := table.Column{Name: t.column, Path: p.Path}
	c.checkColumnName(n, column.Name)
	c.setType(p, n)
	p.Masking = c.newMasking(n, t.at, t.mask)
	if p.Masking.Kind != mask.Drop {
		p.setChecks(n)
	} else if p.TypeRule != "type" {
		p.Kind, p.NullRule = Anything, ""
	}
	p.Type = p.Masking.Type(p.Type)
	switch {
	case p.Kind != StoredArray && p.Kind != StoredObject:
		c.warnOfPersonal(n, p)
	case p.Masking.Kind == mask.None:
		p.Shape = c.shape(n)
		column.Inside = c.inside(n, p.Shape)
	}
	column.Type, column.Mask = p.Type, p.Masking.Kind
	if column.Mask == mask.Token {
		column.Domain, column.Form = p.Masking.Domain, string(p.Masking.Form)
	}
	column.Required = always && p.NullRule != "" && column.Mask != mask.Drop
	return leaf{n, p, column}
}

// setChecks compiles the keywords of a string or a number. The type of a string's column follows
// from its format.
func (p *Property) setChecks(n node) {
	switch p.Kind {
	case String:
		p.Text = checks.TextOf(n.Schema, p.Required)
		p.Type = cmp.Or(map[string]table.Type{"uuid": table.UUID, "date": table.Date, "date-time": table.Timestamptz}[n.format], p.Type)
	case Integer, Number:
		p.Numbers = checks.NumbersOf(n.Schema)
	}
	_, isNullable, rule := checks.TypesOf(&jsonschema.Schema{Enum: n.Enum, Const: n.Const})
	if p.Kind == String && p.NullRule == "" && (n.Enum != nil) != (n.Const != nil) && !isNullable {
		p.NullRule = rule
	}
}

func (c *compiler) checkFormat(n node) {
	if n.format != "" && n.Format == nil {
		n.note(c, "format", "unknown format %q%s", n.format,
			document.Suggest(n.format, slices.AppendSeq(slices.Clone(checks.LibraryFormats), maps.Keys(checks.Formats))))
	}
}

// newProperty reads type, which decides what a value may be.
func (c *compiler) newProperty(n node) *Property {
	p := new(Property)
	if n.Ref != nil { // to itself
		return p
	}
	if n.DynamicRef != nil {
		n.note(c, "$dynamicRef", "a property that becomes a column cannot be a dynamic reference: use $ref")
		return p
	}
	types, nullable, rule := checks.TypesOf(n.Schema)
	p.TypeRule = rule
	if len(types) != 1 {
		n.note(c, "type", `one type is needed, and "null" besides if the value may be null: "type": "string" or ["string", "null"]`)
		return p
	}
	if types[0] != "object" && len(n.Schema.Properties) > 0 {
		n.note(c, "properties", "only a property of type object has properties")
	}
	if !nullable {
		p.NullRule = rule
	}
	switch types[0] {
	case "string":
		p.Kind, p.Type = String, table.Text
	case "integer":
		p.Kind, p.Type = Integer, table.BigInt
	case "number":
		p.Kind, p.Type = Number, table.Double
	case "boolean":
		p.Kind, p.Type = Bool, table.Boolean
	case "array":
		p.Kind, p.Type = StoredArray, table.JSONB
	default:
		p.Kind, p.Type = StoredObject, table.JSONB
		if len(n.Schema.Properties) > 0 {
			p.Kind = Nested
		}
	}
	return p
}
