package eventsource

import (
	"sync"
	"time"
)

// batch is the messages of one invocation and the event made of them.
type batch struct {
	messages []message
	buffer   *[]byte
	size     int       // the most messages
	opened   time.Time // when the first message came
	more     bool      // the last answer was full, so the queue probably has more
	outcome  outcome

	notInvoked bool // there was no function to invoke
}

// buffers grow to the size of the largest batch. There are as many as batches at a time.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func newBatch(size int) *batch {
	b := &batch{size: size, buffer: buffers.Get().(*[]byte)}
	*b.buffer = append((*b.buffer)[:0], eventHead...)
	return b
}

// add puts the message into the batch, unless the event would become too large.
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
	m.wire = wireMessage{} // it would keep the memory of the whole answer
	b.messages = append(b.messages, m)
	return true
}

func (b *batch) room() int { return b.size - len(b.messages) }

func (b *batch) event() []byte {
	*b.buffer = append(*b.buffer, eventTail...)
	return *b.buffer
}

// free gives the event's memory back. The messages stay.
func (b *batch) free() {
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
