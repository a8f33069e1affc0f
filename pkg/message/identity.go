package message

import (
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
)

// Message attributes that give an event its identity: a producer sets them, or a redrive that makes
// new messages of old ones. Without them the identity is the message id and the time when SQS took
// the message in. Both stay the same over every redelivery.
const (
	AttributeEventID     = "event-id"
	AttributeEventSentAt = "event-sent-at"
)

// Window is which events are accepted by their time: neither before Oldest nor after Newest.
type Window struct{ Oldest, Newest time.Time }

// Expired is the rule that an event before a window breaks. One after it breaks the rule "maximum".
const Expired = "expired"

// EventID returns the id that makes a message's row unique: a UUID unchanged, anything else as the
// UUIDv8 of its SHA-256 (RFC 9562, section 5.8).
func (r *Record) EventID() [16]byte {
	name := r.MessageID
	if a := r.MessageAttribute(AttributeEventID); a != "" {
		name = a
	}
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
// timestamptz keeps it. SQS gives epoch milliseconds; the attribute may hold RFC 3339 instead. A
// time that is missing, not a time, or outside of the window is a *contract.Violation.
func (r *Record) SentAt(w Window) (time.Time, error) {
	field, text := "SentTimestamp", r.Attributes.SentTimestamp
	if a := r.MessageAttribute(AttributeEventSentAt); a != "" {
		field, text = AttributeEventSentAt, a
	}
	if text == "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: "required"}
	}
	at, rule := parseSentAt(text, w)
	if rule != "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: rule}
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// IsSentAt reports whether text, as the attribute event-sent-at, is the time of an event: between
// the beginning of SQS and a day after now. A producer may write anything there.
func IsSentAt(text string, now time.Time) bool {
	_, rule := parseSentAt(text, Window{time.Date(2006, 7, 13, 0, 0, 0, 0, time.UTC), now.AddDate(0, 0, 1)})
	return rule == ""
}

// parseSentAt returns the time, or the rule that the text breaks.
func parseSentAt(text string, w Window) (at time.Time, rule string) {
	ms, err := strconv.ParseInt(text, 10, 64)
	at = time.UnixMilli(ms)
	if err != nil {
		at, err = time.Parse(time.RFC3339Nano, text)
	}
	switch {
	case err != nil:
		return time.Time{}, "format date-time"
	case at.Before(w.Oldest):
		return time.Time{}, Expired
	case at.After(w.Newest):
		return time.Time{}, "maximum"
	}
	return at, ""
}
