package ingest

import (
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sqs2pg/pkg/contract"
)

// Message attributes by which a producer, or a redrive that makes new messages, gives an event the identity it had before.
// Without them the identity is the message id and the time SQS took the message in; both stay the same over every redelivery.
const (
	attributeEventID = "event-id"
	attributeSentAt  = "event-sent-at"
)

// Events are dated by the clock of SQS, so none is older than SQS or much newer than now. The bound keeps a producer's
// typing error from making partitions for years that never were.
var earliest = time.Date(2006, 7, 13, 0, 0, 0, 0, time.UTC)

const clockSkew = 24 * time.Hour

// eventID returns the identity that makes a message's row unique: a UUID as it is written, anything else as the
// UUIDv8 (RFC 9562, section 5.8) of its SHA-256.
func eventID(r *record) [16]byte {
	name := r.MessageID
	if a := r.MessageAttributes[attributeEventID].StringValue; a != "" {
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

// sentAt returns the time an event is filed under: epoch milliseconds as SQS writes them, or in the attribute RFC 3339 too.
func sentAt(r *record, now time.Time) (time.Time, error) {
	field, text := "SentTimestamp", r.Attributes.SentTimestamp
	if a := r.MessageAttributes[attributeSentAt].StringValue; a != "" {
		field, text = attributeSentAt, a
	}
	if text == "" {
		return time.Time{}, &contract.Violation{Field: field, Rule: "required"}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if ms, numeric := strconv.ParseInt(text, 10, 64); numeric == nil {
		at, err = time.UnixMilli(ms), nil
	}
	switch {
	case err != nil:
		return time.Time{}, &contract.Violation{Field: field, Rule: "format date-time"}
	case at.Before(earliest):
		return time.Time{}, &contract.Violation{Field: field, Rule: "minimum"}
	case at.After(now.Add(clockSkew)):
		return time.Time{}, &contract.Violation{Field: field, Rule: "maximum"}
	}
	return at.UTC().Truncate(time.Microsecond), nil // what timestamptz holds
}
