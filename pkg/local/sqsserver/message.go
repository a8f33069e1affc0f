package sqsserver

import (
	"crypto/md5"
	"encoding/hex"
	"math/rand/v2"
)

// A state is the state of a message in its queue.
type state uint8

const (
	visible state = iota
	inFlight
	delayed
	gone
)

// A message is one message in one queue. Its content never changes; the queue's lock guards the
// other fields. All times are milliseconds since the epoch.
type message struct {
	content

	state      state
	due        int64 // when its state changes next, see schedule
	place      int   // its index in the schedule
	next, prev *message

	ordinal   uint64 // its number in this queue, in order of arrival
	enqueued  int64  // start of the retention period
	firstSeen int64  // time of the first receive; 0 before it
	receives  int    // in all queues, for ApproximateReceiveCount
	tries     int    // in this queue, for the redrive policy
	received  int64  // time of the latest receive
}

// A content is the part of a message that stays the same when the message moves to another queue.
type content struct {
	id         string
	body       string
	bodyMD5    string
	attributes []attribute // sorted by name
	trace      string      // AWSTraceHeader
	sent       int64
	group      string
	dedup      string
	sequence   string
	source     string // ARN of the queue that the message was dead-lettered from
}

// newID returns a random UUID (version 4) as text.
func newID() string {
	var u [16]byte
	for i := range 2 {
		bits := rand.Uint64()
		for j := range 8 {
			u[i*8+j] = byte(bits >> (8 * j))
		}
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func digest(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// A messageList is a doubly linked list: adding at an end and removing anywhere take constant time.
type messageList struct {
	first, last *message
}

func (l *messageList) append(m *message) { l.insertAfter(l.last, m) }

// insert adds a message to a list that is in order of arrival. Messages usually belong near the
// beginning or at the end, so it searches from there.
func (l *messageList) insert(m *message) {
	if l.last == nil || l.last.ordinal < m.ordinal {
		l.append(m)
		return
	}
	at := l.first
	for at.ordinal < m.ordinal {
		at = at.next
	}
	l.insertAfter(at.prev, m)
}

func (l *messageList) insertAfter(at, m *message) {
	m.prev = at
	if at == nil {
		m.next, l.first = l.first, m
	} else {
		m.next, at.next = at.next, m
	}
	if m.next == nil {
		l.last = m
	} else {
		m.next.prev = m
	}
}

func (l *messageList) remove(m *message) {
	if m.prev == nil {
		l.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		l.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.next, m.prev = nil, nil
}
