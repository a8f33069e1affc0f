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

// earliest is when SQS began, and no event is filed more than clockSkew ahead of now. A producer's
// typing error would otherwise make partitions for years without events.
var earliest = time.Date(2006, 7, 13, 0, 0, 0, 0, time.UTC)

const clockSkew = 24 * time.Hour

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
// that is missing, not a time, before SQS began or more than a day after now is a
// *contract.Violation.
func (r *Record) SentAt(event contract.Identity, now time.Time) (time.Time, error) {
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
	if rule := outside(at, now); rule != "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: rule}
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// IsSentAt reports whether SentAt accepts text as the attribute event-sent-at. A producer may write
// anything there.
func IsSentAt(text string, now time.Time) bool {
	at, ok := origin.ParseSentAt(text)
	return ok && outside(at, now) == ""
}

// outside returns the rule that a time breaks, or "".
func outside(at, now time.Time) (rule string) {
	switch {
	case at.Before(earliest):
		return "minimum"
	case at.After(now.Add(clockSkew)):
		return "maximum"
	}
	return ""
}
