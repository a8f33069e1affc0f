package sqsserver

import (
	"crypto/md5"
	"encoding/hex"
	"math/rand/v2"
)

// A state is where a message of a queue is in its life.
type state uint8

const (
	visible state = iota
	inFlight
	delayed
	gone
)

// A message is one message in one queue. What a receiver sees of it (the fields of letter) never changes; the rest belongs to
// the queue's lock. All times are milliseconds since the epoch.
type message struct {
	letter

	state      state
	due        int64 // when it changes by itself, see schedule
	place      int   // its index in the schedule
	next, prev *message

	ordinal   uint64 // its number within this queue, in order of arrival
	enqueued  int64  // what retention counts from
	firstSeen int64  // time of the first receive, 0 = none
	receives  int    // over its life, dead-letter queues included
	tries     int    // receives in this queue, which the redrive policy counts
	received  int64  // time of the latest receive
}

// A letter is the part of a message that goes from queue to queue.
type letter struct {
	id         string
	body       string
	bodyMD5    string
	attributes []attribute // sorted by name
	trace      string      // AWSTraceHeader
	sent       int64
	group      string
	dedup      string
	sequence   string
	source     string // ARN of the queue it was dead-lettered from
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

// A line is a doubly linked list of messages: constant time at both ends and for removal anywhere.
type line struct {
	first, last *message
}

func (l *line) append(m *message) { l.insertAfter(l.last, m) }

// insert keeps the line in order of arrival. Messages come back to a line's beginning or its end, so it looks from there.
func (l *line) insert(m *message) {
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

func (l *line) insertAfter(at, m *message) {
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

func (l *line) remove(m *message) {
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
