package eventsource

import (
	"sync"
	"time"
)

// batch is the messages of one invocation and the event made of them.
type batch struct {
	messages []message
	buffer   *[]byte
	size     int       // most messages
	opened   time.Time // when its first message came
	more     bool      // the last answer was as full as it could be, so the queue may well have more
	outcome  outcome

	untouched bool // there was no function to invoke
}

// buffers are as large as the largest batch so far, and there are few.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func newBatch(size int) *batch {
	b := &batch{size: size, buffer: buffers.Get().(*[]byte)}
	*b.buffer = append((*b.buffer)[:0], eventHead...)
	return b
}

// add puts the message into the batch unless the event became too large by it.
func (b *batch) add(w recordWriter, m message) bool {
	before := len(*b.buffer)
	if len(b.messages) > 0 {
		*b.buffer = append(*b.buffer, ',')
	}
	*b.buffer = w.append(*b.buffer, &m.wire)
	if len(*b.buffer)+len(eventTail) > eventLimit && len(b.messages) > 0 {
		*b.buffer = (*b.buffer)[:before]
		return false
	}
	if len(b.messages) == 0 {
		b.opened = m.received
	}
	m.wire = wireMessage{} // its memory is the whole answer's
	b.messages = append(b.messages, m)
	return true
}

func (b *batch) room() int { return b.size - len(b.messages) }

func (b *batch) event() []byte {
	*b.buffer = append(*b.buffer, eventTail...)
	return *b.buffer
}

// release gives the event's memory back. The messages stay.
func (b *batch) release() {
	buffers.Put(b.buffer)
	b.buffer = nil
}

func (b *batch) ids() map[string]bool {
	ids := make(map[string]bool, len(b.messages))
	for i := range b.messages {
		ids[b.messages[i].id] = true
	}
	return ids
}
