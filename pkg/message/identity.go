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

// earliest is when SQS began, and no event is filed more than clockSkew ahead of now. A producer's
// typing error would otherwise make partitions for years without events.
var earliest = time.Date(2006, 7, 13, 0, 0, 0, 0, time.UTC)

const clockSkew = 24 * time.Hour

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
// time that is missing, not a time, before SQS began or more than a day after now is a
// *contract.Violation.
func (r *Record) SentAt(now time.Time) (time.Time, error) {
	field, text := "SentTimestamp", r.Attributes.SentTimestamp
	if a := r.MessageAttribute(AttributeEventSentAt); a != "" {
		field, text = AttributeEventSentAt, a
	}
	if text == "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: "required"}
	}
	at, rule := parseSentAt(text, now)
	if rule != "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: rule}
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// IsSentAt reports whether SentAt accepts text as the attribute event-sent-at. A producer may write
// anything there.
func IsSentAt(text string, now time.Time) bool {
	_, rule := parseSentAt(text, now)
	return rule == ""
}

// parseSentAt returns the time, or the rule that the text breaks.
func parseSentAt(text string, now time.Time) (at time.Time, rule string) {
	ms, err := strconv.ParseInt(text, 10, 64)
	at = time.UnixMilli(ms)
	if err != nil {
		at, err = time.Parse(time.RFC3339Nano, text)
	}
	switch {
	case err != nil:
		return time.Time{}, "format date-time"
	case at.Before(earliest):
		return time.Time{}, "minimum"
	case at.After(now.Add(clockSkew)):
		return time.Time{}, "maximum"
	}
	return at, ""
}
