package message

import (
	"cmp"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/origin"
)

// Message attributes that give an event its identity: a producer sets them, or a redrive that makes
// new messages of old ones. Without them the identity is the message id and the time when SQS took
// the message in. Both stay the same over every redelivery.
const (
	AttributeEventID     = origin.AttributeEventID
	AttributeEventSentAt = origin.AttributeEventSentAt
)

// Window is which events are accepted by their time: neither before Oldest nor after Newest.
type Window struct{ Oldest, Newest time.Time }

// Expired is the rule that an event before a window breaks. One after it breaks the rule "maximum".
const Expired = "expired"

// EventID returns the id that makes a message's row unique: that of the event, or else the message
// id. A UUID is used unchanged, anything else as the UUIDv8 of its SHA-256 (RFC 9562, section 5.8).
func (r *Record) EventID(event contract.Identity) [16]byte {
	name := cmp.Or(event.ID, r.MessageID)
	if id, err := uuid.Parse(name); err == nil && len(name) == 36 {
		return id
	}
	sum := sha256.Sum256([]byte(name))
	id := [16]byte(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant 10
	return id
}

// SentAt returns the time under which an event is filed, in UTC and to the microsecond, as
// timestamptz keeps it: that of the event, or else the time when SQS took the message in. A time
// that is missing, not a time, or outside of the window is a *contract.Violation.
func (r *Record) SentAt(event contract.Identity, w Window) (time.Time, error) {
	field, at := event.Field, event.SentAt
	if field == "" {
		field = "SentTimestamp"
		if r.Attributes.SentTimestamp == "" {
			return time.Time{}, &contract.Violation{Field: field, Rule: "required"}
		}
		var ok bool
		if at, ok = origin.ParseSentAt(r.Attributes.SentTimestamp); !ok {
			return time.Time{}, &contract.Violation{Field: field, Rule: "format date-time"}
		}
	}
	if rule := w.refuses(at); rule != "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: rule}
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// IsSentAt reports whether text, as the attribute event-sent-at, is the time of an event: between
// the beginning of SQS and a day after now. A producer may write anything there.
func IsSentAt(text string, now time.Time) bool {
	at, ok := origin.ParseSentAt(text)
	w := Window{time.Date(2006, 7, 13, 0, 0, 0, 0, time.UTC), now.AddDate(0, 0, 1)}
	return ok && w.refuses(at) == ""
}

// refuses returns the rule that a time breaks, or "".
func (w Window) refuses(at time.Time) (rule string) {
	switch {
	case at.Before(w.Oldest):
		return Expired
	case at.After(w.Newest):
		return "maximum"
	}
	return ""
}
