package contract

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/stored"
	"sqs2pg/pkg/contract/violation"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/scan"
)

// object reads an object whose properties are declared.
func (d *decoding) object(o *schema.Object) {
	missing, outer := o.Required, len(d.undeclared)
	for d.Open('{'); d.Next('}'); {
		name := d.unquote(d.Name())
		p := o.ByName[string(name)]
		if p == nil {
			d.skip(o, name)
			continue
		}
		if d.seen[p.Slot] {
			d.Fail() // a duplicate
		}
		d.seen[p.Slot] = true
		if p.Required {
			missing--
		}
		d.property(p)
	}
	if repeats(d.undeclared[outer:]) {
		d.Fail()
	}
	d.undeclared = d.undeclared[:outer]
	if missing > 0 {
		d.violateMissing(o)
	}
}

// repeats reports whether a name is there twice. It sorts the names, because a message of 1 MiB may
// have 100,000 of them, and to compare each with each takes longer than an invocation may.
func repeats(names [][]byte) bool {
	slices.SortFunc(names, bytes.Compare)
	for i := 1; i < len(names); i++ {
		if bytes.Equal(names[i-1], names[i]) {
			return true
		}
	}
	return false
}

// unquote returns what the name or the string says that was read last, in scratch space if it has
// escapes. It makes the cursor fail if that is not Unicode.
func (d *decoding) unquote(quoted []byte) []byte {
	if !d.Escaped() {
		return quoted[min(1, len(quoted)):max(len(quoted)-1, 0)]
	}
	var err error
	if d.scratch, err = scan.Unquote(d.scratch[:0], quoted); err != nil {
		d.Fail()
	}
	return d.scratch
}

// skip reads an undeclared member, which never reaches the table. Only its name and its nesting can
// break a rule.
func (d *decoding) skip(o *schema.Object, name []byte) {
	if len(d.scratch) > 0 && len(name) > 0 && &name[0] == &d.scratch[0] {
		name = bytes.Clone(name)
	}
	d.undeclared = append(d.undeclared, name)
	d.marked = d.marked || o == d.schema.Root && envelope.Marks(name)
	if o.Forbids(name) {
		d.violate(o.Path+"*", "additionalProperties")
	}
	if stored.IsTooDeep(d.valid(), d.Depth()) {
		d.violate(o.Path+"*", violation.Nesting)
	}
}

// valid reads a value, whose strings must be Unicode and whose members must differ.
func (d *decoding) valid() []byte {
	raw := d.Value()
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' && (raw[0] != '"' || !d.Escaped()) || jsontext.Value(raw).IsValid() {
		return raw
	}
	d.Fail()
	return nil
}

func (d *decoding) property(p *schema.Property) {
	kind := jsontext.Kind(d.Peek())
	switch {
	case kind == '{' && p.Kind == schema.Nested:
		d.object(p.Object)
		return
	case kind == '-' || kind >= '0' && kind <= '9':
		kind = '0'
	}
	raw := d.valid()
	if d.Failed() {
		return
	}
	if kind == 'n' {
		if p.NullRule != "" {
			d.violate(p.Path, p.NullRule)
		}
		return
	}
	d.fill(p, kind, raw)
}

// fill gives a value to the columns of a property, or notes the rule that it breaks.
func (d *decoding) fill(p *schema.Property, kind jsontext.Kind, raw []byte) {
	if p.Recover > 0 {
		d.recovered[p.Recover-1] = raw
	}
	for ; p != nil; p = p.Also {
		value, rule := d.value(p, kind, raw)
		if rule == violation.Type {
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
	return Value{}, violation.Type
}

// text reads a string.
func (d *decoding) text(p *schema.Property, quoted []byte) (Value, string) {
	if p.Masking.Kind == mask.Drop {
		return Value{}, ""
	}
	unquoted := d.unquote(quoted)
	if d.Escaped() && bytes.IndexByte(unquoted, 0) >= 0 {
		return Value{}, violation.NUL
	}
	s := d.texts.Keep(unquoted)
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
			d.violate(p.Path, violation.Required)
			return
		}
	}
}
