package envelope

import (
	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/scan"
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

// Attribute returns a message attribute, "" if there is no such attribute.
func (m *Message) Attribute(name string) string {
	if m.Attributes == nil {
		return ""
	}
	return m.Attributes.MessageAttribute(name)
}

// IsBinary reports whether a message attribute is there and has bytes instead of text. Attributes
// that do not say so are text.
func (m *Message) IsBinary(name string) bool {
	a, ok := m.Attributes.(interface{ IsBinary(name string) bool })
	return ok && a.IsBinary(name)
}

// Refusal is why a message is not an event that a chain of wrappers holds. It has nothing of the
// message.
type Refusal struct {
	Rule string
	Hint string // what to do about it; "" for RuleJSON, RuleUTF8 and RuleDuplicate
}

// Malformed reports whether the message is not JSON at all.
func (r *Refusal) Malformed() bool { return r.Rule == RuleJSON || r.Rule == RuleUTF8 }

// Open takes the wrappers off m, whose body and attributes become those of the event, and returns
// the innermost wrapper. The body may then be in buf, which is returned for the next message. The
// attributes of an SQS message around a wrapper are not the producer's and are left out.
func (c Chain) Open(m *Message, buf []byte) (w Wrapper, _ []byte, refused *Refusal) {
	for i, kind := range c {
		var rule string
		outer := m.Body
		if w, rule = kind.Open(outer); rule != "" {
			return w, buf, c.notOpened(i, rule, outer)
		}
		if i == 0 {
			m.Attributes = nil
		}
		m.Body = w.Event
		if kind == SNS {
			attributes := w
			m.Attributes = &attributes
			var err error
			if buf, err = scan.Unquote(buf[:0], w.Event); err != nil {
				return w, buf, &Refusal{Rule: RuleUTF8}
			}
			m.Body = buf
		}
	}
	return w, buf, nil
}

// notOpened says why a wrapper of the chain could not be opened.
func (c Chain) notOpened(i int, rule string, body []byte) *Refusal {
	if rule == RuleEnvelope && !jsontext.Value(body).IsValid() {
		rule = RuleJSON
	}
	var found Kind
	if rule == RuleEnvelope {
		if guessed, kind := Guess(body); guessed != "" {
			rule, found = guessed, kind
		}
	}
	return &Refusal{rule, Explain(rule, c[:i], found, c)}
}

// Guess says what the body is, out of all wrappers of the chain, if it is not an event but something
// that AWS makes. It is nil for an event. reads reports whether the contract declares a member of
// that name: a contract that declares the event's member of a wrapper reads the wrapper itself.
func (c Chain) Guess(body []byte, reads func(member string) bool) *Refusal {
	rule, kind := Guess(body)
	if rule == "" {
		return nil
	}
	if _, _, event := kind.Members(); kind != "" && reads(event) {
		return nil
	}
	return &Refusal{rule, Explain(rule, c, kind, c)}
}
