package envelope

import "sqs2pg/pkg/scan"

// Wrapper is an opened wrapper. It refers to the text that it was opened from.
type Wrapper struct {
	ID, Time string

	// Event is the JSON text of the event. For SNS it is that text in quotes, to be read by
	// [scan.Unquote].
	Event []byte

	attributes []byte // the members of AttributesMember; nil if there are none
}

// The rules that opening finds broken, besides RuleEnvelope.
const (
	RuleJSON      = "json"
	RuleDuplicate = "duplicate member"
	RuleUTF8      = "utf-8" // the event inside is not Unicode
)

// Open opens the wrapper around an event, or returns the rule that the text breaks: RuleEnvelope if
// it is not a wrapper of that kind, RuleJSON if it is not JSON at all, or RuleDuplicate if one of
// the members that matter is there twice.
func (k Kind) Open(text []byte) (w Wrapper, rule string) {
	c := scan.New(text)
	if c.Peek() != '{' {
		return w, RuleEnvelope
	}
	idName, timeName, eventName := k.Members()
	var id, at, kind []byte
	for c.Open('{'); c.Next('}'); {
		name := c.Name()
		value := c.Value()
		var to *[]byte
		switch string(inside(name)) {
		case idName:
			to = &id
		case timeName:
			to = &at
		case eventName:
			to = &w.Event
		case AttributesMember:
			to = &w.attributes
		case "Type":
			to = &kind
		default:
			continue
		}
		if *to != nil {
			return w, RuleDuplicate
		}
		*to = value
	}
	if c.Failed() || c.Peek() != 0 {
		return w, RuleJSON
	}
	w.ID, w.Time = textOf(id), textOf(at)
	if w.ID == "" || w.Time == "" || w.Event == nil || k == SNS && (w.Event[0] != '"' || textOf(kind) != "Notification") {
		return w, RuleEnvelope
	}
	return w, ""
}

// MessageAttribute returns the value of a message attribute of an SNS notification: text, or for a
// binary attribute its base64; "" if the notification has no such attribute.
func (w *Wrapper) MessageAttribute(name string) string { return w.attribute(name, "Value") }

// IsBinary reports whether a message attribute of an SNS notification has bytes, in base64.
func (w *Wrapper) IsBinary(name string) bool { return w.attribute(name, "Type") == "Binary" }

// attribute returns a member of a message attribute, "" if it is missing or not text.
func (w *Wrapper) attribute(name, member string) string {
	c := scan.New(w.attributes)
	if c.Peek() != '{' {
		return ""
	}
	for c.Open('{'); c.Next('}'); {
		found := textOf(c.Name()) == name
		if !found || c.Peek() != '{' {
			c.Value()
			continue
		}
		for c.Open('{'); c.Next('}'); {
			isMember := string(inside(c.Name())) == member
			text := c.Value()
			if isMember && len(text) > 0 && text[0] == '"' {
				return textOf(text)
			}
		}
	}
	return ""
}

// inside returns what stands between the quotes of a name. The names of wrappers have no escapes.
func inside(quoted []byte) []byte {
	if len(quoted) < 2 {
		return nil
	}
	return quoted[1 : len(quoted)-1]
}

// textOf returns what a string says, "" for any other value and for text that is not Unicode.
func textOf(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	text, err := scan.Unquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}
