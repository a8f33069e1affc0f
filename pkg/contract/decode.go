package contract

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/violation"
	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/scan"
)

// Decode is [Contract.DecodeMessage] of a message without attributes.
func (c *Contract) Decode(body []byte) (Record, error) { return c.DecodeMessage(Message{Body: body}) }

// DecodeMessage reads one message and checks it against the contract. Every error is a
// [*Violation], and names one mistake. A mistake of the text as a whole (not JSON, duplicate
// members, trailing bytes) goes before mistakes of values. Of these, the first in the message is
// named; a missing property counts where its object ends, and of several the first in the
// contract's order is named. It does not change the body, and keeps parts of it only if the contract
// recovers values. It is safe for concurrent use.
func (c *Contract) DecodeMessage(m Message) (Record, error) { return new(decoding).decode(c, m) }

// Decode is [Contract.DecodeMessage] for a batch. It is cheaper, because the record is valid only
// until the next one is decoded.
func (r *Rows) Decode(m Message) (Record, error) { return r.decoding.decode(r.contract, m) }

// decoding is the state of one Decode. All of it is used again for the next one.
type decoding struct {
	scan.Cursor // fails if the syntax of the message has a mistake
	*content
	kept       func() *content
	schema     *schema.Schema
	seen       []bool   // by the property's slot
	undeclared [][]byte // names of the undeclared members of the objects that the cursor is in
	scratch    []byte
	texts      scan.Texts
	event      []byte     // out of an SNS notification
	marked     bool       // the body has a member that AWS's wrappers have
	violation  *Violation // the first one
}

func (d *decoding) decode(c *Contract, m Message) (Record, error) {
	wrapper, event, refused := c.schema.Origin.Envelope.Open(&m, d.event)
	d.event = event
	if refused != nil {
		return Record{}, refusal(refused)
	}
	d.begin(c, m.Body)
	if v := d.read(c, &m); v != nil {
		return Record{}, v
	}
	var rule string
	if d.identity, rule = c.schema.Origin.Identify(&m, &wrapper, d.ownIdentity()); rule != "" {
		return Record{}, &Violation{Field: d.identity.Field, Rule: rule}
	}
	return Record{contract: c, content: d.kept, serial: d.serial}, nil
}

// read reads and checks the event.
func (d *decoding) read(c *Contract, m *Message) *Violation {
	ok := d.message(m.Body)
	if d.marked || !ok && bytes.HasPrefix(bytes.TrimSpace(m.Body), []byte("[")) {
		reads := func(member string) bool { return c.schema.Root.ByName[member] != nil }
		if refused := c.schema.Origin.Envelope.Guess(m.Body, reads); refused != nil {
			return refusal(refused)
		}
	}
	if !ok {
		return violation.Syntax(c.schema.Declared, m.Body)
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

// fromAttributes reads the properties with x-attribute, after the body.
func (d *decoding) fromAttributes(m *Message) {
	for _, p := range d.schema.Attributes {
		text := m.Attribute(p.Attribute)
		switch {
		case text != "":
			kind, raw := attributeJSON(p, text)
			d.Cursor = scan.New(raw)
			d.fill(p, kind, d.valid())
		case p.Required:
			d.violate(p.Path, violation.Required)
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

func (d *decoding) begin(c *Contract, body []byte) {
	d.Cursor, d.schema, d.violation, d.marked = scan.New(body), c.schema, nil, false
	if d.content == nil {
		kept := &content{values: make([]Value, len(c.schema.Columns)), recovered: make([][]byte, len(c.schema.Recover))}
		d.content, d.kept = kept, func() *content { return kept }
		d.seen = make([]bool, c.schema.Properties)
	}
	clear(d.values)
	clear(d.recovered)
	clear(d.seen)
	d.masked = d.masked[:0]
	d.serial++
}

// message reads the whole body. It returns false if the syntax has a mistake; a value that breaks a
// rule is noted in d.violation.
func (d *decoding) message(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	d.object(d.schema.Root)
	return d.Peek() == 0 && d.At() == len(body) && !d.Failed()
}
