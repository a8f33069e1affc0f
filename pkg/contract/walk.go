package contract

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message/envelope"
)

// object reads an object whose properties are declared.
func (d *decoding) object(o *schema.Object) error {
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	missing := o.Required
	for d.json.PeekKind() != '}' {
		name, err := d.json.ReadValue()
		if err != nil {
			return err
		}
		p := d.find(o, name)
		if p == nil {
			if err := d.undeclared(o, name); err != nil {
				return err
			}
			continue
		}
		d.seen[p.Slot] = true
		if p.Required {
			missing--
		}
		if err := d.property(p); err != nil {
			return err
		}
	}
	if missing > 0 {
		d.violateMissing(o)
	}
	_, err := d.json.ReadToken()
	return err
}

// find returns the property that a member's name declares, or nil. jsontext has left the name
// quoted.
func (d *decoding) find(o *schema.Object, quoted []byte) *schema.Property {
	return o.ByName[string(d.unquote(quoted))]
}

// unquote returns the text of a quoted string, in scratch space if it has escapes.
func (d *decoding) unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], quoted)
	return d.scratch
}

// undeclared reads a member that never reaches the table. Only its name and its nesting can break a
// rule.
func (d *decoding) undeclared(o *schema.Object, quoted []byte) error {
	name := d.unquote(quoted)
	if o.Forbids(name) {
		d.violate(o.Path+"*", "additionalProperties")
	}
	d.marked = d.marked || o == d.schema.Root && envelope.Marks(name)
	value, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	if isTooDeep(value, d.json.StackDepth()) {
		d.violate(o.Path+"*", ruleNesting)
	}
	return nil
}

func (d *decoding) property(p *schema.Property) error {
	kind := d.json.PeekKind()
	if p.Kind == schema.Nested && kind == '{' {
		return d.object(p.Object)
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	if kind == 'n' {
		if p.NullRule != "" {
			d.violate(p.Path, p.NullRule)
		}
		return nil
	}
	d.fill(p, kind, raw)
	return nil
}

// fill gives a value to the columns of a property, or notes the rule that it breaks.
func (d *decoding) fill(p *schema.Property, kind jsontext.Kind, raw []byte) {
	for ; p != nil; p = p.Also {
		value, rule := d.value(p, kind, raw)
		if rule == ruleType {
			rule = p.TypeRule
		}
		if rule != "" {
			d.violate(p.Path, rule)
			return
		}
		d.values[p.Column] = value
	}
}

// value reads a value that is not null, or returns the rule that it breaks.
func (d *decoding) value(p *schema.Property, kind jsontext.Kind, raw []byte) (Value, string) {
	switch {
	case p.Kind == schema.String && kind == '"':
		return d.text(p, raw)
	case p.Masking.Kind != mask.None && p.Kind != schema.String:
		return d.maskedValue(p, kind, raw)
	case kind == '0' && p.Type.Base() == Numeric && p.Kind != schema.String:
		return decimal(p, string(raw))
	case p.Kind == schema.Integer && kind == '0':
		return integer(p, raw)
	case p.Kind == schema.Number && kind == '0':
		return double(p, raw)
	case p.Kind == schema.Bool && kind == 't':
		return intValue(1), ""
	case p.Kind == schema.Bool && kind == 'f':
		return intValue(0), ""
	case p.Kind == schema.StoredArray && kind == '[', p.Kind == schema.StoredObject && kind == '{':
		return d.stored(p, raw)
	}
	return Value{}, ruleType
}

// text reads a string.
func (d *decoding) text(p *schema.Property, quoted []byte) (Value, string) {
	if p.Masking.Kind == mask.Drop {
		return Value{}, ""
	}
	unquoted := d.unquote(quoted)
	if len(unquoted) < len(quoted)-2 && bytes.IndexByte(unquoted, 0) >= 0 {
		return Value{}, ruleNUL
	}
	s := string(unquoted)
	if rule := p.Text.Check(s); rule != "" {
		return Value{}, rule
	}
	if p.Type.Base() == Numeric {
		return decimal(p, s)
	}
	return columnValue(p, s), ""
}

func (d *decoding) violate(field, rule string) {
	if d.violation == nil {
		d.violation = &Violation{Field: field, Rule: rule}
	}
}

func (d *decoding) violateMissing(o *schema.Object) {
	for _, p := range o.Properties {
		if p.Required && !d.seen[p.Slot] {
			d.violate(p.Path, ruleRequired)
			return
		}
	}
}
