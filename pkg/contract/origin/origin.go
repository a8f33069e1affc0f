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

// Compile compiles the keywords of the root. note gets their mistakes.
func Compile(k Keywords, note func(at jsontext.Pointer, format string, args ...any)) Origin {
	o := Origin{EventID: -1, EventTime: -1}
	var err error
	if k.Envelope != nil {
		if o.Envelope, err = envelope.ParseChain(k.Envelope...); err != nil {
			note("/x-envelope", "%v", err)
		}
	}
	if k.Match != nil {
		if o.Match, err = pattern.ParseMessage(k.Match); err != nil {
			note("/x-match", "%v", err)
		}
	}
	return o
}

// Marked is a property with keywords that identify an event.
type Marked struct {
	Keywords
	At       jsontext.Pointer
	Path     string
	Column   int
	Required bool // every valid message has a value
	Masked   bool
	IsID     bool // of a type that can be an id: a string or an integer
	IsTime   bool // of a type that can be a time: a string of format date-time, or an integer
}

// Identify notes which properties identify an event.
func (o *Origin) Identify(properties []Marked, note func(at jsontext.Pointer, format string, args ...any)) {
	id := identifier{"x-event-id", &o.EventID, note}
	at := identifier{"x-event-time", &o.EventTime, note}
	for _, p := range properties {
		if p.EventID {
			id.set(p, p.IsID, "a string or an integer")
		}
		if p.EventTime {
			at.set(p, p.IsTime, `a string of "format": "date-time", or an integer of epoch milliseconds`)
		}
	}
	if o.EventID >= 0 && o.EventTime < 0 {
		note("", "x-event-id needs a property with x-event-time: a row is known by id and time, and SQS gives each copy of an event another time")
	}
}

type identifier struct {
	keyword string
	column  *int
	note    func(at jsontext.Pointer, format string, args ...any)
}

func (i identifier) set(p Marked, rightType bool, types string) {
	at := p.At.AppendToken(i.keyword)
	switch {
	case *i.column >= 0:
		i.note(at, "another property has %s: one identifies the event", i.keyword)
	case p.Masked:
		i.note(at, "a masked value cannot identify an event: remove x-mask, or choose another property")
	case !rightType:
		i.note(at, "it belongs on %s", types)
	case !p.Required:
		i.note(at, "the property can be missing or null: make it required, at every level, and not nullable")
	}
	*i.column = p.Column
}
