package sqsserver_test

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/sqsserver"
)

// client returns a client of a fresh server, or of SQS_TEST_ENDPOINT.
func client(tb testing.TB) *sqs.Client {
	tb.Helper()
	endpoint := os.Getenv("SQS_TEST_ENDPOINT")
	if endpoint == "" {
		s := sqsserver.New(sqsserver.Options{})
		web := httptest.NewServer(s)
		tb.Cleanup(func() { web.Close(); s.Close() })
		endpoint = web.URL
	}
	return sqs.New(sqs.Options{
		BaseEndpoint:     &endpoint,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
}

func newQueue(tb testing.TB, c *sqs.Client, attributes map[string]string) string {
	tb.Helper()
	name := "t-" + rand.Text()
	if attributes["FifoQueue"] == "true" {
		name += ".fifo"
	}
	out, err := c.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_, _ = c.DeleteQueue(context.WithoutCancel(tb.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
	})
	return *out.QueueUrl
}

func TestFirstPath(t *testing.T) {
	t.Parallel()
	c := client(t)
	dlq := newQueue(t, c, nil)
	got, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &dlq, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	url := newQueue(t, c, map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": `{"deadLetterTargetArn":"` + got.Attributes["QueueArn"] + `","maxReceiveCount":"2"}`})
	sent, err := c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("one"), MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}}},
		{Id: aws.String("b"), MessageBody: aws.String("two")},
	}})
	if err != nil || len(sent.Successful) != 2 {
		t.Fatal(sent, err)
	}
	start := time.Now()
	for i := range 2 {
		r, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"}})
		if err != nil || len(r.Messages) != 2-i {
			t.Fatal(i, r, err)
		}
		t.Log(time.Since(start), r.Messages[0].Attributes, r.Messages[0].MessageAttributes)
		for _, m := range r.Messages {
			if *m.Body == "two" {
				if _, err := c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{{Id: aws.String("x"), ReceiptHandle: m.ReceiptHandle}}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	r, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 2})
	if err != nil || len(r.Messages) != 0 {
		t.Fatal(r, err)
	}
	r, err = c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &dlq, WaitTimeSeconds: 2, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if err != nil || len(r.Messages) != 1 {
		t.Fatal(r, err)
	}
	t.Log(r.Messages[0].Attributes, *r.Messages[0].Body)
}
