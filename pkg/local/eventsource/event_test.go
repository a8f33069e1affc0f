package eventsource_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

func TestWritesRecordsAsAWSDoes(t *testing.T) {
	t.Parallel()
	client := endpoint(t, nil)
	url := newQueue(t, client, "record.fifo", map[string]string{})
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("a \"body\"\n\twith <tags> & 本 \U0001F600"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"text":   {DataType: aws.String("String.custom"), StringValue: aws.String(`"quoted"`)},
			"number": {DataType: aws.String("Number"), StringValue: aws.String("1.50")},
			"bytes":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255, 10}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	f := &function{}
	run(t, eventsource.Mapping{Queue: queue.New(client, url), Function: f})
	got := f.events[0].Records[0]
	want := events.SQSMessage{
		Body:      "a \"body\"\n\twith <tags> & 本 \U0001F600",
		Md5OfBody: sum("a \"body\"\n\twith <tags> & 本 \U0001F600"),
		MessageAttributes: map[string]events.SQSMessageAttribute{
			"text":   {DataType: "String.custom", StringValue: aws.String(`"quoted"`), StringListValues: []string{}, BinaryListValues: [][]byte{}},
			"number": {DataType: "Number", StringValue: aws.String("1.50"), StringListValues: []string{}, BinaryListValues: [][]byte{}},
			"bytes":  {DataType: "Binary", BinaryValue: []byte{0, 255, 10}, StringListValues: []string{}, BinaryListValues: [][]byte{}},
		},
		EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + prefix + "record.fifo", AWSRegion: "us-east-1",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(got, "MessageId", "ReceiptHandle", "Attributes", "Md5OfMessageAttributes")); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got.MessageId == "" || got.ReceiptHandle == "" || len(got.Md5OfMessageAttributes) != 32 {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp", "SequenceNumber"} {
		if got.Attributes[name] == "" {
			t.Errorf("no attribute %s in %v", name, got.Attributes)
		}
	}
	if got.Attributes["ApproximateReceiveCount"] != "1" || got.Attributes["MessageGroupId"] != "g" || got.Attributes["MessageDeduplicationId"] != "d" {
		t.Errorf("attributes %v", got.Attributes)
	}
}

func sum(body string) string {
	s := md5.Sum([]byte(body))
	return hex.EncodeToString(s[:])
}

// fakeSQS gives its answer to the first receive, and an empty one to every other call.
type fakeSQS struct {
	arn    string
	answer []byte
}

func (q *fakeSQS) Do(r *http.Request) (*http.Response, error) {
	body := []byte("{}")
	if calls(r, "GetQueueAttributes") {
		body = fmt.Appendf(nil, `{"Attributes":{"QueueArn":%q}}`, q.arn)
	}
	if calls(r, "ReceiveMessage") && q.answer != nil {
		body, q.answer = q.answer, nil
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// The function must read every message as it was sent, whatever is in it.
func TestFunctionReadsMessagesAsTheyWereSent(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("\"\\/\t\n\r <>&a本\U0001F600\u2028\ufffd\x7f")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		var want []events.SQSMessage
		for i := range rapid.IntRange(1, 5).Draw(t, "messages") {
			m := events.SQSMessage{
				MessageId: fmt.Sprint("id-", i), ReceiptHandle: "r" + text.Draw(t, "receipt"), Body: text.Draw(t, "body"),
				Attributes: map[string]string{"ApproximateReceiveCount": "1", "AWSTraceHeader": text.Draw(t, "trace")}, MessageAttributes: map[string]events.SQSMessageAttribute{},
				EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:q", AWSRegion: "eu-west-1",
			}
			m.Md5OfBody = sum(m.Body)
			for name, value := range rapid.MapOfN(text, text, 0, 3).Draw(t, "attributes") {
				m.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value, StringListValues: []string{}, BinaryListValues: [][]byte{}}
			}
			want = append(want, m)
		}
		cfg := config()
		cfg.HTTPClient = &fakeSQS{"arn:aws:sqs:eu-west-1:000000000000:q", onTheWire(t, want)}
		f := &function{}
		m := eventsource.Mapping{
			Queue: queue.New(queue.NewClient(cfg, "http://localhost"), "http://localhost/q"), Function: f, IdleTimeout: time.Nanosecond,
		}
		if _, err := m.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]events.SQSEvent{{Records: want}}, f.events); diff != "" {
			t.Fatalf("event (-want +got):\n%s", diff)
		}
	})
}

// onTheWire is the answer of ReceiveMessage, with white space as some servers write it.
func onTheWire(t *rapid.T, messages []events.SQSMessage) []byte {
	type attribute struct{ DataType, StringValue string }
	type message struct {
		MessageId, ReceiptHandle, Body, MD5OfBody string
		Attributes                                map[string]string
		MessageAttributes                         map[string]attribute
		Unknown                                   []int
	}
	var answer struct{ Messages []message }
	for _, m := range messages {
		attributes := map[string]attribute{}
		for name, a := range m.MessageAttributes {
			attributes[name] = attribute{a.DataType, *a.StringValue}
		}
		answer.Messages = append(answer.Messages, message{m.MessageId, m.ReceiptHandle, m.Body, m.Md5OfBody, m.Attributes, attributes, []int{1}})
	}
	b, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzReadMessages(f *testing.F) {
	for _, seed := range []string{
		// answers
		``, `{}`, `{"Messages":null}`, `{"Messages":[]}`,
		`{"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"b","MD5OfBody":"92eb5ffee6ae2fec3ad71c777531578f","Attributes":{"ApproximateReceiveCount":"2"}}]}`,
		`{ "Messages" : [ { "MessageId" : "\u0031", "ReceiptHandle":"r","Body":"", "Attributes" : { } , "MessageAttributes":{"a":{"DataType":"String"}} } ] , "x":1 }`,
		// not of the expected form
		`[]`, `{"Messages":{}}`, `{"Messages":[1]}`, `{"Messages":[{"MessageId":null,"ReceiptHandle":"r","Body":"b"}]}`, `{"Messages":[{"MessageId":"1","Body":"b"}]}`,
		`{"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"b","Attributes":[]}]}`, `{"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"b","MD5OfBody":"x"}]}`,
		// cut off
		`{"Messages":[{"MessageId":"1","Attributes":{"Appro`, `{"Messages":[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		before := bytes.Clone(answer)
		messages, err := eventsource.ReadMessages(answer, time.Time{})
		if err != nil && len(messages) > 0 {
			t.Error("an error and messages")
		}
		if !bytes.Equal(before, answer) {
			t.Error("the answer was changed")
		}
	})
}
