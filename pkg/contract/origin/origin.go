// Package origin is what a contract says of where its events come from: the wrapper around an
// event, the messages that are events of the contract, and the properties that identify an event.
package origin

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/pattern"
)

// Keywords are the values of the keywords on one schema: x-envelope and x-match on the root, the
// others on a property.
type Keywords struct {
	Envelope  []string
	Match     []byte // JSON
	Attribute string
	EventID   bool
	EventTime bool
}

// OnProperty reports whether there are keywords of a property.
func (k *Keywords) OnProperty() bool { return k.Attribute != "" || k.EventID || k.EventTime }

// Read reads the keywords of a schema. The meta-schema has checked their types before.
func Read(schema map[string]any) Keywords {
	var k Keywords
	switch chain := schema["x-envelope"].(type) {
	case string:
		k.Envelope = []string{chain}
	case []any:
		k.Envelope = []string{}
		for _, kind := range chain {
			text, _ := kind.(string)
			k.Envelope = append(k.Envelope, text)
		}
	}
	if match, ok := schema["x-match"].(map[string]any); ok {
		k.Match, _ = json.Marshal(match) // it was JSON before
	}
	k.Attribute, _ = schema["x-attribute"].(string)
	k.EventID, _ = schema["x-event-id"].(bool)
	k.EventTime, _ = schema["x-event-time"].(bool)
	return k
}

// Origin is compiled from the keywords of a document.
type Origin struct {
	Envelope envelope.Chain
	Match    *pattern.Message // nil: every message matches

	// EventID and EventTime are the columns of the properties that identify an event, by their
	// index in the table; -1 if there is no such property.
	EventID, EventTime int
}

// Property is a property with a column, as far as the keywords are concerned.
type Property struct {
	Keywords
	At       jsontext.Pointer
	Column   int  // the index in the table
	AtRoot   bool // it is a property of the root
	Stored   bool // as jsonb
	Simple   bool // no keyword that limits it needs the schema library
	Required bool // every valid message has a value
	Masked   bool
	IsID     bool // of a type that can be an id: a string or an integer
	IsTime   bool // of a type that can be a time: a string of format date-time, or an integer
}

// Note takes a mistake in a document.
type Note func(at jsontext.Pointer, format string, args ...any)

// Compile compiles the keywords of the root and of the properties. note gets their mistakes.
func Compile(root Keywords, properties []Property, note Note) *Origin {
	o := &Origin{EventID: -1, EventTime: -1}
	var err error
	if root.Envelope != nil {
		if o.Envelope, err = envelope.ParseChain(root.Envelope...); err != nil {
			note("/x-envelope", "%v", err)
		}
	}
	if root.Match != nil {
		if o.Match, err = pattern.ParseMessage(root.Match); err != nil {
			note("/x-match", "%v", err)
		}
	}
	for _, p := range properties {
		if p.Attribute != "" {
			p.checkAttribute(o.Envelope, note)
		}
		if p.EventID {
			p.identifies("x-event-id", &o.EventID, p.IsID, "a string or an integer", note)
		}
		if p.EventTime {
			p.identifies("x-event-time", &o.EventTime, p.IsTime, `a string of "format": "date-time", or an integer of epoch milliseconds`, note)
		}
	}
	if o.EventID >= 0 && o.EventTime < 0 {
		note("", "x-event-id needs a property with x-event-time: a row is known by id and time, and SQS gives each copy of an event another time")
	}
	return o
}

func (p *Property) checkAttribute(chain envelope.Chain, note Note) {
	at := p.At.AppendToken("x-attribute")
	switch {
	case !p.AtRoot:
		note(at, "it belongs on a property of the root: move the property there")
	case p.Stored:
		note(at, "the value of an attribute is text: give the property the type string, integer, number or boolean")
	case len(chain) > 0 && !chain.HasAttributes():
		note(at, "an event of EventBridge has no message attributes: remove x-attribute")
	case !p.Simple:
		note(at, "of the keywords that limit it, the value of an attribute is checked by those for strings and numbers only: remove the others")
	}
}

// identifies sets the column that a keyword marks.
func (p *Property) identifies(keyword string, column *int, rightType bool, types string, note Note) {
	at := p.At.AppendToken(keyword)
	switch {
	case *column >= 0:
		note(at, "another property has %s: one identifies the event", keyword)
	case p.Masked:
		note(at, "a masked value cannot identify an event: remove x-mask, or choose another property")
	case !rightType:
		note(at, "it belongs on %s", types)
	case !p.Required:
		note(at, "the property can be missing or null: make it required, at every level, and not nullable")
	}
	*column = p.Column
}
