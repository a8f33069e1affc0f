package generate

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sqs2pg/pkg/message/envelope"
)

// Message is a message for a queue: an event in the wrappers that its contract asks for.
type Message struct {
	Body       []byte
	Attributes Attributes // message attributes of SQS; may be nil
}

// Attributes are message attributes by name. All are of the type String.
type Attributes map[string]string

// MessageAttribute returns an attribute, "" if there is no such attribute.
func (a Attributes) MessageAttribute(name string) string { return a[name] }

// event is an event that is not wrapped yet.
type event struct {
	schemas    schemas
	value      object // without the properties that are attributes
	text       []byte // in place of value, if it is set
	attributes Attributes
	wrappers   []any // of x-envelope, the outermost first
	ids        []string
	sent       time.Time
	envelope   object // members of the innermost wrapper that x-match asks for
}

// event makes an event by the document of the contract.
func (g *Generator) event() *event {
	e := &event{schemas: g.expand(g.root), attributes: Attributes{}, wrappers: list(g.root["x-envelope"]), sent: g.recent()}
	if kind, ok := g.root["x-envelope"].(string); ok {
		e.wrappers = []any{kind}
	}
	for range e.wrappers {
		e.ids = append(e.ids, g.formatted("uuid"))
	}
	e.value, _ = g.value(e.schemas, 0, "").(object)
	match, _ := g.root["x-match"].(object)
	g.conform(e.value, match["body"])
	properties, _ := g.root["properties"].(object)
	for _, name := range sortedKeys(properties) {
		attribute, _ := child(properties[name], "x-attribute").(string)
		if value, present := e.value[name]; present && attribute != "" && value != nil {
			e.attributes[attribute] = fmt.Sprint(value)
		}
		if attribute != "" {
			delete(e.value, name)
		}
	}
	attributes := object{}
	g.conform(attributes, match["messageAttributes"])
	for name, value := range attributes {
		e.attributes[name] = fmt.Sprint(value)
	}
	e.envelope = object{}
	g.conform(e.envelope, match["envelope"])
	return e
}

// recent is a time within the last hour.
func (g *Generator) recent() time.Time {
	return g.Now.Add(-time.Duration(g.r.Int64N(int64(time.Hour)))).UTC().Truncate(time.Millisecond)
}

// conform gives an object the members that an event pattern asks for: for each, one of the values
// that the pattern names. It leaves alone what the pattern only describes, such as numbers in a
// range.
func (g *Generator) conform(o object, pattern any) {
	members, _ := pattern.(object)
	for _, name := range sortedKeys(members) {
		switch wanted := members[name].(type) {
		case object:
			inner, isObject := o[name].(object)
			if !isObject {
				inner = object{}
			}
			o[name] = inner
			g.conform(inner, wanted)
		case []any:
			if value, found := g.conforming(wanted); found {
				o[name] = value
			}
		}
	}
}

func (g *Generator) conforming(wanted []any) (value any, found bool) {
	value = pick(g, wanted)
	rule, isRule := value.(object)
	if !isRule {
		return value, true
	}
	for _, kind := range []string{"prefix", "suffix", "equals-ignore-case"} {
		if text, ok := rule[kind].(string); ok {
			return text, true
		}
	}
	return nil, false
}

// message wraps the event.
func (e *event) message(g *Generator) Message {
	text := e.text
	if text == nil {
		text = encode(e.value)
	}
	m := Message{Body: text, Attributes: e.attributes}
	for i, wrapper := range slices.Backward(e.wrappers) {
		inner := m.Body
		var members object
		if wrapper == string(envelope.SNS) {
			members = snsNotification(e.ids[i], e.sent, string(inner), m.Attributes)
			m.Attributes = nil
		} else {
			members = eventBridgeEvent(e.ids[i], e.sent)
		}
		if i == len(e.wrappers)-1 {
			for name, value := range e.envelope {
				members[name] = value
			}
		}
		m.Body = encode(members)
		if wrapper != string(envelope.SNS) { // the event may not be JSON
			m.Body = slices.Concat([]byte(`{"detail":`), inner, []byte(","), m.Body[1:])
		}
	}
	return m
}

// snsNotification has the members of an SNS notification.
// https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
func snsNotification(id string, sent time.Time, text string, attributes Attributes) object {
	members := object{
		"Type": "Notification", "MessageId": id, "TopicArn": "arn:aws:sns:eu-central-1:111122223333:events", "Message": text,
		"Timestamp": sent.Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1", "Signature": "generated",
	}
	if len(attributes) > 0 {
		all := object{}
		for name, value := range attributes {
			all[name] = object{"Type": "String", "Value": value}
		}
		members[envelope.AttributesMember] = all
	}
	return members
}

// eventBridgeEvent has the members of an event of EventBridge, but detail.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func eventBridgeEvent(id string, sent time.Time) object {
	return object{
		"version": "0", "id": id, "detail-type": "Generated", "source": "sqs2pg.generated", "account": "111122223333",
		"time": sent.Format(time.RFC3339), "region": "eu-central-1", "resources": []any{},
	}
}

// identifying makes the value of a property that identifies an event, nil for any other. Ids differ
// from message to message.
func (g *Generator) identifying(all schemas, kind string) any {
	switch {
	case all.has("x-event-time") && kind == "string":
		return g.recent().Format(time.RFC3339Nano)
	case all.has("x-event-time") && kind == "integer":
		return json.Number(fmt.Sprint(g.recent().UnixMilli()))
	case all.has("x-event-id") && kind == "string" && !all.has("format") && !all.has("pattern"):
		return g.formatted("uuid")
	case all.has("x-event-id") && kind == "integer" && !all.has("maximum") && !all.has("exclusiveMaximum"):
		return json.Number(fmt.Sprint(g.r.Int64N(1e15)))
	}
	return nil
}
