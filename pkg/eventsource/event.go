package eventsource

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json/jsontext"
)

// eventLimit is the most bytes of an asynchronous or polled invocation, the whole event counted.
const eventLimit = 6 << 20

const (
	eventHead = `{"Records":[`
	eventTail = `]}`
)

// recordWriter writes messages as the records of a Lambda event
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event), by hand, because it
// happens once for each message and the shape is fixed.
type recordWriter struct {
	tail string // what is the same in every record
}

func newRecordWriter(arn string) recordWriter {
	return recordWriter{`,"eventSource":"aws:sqs","eventSourceARN":` + quote(arn) + `,"awsRegion":` + quote(regionOf(arn)) + `}`}
}

// regionOf reads arn:aws:sqs:REGION:account:name.
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}

func quote(s string) string { return string(appendQuoted(nil, s)) }

// appendQuoted replaces what is not UTF-8; SQS accepts none, so there is nothing to replace.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func (w recordWriter) append(b []byte, m *types.Message) []byte {
	b = append(b, `{"messageId":`...)
	b = appendQuoted(b, aws.ToString(m.MessageId))
	b = append(b, `,"receiptHandle":`...)
	b = appendQuoted(b, aws.ToString(m.ReceiptHandle))
	b = append(b, `,"body":`...)
	b = appendQuoted(b, aws.ToString(m.Body))
	b = appendSystemAttributes(b, m.Attributes)
	b = appendMessageAttributes(b, m.MessageAttributes)
	b = append(b, `,"md5OfBody":`...)
	b = appendQuoted(b, aws.ToString(m.MD5OfBody))
	if m.MD5OfMessageAttributes != nil {
		b = append(b, `,"md5OfMessageAttributes":`...)
		b = appendQuoted(b, *m.MD5OfMessageAttributes)
	}
	return append(b, w.tail...)
}

// systemAttributes are written in this order, so that equal messages make equal events; a name that is not here comes last.
var systemAttributes = []string{
	"ApproximateReceiveCount", "AWSTraceHeader", "SentTimestamp", "SequenceNumber", "MessageGroupId", "SenderId",
	"MessageDeduplicationId", "ApproximateFirstReceiveTimestamp", "DeadLetterQueueSourceArn",
}

func appendSystemAttributes(b []byte, attributes map[string]string) []byte {
	b = append(b, `,"attributes":{`...)
	written, separator := 0, ""
	for _, name := range systemAttributes {
		if value, ok := attributes[name]; ok {
			b = appendMember(b, separator, name, value)
			written, separator = written+1, ","
		}
	}
	if written < len(attributes) {
		for _, name := range slices.Sorted(maps.Keys(attributes)) {
			if !slices.Contains(systemAttributes, name) {
				b = appendMember(b, separator, name, attributes[name])
				separator = ","
			}
		}
	}
	return append(b, '}')
}

func appendMember(b []byte, separator, name, value string) []byte {
	b = append(b, separator...)
	b = appendQuoted(b, name)
	b = append(b, ':')
	return appendQuoted(b, value)
}

func appendMessageAttributes(b []byte, attributes map[string]types.MessageAttributeValue) []byte {
	if len(attributes) == 0 {
		return append(b, `,"messageAttributes":{}`...)
	}
	b = append(b, `,"messageAttributes":`...)
	separator := byte('{')
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		b = append(b, separator)
		b = appendQuoted(b, name)
		b = append(b, ':')
		b = appendMessageAttribute(b, attributes[name])
		separator = ','
	}
	return append(b, '}')
}

func appendMessageAttribute(b []byte, v types.MessageAttributeValue) []byte {
	b = append(b, '{')
	if v.StringValue != nil {
		b = append(b, `"stringValue":`...)
		b = appendQuoted(b, *v.StringValue)
		b = append(b, ',')
	}
	if v.BinaryValue != nil {
		b = append(b, `"binaryValue":"`...)
		b = base64.StdEncoding.AppendEncode(b, v.BinaryValue)
		b = append(b, `",`...)
	}
	b = append(b, `"stringListValues":[],"binaryListValues":[],"dataType":`...)
	b = appendQuoted(b, aws.ToString(v.DataType))
	return append(b, '}')
}
