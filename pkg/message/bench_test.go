package message_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"sqs2pg/pkg/local/sample"
	"sqs2pg/pkg/message"
)

// BenchmarkRead reads an event of 1,000 logins, with their bodies.
func BenchmarkRead(b *testing.B) {
	var event events.SQSEvent
	for i, body := range sample.ValidLogins(1000, 1) {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Body: body, ReceiptHandle: "receipt", EventSource: "aws:sqs",
			EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:login-queue", AWSRegion: "us-east-1",
			Attributes: map[string]string{"SentTimestamp": "1772409599999", "ApproximateReceiveCount": "1", "SenderId": "AIDA", "ApproximateFirstReceiveTimestamp": "1772409599999"},
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		records, err := message.Read(payload)
		if err != nil {
			b.Fatal(err)
		}
		for i := range records {
			if buf, err = records[i].Body(buf[:0]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
