package origin

import (
	"strconv"
	"time"

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
// innermost of them. own has what the properties of the event say. It is false if a time is not one;
// Field says which.
func (o *Origin) Identify(m *envelope.Message, w *envelope.Wrapper, own Identity) (id Identity, ok bool) {
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
		return id, true
	}
	if text == "" {
		return id, true
	}
	id.SentAt, ok = ParseSentAt(text)
	return id, ok
}

// ParseSentAt reads a time: RFC 3339, or epoch milliseconds.
func ParseSentAt(text string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}
