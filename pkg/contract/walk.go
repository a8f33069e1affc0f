package contract

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// object reads an object whose properties are declared.
func (d *decoding) object(o *object) error {
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	missing := o.required
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
		d.seen[p.slot] = true
		if p.required {
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

// find looks up a member's name, which jsontext has left quoted.
func (d *decoding) find(o *object, quoted []byte) *property {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], quoted)
		name = d.scratch
	}
	return o.byName[string(name)]
}

// undeclared reads a member that never reaches the table. It is held to the
// limits of every message all the same.
func (d *decoding) undeclared(o *object, name []byte) error {
	_, rule := d.scan(name)
	value, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	if rule == "" {
		_, rule = d.scan(value)
	}
	switch {
	case rule != "":
		d.violate(o.path+"*", rule)
	case o.closed:
		d.violate(o.path+"*", "additionalProperties")
	}
	return nil
}

func (d *decoding) property(p *property) error {
	kind := d.json.PeekKind()
	if p.kind == kindObject && kind == '{' {
		return d.object(p.object)
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	if kind == 'n' {
		if p.nullRule != "" {
			d.violate(p.path, p.nullRule)
		}
		return nil
	}
	value, rule := d.value(p, kind, raw)
	if rule != "" {
		d.violate(p.path, rule)
		return nil
	}
	d.values[p.column] = value
	return nil
}

// value reads a value that is not null, or says which rule it breaks.
func (d *decoding) value(p *property, kind jsontext.Kind, raw []byte) (Value, string) {
	switch {
	case p.kind == kindString && kind == '"':
		return d.text(p, raw)
	case p.kind == kindInteger && kind == '0':
		return p.integer(raw)
	case p.kind == kindNumber && kind == '0':
		return p.double(raw)
	case p.kind == kindBoolean && kind == 't':
		return intValue(1), ""
	case p.kind == kindBoolean && kind == 'f':
		return intValue(0), ""
	case p.kind == kindJSON && (kind == '[') == p.array && (kind == '[' || kind == '{'):
		compact, rule := d.scan(raw)
		return textValue(string(compact)), rule
	}
	return Value{}, ruleType
}

// text reads a string.
func (d *decoding) text(p *property, quoted []byte) (Value, string) {
	unquoted := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(unquoted, '\\') >= 0 {
		d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], quoted)
		unquoted = d.scratch
		if bytes.IndexByte(unquoted, 0) >= 0 {
			return Value{}, ruleNUL
		}
	}
	s := string(unquoted)
	if rule := p.text.check(s); rule != "" {
		return Value{}, rule
	}
	return p.textValue(s), ""
}

func (d *decoding) violate(field, rule string) {
	if d.violation == nil {
		d.violation = &Violation{Field: field, Rule: rule}
	}
}

func (d *decoding) violateMissing(o *object) {
	for _, p := range o.properties {
		if p.required && !d.seen[p.slot] {
			d.violate(p.path, ruleRequired)
			return
		}
	}
}
