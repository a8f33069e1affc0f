package contract

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/message/envelope"
)

// Decode is [Contract.DecodeMessage] of a message without attributes.
func (c *Contract) Decode(body []byte) (Record, error) { return c.DecodeMessage(Message{Body: body}) }

// DecodeMessage reads one message and checks it against the contract. Every error is a
// [*Violation], and names one mistake. A mistake of the text as a whole (not JSON, duplicate
// members, trailing bytes) goes before mistakes of values. Of these, the first in the message is
// named; a missing property counts where its object ends, and of several the first in the
// contract's order is named. It neither keeps nor changes the body and is safe for concurrent use.
func (c *Contract) DecodeMessage(m Message) (Record, error) {
	d := decodings.Get().(*decoding)
	defer d.release()
	wrapper, event, refused := c.schema.Origin.Envelope.Open(&m, d.event)
	d.event = event
	if refused != nil {
		return Record{}, refusal(refused)
	}
	d.begin(c, m.Body)
	if violation := d.read(c, &m); violation != nil {
		return Record{}, violation
	}
	identity, rule := c.schema.Origin.Identify(&m, &wrapper, d.ownIdentity())
	if rule != "" {
		return Record{}, &Violation{Field: identity.Field, Rule: rule}
	}
	return newRecord(c, d, identity), nil
}

// read reads and checks the event.
func (d *decoding) read(c *Contract, m *Message) *Violation {
	err := d.message()
	if d.marked || errors.Is(err, errNotObject) {
		reads := func(member string) bool { return d.schema.Root.ByName[member] != nil }
		if refused := d.schema.Origin.Envelope.Guess(m.Body, reads); refused != nil {
			return refusal(refused)
		}
	}
	if err != nil {
		return d.syntaxViolation(m.Body, err)
	}
	d.fromAttributes(m)
	if d.violation == nil && c.schema.Library != nil {
		d.violation = c.validate(m.Body)
	}
	return d.violation
}

func refusal(r *envelope.Refusal) *Violation {
	return &Violation{Rule: r.Rule, Hint: r.Hint, Malformed: r.Malformed()}
}

// fromAttributes reads the properties with x-attribute.
func (d *decoding) fromAttributes(m *Message) {
	for _, p := range d.schema.Attributes {
		text := m.Attribute(p.Attribute)
		switch {
		case text != "":
			kind, raw := attributeJSON(p, text)
			d.fill(p, kind, raw)
		case p.Required:
			d.violate(p.Path, ruleRequired)
		}
	}
}

// attributeJSON writes the text of an attribute as JSON of the property's type. Text that is not of
// that type is a string, which breaks the rule of the type.
func attributeJSON(p *schema.Property, text string) (jsontext.Kind, []byte) {
	switch {
	case p.Kind == schema.Bool && (text == "true" || text == "false"):
		return jsontext.Kind(text[0]), []byte(text)
	case (p.Kind == schema.Integer || p.Kind == schema.Number) && scalar.IsNumber(text):
		return '0', []byte(text)
	}
	quoted, _ := jsontext.AppendQuote(nil, strings.ToValidUTF8(text, "\ufffd")) // valid UTF-8 can be quoted
	return '"', quoted
}

// decoding is the state of one Decode. All of it is used again, except for values and masked, which
// go to the record.
type decoding struct {
	schema    *schema.Schema
	body      bytes.Buffer // jsontext reads a bytes.Buffer in place and leaves it unchanged
	json      *jsontext.Decoder
	values    []Value // by the property's column
	masked    []maskedText
	seen      []bool // by the property's slot
	scratch   []byte
	event     []byte     // out of an SNS notification
	marked    bool       // the body has a member that AWS's wrappers have
	violation *Violation // the first one
}

var decodings = sync.Pool{New: func() any {
	d := new(decoding)
	d.json = jsontext.NewDecoder(&d.body)
	return d
}}

const maxScratch = 64 << 10

func (d *decoding) begin(c *Contract, body []byte) {
	d.schema = c.schema
	d.body = *bytes.NewBuffer(body)
	d.values = make([]Value, len(c.schema.Columns))
	if cap(d.seen) < c.schema.Properties {
		d.seen = make([]bool, c.schema.Properties)
	}
	d.seen = d.seen[:c.schema.Properties]
	clear(d.seen)
}

// release lets go of the message, and of scratch space that an unusually long message has grown.
func (d *decoding) release() {
	if cap(d.scratch) > maxScratch {
		d.scratch = nil
	}
	if cap(d.event) > maxScratch {
		d.event = nil
	}
	d.schema, d.values, d.masked, d.violation, d.marked = nil, nil, nil, nil, false
	d.body = bytes.Buffer{}
	d.json.Reset(&d.body)
	decodings.Put(d)
}

var (
	errNotObject = errors.New("not an object")
	errTrailing  = errors.New("trailing bytes")
)

// message reads the whole body. Its error is about the syntax; a value that breaks a rule is noted
// in d.violation.
func (d *decoding) message() error {
	if kind := d.json.PeekKind(); kind != '{' {
		if err := d.json.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if err := d.object(d.schema.Root); err != nil {
		return err
	}
	if _, err := d.json.ReadToken(); err != io.EOF {
		return errTrailing
	}
	return nil
}
