package origin

import (
	"strconv"
	"time"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/message/envelope"
)

// Message attributes that identify an event: a producer sets them, or a redrive that makes new
// messages of old ones.
const (
	AttributeEventID     = "event-id"
	AttributeEventSentAt = "event-sent-at"
)

// Identity is what a message itself says of the id and the time of its event: by the properties
// with x-event-id and x-event-time; else by the message attributes event-id and event-sent-at; else
// by the wrapper around the event. It says nothing of what is empty, and the message id or the time
// of SQS counts.
type Identity struct {
	ID     string
	SentAt time.Time
	Field  string // what SentAt comes from, as a violation names it; "" if there is no SentAt
}

// Identify returns the identity of an event: m is the message out of its wrappers, and w the
// innermost of them. own has what the properties of the event say. If something that counts is not
// what it must be, Field names it, and rule is the rule that it breaks.
func (o *Origin) Identify(m *envelope.Message, w *envelope.Wrapper, own Identity) (id Identity, rule string) {
	if name := binary(m, own); name != "" {
		return Identity{Field: name}, "type"
	}
	id.ID = w.ID
	text := w.Time
	if n := len(o.Envelope); n > 0 {
		_, id.Field, _ = o.Envelope[n-1].Members()
	}
	if a := m.Attribute(AttributeEventID); a != "" {
		id.ID = a
	}
	if a := m.Attribute(AttributeEventSentAt); a != "" {
		text, id.Field = a, AttributeEventSentAt
	}
	if own.ID != "" {
		id.ID = own.ID
	}
	if own.Field != "" {
		id.SentAt, id.Field = own.SentAt, own.Field
		return id, ""
	}
	if text == "" {
		return id, ""
	}
	var ok bool
	if id.SentAt, ok = ParseSentAt(text); !ok {
		return id, "format date-time"
	}
	return id, ""
}

// binary names the attribute that would identify the event and is binary. Its bytes are not text,
// and the message id in its place would make a second row of a repeated event.
func binary(m *envelope.Message, own Identity) string {
	switch {
	case own.ID == "" && m.IsBinary(AttributeEventID):
		return AttributeEventID
	case own.Field == "" && m.IsBinary(AttributeEventSentAt):
		return AttributeEventSentAt
	}
	return ""
}

// ParseSentAt reads a time: date-time of RFC 3339, to the microsecond, or epoch milliseconds in
// digits alone.
func ParseSentAt(text string) (time.Time, bool) {
	if ms, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.UnixMilli(int64(ms)), true
	}
	micros, ok := scalar.Timestamp(text)
	return time.UnixMicro(micros), ok
}
