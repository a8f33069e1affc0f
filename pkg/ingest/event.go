package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// errNotSQS answers an invocation whose payload no event source mapping of SQS makes. Nothing can be said of single messages then.
var errNotSQS = errors.New("the payload is not an SQS event; invoke this function by an event source mapping, or with `sqs2pg event` as the payload")

// record is what this function needs of one element of an SQS event.
// The body stays as it is written, quoted, until its turn comes: a batch of 6 MB is then held once, not twice.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type record struct {
	MessageID      string         `json:"messageId"`
	Body           jsontext.Value `json:"body"`
	EventSourceARN string         `json:"eventSourceARN"`
	Attributes     struct {
		SentTimestamp           string
		ApproximateReceiveCount string
		MessageGroupId          string
	} `json:"attributes"`
	MessageAttributes map[string]struct {
		StringValue string `json:"stringValue"`
	} `json:"messageAttributes"`
}

// body appends the message's own bytes to buf. It fails where the event's JSON holds what is not Unicode.
func (r *record) body(buf []byte) ([]byte, error) {
	if len(r.Body) == 0 || r.Body.Kind() == 'n' {
		return buf, nil
	}
	return jsontext.AppendUnquote(buf, r.Body)
}

// fifo reports whether the record's queue is a FIFO queue. Standard queues may carry message group ids too (fair queues),
// so only the name can tell.
func (r *record) fifo() bool { return strings.HasSuffix(r.EventSourceARN, ".fifo") }

// eachRecord calls f with the records of an SQS event in order. The record is f's until it returns.
//
// Invalid UTF-8 is let through here and refused by body, so that one such message does not cost its batch.
func eachRecord(payload []byte, f func(*record)) error {
	d := jsontext.NewDecoder(bytes.NewReader(payload), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if !enterRecords(d) {
		return errNotSQS
	}
	var r record
	for n := 0; d.PeekKind() != ']'; n++ {
		r = record{Body: r.Body[:0]}
		if err := json.UnmarshalDecode(d, &r); err != nil || r.MessageID == "" {
			return fmt.Errorf("record %d: %w", n, errNotSQS)
		}
		f(&r)
	}
	return nil
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
