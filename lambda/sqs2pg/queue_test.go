package main

import (
	"testing"

	"sqs2pg/pkg/local/sqsserver/sqstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// startSQS serves an SQS of the test's own.
func startSQS(t *testing.T) (endpoint string) {
	t.Helper()
	return sqstest.Start(t).URL
}

func client(t *testing.T, endpoint string) *sqs.Client {
	t.Helper()
	c, err := newSQS(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func createQueue(t *testing.T, endpoint, name string, attributes map[string]string) (queueURL string) {
	t.Helper()
	out, err := client(t, endpoint).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// count is how many messages a queue holds, visible or not.
func count(t *testing.T, endpoint, queueURL string) string {
	t.Helper()
	out, err := client(t, endpoint).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := out.Attributes["ApproximateNumberOfMessagesNotVisible"]; n != "0" {
		return n + " in flight"
	}
	return out.Attributes["ApproximateNumberOfMessages"]
}

// sendAs sends bodies as events with identities of their own, so that they can be sent again as the same.
func sendAs(t *testing.T, endpoint, queueURL string, bodies []string, id func(i int) string) {
	t.Helper()
	c := client(t, endpoint)
	text := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
	}
	for start := 0; start < len(bodies); start += 10 {
		batch := nextSend(bodies[start:])
		for i := range batch {
			batch[i].MessageAttributes = map[string]types.MessageAttributeValue{"event-id": text(id(start + i)), "event-sent-at": text("2026-03-01T12:00:00Z")}
		}
		if _, err := c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: batch}); err != nil {
			t.Fatal(err)
		}
	}
}
