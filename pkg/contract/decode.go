package contract

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads one message and checks it against the contract. Every error is a
// [*Violation]. What is wrong with the text as a whole (no JSON, duplicate
// members, trailing bytes) goes before what is wrong with a value; of several
// values the first in the message is named, and a missing property where its
// object ends, in the contract's order. Decode neither keeps nor changes body
// and is safe for concurrent use.
func (c *Contract) Decode(body []byte) (Record, error) {
	d := decodings.Get().(*decoding)
	defer d.release()
	d.begin(c, body)
	if err := d.message(); err != nil {
		return Record{}, d.syntaxViolation(body, err)
	}
	if d.violation == nil && c.schema != nil {
		d.violation = c.validate(body)
	}
	if d.violation != nil {
		return Record{}, d.violation
	}
	return Record{contract: c, values: &record{d.values}}, nil
}

// decoding is the state of one Decode. All of it but the values, which become
// the record's, is used again.
type decoding struct {
	contract  *Contract
	body      bytes.Buffer // jsontext reads a bytes.Buffer in place and leaves it unchanged
	json      *jsontext.Decoder
	values    []Value
	seen      []bool // by property.slot
	scratch   []byte
	violation *Violation // the first one
}

var decodings = sync.Pool{New: func() any {
	d := new(decoding)
	d.json = jsontext.NewDecoder(&d.body)
	return d
}}

const maxScratch = 64 << 10

func (d *decoding) begin(c *Contract, body []byte) {
	d.contract = c
	d.body = *bytes.NewBuffer(body)
	d.values = make([]Value, len(c.columns))
	if cap(d.seen) < c.slots {
		d.seen = make([]bool, c.slots)
	}
	d.seen = d.seen[:c.slots]
	clear(d.seen)
}

// release lets go of the message, so that a kept state holds no personal data
// beyond its scratch space.
func (d *decoding) release() {
	clear(d.scratch[:cap(d.scratch)])
	if cap(d.scratch) > maxScratch {
		d.scratch = nil
	}
	d.contract, d.values, d.violation = nil, nil, nil
	d.body = bytes.Buffer{}
	d.json.Reset(&d.body)
	decodings.Put(d)
}

var (
	errNotObject = errors.New("not an object")
	errTrailing  = errors.New("trailing bytes")
)

// message reads the whole body. Its error is one of the text's syntax; what is
// wrong with values it notes in d.violation.
func (d *decoding) message() error {
	if kind := d.json.PeekKind(); kind != '{' {
		if err := d.json.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if err := d.object(&d.contract.root); err != nil {
		return err
	}
	if _, err := d.json.ReadToken(); err != io.EOF {
		return errTrailing
	}
	return nil
}

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
	if rule != "" {
		d.violate(o.path+"*", rule)
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
	case p.kind == kindJSON && (kind == '[' && p.array || kind == '{' && p.anyObject):
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
