// Package message is what arrives: the records of an SQS event, and the identity that makes each of
// them one row however often it is delivered.
//
// An event is parsed once. A record keeps where its body and its receipt handle stand in the
// payload and does not copy them: a batch may hold 6 MB, and most batches never need a receipt
// handle.
package message

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrNotSQSEvent is in every error of Read. Nothing can be said of single messages then.
var ErrNotSQSEvent = errors.New("the payload is not an SQS event: invoke this function by an event source mapping, or with the output of `sqs2pg event` as payload")

// Record is what the function needs of one element of an SQS event.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type Record struct {
	MessageID      string `json:"messageId"` // never empty
	EventSourceARN string `json:"eventSourceARN"`
	Attributes     struct {
		SentTimestamp           string
		ApproximateReceiveCount string
		MessageGroupId          string
	} `json:"attributes"`
	MessageAttributes map[string]struct {
		StringValue string `json:"stringValue"`
	} `json:"messageAttributes"`

	body, receiptHandle jsontext.Value // parts of the payload
}

// element is a record with the places of what it does not copy.
type element struct {
	Record
	Body          place `json:"body"`
	ReceiptHandle place `json:"receiptHandle"`
}

// place is where a JSON value stands in the payload; it is empty if the record has no such member.
type place struct{ start, end int }

// UnmarshalJSONFrom skips the value and keeps its place.
func (p *place) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	p.end = int(d.InputOffset())
	p.start = p.end - len(value)
	return err
}

// maxBatch is the most that an event source mapping puts into one event.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
const maxBatch = 10_000

// Read returns the records of an SQS event in order. They refer to payload, which must not change
// while they are in use. Its error wraps ErrNotSQSEvent and holds nothing of the payload.
//
// Read accepts invalid UTF-8, and Body refuses it, so that one such message does not fail its whole
// batch.
func Read(payload []byte) ([]Record, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(payload), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if !enterRecords(d) {
		return nil, ErrNotSQSEvent
	}
	var records []Record
	var e element
	for d.PeekKind() != ']' {
		e = element{}
		if err := json.UnmarshalDecode(d, &e); err != nil || e.MessageID == "" {
			return nil, fmt.Errorf("record %d: %w", len(records), ErrNotSQSEvent)
		}
		e.body, e.receiptHandle = payload[e.Body.start:e.Body.end], payload[e.ReceiptHandle.start:e.ReceiptHandle.end]
		if records == nil { // the others are about as long as the first
			records = make([]Record, 0, min(len(payload)/int(d.InputOffset())+1, maxBatch))
		}
		records = append(records, e.Record)
	}
	return records, nil
}

// enterRecords moves d behind the opening bracket of the member Records.
func enterRecords(d *jsontext.Decoder) bool {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		if name.String() == "Records" {
			t, err := d.ReadToken()
			return err == nil && t.Kind() == '['
		}
		if err := d.SkipValue(); err != nil {
			return false
		}
	}
	return false
}

// Body appends the message's own bytes to buf; a record without a body has none. It fails if the
// body is not a JSON string, or holds invalid UTF-8 or a lone surrogate.
func (r *Record) Body(buf []byte) ([]byte, error) {
	if len(r.body) == 0 || r.body.Kind() == 'n' {
		return buf, nil
	}
	return jsontext.AppendUnquote(buf, r.body)
}

// ReceiptHandle is what SQS needs to delete or to hide this delivery: "" if the record has no valid
// one, and SQS refuses that.
func (r *Record) ReceiptHandle() string {
	handle, err := jsontext.AppendUnquote(nil, r.receiptHandle)
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
