package eventsource_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/eventsource"
)

type canned struct{ body []byte }

func (c canned) Do(r *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body)), ContentLength: int64(len(c.body)), Request: r}, nil
}

func BenchmarkSDK(b *testing.B) {
	cfg := config()
	cfg.HTTPClient = canned{[]byte(`{"Messages":[]}`)}
	c := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = aws.String("http://x") })
	url := "http://x/000000000000/q"
	b.Run("receive-empty", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		}
	})
	msgs := &bytes.Buffer{}
	msgs.WriteString(`{"Messages":[`)
	for i := range 10 {
		if i > 0 {
			msgs.WriteByte(',')
		}
		fmt.Fprintf(msgs, `{"MessageId":"424cdd21-063a-43a7-b91b-7ca1a833afae","ReceiptHandle":"NDI0Y2RkMjEtMDYzYS00M2E3LWI5MWItN2NhMWE4MzNhZmFlIDAwMDAwMDAwMDAwMDAwMDAwMDAgNDI0Y2RkMjEtMDYzYS00M2E3LWI5MWItN2NhMWE4MzNhZmFl","MD5OfBody":"424cdd21063a43a7b91b7ca1a833afae","Body":%q,"Attributes":{"SenderId":"AIDAIENQZJOLO23YVJ4VO","SentTimestamp":"1700000000000","ApproximateReceiveCount":"1","ApproximateFirstReceiveTimestamp":"1700000000000"}}`, login)
	}
	msgs.WriteString(`]}`)
	cfg.HTTPClient = canned{msgs.Bytes()}
	c2 := eventsource.NewClient(cfg, "http://x")
	b.Run("receive-10", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c2.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		}
	})
	b.Run("delete-10", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var es []types.DeleteMessageBatchRequestEntry
			for i := range 10 {
				es = append(es, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: aws.String("NDI0Y2RkMjEtMDYzYS00M2E3LWI5MWItN2NhMWE4MzNhZmFlIDAwMDAwMDAwMDAwMDAwMDAwMDAgNDI0Y2RkMjEtMDYzYS00M2E3LWI5MWItN2NhMWE4MzNhZmFl")})
			}
			c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: es})
		}
	})
}
