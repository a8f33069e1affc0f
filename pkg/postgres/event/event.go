// Package event is a masked row with the identity that is the same at every delivery, and its place
// among other events.
package event

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/wire"
	"sqs2pg/pkg/vault"
)

// Event is a row and its identity, ID and SentAt, which are the same at every delivery.
type Event struct {
	ID     [16]byte
	SentAt time.Time // stored to the microsecond; it chooses the partition
	Group  string    // message group of a FIFO queue, "" without one
	// Sequence is the sequence number on a FIFO queue, the most significant byte first; zero without
	// one. In upsert mode it tells which of two events of the same SentAt is newer, and without it ID
	// does.
	Sequence [16]byte
	Row      contract.Row

	// Sealed goes to the vault of the table, with the event's row. The zero Sealed goes nowhere.
	Sealed vault.Sealed
	// Subject is stored beside Sealed in upsert mode: the token of whom the event is about, "" without
	// one.
	Subject string
}

// SortByKey brings rows, which are indexes of events, into the order of their key. The index is
// built faster then, and two batches with the same events wait for each other's rows in the same
// order, so that they cannot deadlock.
func SortByKey(events []Event, rows []int) {
	slices.SortFunc(rows, func(i, j int) int {
		return cmp.Or(events[i].SentAt.Compare(events[j].SentAt), bytes.Compare(events[i].ID[:], events[j].ID[:]))
	})
}

func (e *Event) hasSequence() bool { return e.Sequence != [16]byte{} }

// The fields of a row that are not the contract's are appended to b in the binary form, each with
// its length.

// AppendSentAt appends sent_at.
func (e *Event) AppendSentAt(b []byte) []byte {
	return wire.AppendTime(binary.BigEndian.AppendUint32(b, 8), e.SentAt.UnixMicro())
}

// AppendID appends event_id.
func (e *Event) AppendID(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, 16), e.ID[:]...)
}

// AppendCreateDate appends create_date.
func (e *Event) AppendCreateDate(b []byte) []byte {
	return wire.AppendDate(binary.BigEndian.AppendUint32(b, 4), e.SentAt.UnixMicro())
}

// AppendVersion appends event_version, which is null without a sequence number.
func (e *Event) AppendVersion(b []byte) []byte {
	if !e.hasSequence() {
		return wire.AppendNull(b)
	}
	return append(binary.BigEndian.AppendUint32(b, 16), e.Sequence[:]...)
}

// AppendSession appends the session that has sealed, which is null without Sealed.
func (e *Event) AppendSession(b []byte) []byte {
	if e.Sealed.IsZero() {
		return wire.AppendNull(b)
	}
	session := e.Sealed.Session()
	return append(binary.BigEndian.AppendUint32(b, 16), session[:]...)
}

// AppendSealed appends what was sealed, or null.
func (e *Event) AppendSealed(b []byte) []byte {
	if e.Sealed.IsZero() {
		return wire.AppendNull(b)
	}
	sealed := e.Sealed.Bytes()
	return append(binary.BigEndian.AppendUint32(b, uint32(len(sealed))), sealed...)
}

// AppendSubject appends the token of whom the event is about, or null.
func (e *Event) AppendSubject(b []byte) []byte {
	if e.Subject == "" {
		return wire.AppendNull(b)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(e.Subject))), e.Subject...)
}
