package sqsserver_test

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func TestDeliversBodiesUnchanged(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	for _, test := range []struct{ name, body string }{
		{"one character", "x"},
		{"spaces only", " "},
		{"JSON with a NUL escaped", `{"a":"\u0000"}`},
		{"markup", `<a href="x&y">'"\</a>`},
		{"all allowed control characters", "\t\n\r"},
		{"the ends of the allowed ranges", " \ud7ff\ue000\ufffd\U00010000\U0010ffff"},
		{"line separators of JavaScript", "\u2028\u2029"},
		{"1 MiB", strings.Repeat("m", 1<<20)},
		{"1 MiB that JSON escapes to 2 MiB", strings.Repeat(`"`, 1<<20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			skipKnown(t)
			f := fixture{t, f.Client}
			sent, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &test.body})
			f.must(err)
			got := f.one(f.receive(url))
			f.delete(url, got)
			sum := md5.Sum([]byte(test.body))
			want := types.Message{Body: &test.body, MessageId: sent.MessageId, MD5OfBody: aws.String(hex.EncodeToString(sum[:]))}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.Message{}), cmpopts.IgnoreFields(types.Message{}, "ReceiptHandle", "Attributes")); diff != "" {
				t.Errorf("-sent +received:\n%.2000s", diff)
			}
		})
	}
}

func TestRefusesMessages(t *testing.T) {
	f := start(t)
	standard, fifo := f.queue(nil), f.queue(attributes{"FifoQueue": "true"})
	small := f.queue(attributes{"MaximumMessageSize": "1024"})
	const characters = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
	const tooLong = "One or more parameters are invalid. Reason: Message must be shorter than "
	for _, test := range []struct {
		name, queue string
		message     sqs.SendMessageInput
		code, text  string
	}{
		{"a body with NUL", standard, sqs.SendMessageInput{MessageBody: aws.String("a\x00b")}, "InvalidMessageContents", characters},
		{"a body with U+FFFE", standard, sqs.SendMessageInput{MessageBody: aws.String("\ufffe")}, "InvalidMessageContents", characters},
		{"an empty body", standard, sqs.SendMessageInput{MessageBody: aws.String("")}, "MissingParameter", "The request must contain the parameter MessageBody."},
		{"a body over 1 MiB", standard, sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", 1<<20+1))}, "InvalidParameterValue", tooLong + "1048576 bytes."},
		{"a body over the queue's maximum", small, sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", 1025))}, "InvalidParameterValue", tooLong + "1024 bytes."},
		{
			"body and attributes over the queue's maximum together", small,
			sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", 1015)), MessageAttributes: map[string]types.MessageAttributeValue{"k": text("123")}},
			"InvalidParameterValue", tooLong + "1024 bytes.",
		},
		{"too long a delay", standard, sqs.SendMessageInput{MessageBody: aws.String("x"), DelaySeconds: 901}, "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{
			"a delay of a single message on a FIFO queue", fifo,
			sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d"), DelaySeconds: 5},
			"InvalidParameterValue", "Value 5 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.",
		},
		{"no group on a FIFO queue", fifo, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageDeduplicationId: aws.String("d")}, "MissingParameter", "The request must contain the parameter MessageGroupId."},
		{
			"no deduplication id on a FIFO queue", fifo, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("g")},
			"InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
		},
		{
			"a group with a space", fifo, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("a b"), MessageDeduplicationId: aws.String("d")},
			"InvalidParameterValue", "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
		},
		{
			"an empty group on a standard queue", standard, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("")},
			"InvalidParameterValue", "Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
		},
		{
			"an empty deduplication id", fifo, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("")},
			"InvalidParameterValue", "Value  for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
		},
		{
			"a deduplication id on a standard queue", standard, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageDeduplicationId: aws.String("d")},
			"InvalidParameterValue", "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.",
		},
	} {
		f.sub(test.name, func(f fixture) {
			test.message.QueueUrl = &test.queue
			_, err := f.SendMessage(f.Context(), &test.message)
			f.refused(err, test.code, test.text)
		})
	}
}

