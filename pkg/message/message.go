// Package message is what arrives: the records of an SQS event, and the identity that makes each of
// them one row however often it is delivered.
//
// An event is parsed once. A record keeps where its body and its receipt handle stand in the
// payload and does not copy them: a batch may hold 6 MB, and most batches never need a receipt
// handle.
package message

import (
	"math/big"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/scan"
)

// Record is what the function needs of one element of an SQS event.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type Record struct {
	MessageID      string // never empty
	EventSourceARN string
	Attributes     Attributes

	messageAttributes   []messageAttribute
	body, receiptHandle jsontext.Value // parts of the payload
}

// Attributes are what SQS says of a message. An attribute that SQS does not say is "".
type Attributes struct {
	SentTimestamp           string // epoch milliseconds
	ApproximateReceiveCount string
	MessageGroupId          string
	SequenceNumber          string // of a FIFO queue
}

// messageAttribute is what a producer says of a message besides its body. A binary one has no
// value.
type messageAttribute struct {
	name, value string
	binary      bool
}

// MessageAttribute is the string that the producer sent as the attribute of that name, or "".
func (r *Record) MessageAttribute(name string) string {
	if a := r.messageAttribute(name); a != nil {
		return a.value
	}
	return ""
}

// IsBinary reports whether the producer sent the attribute of that name as bytes.
func (r *Record) IsBinary(name string) bool {
	a := r.messageAttribute(name)
	return a != nil && a.binary
}

func (r *Record) messageAttribute(name string) *messageAttribute {
	for i := range r.messageAttributes {
		if a := &r.messageAttributes[i]; a.name == name {
			return a
		}
	}
	return nil
}

// Body appends the message's own bytes to buf; a record without a body has none. It fails if the
// body is not a JSON string, or holds invalid UTF-8 or a lone surrogate.
func (r *Record) Body(buf []byte) ([]byte, error) {
	if len(r.body) == 0 || r.body.Kind() == 'n' {
		return buf, nil
	}
	return scan.Unquote(buf, r.body)
}

// ReceiptHandle is what SQS needs to delete or to hide this delivery: "" if the record has no valid
// one, and SQS refuses that.
func (r *Record) ReceiptHandle() string {
	handle, err := scan.Unquote(nil, r.receiptHandle)
	if err != nil {
		return ""
	}
	return string(handle)
}

// Group is the record's message group on a FIFO queue, where order counts, else "". Standard queues
// may carry message group ids too (fair queues), so the queue's name decides.
func (r *Record) Group() string {
	if !strings.HasSuffix(r.EventSourceARN, ".fifo") {
		return ""
	}
	return r.Attributes.MessageGroupId
}

// Sequence is the record's sequence number on a FIFO queue, the most significant byte first, and
// zero on other queues.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-key-terms.html
func (r *Record) Sequence() (number [16]byte) {
	if !strings.HasSuffix(r.EventSourceARN, ".fifo") {
		return number
	}
	n, ok := new(big.Int).SetString(r.Attributes.SequenceNumber, 10)
	if ok && n.Sign() > 0 && n.BitLen() <= 128 {
		n.FillBytes(number[:])
	}
	return number
}
