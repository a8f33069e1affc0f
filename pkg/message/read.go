package message

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"sqs2pg/pkg/scan"
)

// ErrNotSQSEvent is in every error of Read. Nothing can be said of single messages then.
var ErrNotSQSEvent = errors.New("the payload is not an SQS event: invoke this function by an event source mapping, or with the output of `sqs2pg event` as payload")

// maxBatch is the most that an event source mapping puts into one event.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
const maxBatch = 10_000

// Read returns the records of an SQS event in order. They refer to payload, which must not change
// while they are in use. Its error wraps ErrNotSQSEvent and holds nothing of the payload.
//
// Read accepts invalid UTF-8, and Body refuses it, so that one such message does not fail its whole
// batch. If a member of a record is there twice, the last one counts. Of two lists of records the
// first one counts.
func Read(payload []byte) ([]Record, error) {
	r := reader{Cursor: scan.New(payload)}
	if !r.enterRecords() {
		return nil, ErrNotSQSEvent
	}
	var records []Record
	for r.Next(']') {
		records = append(records, Record{})
		if len(records) == 2 { // the others are about as long as the first
			records = append(make([]Record, 0, min(len(payload)/r.At()*2+2, maxBatch)), records...)
		}
		if r.record(&records[len(records)-1]); r.Failed() {
			return nil, fmt.Errorf("record %d: %w", len(records)-1, ErrNotSQSEvent)
		}
	}
	if r.Failed() {
		return nil, fmt.Errorf("record %d: %w", len(records), ErrNotSQSEvent)
	}
	return records, nil
}

// reader reads the records of an event. It copies the texts of a record that the handler needs:
// their places would keep no less memory, and they may have escapes.
type reader struct {
	scan.Cursor
	texts   scan.Texts
	arn     string // of the record before
	receive string // the receive count of the record before
	scratch []byte
}

// enterRecords moves the cursor behind the opening bracket of the member Records.
func (r *reader) enterRecords() bool {
	for r.Open('{'); r.Next('}'); r.Value() {
		if string(r.name()) == "Records" {
			r.Open('[')
			return !r.Failed()
		}
	}
	return false
}

func (r *reader) record(to *Record) {
	for r.Open('{'); r.Next('}'); {
		switch string(r.name()) {
		case "messageId":
			to.MessageID = r.text("")
		case "receiptHandle":
			to.receiptHandle = r.Value()
		case "body":
			to.body = r.Value()
		case "eventSourceARN":
			r.arn = r.text(r.arn)
			to.EventSourceARN = r.arn
		case "attributes":
			r.attributes(to)
		case "messageAttributes":
			r.messageAttributes(to)
		default:
			r.Value()
		}
	}
	if to.MessageID == "" {
		r.Fail()
	}
}

func (r *reader) attributes(to *Record) {
	if r.null() {
		to.Attributes = Attributes{}
		return
	}
	for r.Open('{'); r.Next('}'); {
		switch string(r.name()) {
		case "SentTimestamp":
			to.Attributes.SentTimestamp = r.text("")
		case "ApproximateReceiveCount":
			r.receive = r.text(r.receive)
			to.Attributes.ApproximateReceiveCount = r.receive
		case "MessageGroupId":
			to.Attributes.MessageGroupId = r.text("")
		case "SequenceNumber":
			to.Attributes.SequenceNumber = r.text("")
		default:
			r.Value()
		}
	}
}

func (r *reader) messageAttributes(to *Record) {
	if r.null() {
		to.messageAttributes = nil
		return
	}
	for r.Open('{'); r.Next('}'); {
		name := r.keep(r.unquote(r.Name()), "")
		a := to.messageAttribute(name)
		if a == nil {
			to.messageAttributes = append(to.messageAttributes, messageAttribute{name: name})
			a = &to.messageAttributes[len(to.messageAttributes)-1]
		}
		if r.null() {
			a.value, a.binary = "", false
			continue
		}
		for r.Open('{'); r.Next('}'); {
			switch string(r.name()) {
			case "stringValue":
				a.value = r.text("")
			case "binaryValue":
				a.binary = !r.null() && r.Value() != nil
			default:
				r.Value()
			}
		}
	}
}

// null reads a null, if that comes next.
func (r *reader) null() bool { return r.Peek() == 'n' && r.Value() != nil }

// name reads the name of a member. It is valid until the next text is read.
func (r *reader) name() []byte {
	name := r.Name()
	if r.Escaped() {
		return r.unquote(name)
	}
	return inner(name)
}

// inner is what stands between quotes.
func inner(quoted []byte) []byte { return quoted[min(1, len(quoted)):max(len(quoted)-1, 0)] }

// text reads a string; null is the empty one. The records of a batch often have the same text as
// the one before: then that is returned.
func (r *reader) text(before string) string {
	if r.null() {
		return ""
	}
	if r.Peek() != '"' {
		r.Fail()
		return ""
	}
	value := r.Value()
	if !r.Escaped() && utf8.Valid(value) {
		return r.keep(inner(value), before)
	}
	return r.keep(r.unquote(value), before)
}

// unquote returns what a string says, with the replacement character for what is not Unicode.
func (r *reader) unquote(quoted []byte) []byte {
	r.scratch, _ = scan.Unquote(r.scratch[:0], quoted)
	return r.scratch
}

// keep returns text as a string.
func (r *reader) keep(text []byte, before string) string {
	if string(text) == before {
		return before
	}
	return r.texts.Keep(text)
}
