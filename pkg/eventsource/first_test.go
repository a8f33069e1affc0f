package eventsource_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"

	"sqs2pg/pkg/eventsource"
)

type functionFunc func(e events.SQSEvent) (any, error)

func (f functionFunc) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	answer, err := f(e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func config() aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

func TestFirst(t *testing.T) {
	if os.Getenv("SQS_TEST_ENDPOINT") == "" {
		t.Skip("no endpoint")
	}
	cfg := config()
	c := eventsource.NewClient(cfg, os.Getenv("SQS_TEST_ENDPOINT"))
	ctx := t.Context()
	dlq, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("first-dlq")})
	if err != nil {
		t.Fatal(err)
	}
	q, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprintf("first-%d", time.Now().UnixNano())), Attributes: map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:first-dlq","maxReceiveCount":"3"}`}})
	if err != nil {
		t.Fatal(err)
	}
	_ = dlq
	for i := range 100 {
		var es []types.SendMessageBatchRequestEntry
		for j := range 10 {
			es = append(es, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(j)), MessageBody: aws.String(fmt.Sprint(i*10 + j))})
		}
		if _, err := c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: q.QueueUrl, Entries: es}); err != nil {
			t.Fatal(err)
		}
	}
	f := functionFunc(func(e events.SQSEvent) (any, error) {
		var r events.SQSEventResponse
		for _, m := range e.Records {
			if m.Body == "37" {
				r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return r, nil
	})
	m := eventsource.Mapping{Client: c, QueueURL: *q.QueueUrl, Function: f, BatchSize: 100, IdleTimeout: 2 * time.Second}
	s, err := m.Run(ctx)
	t.Logf("%+v %v", s, err)
	if s.DeadLettered != 1 || s.Succeeded != 999 {
		t.Error("wrong")
	}
}
