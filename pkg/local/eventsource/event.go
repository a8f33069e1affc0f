package eventsource

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// eventLimit is the most bytes of an asynchronous or polled invocation, the whole event counted.
const eventLimit = 6 << 20

const (
	eventHead = `{"Records":[`
	eventTail = `]}`
)

// recordWriter writes messages as the records of a Lambda event
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event).
// It writes the JSON by hand, because it does so for each message and the shape is fixed.
type recordWriter struct {
	tail string // the members that are the same in every record
}

func newRecordWriter(arn, region string) recordWriter {
	return recordWriter{`,"eventSource":"aws:sqs","eventSourceARN":` + quote(arn) + `,"awsRegion":` + quote(region) + `}`}
}

func quote(s string) string { return string(appendQuoted(nil, s)) }

// appendQuoted replaces invalid UTF-8, which SQS never delivers.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func (w recordWriter) append(b []byte, m *wireMessage) []byte {
	b = append(append(b, `{"messageId":`...), m.id...)
	b = append(append(b, `,"receiptHandle":`...), m.receipt...)
	b = append(append(b, `,"body":`...), m.body...)
	b = append(append(b, `,"attributes":`...), orEmpty(m.attributes, "{}")...)
	b = append(b, `,"messageAttributes":`...)
	b = appendMessageAttributes(b, m.messageAttributes)
	b = append(append(b, `,"md5OfBody":`...), orEmpty(m.md5, `""`)...)
	if m.md5OfMessageAttrs != nil {
		b = append(append(b, `,"md5OfMessageAttributes":`...), m.md5OfMessageAttrs...)
	}
	return append(b, w.tail...)
}

func orEmpty(value []byte, empty string) []byte {
	if value == nil {
		return []byte(empty)
	}
	return value
}

// appendMessageAttributes turns SQS's {"name":{"DataType":...}} into Lambda's
// {"name":{"dataType":...}}. Most messages have no attributes.
func appendMessageAttributes(b, wire []byte) []byte {
	var attributes map[string]messageAttribute
	if wire == nil || json.Unmarshal(wire, &attributes) != nil || len(attributes) == 0 {
		return append(b, `{}`...)
	}
	separator := byte('{')
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		b = append(b, separator)
		b = appendQuoted(b, name)
		b = append(b, ':')
		b = attributes[name].append(b)
		separator = ','
	}
	return append(b, '}')
}

// messageAttribute holds its values as JSON. A binary value is base64 in SQS and in Lambda.
type messageAttribute struct {
	DataType    jsontext.Value
	StringValue jsontext.Value
	BinaryValue jsontext.Value
}

func (a messageAttribute) append(b []byte) []byte {
	b = append(b, '{')
	if present(a.StringValue) {
		b = append(append(append(b, `"stringValue":`...), a.StringValue...), ',')
	}
	if present(a.BinaryValue) {
		b = append(append(append(b, `"binaryValue":`...), a.BinaryValue...), ',')
	}
	b = append(b, `"stringListValues":[],"binaryListValues":[],"dataType":`...)
	return append(append(b, orEmpty(a.DataType, `""`)...), '}')
}

func present(v jsontext.Value) bool { return v.Kind() == '"' }
