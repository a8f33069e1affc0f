package pattern

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The parts of a message that a [Message] pattern may ask about.
const (
	partBody       = "body"
	partAttributes = "messageAttributes"
	partEnvelope   = "envelope"
)

// Message is an event pattern on a whole message: {"body": {...}, "messageAttributes": {...},
// "envelope": {...}}, or $or of such patterns. It is immutable and safe for concurrent use.
//
// The body is the event itself, out of its wrapper. The envelope has the members of the wrapper.
// The value of a message attribute is text.
type Message struct{ object *objectPattern }

// ParseMessage reads a pattern of 4,096 characters at most. The error says where it is wrong.
func ParseMessage(text []byte) (*Message, error) {
	if utf8.RuneCount(text) > maxLength {
		return nil, fmt.Errorf("the pattern has more than %d characters", maxLength)
	}
	tree, err := readJSON(text)
	if err != nil {
		return nil, errors.New("the pattern is not JSON")
	}
	root, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New(`a pattern is an object, such as {"body": {"type": ["order"]}}`)
	}
	if err := checkParts(root); err != nil {
		return nil, err
	}
	object, err := parseObject(root, "pattern")
	if err != nil {
		return nil, err
	}
	return &Message{object}, nil
}

// checkParts refuses what parseObject would take but no message has.
func checkParts(root map[string]any) error {
	for name, value := range root {
		members, isObject := value.(map[string]any)
		switch {
		case name == "$or":
			list, _ := value.([]any)
			for _, each := range list {
				object, _ := each.(map[string]any) // parseObject refuses anything else
				if err := checkParts(object); err != nil {
					return err
				}
			}
		case name != partBody && name != partAttributes && name != partEnvelope:
			return fmt.Errorf("%q is not a part of a message: use %s, %s or %s", name, partBody, partAttributes, partEnvelope)
		case !isObject:
			return fmt.Errorf("%s takes an object of patterns", name)
		case name == partAttributes:
			if err := checkAttributes(members); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkAttributes refuses what never matches text.
func checkAttributes(members map[string]any) error {
	for name, value := range members {
		list, isList := value.([]any)
		if !isList {
			return fmt.Errorf(`%s.%s must be a list of values and rules, such as ["order"]`, partAttributes, name)
		}
		for _, each := range list {
			rule, _ := each.(map[string]any)
			_, numeric := rule["numeric"]
			if _, text := each.(string); !text && rule == nil || numeric {
				return fmt.Errorf(`%s.%s: the value of an attribute is text: write numbers as "5"`, partAttributes, name)
			}
		}
	}
	return nil
}

// Selection is what patterns ask about. Its zero value asks about nothing.
type Selection struct {
	Body, Envelope Fields
	Attributes     map[string]bool
}

// Add adds what the pattern asks about.
func (s *Selection) Add(p *Message) {
	var f Fields
	f.add(p.object)
	s.Body.join(f.members[partBody])
	s.Envelope.join(f.members[partEnvelope])
	if attributes := f.members[partAttributes]; attributes != nil {
		if s.Attributes == nil {
			s.Attributes = map[string]bool{}
		}
		for name := range attributes.members {
			s.Attributes[name] = true
		}
	}
}

// View is one message as patterns see it.
type View struct{ parts map[string]any }

// NewView joins the parts of a message. The values of attributes are strings.
func NewView(body, envelope Tree, attributes map[string]any) (v View) {
	v.Set(body, envelope, attributes)
	return v
}

// Set makes the view one of another message.
func (v *View) Set(body, envelope Tree, attributes map[string]any) {
	if v.parts == nil {
		v.parts = make(map[string]any, 3)
	}
	v.parts[partBody], v.parts[partEnvelope], v.parts[partAttributes] = body.value, envelope.value, attributes
}

// Match reports whether the pattern matches the message.
func (p *Message) Match(v View) bool { return p.object.matches(v.parts) }
