package eventsource

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// message is one receive of a message.
type message struct {
	id       string
	receipt  string
	count    int // of receives, this one included; SQS calls it approximate
	received time.Time

	wire wireMessage // empty once the message is in an event
}

// wireMessage holds the values of a message as the JSON that they arrived in.
type wireMessage struct {
	id, receipt, body, md5, attributes   []byte
	messageAttributes, md5OfMessageAttrs []byte // nil if the message has no attributes
}

var errDamaged = errors.New("answer of ReceiveMessage cannot be read")

// readMessages reads {"Messages":[{...}]}. The messages keep the answer's memory until they are in
// an event.
func readMessages(answer []byte, received time.Time) ([]message, error) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil, nil
	}
	r := wireReader{answer: answer, in: jsontext.NewDecoder(bytes.NewBuffer(answer), jsontext.AllowDuplicateNames(true))}
	var messages []message
	r.members(func(name []byte) {
		if string(name) != `"Messages"` {
			r.value()
			return
		}
		r.elements(func() { messages = append(messages, r.message(received)) })
	})
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, r.err)
	}
	return messages, nil
}

// wireReader keeps the first error. After it no call does anything.
type wireReader struct {
	answer []byte
	in     *jsontext.Decoder
	err    error
}

func (r *wireReader) token() jsontext.Token {
	if r.err != nil {
		return jsontext.Null
	}
	token, err := r.in.ReadToken()
	if err != nil {
		r.fail()
		return jsontext.Null
	}
	return token
}

// fail leaves the text of the decoder's error out, because it quotes the answer.
func (r *wireReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("not the expected JSON at byte %d", r.in.InputOffset())
	}
}

// members reads an object. The names are quoted, as they are in the JSON.
func (r *wireReader) members(read func(name []byte)) {
	if r.token().Kind() != '{' {
		r.fail()
	}
	for r.err == nil && r.in.PeekKind() == '"' {
		read(r.value())
	}
	r.token()
}

func (r *wireReader) elements(read func()) {
	switch r.token().Kind() {
	case 'n':
		return
	case '[':
	default:
		r.fail()
	}
	for r.err == nil && r.in.PeekKind() != ']' {
		read()
	}
	r.token()
}

// value returns the next value's bytes within the answer, nil for null.
func (r *wireReader) value() []byte {
	if r.err != nil {
		return nil
	}
	value, err := r.in.ReadValue()
	if err != nil {
		r.fail()
		return nil
	}
	if value.Kind() == 'n' {
		return nil
	}
	end := r.in.InputOffset()
	return r.answer[end-int64(len(value)) : end]
}

func (r *wireReader) text() []byte {
	value := r.value()
	if len(value) == 0 || value[0] != '"' {
		r.fail()
		return []byte(`""`)
	}
	return value
}

func (r *wireReader) message(received time.Time) message {
	m := message{received: received}
	r.members(func(name []byte) {
		switch string(name) {
		case `"MessageId"`:
			m.wire.id = r.text()
		case `"ReceiptHandle"`:
			m.wire.receipt = r.text()
		case `"Body"`:
			m.wire.body = r.text()
		case `"MD5OfBody"`:
			m.wire.md5 = r.text()
		case `"MD5OfMessageAttributes"`:
			m.wire.md5OfMessageAttrs = r.value()
		case `"Attributes"`:
			m.wire.attributes, m.count = r.attributes()
		case `"MessageAttributes"`:
			m.wire.messageAttributes = r.value()
		default:
			r.value()
		}
	})
	if r.err == nil {
		m.id, m.receipt = unquote(m.wire.id), unquote(m.wire.receipt)
		r.check(&m)
	}
	return m
}

// attributes returns the object's bytes, and the receive count in it.
func (r *wireReader) attributes() (object []byte, count int) {
	if r.err != nil || r.in.PeekKind() != '{' {
		return r.value(), 0
	}
	begin := r.in.InputOffset() // before the colon
	begin += int64(bytes.IndexByte(r.answer[begin:], '{'))
	r.members(func(name []byte) {
		value := r.text()
		if string(name) == `"ApproximateReceiveCount"` {
			count, _ = strconv.Atoi(unquote(value))
		}
	})
	return r.answer[begin:r.in.InputOffset()], count
}

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// check refuses a body whose MD5 differs from the one that SQS computed, as the SDK does.
func (r *wireReader) check(m *message) {
	if m.id == "" || m.receipt == "" || m.wire.body == nil {
		r.err = errors.New("a message has no id, receipt handle or body")
		return
	}
	buffer := scratch.Get().(*[]byte)
	defer scratch.Put(buffer)
	*buffer, _ = jsontext.AppendUnquote((*buffer)[:0], m.wire.body)
	sum := md5.Sum(*buffer)
	var want [2 * md5.Size]byte
	hex.Encode(want[:], sum[:])
	if m.wire.md5 != nil && !bytes.Equal(want[:], m.wire.md5[1:len(m.wire.md5)-1]) {
		r.err = fmt.Errorf("the body of message %s does not have the MD5 that SQS sent with it", m.id)
	}
}

// unquote is fast for literals without an escape.
func unquote(literal []byte) string {
	if len(literal) < 2 {
		return ""
	}
	if inner := literal[1 : len(literal)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	text, _ := jsontext.AppendUnquote(nil, literal)
	return string(text)
}