func TestDeliversAttributesUnchanged(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	sent := map[string]types.MessageAttributeValue{
		"text":          text("grüße"),
		"count":         {DataType: aws.String("Number"), StringValue: aws.String("-1.5e10")},
		"labelled.int":  {DataType: aws.String("Number.int"), StringValue: aws.String("7")},
		"bytes":         {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 254, 255}},
		"labelled-png_": {DataType: aws.String("Binary.png"), BinaryValue: []byte("png")},
	}
	out, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), MessageAttributes: sent})
	f.must(err)
	got := f.one(f.receive(url))
	if diff := cmp.Diff(sent, got.MessageAttributes, cmpopts.IgnoreUnexported(types.MessageAttributeValue{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-sent +received:\n%s", diff)
	}
	// Computed independently of this package, with Python's hashlib and AWS's description.
	const want = "62202207a2574fd4e551660243124750"
	if *out.MD5OfMessageAttributes != want || *got.MD5OfMessageAttributes != want {
		t.Errorf("MD5 of the attributes: %s when sent, %s when received, want %s", *out.MD5OfMessageAttributes, *got.MD5OfMessageAttributes, want)
	}
}

func TestRefusesMessageAttributes(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	eleven := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		eleven["a"+strconv.Itoa(i)] = text("x")
	}
	named := func(name string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: text("x")}
	}
	typed := func(dataType, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"k": {DataType: &dataType, StringValue: &value}}
	}
	const reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'."
	const letters = "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. "
	for _, test := range []struct {
		name       string
		attributes map[string]types.MessageAttributeValue
		code, text string
	}{
		{"more than ten", eleven, "InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."},
		{"a name with a space", named("a b"), "InvalidParameterValue", letters},
		{"a name with two periods in a row", named("a..b"), "InvalidParameterValue", letters},
		{"a name that begins with a period", named(".a"), "InvalidParameterValue", reserved},
		{"a name that ends with a period", named("a."), "InvalidParameterValue", reserved},
		{"a name that AWS reserves", named("aws.a"), "InvalidParameterValue", reserved},
		{"a name of 257 characters", named(strings.Repeat("a", 257)), "InvalidParameterValue", "Message (user) attribute names must be shorter than 256 Bytes"},
		{"an unknown type", typed("Boolean", "true"), "InvalidParameterValue", "The message attribute 'k' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."},
		{"an empty type", typed("", "true"), "InvalidParameterValue", "The message attribute 'k' must contain non-empty message attribute type."},
		{"an empty value", typed("String", ""), "InvalidParameterValue", "Message (user) attribute 'k' must contain a non-empty value of type 'String'."},
		{"a number that is text", typed("Number", "seven"), "InvalidParameterValue", "Can't cast the value of message (user) attribute 'k' to a number."},
		{"a value with NUL", typed("String", "\x00"), "InvalidParameterValue", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"},
	} {
		f.sub(test.name, func(f fixture) {
			_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), MessageAttributes: test.attributes})
			f.refused(err, test.code, test.text)
		})
	}
}

func TestDeliversTraceHeader(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	out, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("x"),
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(trace)},
		},
	})
	f.must(err)
	if aws.ToString(out.MD5OfMessageSystemAttributes) == "" {
		t.Error("no MD5OfMessageSystemAttributes")
	}
	if got := f.one(f.receive(url)).Attributes["AWSTraceHeader"]; got != trace {
		t.Errorf("got %q", got)
	}
}

func TestSetsSystemAttributes(t *testing.T) {
	f := start(t)
	url := f.queue(nil)
	_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), MessageGroupId: aws.String("tenant")})
	f.must(err)
	message := f.one(f.receive(url))
	f.show(url, message)
	first := message.Attributes
	second := f.one(f.receive(url)).Attributes
	if first["ApproximateReceiveCount"] != "1" || second["ApproximateReceiveCount"] != "2" {
		t.Errorf("receive counts %s and %s, want 1 and 2", first["ApproximateReceiveCount"], second["ApproximateReceiveCount"])
	}
	delete(first, "ApproximateReceiveCount")
	delete(second, "ApproximateReceiveCount")
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second receive changed other attributes, -first +second:\n%s", diff)
	}
	if first["MessageGroupId"] != "tenant" || first["SenderId"] == "" {
		t.Errorf("got %v", first)
	}
	sent, _ := strconv.ParseInt(first["SentTimestamp"], 10, 64)
	received, _ := strconv.ParseInt(first["ApproximateFirstReceiveTimestamp"], 10, 64)
	if sent < 1e12 || received < sent {
		t.Errorf("sent at %d, first received at %d, want milliseconds in order", sent, received)
	}
}
