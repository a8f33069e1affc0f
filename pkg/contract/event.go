package contract

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/scan"
)

// Message attributes that identify an event: a producer sets them, or a redrive that makes new
// messages of old ones.
const (
	AttributeEventID     = "event-id"
	AttributeEventSentAt = "event-sent-at"
)

// Message is one message as it was delivered.
type Message struct {
	Body       []byte
	Attributes Attributes // nil: the message has none
}

// Attributes are the message attributes of a message.
type Attributes interface {
	MessageAttribute(name string) string // "" if there is no such attribute
}

func (m *Message) attribute(name string) string {
	if m.Attributes == nil {
		return ""
	}
	return m.Attributes.MessageAttribute(name)
}

// Identity is what a message itself says of the id and the time of its event: by the properties
// with x-event-id and x-event-time; else by the message attributes event-id and event-sent-at; else
// by the wrapper around the event. A zero field means that it says nothing, and that the message id
// and the time of SQS count.
type Identity struct {
	ID     string
	SentAt time.Time
	Field  string // what SentAt comes from, as a Violation names it
}

// open takes the wrappers off a message. It returns the innermost one.
func (d *decoding) open(chain envelope.Chain, m *Message) (w envelope.Wrapper, v *Violation) {
	for i, kind := range chain {
		var rule string
		outer := m.Body
		if w, rule = kind.Open(outer); rule != "" {
			return w, notOpened(chain, i, rule, outer)
		}
		if i == 0 {
			m.Attributes = nil // those of the SQS message are not the producer's
		}
		m.Body = w.Event
		if kind == envelope.SNS {
			attributes := w
			m.Attributes = &attributes
			var err error
			if d.event, err = scan.Unquote(d.event[:0], w.Event); err != nil {
				return w, &Violation{Rule: ruleUTF8, Malformed: true}
			}
			m.Body = d.event
		}
	}
	return w, nil
}

// notOpened says why a wrapper of the chain could not be opened.
func notOpened(chain envelope.Chain, i int, rule string, body []byte) *Violation {
	if rule == envelope.RuleEnvelope && !jsontext.Value(body).IsValid() {
		rule = envelope.RuleJSON
	}
	var found envelope.Kind
	if rule == envelope.RuleEnvelope {
		if guessed, kind := envelope.Guess(body); guessed != "" {
			rule, found = guessed, kind
		}
	}
	return &Violation{Rule: rule, Malformed: rule == envelope.RuleJSON, Hint: envelope.Explain(rule, chain[:i], found, chain)}
}

// guess says what the body is if it is not an event of any contract, but something that AWS makes.
// A contract that declares the members of a wrapper reads the wrapper itself.
func (c *Contract) guess(body []byte) *Violation {
	rule, kind := envelope.Guess(body)
	if rule == "" {
		return nil
	}
	if _, _, event := kind.Members(); kind != "" && c.schema.Root.ByName[event] != nil {
		return nil
	}
	opened := c.schema.Origin.Envelope
	return &Violation{Rule: rule, Hint: envelope.Explain(rule, opened, kind, opened)}
}

// identify returns the identity of a message without its wrappers, of which w is the innermost.
func (d *decoding) identify(c *Contract, m *Message, w *envelope.Wrapper) (*Identity, *Violation) {
	origin := &c.schema.Origin
	id, text, field := w.ID, w.Time, ""
	if n := len(origin.Envelope); n > 0 {
		_, field, _ = origin.Envelope[n-1].Members()
	}
	if a := m.attribute(AttributeEventID); a != "" {
		id = a
	}
	if a := m.attribute(AttributeEventSentAt); a != "" {
		text, field = a, AttributeEventSentAt
	}
	if origin.EventID >= 0 {
		id = idText(c.schema.Columns[origin.EventID], d.values[origin.EventID])
	}
	switch {
	case origin.EventTime >= 0:
		p := c.schema.Columns[origin.EventTime]
		return &Identity{id, eventTime(p, d.values[origin.EventTime]), p.Path}, nil
	case text != "":
		at, ok := ParseSentAt(text)
		if !ok {
			return nil, &Violation{Field: field, Rule: ruleDateTime}
		}
		return &Identity{id, at, field}, nil
	case id != "":
		return &Identity{ID: id}, nil
	}
	return nil, nil
}

// idText is the value of the property with x-event-id.
func idText(p *schema.Property, v Value) string {
	switch p.Type {
	case UUID:
		return uuid.UUID(v.UUID()).String()
	case BigInt:
		return strconv.FormatInt(v.Int(), 10)
	}
	return v.Text()
}

// eventTime is the value of the property with x-event-time; an integer has epoch milliseconds.
func eventTime(p *schema.Property, v Value) time.Time {
	if p.Type == BigInt {
		return time.UnixMilli(v.Int())
	}
	return v.Time()
}

// ParseSentAt reads a time: RFC 3339, or epoch milliseconds.
func ParseSentAt(text string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// fromAttributes reads the properties with x-attribute.
func (d *decoding) fromAttributes(m *Message) {
	for _, p := range d.schema.Attributes {
		text := m.attribute(p.Attribute)
		if text == "" {
			if p.Required {
				d.violate(p.Path, ruleRequired)
			}
			continue
		}
		kind, raw := attributeJSON(p, text)
		value, rule := d.value(p, kind, raw)
		if rule != "" {
			d.violate(p.Path, rule)
			continue
		}
		d.values[p.Column] = value
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
